"""EventBridge Scheduler's clock, in this process: what fires when, and what it sends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.internals import service
from sandbox.aws.scheduler import Scheduler, arn_in_its_group

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "fired"
ROLE = "arn:aws:iam::000000000000:role/scheduler"


@dataclass(slots=True)
class Desk:
    """A scheduler of MiniStack's modules, a clock, and a queue that all schedules send to."""

    now: datetime
    scheduler: Scheduler = field(init=False)

    def again(self) -> None:
        """The process ends and another begins."""
        self.scheduler = Scheduler(lambda: self.now)

    def make(self, name: str = "hourly", *, operation: str = "CreateSchedule", **more: Any) -> str:
        """Create or update a schedule; "" or what is wrong with it."""
        schedules = service("scheduler")
        plain = {"CreateSchedule": schedules._create_schedule}
        handle = plain.get(operation, schedules._update_schedule)
        body = {
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": arn(QUEUE),
                "RoleArn": ROLE,
                "Input": "<aws.scheduler.scheduled-time>",
            },
        } | more
        status, _, answer = self.scheduler.checked(operation, handle)(name, body)
        return "" if status == 200 else str(json.loads(answer)["Message"])

    def names(self) -> list[str]:
        return sorted(schedule["Name"] for schedule in service("scheduler")._schedules.values())

    def after(self, **passed: float) -> list[str]:
        """What is sent when some time has passed."""
        self.now += timedelta(**passed)
        self.scheduler.tick()
        messages = service("sqs")._queue_by_arn(arn(QUEUE))["messages"]
        sent = [message["body"] for message in messages]
        messages.clear()
        return sent


def arn(queue: str) -> str:
    region = service("sqs").get_region()
    return f"arn:aws:sqs:{region}:000000000000:{queue}"


def stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def desk() -> Iterator[Desk]:
    # MiniStack notes by the machine's clock when a schedule is made.
    desk = Desk(datetime.now(UTC))
    desk.again()
    service("sqs")._act_create_queue({"QueueName": QUEUE}, "")
    yield desk
    for name in ("scheduler", "sqs"):
        service(name).reset()


def test_a_rate_fires_at_once_then_regularly_and_not_because_of_a_start(desk: Desk) -> None:
    desk.make()
    made = service("scheduler")._schedules["default/hourly"]["CreationDate"]
    first = datetime.fromtimestamp(made, UTC)

    assert desk.after(minutes=1) == [stamp(first)]
    assert desk.after(minutes=58) == []
    assert desk.after(minutes=2) == [stamp(first + timedelta(hours=1))]
    desk.now += timedelta(hours=5.5)
    desk.again()  # it was off when five were due
    assert desk.after(minutes=20) == []
    assert desk.after(minutes=20) == [stamp(first + timedelta(hours=7))]


def test_a_one_time_schedule_fires_once_on_the_clocks_of_its_zone(desk: Desk) -> None:
    tokyo = desk.now.replace(microsecond=0) + timedelta(hours=9, minutes=30)
    desk.make(
        ScheduleExpression=f"at({tokyo:%Y-%m-%dT%H:%M:%S})", ScheduleExpressionTimezone="Asia/Tokyo"
    )

    assert desk.after(minutes=29) == []
    assert desk.after(minutes=2) == [stamp(tokyo - timedelta(hours=9))]
    assert desk.after(minutes=2) == []
    desk.again()
    assert desk.after(minutes=2) == []
    assert desk.names() == ["hourly"]


def test_a_schedule_that_is_disabled_neither_fires_nor_catches_up(desk: Desk) -> None:
    desk.make(State="DISABLED", ScheduleExpression="cron(* * * * ? *)")
    assert desk.after(minutes=5) == []
    assert desk.make(operation="UpdateSchedule") == ""  # enabled, and due an hour after it was made
    assert desk.after(minutes=50) == []
    assert len(desk.after(minutes=10)) == 1


def test_a_recurring_schedule_keeps_to_its_dates_and_is_deleted_after_them_if_it_says_so(
    desk: Desk,
) -> None:
    dates: dict[str, Any] = {
        "StartDate": (desk.now + timedelta(minutes=10)).timestamp(),
        "EndDate": (desk.now + timedelta(minutes=80)).timestamp(),
    }
    desk.make("kept", **dates)
    desk.make("deleted", **dates, ActionAfterCompletion="DELETE")
    start = stamp(desk.now + timedelta(minutes=10))

    assert desk.after(minutes=9) == []
    assert desk.after(minutes=2) == [start, start]
    assert len(desk.after(minutes=60)) == 2
    assert desk.names() == ["deleted", "kept"]
    assert desk.after(minutes=10) == []
    assert desk.names() == ["kept"]
    assert desk.after(hours=2) == []


def test_a_one_time_schedule_is_deleted_after_it_fired_if_it_says_so(desk: Desk) -> None:
    soon = desk.now + timedelta(minutes=5)
    desk.make(ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})", ActionAfterCompletion="DELETE")
    assert desk.after(minutes=4) == []
    assert desk.names() == ["hourly"]
    assert len(desk.after(minutes=2)) == 1
    assert desk.names() == []


