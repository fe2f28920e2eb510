"""One run of the mirror over one kind of records of one connection.

A quiet run costs one call to the source: its count and the time of the last write say that
nothing came and nothing went. Else the ids and times within the window are listed, and what is not
known as it is there is read by id. The window reaches back, because a transaction that commits late
carries the time of its start.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.mirror.applying import READ, Applying, OutOfTime
from odoo_qb.mirror.deletions import differing, remove_gone
from odoo_qb.mirror.report import Report
from odoo_qb.mirror.state import Recent, State, load_recent, load_state
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Source, Summary
    from odoo_qb.store.mirror_table import MirrorTable

LOOK_BACK: Final = timedelta(minutes=15)  # Odoo ends a request after two, a cron job after 15
_SAME_SECOND: Final = timedelta(seconds=2)  # the source's clock and its answers, both cut
_AHEAD: Final = timedelta(minutes=1)
_MANY: Final = (
    20_000  # changed records: so many are dealt with like a first load, over several runs
)
_MARGIN: Final = 20.0  # seconds that a batch of a thousand takes at most
_TEXT: Final = "%Y-%m-%d %H:%M:%S"


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
        now: datetime,
        seconds_left: Callable[[], float],
        wanted: Wanted,
    ) -> None:
        self._source = source
        self._table = table
        self._now = now
        self._wanted = wanted
        self.report = Report(connection=table.connection, kind=table.kind)
        self._state = State()
        self._applying = Applying(
            source=source,
            table=table,
            report=self.report,
            now=now,
            in_time=lambda: seconds_left() > _MARGIN,
            dry_run=wanted.dry_run,
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
        if state.writing and not self._wanted.dry_run:
            self._table.mend(state.writing)
        summary = self._source.summary(self._table.kind)
        begun = self._clock()
        self.report.source = summary.count
        # A clock that was ahead and was set back: what was written since lies before our window.
        set_back = bool(state.since) and state.since > _text(begun + _AHEAD)
        if self._wanted.full or set_back or state.is_reading_all:
            self._read_all(begun, anew=self._wanted.full or set_back)
        else:
            self._read_changes(summary, begun)
        self._compare(summary)

    def _read_all(self, begun: datetime, *, anew: bool) -> None:
        """Read every record, from where the last run had to stop."""
        state = self._state
        if not state.reading:
            state.reading, state.after = _text(begun), 0
            self._keep({"reading": state.reading, "after": 0})
        elif anew and self._wanted.dry_run:
            state.after = 0
        for page in self._source.changes(self._table.kind, "", state.after):
            for some in batched(page, READ):
                self._applying.apply([written.source_id for written in some])
                state.after = some[-1].source_id
                self._keep({"after": state.after})
        self._applying.apply(state.reread)
        self._keep({"since": state.reading}, remove=["reading", "after"])
        self._forget_reread()

    def _read_changes(self, summary: Summary, begun: datetime) -> None:
        state = self._state
        window = _text(datetime.strptime(state.since, _TEXT).replace(tzinfo=UTC) - LOOK_BACK)
        next_window = _text(begun - LOOK_BACK)
        recent = load_recent(self._table)
        seen: dict[int, str] = {}
        if summary.last_written_at >= window:
            for page in self._source.changes(self._table.kind, window):
                seen |= {written.source_id: written.written_at for written in page}
        # What leaves the window is read a last time: nothing that was begun before can change it.
        leaving = {i for i, at in recent.times.items() if at < next_window}
        wanted = state.reread | leaving
        wanted |= {i for i, at in seen.items() if recent.times.get(i) != at or i in recent.fresh}
        if len(wanted) > _MANY:
            self._read_all(begun, anew=True)
            return
        self._applying.apply(wanted)
        self._applying.missing |= {
            i for i, at in recent.times.items() if at >= window
        } - seen.keys()
        fresh_from = _text(self._clock() - _SAME_SECOND)
        fresh = {i for i in wanted if seen.get(i, "") >= fresh_from}
        times = {i: at for i, at in seen.items() if at >= next_window}
        now_recent = Recent(times=times, fresh=fresh & times.keys())
        now_recent.cut()
        if now_recent != recent and not self._wanted.dry_run:
            self._table.set_own(keys.RECENT, now_recent.as_item())
        self._keep({"since": _text(begun)})
        self._forget_reread()

    def _compare(self, summary: Summary) -> None:
        """Find what was deleted, where the counts say so, and what else they do not agree on."""
        suspects = self._applying.missing
        if self._counts_differ(summary.count):
            came_or_went = self.report.inserted or self.report.updated
            again = self._source.summary(self._table.kind).count if came_or_went else summary.count
            self.report.source = again
            if self._counts_differ(again):
                for theirs, ours in differing(self._source, self._table, self._applying.unreadable):
                    self._applying.apply(theirs - self._applying.handled)
                    suspects |= ours
        if suspects:
            remove_gone(
                suspects,
                self._source,
                self._table,
                self._applying,
                self.report,
                accept=self._wanted.accept_deletions,
            )
        if self._applying.unreadable != self._state.unreadable:
            self._keep({"unreadable": sorted(self._applying.unreadable)})
        self.report.held = self._held()

    def _counts_differ(self, count: int) -> bool:
        return self._held() + len(self._applying.unreadable) != count

    def _held(self) -> int:
        held = sum(self._table.counts.read().values())
        return held + self.report.inserted if self._wanted.dry_run else held

    def _keep(self, values: Json, *, remove: tuple[str, ...] | list[str] = ()) -> None:
        if not self._wanted.dry_run:
            self._table.set_own(keys.STATE, values, remove=list(remove))

    def _forget_reread(self) -> None:
        if self._state.reread and not self._wanted.dry_run:
            self._table.forget_reread(self._state.reread)

    def _clock(self) -> datetime:
        return self._source.now() or self._now


def _text(instant: datetime) -> str:
    """An instant as sources write it."""
    return instant.astimezone(UTC).strftime(_TEXT)
