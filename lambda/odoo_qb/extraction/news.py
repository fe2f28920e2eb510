"""What is new in Odoo since the last run, and whether what waits is still there: in two calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.extraction.watermark import CLOCK_MARGIN, LOOKBACK, Watermark, as_instant, as_text
from odoo_qb.odoo import search

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from odoo_qb.guarding import Faults
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.search import Changed

WATCHED_AT_ONCE: Final = 4000  # ids in one question, which are 30 kB
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WHAT_TO_DO: Final = "Correct the clock of its server. No bills are lost."


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a plain run's search found; `now` is Odoo's clock then, as far as it is known."""

    changed: Sequence[Changed]
    there: frozenset[int]  # all that was listed: of what is watched, the rest needs a closer look
    now: datetime


def news(
    odoo: OdooClient,
    position: Watermark,
    dated_from: date,
    watched: Collection[int],
    now: datetime,
    faults: Faults,
    watched_at_once: int = WATCHED_AT_ONCE,
) -> News:
    """Search for what changed after a position, and for the documents `watched` in any case.

    Of those, `watched_at_once` are searched for in one call.
    """

    def changed_since(since: str) -> list[Changed]:
        first = sorted(watched)[:watched_at_once]
        return search.search_changed(
            odoo, watermark=since, dated_from=dated_from, also=first, faults=faults
        )

    found = changed_since(position.search_from)
    odoo_now = clock_of(odoo, found, now)
    since = position.search_from
    behind = as_instant(position.written) - odoo_now if position.written else timedelta()
    if behind > CLOCK_MARGIN:
        # Its clock was put back: what was written since lies before what was seen.
        since = as_text(as_instant(position.written) - abs(odoo_now - now) - LOOKBACK)
        found = changed_since(since)
    start = since or position.after(found, len(found), now, odoo_now).search_from
    with_files = [c.odoo_id for c in found if c.files]
    stamps = search.changed_files(odoo, with_files, start) if with_files and start else {}
    found = [replace(c, stamps=stamps.get(c.odoo_id, ())) for c in found]
    there = {c.odoo_id for c in found}
    for batch in batched(sorted(watched)[watched_at_once:], watched_at_once):
        there |= search.listed(odoo, batch)
    changed = [c for c in found if not since or not c.changed or c.changed >= since]
    return News(changed=changed, there=frozenset(there), now=odoo_now)


def clock_of(odoo: OdooClient, found: Sequence[Changed], now: datetime) -> datetime:
    """Odoo's clock: what its answer said, else the latest of its dates that is yet to come."""
    if odoo.clock:
        return odoo.clock
    return max([now, *(as_instant(c.written) for c in found if c.written)])


def clock_troubles(odoo_now: datetime, found: Sequence[Changed], now: datetime) -> list[str]:
    """That Odoo's clock is wrong, or was when something was written; a sentence each."""
    off = odoo_now - now
    if abs(off) > CLOCK_MARGIN:
        way = "ahead" if off > timedelta() else "behind"
        return [f"Odoo's clock is {_about(abs(off))} {way}. {_WHAT_TO_DO}"]
    latest = max((c.written for c in found), default="")
    if latest <= as_text(now + CLOCK_MARGIN):
        return []
    said = f"Odoo reports a change at {latest} UTC, which is in the future"
    return [f"{said}. Check the clock of its server. No bills are lost."]


def _about(time: timedelta) -> str:
    """A time as people say it, so coarse that it stays the same from run to run."""
    for unit, name in ((_DAY, "days"), (_HOUR, "hours")):
        if time >= 2 * unit:
            return f"about {round(time / unit)} {name}"
    return "more than an hour" if time >= _HOUR else "a few minutes"
