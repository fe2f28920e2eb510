"""The API's schedules in one process: moto for the table and EventBridge, a test's own clock."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws

from odoo_qb.api.schedules import Schedules
from odoo_qb.store.schedule_group import ScheduleGroup, Target
from odoo_qb.store.schedule_items import PARTITION, ScheduleItems
from odoo_qb.store.schedules import Schedules as KeptSchedules
from odoo_qb.store.sorted_table import SortedTable
from sandbox.in_process.aws import REGION
from sandbox.in_process.mirror import TABLE, make_mirror_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.exact_json import Json

GROUP: Final = "odoo-tasks-test"
_ARN: Final = "arn:aws:{service}:us-west-2:123456789012:{name}"
TARGET: Final = Target(
    group=GROUP,
    function_arn=_ARN.format(service="lambda", name="function:odoo-mirror-test"),
    role_arn="arn:aws:iam::123456789012:role/odoo-tasks-test",
    dead_letter_arn=_ARN.format(service="sqs", name="odoo-tasks-dead-test"),
)


@dataclass(kw_only=True)
class ScheduleDesk:
    """The schedules of an API.

    `on_step` is given the name of each call to AWS ("scheduler create_schedule", "dynamodb query"),
    and what does it.
    """

    dynamodb: Any
    scheduler: Any
    table_name: str = TABLE
    now: datetime = field(default_factory=lambda: datetime(2026, 1, 28, 10, 0, 30, tzinfo=UTC))
    on_step: Callable[[str, Callable[[], Any]], Any] = field(default_factory=lambda: _do)

    def kept(self) -> KeptSchedules:
        """The two places of schedules, as a cold function has them."""
        return KeptSchedules(
            items=self.items(), group=ScheduleGroup(_Watched(self), TARGET), clock=self.clock
        )

    def api(self) -> Schedules:
        """The API's schedules, as a cold function has them."""
        return Schedules(kept=self.kept(), clock=self.clock)

    def items(self) -> ScheduleItems:
        """The items alone, as the mirror reads them before a run."""
        return ScheduleItems(_WatchedTable(self))

    def clock(self) -> datetime:
        """What time it is."""
        return self.now

    def create(self, name: str = "hourly", **more: Any) -> Json:
        """Make a schedule that runs the test task every hour, unless more is said."""
        body = {"task_name": name, "cron": "0 * * * *", "task_path": "app.tasks.test_task"}
        return self.api().create(body | more)

    # -- what EventBridge and the table have -------------------------------------------------------

    def in_eventbridge(self) -> dict[str, Json]:
        """EventBridge's schedules by name."""
        return {name: self.schedule(name) for name in self.names()}

    def names(self) -> list[str]:
        """Their names alone."""
        pages = self.scheduler.get_paginator("list_schedules").paginate(GroupName=GROUP)
        return sorted(row["Name"] for page in pages for row in page["Schedules"])

    def schedule(self, name: str) -> Json:
        """One of them."""
        found: Json = self.scheduler.get_schedule(GroupName=GROUP, Name=name)
        return found

    def change(self, name: str, **more: Any) -> None:
        """Change one by hand, past the API."""
        known = self.schedule(name)
        kept = ("Name", "GroupName", "Target", "FlexibleTimeWindow", "ScheduleExpression")
        self.scheduler.update_schedule(**{k: known[k] for k in kept} | more)

    def event(self, name: str) -> Json:
        """What the mirror's function gets when this schedule fires now."""
        text = self.schedule(name)["Target"]["Input"]
        instant = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        event: Json = json.loads(text.replace("<aws.scheduler.scheduled-time>", instant))
        return event

    def disagreements(self) -> list[str]:
        """Where EventBridge is not what the items say, in a line each."""
        plain = ScheduleItems(SortedTable(self.dynamodb, self.table_name))
        items = {item.name: item for item in plain.every()}
        group = ScheduleGroup(self.scheduler, TARGET)
        found = [
            f"{name} is {item.phase}" for name, item in items.items() if item.phase != "active"
        ]
        found += [f"{name} differs" for name, item in items.items() if not group.has(item)]
        alone = set(self.names()) - items.keys()
        return found + [f"{name} has no item" for name in alone]

    def clear(self) -> None:
        """No schedules anywhere."""
        for name in self.names():
            self.scheduler.delete_schedule(GroupName=GROUP, Name=name)
        table = SortedTable(self.dynamodb, self.table_name)
        for row in list(table.query("pk = :pk", {":pk": PARTITION})):
            key = table.key(PARTITION, row["sk"])
            table.ask("delete_item", TableName=self.table_name, Key=key)
        self.on_step = _do


def _do(_: str, work: Callable[[], Any]) -> Any:
    return work()


class _Watched:
    """boto3's "scheduler" with each call a step."""

    def __init__(self, desk: ScheduleDesk) -> None:
        self._desk = desk

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return partial(self._call, operation)

    def _call(self, operation: str, **given: Any) -> Any:
        work = partial(getattr(self._desk.scheduler, operation), **given)
        return self._desk.on_step(f"scheduler {operation}", work)


class _WatchedTable(SortedTable):
    def __init__(self, desk: ScheduleDesk) -> None:
        super().__init__(desk.dynamodb, desk.table_name)
        self._desk = desk

    def ask(self, operation: str, **given: Any) -> Json:
        work = partial(super().ask, operation, **given)
        answer: Json = self._desk.on_step(f"dynamodb {operation}", work)
        return answer


@contextmanager
def a_schedule_desk() -> Iterator[ScheduleDesk]:
    """A table and a group without schedules."""
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        make_mirror_table(dynamodb)
        yield beside(dynamodb, TABLE)


def beside(dynamodb: Any, table_name: str) -> ScheduleDesk:
    """The schedules beside a mirror that stands."""
    scheduler = boto3.client("scheduler", region_name=REGION)
    scheduler.create_schedule_group(Name=GROUP)
    return ScheduleDesk(dynamodb=dynamodb, scheduler=scheduler, table_name=table_name)
