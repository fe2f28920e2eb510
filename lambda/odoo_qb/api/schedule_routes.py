"""The routes of schedules: create, list, delete."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from odoo_qb.api.answer import as_json

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable

    from odoo_qb.api.answer import Answer
    from odoo_qb.api.routing import Call, Handler
    from odoo_qb.exact_json import Json


class Schedules(Protocol):
    """What the routes need of schedules; each raises Problem."""

    def create(self, body: Json) -> Json:
        """Make a schedule."""

    def list(self) -> builtins.list[Json]:
        """All of them."""

    def delete(self, task_name: str) -> Json:
        """Delete one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRoutes:
    """`schedules` makes what is needed for them when it is first needed."""

    schedules: Callable[[], Schedules]

    def handlers(self) -> dict[str, Handler]:
        """What answers, by the contract's operation."""
        return {
            "createSchedule": self._create,
            "listSchedules": lambda _: as_json(self.schedules().list()),
            "deleteSchedule": lambda call: as_json(
                self.schedules().delete(call.values["task_name"])
            ),
        }

    def _create(self, call: Call) -> Answer:
        return as_json(self.schedules().create(call.body), status=HTTPStatus.CREATED)