def test_the_input_says_what_fired_it_and_when(desk: Desk) -> None:
    said = {
        name: f"<aws.scheduler.{name}>"
        for name in ("schedule-arn", "scheduled-time", "execution-id", "attempt-number", "weather")
    }
    service("scheduler")._create_schedule_group("tasks", {})
    target = {"Arn": arn(QUEUE), "RoleArn": ROLE, "Input": json.dumps(said)}
    desk.make(GroupName="tasks", Target=target)

    (first,) = map(json.loads, desk.after(minutes=1))
    (second,) = map(json.loads, desk.after(hours=1))
    region = service("sqs").get_region()
    assert first["schedule-arn"] == f"arn:aws:scheduler:{region}:000000000000:schedule/tasks/hourly"
    assert datetime.fromisoformat(first["scheduled-time"]) <= desk.now
    assert re.fullmatch("[0-9a-f]{16}", first["execution-id"])
    assert first["execution-id"] != second["execution-id"]
    assert first["attempt-number"] == "1"
    assert first["weather"] == "<aws.scheduler.weather>"


def test_a_schedule_without_an_input_sends_a_notification(desk: Desk) -> None:
    desk.make(Target={"Arn": arn(QUEUE), "RoleArn": ROLE})
    (sent,) = map(json.loads, desk.after(minutes=1))
    assert (sent["source"], sent["detail-type"]) == ("aws.scheduler", "Scheduled Event")


def test_a_missing_target_does_not_stop_the_other_schedules(desk: Desk) -> None:
    desk.make("a", Target={"Arn": arn("nobody"), "RoleArn": ROLE, "Input": "{}"})
    desk.make("b", Target={"Arn": "arn:aws:unknown:::thing", "RoleArn": ROLE})
    desk.make("c")
    assert len(desk.after(minutes=1)) == 1


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (
            {"ScheduleExpression": "cron(0 9 * * *)"},
            r"Invalid Schedule Expression cron\(0 9 \* \* \*\)\.",
        ),
        ({"ScheduleExpression": ""}, "scheduleExpression"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Timezone"),
        ({"FlexibleTimeWindow": {"Mode": "SOON"}}, r"flexibleTimeWindow\.mode.*\[OFF, FLEXIBLE\]"),
        ({"FlexibleTimeWindow": {}}, r"flexibleTimeWindow\.mode.*not be null"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}},
            "less than or equal to 1440",
        ),
        ({"State": "SLEEPING"}, "state.*ENABLED, DISABLED"),
        ({"ActionAfterCompletion": "ARCHIVE"}, "actionAfterCompletion"),
        ({"GroupName": "a b"}, r"'a b' at 'groupName'.*\^\[0-9a-zA-Z-_\.\]\+\$"),
        ({"Target": {"Arn": "nowhere", "RoleArn": ROLE}}, "Arn is not in correct format"),
        ({"Target": {"Arn": arn(QUEUE)}}, r"target\.roleArn.*not be null"),
        ({"Target": {"Arn": arn(QUEUE), "RoleArn": "admin"}}, r"target\.roleArn.*pattern"),
        (
            {
                "Target": {
                    "Arn": arn(QUEUE),
                    "RoleArn": ROLE,
                    "DeadLetterConfig": {"Arn": arn("dead.fifo")},
                }
            },
            r"target\.deadLetterConfig\.arn",
        ),
        (
            {"Target": {"Arn": "arn:aws:lambda:x:1:function:y", "RoleArn": ROLE, "Input": "{"}},
            "well-formed JSON",
        ),
        ({"StartDate": 1_700_000_000}, "cannot be earlier than 5 minutes ago"),
        ({"EndDate": 1_700_000_000}, "after the StartDate"),
    ],
)
def test_what_aws_would_refuse_is_refused(desk: Desk, more: dict[str, Any], what: str) -> None:
    assert re.search(what, desk.make(**more))
    assert desk.names() == []
    assert desk.make() == ""
    assert re.search(what, desk.make(operation="UpdateSchedule", **more)) or "StartDate" in more


@pytest.mark.parametrize("name", ["a" * 65, "a@b", "a b", "ä", ""])
def test_a_name_has_up_to_64_letters_digits_dashes_underscores_and_dots(
    desk: Desk, name: str
) -> None:
    assert "at 'name'" in desk.make(name)
    assert desk.make("A-1_b.c".ljust(64, "x")) == ""


def test_dates_mean_nothing_to_a_one_time_schedule(desk: Desk) -> None:
    soon = desk.now + timedelta(minutes=5)
    past: dict[str, Any] = {"StartDate": 1_700_000_000, "EndDate": 1_700_000_001}
    assert desk.make(ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})", **past) == ""
    assert len(desk.after(minutes=6)) == 1


@pytest.mark.parametrize(
    ("body", "query", "group"),
    [
        (b'{"GroupName": "tasks"}', {}, "tasks"),
        (b"{}", {}, "default"),
        (b"", {}, "default"),
        (b"", {"groupName": "tasks"}, "tasks"),
        (b"", {"groupName": ["tasks"]}, "tasks"),
        (b"{", {}, "default"),
    ],
)
def test_a_schedules_arn_names_its_group(body: bytes, query: dict[str, Any], group: str) -> None:
    default = "arn:aws:scheduler:us-west-2:000000000000:schedule/default/default"
    expected = f"arn:aws:scheduler:us-west-2:000000000000:schedule/{group}/default"
    assert arn_in_its_group(default, body, query) == expected
