"""Between a schedule's item and EventBridge: crashes, two requests at once, changes by hand."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from odoo_qb.api.problem import Problem
from sandbox.in_process.schedules import GROUP, TARGET, ScheduleDesk, a_schedule_desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
type Request = Callable[[ScheduleDesk], object]

REQUESTS: Final[dict[str, Request]] = {
    "create": lambda desk: desk.create("x", cron="5 * * * *"),
    "delete": lambda desk: desk.api().delete("x"),
    "list": lambda desk: desk.api().list(),
    "daily run": lambda desk: desk.kept().repair(thoroughly=True),
}
# What comes after a crash: one of the three with another name, a list, or the mirror's daily run.
NEXT: Final[dict[str, Request]] = {
    "create": lambda desk: desk.create("other"),
    "delete": lambda desk: desk.api().delete("other"),
    "list": REQUESTS["list"],
    "daily run": REQUESTS["daily run"],
}

WRITE: Final = {"create", "delete"}
PAIRS: Final = [pair for pair in product(REQUESTS, repeat=2) if WRITE & set(pair)]


@pytest.fixture(scope="module")
def standing() -> Iterator[ScheduleDesk]:
    with a_schedule_desk() as made:
        yield made


@pytest.fixture
def desk(standing: ScheduleDesk) -> ScheduleDesk:
    standing.clear()
    standing.now = datetime.now(UTC) + timedelta(minutes=1)  # as moto, which has its own clock
    return standing


class Killed(BaseException):
    """Lambda ends a function wherever it is."""


@dataclass(kw_only=True)
class Interruption:
    """Does something before the step of this number, or after it: dies, or another request."""

    number: int
    what: Callable[[], object]
    after: bool = False
    steps: list[str] = field(default_factory=list)

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        is_it = len(self.steps) == self.number
        self.steps.append(step)
        if is_it and not self.after:
            self.what()
        done = work()
        if is_it and self.after:
            self.what()
        return done


def die() -> None:
    raise Killed


def steps_of(desk: ScheduleDesk, request: Request) -> list[str]:
    watching = Interruption(number=-1, what=die)
    desk.on_step = watching.on_step
    with suppress(Problem):
        request(desk)
    desk.clear()
    return watching.steps


def arrange(desk: ScheduleDesk, *, is_there: bool) -> None:
    desk.clear()
    if is_there:
        desk.create("x")


@pytest.mark.parametrize("later", NEXT)
@pytest.mark.parametrize(("name", "is_there"), [("create", False), ("delete", True)])
def test_a_crash_at_any_step_is_repaired_by_whatever_comes_next(
    desk: ScheduleDesk, name: str, later: str, *, is_there: bool
) -> None:
    arrange(desk, is_there=is_there)
    steps = steps_of(desk, REQUESTS[name])
    assert f"scheduler {name}_schedule" in steps
    ends: Counter[str] = Counter()
    for number in range(len(steps)):
        for after in (False, True):
            arrange(desk, is_there=is_there)
            death = Interruption(number=number, what=die, after=after)
            desk.on_step = death.on_step
            with pytest.raises(Killed):
                REQUESTS[name](desk)
            desk.on_step = lambda _, work: work()
            left = "; ".join(desk.disagreements())
            with suppress(Problem):
                NEXT[later](desk)
            assert desk.disagreements() == [], f"{death.steps[-1]} left {left}"
            ends[left] += 1
    # The three points: nothing written, the item alone, the item and EventBridge.
    assert len(ends) >= 3
    assert "" in ends


@pytest.mark.parametrize(("name", "other"), PAIRS)
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "there"])
def test_two_requests_at_once_end_in_agreement(
    desk: ScheduleDesk, name: str, other: str, *, is_there: bool
) -> None:
    """The other request runs from start to end between two steps of the first."""
    arrange(desk, is_there=is_there)
    steps = steps_of(desk, REQUESTS[name])
    assert steps
    for number in range(len(steps)):
        arrange(desk, is_there=is_there)
        desk.on_step = _meanwhile(desk, number, REQUESTS[other])
        with suppress(Problem):
            REQUESTS[name](desk)
        desk.on_step = lambda _, work: work()
        assert desk.disagreements() == [], f"{other} before {steps[number]}"


def _meanwhile(
    desk: ScheduleDesk, number: int, request: Request
) -> Callable[[str, Callable[[], Any]], Any]:
    def run() -> None:
        desk.on_step = lambda _, work: work()
        with suppress(Problem):
            request(desk)
        desk.on_step = first.on_step

    first = Interruption(number=number, what=run)
    return first.on_step


def test_only_one_of_two_gets_a_name(desk: ScheduleDesk) -> None:
    steps = steps_of(desk, REQUESTS["create"])
    for number in range(len(steps)):
        desk.clear()
        got: list[object] = []

        def second() -> None:
            desk.on_step = lambda _, work: work()
            with suppress(Problem):
                got.append(desk.create("x", cron="7 * * * *"))  # noqa: B023 - runs at once

        desk.on_step = Interruption(number=number, what=second).on_step
        with suppress(Problem):
            got.append(REQUESTS["create"](desk))
        assert len(got) == 1, steps[number]
        assert desk.disagreements() == []


def test_a_deletion_during_a_creation_wins_or_comes_first(desk: ScheduleDesk) -> None:
    steps = steps_of(desk, REQUESTS["create"])
    for number in range(len(steps)):
        desk.clear()
        deleted: list[object] = []

        def second() -> None:
            desk.on_step = lambda _, work: work()
            with suppress(Problem):
                deleted.append(desk.api().delete("x"))  # noqa: B023 - runs at once

        desk.on_step = Interruption(number=number, what=second).on_step
        REQUESTS["create"](desk)
        assert [row["task_name"] for row in desk.api().list()] == ([] if deleted else ["x"])


# -- what is changed in EventBridge by hand --------------------------------------------------------


@pytest.mark.parametrize("later", ["list", "daily run"])
@pytest.mark.parametrize(
    "change",
    [
        {"ScheduleExpression": "cron(9 * * * ? *)"},
        {"ScheduleExpressionTimezone": "Asia/Tokyo"},
        {"State": "DISABLED"},
        {"Target": {"Arn": TARGET.function_arn, "RoleArn": TARGET.role_arn, "Input": "{}"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_schedule_that_was_changed_by_hand_is_corrected(
    desk: ScheduleDesk, later: str, change: Json
) -> None:
    desk.create("x")
    before = desk.schedule("x")["Target"]
    desk.now -= timedelta(hours=1)  # so that the change comes after
    desk.kept().settle("x")
    desk.change("x", **change)
    assert desk.disagreements() == ["x differs"]
    NEXT[later](desk)
    assert desk.disagreements() == []
    assert desk.schedule("x")["Target"] == before


def test_the_daily_run_compares_what_seems_unchanged_too(desk: ScheduleDesk) -> None:
    desk.create("x")
    desk.change("x", State="DISABLED")  # within the seconds by which clocks may differ
    desk.api().list()
    assert desk.disagreements() == ["x differs"]
    assert desk.kept().repair(thoroughly=True) == []
    assert desk.disagreements() == []


def test_what_was_deleted_or_added_by_hand_is_made_or_deleted(desk: ScheduleDesk) -> None:
    desk.create("x")
    desk.create("y")
    request = {k: v for k, v in desk.schedule("x").items() if k in _REQUEST}
    desk.scheduler.delete_schedule(GroupName=GROUP, Name="x")
    desk.scheduler.create_schedule(**request | {"Name": "z"})
    assert sorted(desk.disagreements()) == ["x differs", "z has no item"]
    assert [row["task_name"] for row in desk.api().list()] == ["x", "y"]
    assert desk.disagreements() == []


_REQUEST: Final = ("GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")


def test_a_list_asks_eventbridge_once_where_nothing_changed(desk: ScheduleDesk) -> None:
    desk.create("x")
    desk.create("y")
    watching = Interruption(number=-1, what=die)
    desk.on_step = watching.on_step
    desk.api().list()
    assert watching.steps == ["scheduler list_schedules", "dynamodb query", "dynamodb query"]


def test_a_group_that_was_made_anew_gets_all_schedules_back(desk: ScheduleDesk) -> None:
    made = [desk.create(name) for name in ("x", "y")]
    for name in desk.names():  # as when the API is turned off: AWS empties the group
        desk.scheduler.delete_schedule(GroupName=GROUP, Name=name)
    shown = desk.api().list()
    assert [{k: row[k] for k in made[0]} for row in shown] == made
    assert desk.disagreements() == []


def test_one_that_eventbridge_refuses_stops_no_other_and_says_so(desk: ScheduleDesk) -> None:
    desk.create("x")
    desk.create("y")
    for name in ("x", "y"):
        desk.scheduler.delete_schedule(GroupName=GROUP, Name=name)

    refused: list[str] = []

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step == "scheduler create_schedule" and not refused:
            refused.append(step)
            error: Any = {"Code": "ValidationException", "Message": "Invalid Timezone."}
            raise ClientError({"Error": error}, step)
        return work()

    desk.on_step = on_step
    said = "Not scheduled. EventBridge doesn't accept this cron or time zone. Choose another."
    assert [row["last_result"] for row in desk.api().list()] == [said, None]
    assert desk.names() == ["y"]
    desk.api().list()
    assert desk.disagreements() == []


def test_requests_that_undo_each_other_without_end_are_said(desk: ScheduleDesk) -> None:
    def on_step(step: str, work: Callable[[], Any]) -> Any:
        codes = {
            "scheduler create_schedule": "ConflictException",
            "scheduler update_schedule": "ResourceNotFoundException",
        }
        if step in codes:
            raise ClientError({"Error": {"Code": codes[step], "Message": ""}}, step)
        return work()

    desk.on_step = on_step
    with pytest.raises(Problem, match="Another request is changing the schedule x"):
        desk.create("x")
    desk.on_step = lambda _, work: work()
    assert desk.api().list() == []
