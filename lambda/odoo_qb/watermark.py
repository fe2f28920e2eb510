"""How far Odoo has been read: kept so that nothing is missed and nothing is read in vain.

Odoo's write_date is when a transaction began, told without its fraction: what commits late
lies before what was seen already, and one second may hold hundreds of bills. So every run
looks back, and what it finds again is compared, not trusted.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odoo_qb.books import Changed
    from odoo_qb.item import Raw

LOOKBACK: Final = timedelta(minutes=15)  # longer than any transaction of Odoo's may last
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """All that was written up to `written` (Odoo's text) is in the table.

    `seen` is a hash of what the next search will find if nothing changes, `read_at` (ISO, UTC)
    when that was read; both empty when the next run has to read all it finds.
    """

    written: str = ""
    seen: str = ""
    read_at: str = ""

    @property
    def search_from(self) -> str:
        """From when on the next search asks, in Odoo's text; empty before the first run."""
        return _text(_instant(self.written) - LOOKBACK) if self.written else ""

    def knows(self, found: Sequence[Changed]) -> bool:
        """Whether all of this was read before, late enough for nothing to hide in its second."""
        if not self.seen or self.seen != _hash(found):
            return False
        return datetime.fromisoformat(self.read_at) >= _instant(self.written) + LOOKBACK

    def after(
        self, found: Sequence[Changed], safe: int, latest: Mapping[int, str], now: datetime
    ) -> Position:
        """The position once the first `safe` of what a search found are in the table.

        `latest` has for each document read the last change of it or of its files.
        """
        reached = max([self.written, *(c.written for c in found[:safe])])
        position = Position(written=reached)
        if safe < len(found) or not reached:
            return position
        expected: Iterable[Changed] = found
        if reached > self.written:
            start = position.search_from
            expected = [c for c in found if max(c.written, latest.get(c.odoo_id, "")) >= start]
        return Position(written=reached, seen=_hash(expected), read_at=now.isoformat())

    def note(self) -> dict[str, str]:
        """As the table keeps it."""
        return {"written": self.written, "seen": self.seen, "read_at": self.read_at}


def position_of(note: Raw) -> Position:
    """The position in the table's note."""
    return Position(**{k: str(note.get(k, "")) for k in ("written", "seen", "read_at")})


def _hash(found: Iterable[Changed]) -> str:
    rows = sorted([c.odoo_id, c.written, *c.files] for c in found)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _instant(text: str) -> datetime:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def _text(instant: datetime) -> str:
    return instant.strftime(_FORMAT)
