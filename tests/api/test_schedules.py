"""Schedules by API: what they answer, what EventBridge gets, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from odoo_qb.api.problem import Problem
from odoo_qb.api.schedules import MOST
from odoo_qb.store.schedule_items import STARTED
from sandbox.in_process.schedules import GROUP, TARGET, ScheduleDesk, a_schedule_desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]


@pytest.fixture(scope="module")
def standing() -> Iterator[ScheduleDesk]:
    with a_schedule_desk() as made:
        yield made


@pytest.fixture
def desk(standing: ScheduleDesk) -> ScheduleDesk:
    standing.clear()
    standing.now = datetime(2026, 1, 28, 10, 0, 30, tzinfo=UTC)
    return standing


def problem(work: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Problem) as raised:
        work()
    return raised.value.status, raised.value.detail


def failing(
    code: str, *, only: str = "", words: str = "arn:aws:iam::123456789012:role/secret is not"
) -> Callable[[str, Callable[[], Any]], Any]:
    """AWS answers every call to Scheduler, or `only` this one, with an error of its own."""

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if not step.startswith("scheduler") or (only and not step.endswith(only)):
            return work()
        if not code:
            raise EndpointConnectionError(endpoint_url="https://scheduler.example")
        error: Any = {"Code": code, "Message": words}
        raise ClientError({"Error": error}, step)

    return on_step


def test_a_new_schedule_is_answered_as_the_contract_says(desk: ScheduleDesk) -> None:
    body = {
        "cron": "0 * * * *",
        "task_name": "sync_contacts_hourly",
        "task_path": "app.tasks.sync_contacts",
    }
    assert desk.api().create(body) == {
        **body,
        "time_zone": "UTC",
        "next_run": "2026-01-28T11:00:00",
    }


def test_eventbridge_gets_the_cron_its_zone_and_what_the_mirror_needs(desk: ScheduleDesk) -> None:
    made = desk.create(
        "Daily-1.x", cron=" 30  6 * * MON-fri ", task_path="sync_all", time_zone="Europe/Paris"
    )
    found = desk.schedule("Daily-1.x")
    assert made["cron"] == "30 6 * * MON-fri"
    assert made["next_run"] == "2026-01-29T05:30:00"
    assert found["GroupName"] == GROUP
    assert found["ScheduleExpression"] == "cron(30 6 ? * 2-6 *)"
    assert found["ScheduleExpressionTimezone"] == "Europe/Paris"
    assert found["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert found["Target"]["Arn"] == TARGET.function_arn
    assert found["Target"]["RoleArn"] == TARGET.role_arn
    assert found["Target"]["DeadLetterConfig"] == {"Arn": TARGET.dead_letter_arn}
    event = json.loads(found["Target"]["Input"])
    assert event.pop("id")
    assert event == {
        "task": "sync_all",
        "schedule": "Daily-1.x",
        "scheduled_time": "<aws.scheduler.scheduled-time>",
    }
    assert desk.disagreements() == []


def test_the_list_has_each_schedule_with_its_last_run(desk: ScheduleDesk) -> None:
    assert desk.api().list() == []
    second, first = desk.create("second"), desk.create("first", cron="*/5 * * * *")
    run = desk.event("second")
    assert desk.items().start("second", run["id"], desk.now)
    never = {"last_run": None, "last_result": None}
    started = {"last_run": "2026-01-28T10:00:30", "last_result": STARTED}
    assert desk.api().list() == [first | never, second | started]
    desk.items().finish("second", run["id"], "Succeeded: 3 inserted.")
    desk.now += timedelta(hours=3)
    (_, shown) = desk.api().list()
    assert shown["last_result"] == "Succeeded: 3 inserted."
    assert shown["last_run"] == "2026-01-28T10:00:30"
    assert shown["next_run"] == "2026-01-28T14:00:00"


def test_a_deleted_schedule_is_nowhere_and_its_name_is_free(desk: ScheduleDesk) -> None:
    desk.create("hourly")
    assert desk.api().delete("hourly") == {"deleted": "hourly"}
    assert desk.api().list() == []
    assert desk.names() == []
    assert problem(lambda: desk.api().delete("hourly")) == (404, "There is no schedule hourly.")
    desk.create("hourly", cron="5 * * * *")
    assert desk.schedule("hourly")["ScheduleExpression"] == "cron(5 * * * ? *)"


@pytest.mark.parametrize("name", ["...", ".a", "..b", "a" * 64, "Az09._-", "-", "_"])
def test_any_other_name_of_these_letters_will_do(desk: ScheduleDesk, name: str) -> None:
    assert desk.create(name)["task_name"] == name
    assert desk.api().delete(name) == {"deleted": name}


def test_a_name_is_given_once(desk: ScheduleDesk) -> None:
    desk.create("hourly")
    status, said = problem(lambda: desk.create("hourly", cron="5 * * * *"))
    assert status == 409
    assert said.startswith("There is a schedule hourly already.")
    assert desk.schedule("hourly")["ScheduleExpression"] == "cron(0 * * * ? *)"
    desk.create("Hourly")
    assert set(desk.names()) == {"hourly", "Hourly"}


@pytest.mark.parametrize("prefix", ["", "app.tasks."])
@pytest.mark.parametrize(
    "task",
    [
        *("sync_contacts", "sync_invoices", "test_task", "sync_bills", "sync_refunds"),
        *("sync_payments", "sync_orders", "sync_accounts", "sync_all"),
    ],
)
def test_every_task_can_be_scheduled_with_and_without_its_prefix(
    desk: ScheduleDesk, prefix: str, task: str
) -> None:
    assert desk.create(task_path=prefix + task)["task_path"] == prefix + task
    assert desk.event("hourly")["task"] == prefix + task


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cron": "@hourly"}, "Write @hourly in five fields: 0 * * * *."),
        ({"cron": "0 0 30 2 *"}, "The cron would never run"),
        ({"cron": "0 0 1 * 1"}, "make two schedules."),
        ({"cron": 5}, "The value of cron must be a text."),
        ({"cron": None}, "The body has no cron. Add it."),
        (
            {"task_path": "app.tasks.sync_everything"},
            "There is no such task. Tasks: sync_contacts,",
        ),
        ({"task_path": "app.tasks.app.tasks.sync_all"}, "There is no such task."),
        ({"task_path": "os.system"}, "There is no such task."),
        ({"time_zone": "Europe/Pariss"}, "Did you mean Europe/Paris?"),
        ({"time_zone": ["UTC"]}, "The value of time_zone must be a text."),
        ({"timezone": "Europe/Paris"}, "Unknown in the body: timezone. It may have cron,"),
        ({"task_name": ""}, "The task_name must be 1 to 64 letters"),
        ({"task_name": "a" * 65}, "The task_name must be 1 to 64 letters"),
        ({"task_name": "Überweisung"}, "The task_name must be 1 to 64 letters"),
        ({"task_name": "a b"}, "The task_name must be 1 to 64 letters"),
        ({"task_name": "."}, "and not only one or two dots."),
        ({"task_name": ".."}, "and not only one or two dots."),
        ({"task_name": "a/b"}, "The task_name must be 1 to 64 letters"),
        ({"task_name": "hourly\n"}, "The task_name must be 1 to 64 letters"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_before_anything_is_made(
    desk: ScheduleDesk, more: Json, said: str
) -> None:
    status, sentence = problem(lambda: desk.create(**more))
    assert status == 422
    assert said in sentence
    assert desk.api().list() == []
    assert desk.names() == []


@pytest.mark.parametrize("body", [None, [], "hourly", 7, {}])
def test_a_body_that_is_no_schedule_is_refused(desk: ScheduleDesk, body: object) -> None:
    assert problem(lambda: desk.api().create(body))[0] == 422


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, "a b", "ü", "hourly\n"])
def test_a_name_that_cannot_be_is_not_found(desk: ScheduleDesk, name: str) -> None:
    desk.create("hourly")
    status, sentence = problem(lambda: desk.api().delete(name))
    assert status == 404
    assert "\n" not in sentence
    assert desk.disagreements() == []


def test_there_are_at_most_a_hundred(desk: ScheduleDesk) -> None:
    desk.now = datetime.now(UTC) + timedelta(minutes=1)  # as moto: else each is compared each time
    desk.create("task-0")
    first = desk.items().get("task-0")
    assert first
    for number in range(1, MOST):
        desk.items().add(replace(first, name=f"task-{number}", phase="creating"), desk.now)
    status, said = problem(lambda: desk.create("one-more"))
    assert (status, said) == (422, "There are 100 schedules, which is the limit. Delete one first.")
    assert len(desk.api().list()) == 100
    desk.api().delete("task-7")
    desk.create("one-more")
    assert len(desk.names()) == 100
    assert desk.disagreements() == []


# -- EventBridge does not answer, or refuses -------------------------------------------------------


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", ""])
def test_while_eventbridge_is_down_schedules_are_listed_and_can_be_deleted(
    desk: ScheduleDesk, code: str
) -> None:
    desk.create("kept")
    desk.create("gone")
    event = desk.event("gone")
    desk.on_step = failing(code)
    status, said = problem(lambda: desk.create("new"))
    assert (status, said) == (503, "EventBridge Scheduler didn't answer. Try again in a minute.")
    assert desk.api().delete("gone") == {"deleted": "gone"}
    assert [row["task_name"] for row in desk.api().list()] == ["kept"]
    for name in ("gone", "new"):
        assert problem(lambda: desk.api().delete(name)) == (404, f"There is no schedule {name}.")  # noqa: B023
    assert not desk.items().start("gone", event["id"], desk.now)
    assert "gone" in desk.names()  # it still fires, and starts nothing
    desk.on_step = lambda _, work: work()
    assert [row["task_name"] for row in desk.api().list()] == ["kept"]
    assert desk.disagreements() == []


def test_a_schedule_that_eventbridge_lost_on_the_way_can_be_made_once_more(
    desk: ScheduleDesk,
) -> None:
    desk.on_step = failing("ThrottlingException", only="create_schedule")
    assert problem(desk.create)[0] == 503
    desk.on_step = lambda _, work: work()
    assert desk.api().list() == []
    desk.create()
    assert desk.disagreements() == []


def test_a_role_that_eventbridge_cannot_take_on_is_not_the_clients_fault(
    desk: ScheduleDesk,
) -> None:
    # Its words, as boto3 hands them over; so they are for a minute after a role was made.
    words = (
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    )
    desk.on_step = failing("ValidationException", only="create_schedule", words=words)
    status, sentence = problem(desk.create)
    assert status == 503
    assert "cron" not in sentence
    assert sentence.endswith("Apply Terraform again.")
    desk.on_step = lambda _, work: work()
    assert desk.api().list() == []


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("ValidationException", 422, "EventBridge doesn't accept this cron or time zone."),
        ("ServiceQuotaExceededException", 422, "AWS allows no more schedules in this account."),
        ("AccessDeniedException", 503, "Apply Terraform again."),
        ("ResourceNotFoundException", 503, "Apply Terraform again."),
    ],
)
def test_what_eventbridge_refuses_is_said_without_its_words(
    desk: ScheduleDesk, code: str, status: int, said: str
) -> None:
    desk.on_step = failing(code, only="create_schedule")
    answered, sentence = problem(desk.create)
    assert answered == status
    assert said in sentence
    assert "123456789012" not in sentence
    desk.on_step = lambda _, work: work()
    assert desk.api().list() == []
    assert desk.disagreements() == []
