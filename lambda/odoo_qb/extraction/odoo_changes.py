"""Search Odoo for changes since the last run, and for waiting bills: two calls in all."""

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

    from odoo_qb.guarding import BadRecords
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.search import Changed

WATCHED_AT_ONCE: Final = 4000  # ids in one call, about 30 kB
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WHAT_TO_DO: Final = "Correct the clock of its server. No bills are lost."


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooChanges:
    """What a plain run's search found; `now` is Odoo's clock at that time, if known."""

    changed: Sequence[Changed]
    listed_ids: frozenset[int]  # all ids listed; watched ids that are missing need a check
    now: datetime


def find_changes(
    odoo: OdooClient,
    position: Watermark,
    dated_from: date,
    watched: Collection[int],
    now: datetime,
    bad_records: BadRecords,
    watched_at_once: int = WATCHED_AT_ONCE,
) -> OdooChanges:
    """Search for what changed after a position, and for the documents `watched` in any case.

    Of those, `watched_at_once` are searched for in one call.
    """

    def changed_since(since: str) -> list[Changed]:
        first = sorted(watched)[:watched_at_once]
        return search.search_changed(
            odoo, watermark=since, dated_from=dated_from, also=first, bad_records=bad_records
        )

    found = changed_since(position.search_from)
    odoo_now = clock_of(odoo, found, now)
    since = position.search_from
    behind = as_instant(position.written) - odoo_now if position.written else timedelta()
    if behind > CLOCK_MARGIN:
        # Odoo's clock was set back: new changes are dated before what was seen.
        since = as_text(as_instant(position.written) - abs(odoo_now - now) - LOOKBACK)
        found = changed_since(since)
    start = since or position.after(found, len(found), now, odoo_now).search_from
    with_files = [c.odoo_id for c in found if c.files]
    stamps = search.changed_files(odoo, with_files, start) if with_files and start else {}
    found = [replace(c, stamps=stamps.get(c.odoo_id, ())) for c in found]
    listed_ids = {c.odoo_id for c in found}
    for batch in batched(sorted(watched)[watched_at_once:], watched_at_once):
        listed_ids |= search.listed(odoo, batch)
    changed = [c for c in found if not since or not c.changed or c.changed >= since]
    return OdooChanges(changed=changed, listed_ids=frozenset(listed_ids), now=odoo_now)


def clock_of(odoo: OdooClient, found: Sequence[Changed], now: datetime) -> datetime:
    """Odoo's clock: as its answer said, or else its latest date in the future, or else ours."""
    if odoo.clock:
        return odoo.clock
    return max([now, *(as_instant(c.written) for c in found if c.written)])


def clock_troubles(odoo_now: datetime, found: Sequence[Changed], now: datetime) -> list[str]:
    """A sentence if Odoo's clock is wrong, or was when something was written."""
    off = odoo_now - now
    if abs(off) > CLOCK_MARGIN:
        way = "ahead" if off > timedelta() else "behind"
        return [f"Odoo's clock is {_about(abs(off))} {way}. {_WHAT_TO_DO}"]
    latest = max((c.written for c in found), default="")
    if latest <= as_text(now + CLOCK_MARGIN):
        return []
    reason = f"Odoo reports a change at {latest} UTC, which is in the future"
    return [f"{reason}. Check the clock of its server. No bills are lost."]


def _about(time: timedelta) -> str:
    """A duration in words, coarse enough to stay the same from run to run."""
    for unit, name in ((_DAY, "days"), (_HOUR, "hours")):
        if time >= 2 * unit:
            return f"about {round(time / unit)} {name}"
    return "more than an hour" if time >= _HOUR else "a few minutes"
