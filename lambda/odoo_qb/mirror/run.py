"""One run of the mirror over one kind of records of one connection.

A quiet run costs one call to the source: its count and the time of the last write say that
nothing came and nothing went. Else the ids and times within the window are listed, and what is not
known as it is there is read by id. The window reaches back, because a transaction that commits late
carries the time of its start. Once a day ids are compared one by one, and names that change without
any record's time telling.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.mirror.applying import READ, Applying, OutOfTime
from odoo_qb.mirror.archived import LAYOUT, mark_archived
from odoo_qb.mirror.deletions import differing, remove_gone
from odoo_qb.mirror.report import Report
from odoo_qb.mirror.state import (
    CLOCKS,
    LOOK_BACK,
    Recent,
    State,
    earlier,
    load_recent,
    load_state,
    text_of,
)
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Source, Summary
    from odoo_qb.store.mirror_table import MirrorTable

_SAME_SECOND: Final = timedelta(seconds=2)  # the source's clock and its answers, both cut
_AHEAD: Final = timedelta(minutes=1)
_MANY: Final = (
    20_000  # changed records: so many are dealt with like a first load, over several runs
)
_MARGIN: Final = 20.0  # seconds that a batch of a thousand takes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants of a run."""

    full: bool = False
    dry_run: bool = False
    accept_deletions: bool = False


