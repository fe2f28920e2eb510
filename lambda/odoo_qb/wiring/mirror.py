"""What the mirror is built from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from odoo_qb import settings
from odoo_qb.errors import Misconfigured, Unavailable
from odoo_qb.mirror.scheduled import ScheduledRuns
from odoo_qb.mirror.sync import Syncing
from odoo_qb.store.schedule_items import ScheduleItems
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.wiring.base import Wiring
from odoo_qb.wiring.erp import ErpParts
from odoo_qb.wiring.schedules import TARGET, kept_schedules

if TYPE_CHECKING:
    from collections.abc import Callable


class MirrorWiring(Wiring):
    """The parts of the mirror."""

    @cached_property
    def mirrored(self) -> SortedTable:
        """The mirror's table."""
        name = settings.environment("MIRROR_TABLE")
        return SortedTable(self.client("dynamodb"), name, sleep=self.wait)

    @cached_property
    def erps(self) -> ErpParts:
        """The connections."""
        return ErpParts(self, self.mirrored)

    @cached_property
    def connections(self) -> tuple[str, ...]:
        """The ids of all connections, the flow's own first."""
        return self.erps.ids

    def syncing(self, seconds_left: Callable[[], float]) -> Syncing:
        """A run over connections that has so many seconds."""
        return Syncing(
            table=self.mirrored,
            source=self.erps.source,
            connections=self.connections,
            clock=self.now,
            seconds_left=seconds_left,
        )

    @cached_property
    def scheduled(self) -> ScheduledRuns:
        """Runs that a schedule of the API may have started."""
        return ScheduledRuns(items=ScheduleItems(self.mirrored), clock=self.now)

    def repair_schedules(self) -> list[str]:
        """Repair all schedules of the API, if there is one; a sentence for each that can't be."""
        if not settings.optional(TARGET):
            return []
        try:
            return kept_schedules(self, self.mirrored).repair(thoroughly=True)
        except (Misconfigured, Unavailable) as error:
            return [str(error)]
