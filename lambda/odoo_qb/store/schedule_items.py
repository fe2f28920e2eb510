"""The schedules that clients of the API made: an item each in the mirror's table."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast

from odoo_qb.errors import Conflict
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

PARTITION: Final = "api#schedules"
STARTED: Final = "Started. It has no result yet."

type Phase = Literal["creating", "active", "deleting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleItem:
    """A schedule as it is stored. `cron` has five fields, `expression` is EventBridge's.

    `schedule_id` tells it from an earlier one of the same name. It is `creating` until EventBridge
    has it, which was last seen to at `settled_at`, and `deleting` until EventBridge has it no more.
    `last_run` and `last_result` are "" before the first run.
    """

    name: str
    schedule_id: str
    cron: str
    time_zone: str
    task_path: str
    expression: str
    phase: Phase = "creating"
    settled_at: str = ""
    last_run: str = ""
    last_result: str = ""

    @property
    def stands(self) -> bool:
        """Whether it runs and is listed; one that is being deleted does neither."""
        return self.phase != "deleting"


_TEXTS: Final = ("cron", "time_zone", "task_path", "expression", "settled_at", "last_run")


class ScheduleItems:
    """The items. Whoever changes one says which creation is meant; Conflict where it is gone."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def get(self, name: str) -> ScheduleItem | None:
        """The schedule of a name, if there is one."""
        row = self._table.get(PARTITION, name)
        return _item(row) if row else None

    def every(self) -> list[ScheduleItem]:
        """All of them by name, with those that are being made or deleted."""
        return [_item(row) for row in self._table.query("pk = :pk", {":pk": PARTITION})]

    def add(self, item: ScheduleItem, now: datetime) -> None:
        """Store a new schedule; Conflict where the name is taken."""
        values = {name: getattr(item, name) for name in ("schedule_id", "phase", *_TEXTS)}
        values |= {"created_at": stamp(now), "last_result": item.last_result}
        self._update(item.name, values, "attribute_not_exists(pk)", {})

    def settle(self, item: ScheduleItem, now: datetime) -> None:
        """EventBridge has it as it stands here; not noted where it is being deleted meanwhile."""
        values = {"phase": "active", "settled_at": stamp(now)}
        with suppress(Conflict):
            self._update_standing(item.name, item.schedule_id, values)

    def mark_deleting(self, item: ScheduleItem) -> None:
        """Let it run no more. Conflict where it is another one by now, or gone."""
        condition, values = "schedule_id = :id", {"id": item.schedule_id}
        self._update(item.name, {"phase": "deleting"}, condition, values)

    def remove(self, item: ScheduleItem) -> None:
        """Forget it; another one of this name stays."""
        with suppress(Conflict):
            self._table.delete(PARTITION, item.name, "schedule_id = :id", {"id": item.schedule_id})

    def start(self, name: str, schedule_id: str, now: datetime) -> bool:
        """Note that it runs; False where it must not, for it was deleted."""
        values = {"last_run": stamp(now), "last_result": STARTED}
        try:
            self._update_standing(name, schedule_id, values)
        except Conflict:
            return False
        return True

    def finish(self, name: str, schedule_id: str, result: str) -> None:
        """Note the result of a run in one sentence, if the schedule still stands."""
        with suppress(Conflict):
            self._update_standing(name, schedule_id, {"last_result": result})

    def _update_standing(self, name: str, schedule_id: str, values: Mapping[str, object]) -> None:
        condition = "schedule_id = :id AND phase <> :deleting"
        self._update(name, values, condition, {"id": schedule_id, "deleting": "deleting"})

    def _update(
        self,
        name: str,
        values: Mapping[str, object],
        condition: str,
        condition_values: Mapping[str, object],
    ) -> None:
        key = self._table.key(PARTITION, name)
        more = {"ConditionExpression": condition}
        self._table.update(key, values, (), condition_values, more)


def _item(row: Json) -> ScheduleItem:
    texts = {name: str(row.get(name, "")) for name in (*_TEXTS, "schedule_id", "last_result")}
    phase = cast("Phase", row.get("phase", "creating"))
    return ScheduleItem(name=str(row["sk"]), phase=phase, **texts)