class KindRun:
    """A run; `run` never raises for what a source or a record does, its report says it."""

    def __init__(
        self,
        *,
        source: Source,
        table: MirrorTable,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float],
        wanted: Wanted,
        batch: int = READ,
    ) -> None:
        self._source = source
        self._table = table
        self._our_clock = clock
        self._wanted = wanted
        self.report = Report(connection=table.connection, kind=table.kind)
        self._state = State()
        self._ahead = 0
        self._applying = Applying(
            source=source,
            table=table,
            report=self.report,
            now=clock(),
            read_at=lambda: text_of(self._clock()),
            in_time=lambda: seconds_left() > _MARGIN,
            dry_run=wanted.dry_run,
            batch=batch,
        )

    def run(self) -> Report:
        """Bring the mirror up to date; what was done, or why it could not be."""
        started, calls = time.monotonic(), self._source.calls
        try:
            self._run()
        except OutOfTime:
            self.report.complete = False
            self.report.held = self._held()
        except (Refused, Unavailable) as error:
            self.report.error = str(error)
        self.report.calls = self._source.calls - calls
        self.report.seconds = time.monotonic() - started
        return self.report

    def _run(self) -> None:
        state = self._state = load_state(self._table)
        self._applying.unreadable = set(state.unreadable)
        self._applying.gone_up_to = state.gone_up_to
        if state.writing and not self._wanted.dry_run:
            self._table.mend(state.writing)
        was_loaded = bool(state.since or state.reading)
        if was_loaded and state.layout < LAYOUT and not self._wanted.dry_run:
            mark_archived(self._table, self._applying.check_time)
            state.oldest = state.oldest or keys.FIRST_MONTH  # nobody noted it while it was loaded
            self._keep({"layout": LAYOUT, "oldest": state.oldest})
        self._applying.oldest = state.oldest
        summary = self._source.summary(self._table.kind)
        begun, ours = self._clock(), self._our_clock()
        self.report.source = summary.count
        thorough = state.compared_on != f"{ours:%Y-%m-%d}"
        # A clock that was ahead and was set back: what was written since lies before our window.
        ahead = round((begun - ours).total_seconds())
        anew = bool(state.reading or state.since) and ahead < state.ahead - _AHEAD.total_seconds()
        if thorough and not anew and (state.reading or state.since):
            anew = self._source.shown(self._table.kind) != state.shown
        self._ahead = ahead
        if self._wanted.full or anew or state.is_reading_all:
            self._read_all(begun, anew=anew or (self._wanted.full and not state.reading))
        else:
            self._read_changes(summary, begun)
        self._reread(state.reread, handled=self._applying.handled)
        try:
            self._compare(summary, thorough=thorough)
        except Refused:
            self._keep({"doubted": True})
            raise
        if state.doubted:
            self._read_all(begun, anew=True)

    def _read_all(self, begun: datetime, *, anew: bool) -> None:
        """Read every record: `anew`, or from where the last run had to stop."""
        state = self._state
        loading = "" if state.since else self._load_began(begun)
        if anew or not state.reading:
            state.reading, state.after = text_of(begun), 0
            shown = self._source.shown(self._table.kind)
            start = {
                "reading": state.reading,
                "after": 0,
                "ahead": self._ahead,
                "shown": shown,
                "layout": LAYOUT,
            }
            self._keep(start | ({"loading": loading} if loading else {}), remove=["doubted"])
        # Clocks differ: rather send half a minute too much than too little.
        self._applying.loading = loading and earlier(loading, CLOCKS)
        for page in self._source.changes(self._table.kind, "", state.after):
            for some in batched(page, self._applying.batch):
                self._applying.apply([written.source_id for written in some])
                state.after = some[-1].source_id
                self._keep({"after": state.after})
        self._applying.loading = ""
        self._keep({"since": state.reading}, remove=["reading", "after", "loading"])

    def _load_began(self, begun: datetime) -> str:
        """When the first load began, however often it was started anew, by the clock of now."""
        known = self._state.loading or self._state.reading
        set_back = max(0, self._state.ahead - self._ahead)
        return earlier(known, timedelta(seconds=set_back)) if known else text_of(begun)

    def _read_changes(self, summary: Summary, begun: datetime) -> None:
        state = self._state
        window, next_window = earlier(state.since, LOOK_BACK), earlier(text_of(begun), LOOK_BACK)
        recent = load_recent(self._table)
        seen: dict[int, str] = {}
        if summary.last_written_at >= window:
            for page in self._source.changes(self._table.kind, window):
                seen |= {written.source_id: written.written_at for written in page}
        # What leaves the window is read a last time: nothing that was begun before can change it.
        wanted = {i for i, at in recent.times.items() if at < next_window}
        wanted |= {i for i, at in seen.items() if recent.times.get(i) != at or i in recent.fresh}
        if len(wanted) > _MANY:
            self._read_all(begun, anew=True)
            return
        self._applying.apply(wanted)
        self._applying.missing |= {
            i for i, at in recent.times.items() if at >= window
        } - seen.keys()
        fresh_from = text_of(self._clock() - _SAME_SECOND)
        fresh = {i for i in wanted if seen.get(i, "") >= fresh_from}
        times = {i: at for i, at in seen.items() if at >= next_window}
        now_recent = Recent(times=times, fresh=fresh & times.keys())
        now_recent.cut()
        if now_recent != recent and not self._wanted.dry_run:
            self._table.set_own(keys.RECENT, now_recent.as_item())
        self._keep({"since": text_of(begun), "ahead": self._ahead})

    def _reread(self, notes: dict[str, set[int]], *, handled: set[int]) -> None:
        """Read what was noted to be read again, except what was `handled` after the note."""
        for note, ids in notes.items():
            self._applying.apply(ids - handled)
            if not self._wanted.dry_run:
                self._table.forget_reread(note)

    def _reread_own(self) -> None:
        """Read what this run itself noted: addresses of contacts that it renamed or removed."""
        while self._applying.dependents.own:
            self._applying.dependents.own = False
            self._reread(load_state(self._table).reread, handled=set())

    def _compare(self, summary: Summary, *, thorough: bool) -> None:
        """Find what was deleted, where the counts say so, and what else they do not agree on."""
        if thorough:  # some may have become good without a time that tells
            self._applying.apply(self._applying.unreadable - self._applying.handled)
        self._reread_own()
        suspects = self._applying.missing
        if thorough or self._counts_differ(summary.count):
            came_or_went = self.report.inserted or self.report.updated
            again = self._source.summary(self._table.kind).count if came_or_went else summary.count
            self.report.source = again
            if thorough or self._counts_differ(again):
                unreadable = set(self._applying.unreadable)
                for theirs, ours in differing(
                    self._source, self._table, unreadable, thorough=thorough
                ):
                    self._applying.apply(theirs - self._applying.handled)
                    suspects |= ours
                    self._applying.check_time()
        if thorough:
            self._keep({"compared_on": f"{self._our_clock():%Y-%m-%d}"})
        if suspects:
            remove_gone(
                suspects,
                self._source,
                self._table,
                self._applying,
                self.report,
                accept=self._wanted.accept_deletions,
            )
        self._reread_own()
        if self._applying.unreadable != self._state.unreadable:
            self._keep({"unreadable": sorted(self._applying.unreadable)})
        self.report.held = self._held()

    def _counts_differ(self, count: int) -> bool:
        unreadable = self._applying.unreadable
        unread = unreadable - self._table.stored(unreadable).keys() if unreadable else unreadable
        return self._held() + len(unread) != count

    def _held(self) -> int:
        held = sum(self._table.counts.read().values())
        more = self.report.inserted - self.report.deleted
        return held + more if self._wanted.dry_run else held

    def _keep(self, values: Json, *, remove: tuple[str, ...] | list[str] = ()) -> None:
        if not self._wanted.dry_run:
            self._table.set_own(keys.STATE, values, remove=list(remove))

    def _clock(self) -> datetime:
        return self._source.now() or self._our_clock()
