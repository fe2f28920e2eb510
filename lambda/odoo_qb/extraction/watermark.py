"""How far Odoo has been read, so that nothing is missed and little is read twice.

Odoo's write_date is the start of a transaction, without fractions of a second: a late commit is
dated before what was seen already, and one second may hold hundreds of bills. So every run looks
back, and compares what it finds again. Odoo's clock may be wrong: a date in the future does not
move the position beyond today.
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

LOOKBACK: Final = timedelta(minutes=15)  # longer than any transaction in Odoo may last
# Odoo's clock may be off by this much without a report; looking back covers it.
CLOCK_MARGIN: Final = timedelta(minutes=5)
_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Everything written up to `written` (Odoo's text) is in the table.

    `seen` is a hash of what the next search finds if nothing changes, `read_at` (ISO, UTC) is when
    that was read, by Odoo's clock; both are empty if the next run must read all it finds.
    """

    written: str = ""
    seen: str = ""
    read_at: str = ""

    @property
    def search_from(self) -> str:
        """The start of the next search, in Odoo's text; empty before the first run."""
        return as_text(as_instant(self.written) - LOOKBACK) if self.written else ""

    def knows(self, found: Sequence[Changed]) -> bool:
        """Whether all of this was read before, late enough to miss no change of the same second.

        Dates far in the future or past of that reading prove nothing.
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

        It is never beyond our clock or Odoo's at the time of its answer: changes made after a wrong
        clock was corrected must not be dated before it.
        """
        limit = as_text(min(now, odoo_now) + CLOCK_MARGIN)
        reached = max([self.written, *(c.written for c in found[:safe] if c.written <= limit)])
        if not reached and found and safe == len(found):
            reached = as_text(min(now, odoo_now))  # everything is dated in the future
        position = Watermark(written=min(reached, limit))
        if safe < len(found) or not reached:
            return position
        start = position.search_from
        expected = [c.since(start) for c in found if not c.changed or c.changed >= start]
        return Watermark(
            written=position.written, seen=_hash(expected), read_at=odoo_now.isoformat()
        )

    def note(self) -> dict[str, str]:
        """The position as the table stores it."""
        return {"written": self.written, "seen": self.seen, "read_at": self.read_at}


def position_of(note: Mapping[str, object], now: datetime) -> Watermark:
    """The position in the table's note; ValueError if it is invalid or in the future."""
    position = Watermark(**{k: str(note.get(k, "")) for k in ("written", "seen", "read_at")})
    if position.seen and datetime.fromisoformat(position.read_at).tzinfo is None:
        raise ValueError(f"{position.read_at} has no zone")
    if position.written and as_instant(position.written) > now + LOOKBACK:
        raise ValueError(f"{position.written} is yet to come")
    return position


def as_instant(text: str) -> datetime:
    """The instant in Odoo's text; ValueError if it is not one."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)


def as_text(instant: datetime) -> str:
    """An instant as Odoo writes it."""
    return instant.strftime(_FORMAT)


def _hash(found: Iterable[Changed]) -> str:
    rows = sorted([c.odoo_id, c.written, c.files, c.stamps] for c in found)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
