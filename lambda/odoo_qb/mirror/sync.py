"""Bring connections up to date, kind by kind: one run at a time each, with its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.mirror.applying import READ
from odoo_qb.mirror.report import Report
from odoo_qb.mirror.run import KindRun
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.lease import Lease
from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.exact_json import Json
    from odoo_qb.mirror.request import SyncRequest
    from odoo_qb.sources import Kind, Source
    from odoo_qb.store.sorted_table import SortedTable

LEASE: Final = timedelta(minutes=6)  # longer than a function runs
HISTORY: Final = timedelta(days=90)
BUSY: Final = "another run is at work on it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """The parts of a run over connections. `source` makes a connection's when it is needed.

    `batch` records are read and written at a time.
    """

    table: SortedTable
    source: Callable[[str], Source]
    connections: tuple[str, ...]
    clock: Callable[[], datetime]
    seconds_left: Callable[[], float]
    batch: int = READ

    def sync(self, request: SyncRequest) -> list[Report]:
        """Bring what was asked for up to date; a connection that fails stops no other."""
        reports: list[Report] = []
        for connection in [request.connection] if request.connection else self.connections:
            try:
                source = self.source(connection)
            except (Misconfigured, Refused, Unavailable) as error:
                for kind in request.kinds:
                    table = MirrorTable(self.table, connection, kind)
                    report = Report(connection=connection, kind=kind, error=str(error))
                    if not request.wanted.dry_run:
                        report = self._noted(table, report, self.clock())
                    reports.append(report)
                continue
            reports += [self._sync(source, connection, kind, request) for kind in request.kinds]
        return reports

    def _age(self, table: MirrorTable, now: datetime) -> float:
        """For how many minutes a mirror has not been known to be equal to its source."""
        state = table.own(keys.STATE)
        since = state.get("last_success_at") or state.get("first_failed_at")
        if not since:
            table.set_own(keys.STATE, {"first_failed_at": stamp(now)})
            return 0.0
        return (now - datetime.fromisoformat(since)).total_seconds() / 60

    def _sync(self, source: Source, connection: str, kind: Kind, request: SyncRequest) -> Report:
        table, now = MirrorTable(self.table, connection, kind), self.clock()
        run = KindRun(
            source=source,
            table=table,
            clock=self.clock,
            seconds_left=self.seconds_left,
            wanted=request.wanted,
            batch=self.batch,
        )
        if request.wanted.dry_run:
            return run.run()
        lock = Lease(table=self.table, note_id=table.home, lasts=LEASE)
        lease = lock.take(now)
        if not lease:
            return Report(
                connection=connection,
                kind=kind,
                complete=False,
                notes=[BUSY],
                age_minutes=self._age(table, now),
            )
        try:
            return self._noted(table, run.run(), now)
        finally:
            lock.give_back(lease)

    def _noted(self, table: MirrorTable, report: Report, now: datetime) -> Report:
        """A report that is in the history, with the mirror's age."""
        table.set_own(keys.STATE, self._outcome(table, report, now))
        if report.error or not report.complete:
            report.age_minutes = self._age(table, now)
        return report

    def _outcome(self, table: MirrorTable, report: Report, now: datetime) -> Json:
        """The run in its history, and what the kind's state says of it.

        A quiet run leaves no entry of its own: there are 1,440 a day. Its time is in the state.
        """
        if not report.is_quiet or not report.complete:
            table.set_own(
                f"{keys.RUN}{stamp(now)}#{uuid4().hex[:4]}",
                {
                    **report.as_answer(),
                    "seconds": f"{report.seconds:.1f}",
                    "started_at": stamp(now),
                    "expires_at": int((now + HISTORY).timestamp()),
                },
            )
        outcome: Json = {"last_run_at": stamp(now), "last_error": report.error}
        if not report.error and report.complete:
            outcome |= {"last_success_at": stamp(now), "held": report.held}
        return outcome
