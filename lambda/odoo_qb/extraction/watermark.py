"""How far Odoo has been read: kept so that nothing is missed and nothing is read in vain.

Odoo's write_date is when a transaction began, told without its fraction: what commits late
lies before what was seen already, and one second may hold hundreds of bills. So every run
looks back, and what it finds again is compared, not trusted. Nor is Odoo's clock: a date that is
yet to come moves the position no further than today.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odoo_qb.odoo.search import Changed

LOOKBACK: Final = timedelta(minutes=15)  # longer than any transaction of Odoo's may last
# So far Odoo's clock may be off without anybody being told; the look-back has room for it.
CLOCK_MARGIN: Final = timedelta(minutes=5)
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """All that was written up to `written` (Odoo's text) is in the table.

    `seen` is a hash of what the next search will find if nothing changes, `read_at` (ISO, UTC)
    when that was read, by Odoo's clock; both empty when the next run has to read all it finds.
    """

    written: str = ""
    seen: str = ""
    read_at: str = ""

    @property
    def search_from(self) -> str:
        """From when on the next search asks, in Odoo's text; empty before the first run."""
        return as_text(as_instant(self.written) - LOOKBACK) if self.written else ""

    def knows(self, found: Sequence[Changed]) -> bool:
        """Whether all of this was read before, late enough for nothing to hide in its second.

        What Odoo dates far ahead was not written when it was read, whatever it says.
        """
        if not self.seen or self.seen != _hash(found):
            return False
        read_at = datetime.fromisoformat(self.read_at)
        at = [as_instant(c.written) for c in found if c.written]
        return all(not read_at - LOOKBACK < instant < read_at + LOOKBACK for instant in at)

    def after(
        self, found: Sequence[Changed], safe: int, now: datetime, odoo_now: datetime
    ) -> Watermark:
        """The position once the first `safe` of what a search found are in the table.

        It is never beyond our own clock nor, as that was when it answered, beyond Odoo's: what is
        written once a clock was put right must not lie before it.
        """
        limit = as_text(min(now, odoo_now) + CLOCK_MARGIN)
        reached = max([self.written, *(c.written for c in found[:safe] if c.written <= limit)])
        if not reached and found and safe == len(found):
            reached = as_text(min(now, odoo_now))  # all of it is dated in the future
        position = Watermark(written=min(reached, limit))
        if safe < len(found) or not reached:
            return position
        start = position.search_from
        expected = [c.since(start) for c in found if not c.changed or c.changed >= start]
        return Watermark(
            written=position.written, seen=_hash(expected), read_at=odoo_now.isoformat()
        )

    def note(self) -> dict[str, str]:
        """As the table keeps it."""
        return {"written": self.written, "seen": self.seen, "read_at": self.read_at}


def position_of(note: Mapping[str, object], now: datetime) -> Watermark:
    """The position in the table's note; ValueError where it is none, or yet to come."""
    position = Watermark(**{k: str(note.get(k, "")) for k in ("written", "seen", "read_at")})
    if position.seen and datetime.fromisoformat(position.read_at).tzinfo is None:
        raise ValueError(f"{position.read_at} has no zone")
    if position.written and as_instant(position.written) > now + LOOKBACK:
        raise ValueError(f"{position.written} is yet to come")
    return position


def as_instant(text: str) -> datetime:
    """Odoo's text of an instant; ValueError where it is none."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def as_text(instant: datetime) -> str:
    """An instant as Odoo writes it."""
    return instant.strftime(_FORMAT)


def _hash(found: Iterable[Changed]) -> str:
    rows = sorted([c.odoo_id, c.written, c.files, c.stamps] for c in found)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
