"""A run that a schedule of the API started: whether it may begin, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.sync import BUSY
from odoo_qb.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from odoo_qb.mirror.report import Report
    from odoo_qb.mirror.request import SyncRequest
    from odoo_qb.mirror.sync import Syncing
    from odoo_qb.store.schedule_items import ScheduleItems

_LONGEST: Final = 300  # characters of a result


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRuns:
    """Runs whose schedule's item is read before, and gets the result after."""

    items: ScheduleItems
    clock: Callable[[], datetime]

    def run(self, request: SyncRequest, syncing: Syncing) -> list[Report] | None:
        """What the run did; None where its schedule was deleted meanwhile, so that nothing ran."""
        firing = request.firing
        if firing is None:
            return syncing.sync(request)
        if not self.items.start(firing.schedule, firing.schedule_id, self.clock()):
            return None
        reports = syncing.sync(request)
        self.items.finish(firing.schedule, firing.schedule_id, result(reports))
        return reports


def result(reports: Sequence[Report]) -> str:
    """The outcome of a run in one sentence, or two: what failed first."""
    if not reports:
        return "Succeeded: the test task does nothing."
    failed = [r for r in reports if r.error]
    busy = [r for r in reports if BUSY in r.notes]
    unfinished = [r for r in reports if not (r.complete or r.error or BUSY in r.notes)]
    if failed:
        said = f"Failed for {_names(failed)}: {failed[0].error}"
    elif busy:
        said = f"Not run for {_names(busy)}, because another run was at work."
        if len(busy) < len(reports):
            said += " The rest succeeded."
    elif unfinished:
        said = f"Not finished for {_names(unfinished)}. The next run continues."
    else:
        said = f"Succeeded: {_counts(reports)}."
    return one_line(said, _LONGEST)


def _names(reports: Sequence[Report]) -> str:
    return ", ".join(f"{report.connection} {report.kind}" for report in reports)


def _counts(reports: Sequence[Report]) -> str:
    totals = {
        what: sum(getattr(report, what) for report in reports)
        for what in ("inserted", "updated", "deleted")
    }
    return ", ".join(f"{n} {what}" for what, n in totals.items() if n) or "nothing had changed"
