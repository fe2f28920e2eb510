"""What the API's schedules are built from, in the API and in the mirror, which repairs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from odoo_qb import settings
from odoo_qb.errors import Misconfigured
from odoo_qb.store.schedule_group import ScheduleGroup, Target
from odoo_qb.store.schedule_items import ScheduleItems
from odoo_qb.store.schedules import Schedules

if TYPE_CHECKING:
    from odoo_qb.store.sorted_table import SortedTable
    from odoo_qb.wiring.base import Wiring

TARGET: Final = "TASK_SCHEDULES"
# Four tries in some ten seconds: whoever called the API waits for it.
AWS: Final = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"}
)


def kept_schedules(wired: Wiring, table: SortedTable) -> Schedules:
    """The schedules in the mirror's table and in the group that the environment names."""
    try:
        target = Target(**json.loads(settings.environment(TARGET)))
    except (TypeError, ValueError):
        raise Misconfigured(
            f"{TARGET} is not what Terraform sets. Apply Terraform again."
        ) from None
    return Schedules(
        items=ScheduleItems(table),
        group=ScheduleGroup(wired.client("scheduler", AWS), target),
        clock=wired.now,
    )
