"""Schedules and workflows on the emulator, and the errors of functions that they see."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import emulator as aws
from sandbox.aws.function_errors import UNNAMED, as_raised
from tests.support.emulator_account import Account, an_account, choosing, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RAISES = """
class Closed(Exception):
    class Books(Exception):
        pass

def handler(event, context):
    print("about to fail")
    match event["fail"]:
        case "closed": raise Closed("the books are closed")
        case "nested": raise Closed.Books("two\\nlines")
        case "quoted":
            raise Closed("Odoo said: Traceback (most recent call last):\\n  x\\nKeyError: 'y'")
        case "bare": raise Closed
        case "chained":
            try: {}["x"]
            except KeyError as error: raise Closed("no x") from error
        case "key": return event["nothing"]
        case "exit": raise SystemExit(3)
    return event
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aws.Emulator]:
    emulator = aws.start(tmp_path_factory.mktemp("aws"))
    yield emulator
    aws.stop(emulator)


@pytest.fixture
def account(
    emulator: aws.Emulator, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Account]:
    with an_account(emulator, str(request.node.name), tmp_path) as account:
        yield account


@pytest.fixture(scope="module")
def failing(emulator: aws.Emulator, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An account with a function that fails in every way."""
    account = Account(emulator, "failing", tmp_path_factory.mktemp("failing") / "seen")
    account.function(RAISES)
    return account


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("closed", "Closed", "the books are closed"),
        ("nested", "Books", "two\nlines"),
        ("quoted", "Closed", "Odoo said: Traceback (most recent call last):\n  x\nKeyError: 'y'"),
        ("bare", "Closed", ""),
        ("chained", "Closed", "no x"),
        ("key", "KeyError", "'nothing'"),
    ],
)
def test_a_function_that_raised_answers_the_class_the_message_and_the_stack(
    failing: Account, how: str, kind: str, message: str
) -> None:
    answer = failing.call({"fail": how})
    (frame,) = answer.pop("stackTrace")
    assert answer == {"errorType": kind, "errorMessage": message}
    assert 'main.py", line ' in frame
    assert frame.splitlines()[0].endswith("in handler")


def noted() -> None:
    error = ValueError("no")
    error.add_note("see: the note")
    raise error


def grouped() -> None:
    raise ExceptionGroup("several", [ValueError("no"), KeyError("y")])


@pytest.mark.parametrize(
    ("fail", "kind"),
    [
        (noted, "ValueError"),
        (grouped, "ExceptionGroup"),
        (lambda: compile("a b", "main.py", "exec"), "SyntaxError"),
        (lambda: missing, "NameError"),  # type: ignore[name-defined] # noqa: F821 - it is missing
    ],
)
def test_an_exception_keeps_its_class_however_python_prints_it(
    fail: Callable[[], object], kind: str
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of several kinds
        fail()
    log = "a line\n" + "".join(traceback.format_exception(raised.value))
    answer = as_raised({"errorType": UNNAMED, "errorMessage": str(raised.value)}, log)
    assert (answer["errorType"], answer["errorMessage"]) == (kind, str(raised.value))


def test_a_function_that_ends_or_hangs_is_no_exception_of_its_own(failing: Account) -> None:
    client = failing.client("lambda")
    assert failing.call({"fail": "exit"})["errorType"].startswith("Runtime.")

    code = "import time\ndef handler(event, context): time.sleep(60)"
    hanging = Account(failing.emulator, "hanging", failing.seen)
    hanging.function(code)
    client.update_function_configuration(FunctionName="hanging", Timeout=1)
    answer = hanging.call({})
    assert (answer["errorType"], "stackTrace" in answer) == ("Sandbox.Timedout", False)


def test_a_workflow_retries_and_catches_by_the_class_of_an_exception(failing: Account) -> None:
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": failing.name, "Payload": "{% $states.input %}"},
        "Retry": [{"ErrorEquals": ["KeyError"], "MaxAttempts": 1, "IntervalSeconds": 1}],
        "Catch": [
            {"ErrorEquals": ["Runtime.HandlerError"], "Next": "Wrong"},
            {
                "ErrorEquals": ["Closed"],
                "Output": "{% $parse($states.errorOutput.Cause).errorMessage %}",
                "Next": "Right",
            },
        ],
        "End": True,
    }
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Run",
        "States": {"Run": run, "Right": {"Type": "Succeed"}, "Wrong": {"Type": "Fail"}},
    }
    caught = failing.run(definition, {"fail": "closed"})
    assert (caught["status"], caught["output"]) == ("SUCCEEDED", '"the books are closed"')

    failed = failing.run(definition, {"fail": "key"})
    assert (failed["status"], failed["error"]) == ("FAILED", "KeyError")
    assert json.loads(failed["cause"])["stackTrace"]
    events = failing.client("stepfunctions").get_execution_history(
        executionArn=failed["executionArn"]
    )["events"]
    assert [event["type"] for event in events].count("TaskFailed") == 2


SENT = {"Condition": "{% $states.input.sent %}"}
PAID = {"Condition": "{% $states.input.paid = 1 %}"}
EQUALS = {"Variable": "$.bill.total", "NumericEquals": 1}
OTHER = {"Variable": "$.none", "BooleanEquals": True}


@pytest.mark.parametrize(
    ("language", "rule", "given", "end"),
    [
        ("JSONPath", EQUALS, {"bill": {"total": 1}}, ""),
        ("JSONPath", EQUALS, {"bill": {"total": 2}}, "Otherwise"),
        ("JSONPath", EQUALS, {"bill": {}}, "States.Runtime"),
        ("JSONPath", EQUALS, {"bill": None}, "States.Runtime"),
        ("JSONPath", EQUALS, {"bill": {"total": None}}, "Otherwise"),
        ("JSONPath", {"Variable": "$.a[1]", "NumericEquals": 1}, {"a": [1]}, "States.Runtime"),
        ("JSONPath", {"Variable": "$.none", "IsPresent": False}, {}, ""),
        ("JSONPath", {"And": [{"Variable": "$.none", "IsPresent": True}, OTHER]}, {}, "Otherwise"),
        ("JSONPath", {"Not": OTHER}, {}, "States.Runtime"),
        ("JSONPath", {"Variable": "$.a", "NumericEqualsPath": "$.b"}, {"a": 1}, "States.Runtime"),
        ("JSONPath", {"Variable": "$$.Execution.Name", "IsString": True}, {}, ""),
        ("JSONPath", {"Variable": "$$.Nothing.Name", "IsString": True}, {}, "States.Runtime"),
        ("JSONata", PAID, {"paid": 1}, ""),
        ("JSONata", PAID, {}, "Otherwise"),
        ("JSONata", SENT, {}, "States.QueryEvaluationError"),
        ("JSONata", SENT, {"sent": "false"}, "States.QueryEvaluationError"),
    ],
)  # fmt: skip
def test_a_choice_fails_where_what_it_compares_is_not_there(
    account: Account, language: str, rule: dict[str, Any], given: dict[str, Any], end: str
) -> None:
    found = account.run(choosing(language, rule), given)
    assert (found["status"], found.get("error", "")) == ("FAILED" if end else "SUCCEEDED", end)


def test_a_schedule_calls_its_function_in_its_zone_with_what_it_says(account: Account) -> None:
    account.function()
    at = datetime.now(UTC) + timedelta(seconds=1)
    record = {"messageId": "1", "body": "<aws.scheduler.scheduled-time>"}
    account.schedule(
        ScheduleExpression=f"at({at + timedelta(hours=9):%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="Asia/Tokyo",
        Target={
            "Arn": account.arn("lambda", f"function:{account.name}"),
            "Input": json.dumps({"Records": [record]}),
        },
    )
    assert eventually(lambda: account.noted("end")) == [[f"{at:%Y-%m-%dT%H:%M:%SZ}"]]


def test_what_a_schedule_cannot_deliver_is_set_aside_with_the_reason(account: Account) -> None:
    dead = account.queue()
    only_tls = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": account.arn("sqs", account.name),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    }
    account.client("sqs").set_queue_attributes(
        QueueUrl=dead, Attributes={"Policy": json.dumps(only_tls)}
    )
    account.schedule(
        Target={
            "Input": '{"run": "<aws.scheduler.execution-id>"}',
            "DeadLetterConfig": {"Arn": account.arn("sqs", account.name)},
        }
    )

    def received() -> list[dict[str, Any]]:
        answer = account.client("sqs").receive_message(QueueUrl=dead, MessageAttributeNames=["All"])
        return list(answer.get("Messages", ()))

    (message,) = eventually(received)
    said = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"]) == {"run": said["EXECUTION_ID"]}
    assert said["ERROR_CODE"] == "ResourceNotFoundException"
    assert said["SCHEDULE_ARN"] == account.arn("scheduler", f"schedule/default/{account.name}")
    assert said["TARGET_ARN"] == account.arn("lambda", "function:nobody")
    assert said["RETRY_ATTEMPTS"] == "0"
    assert datetime.fromisoformat(said["SCHEDULED_TIME"]) <= datetime.now(UTC)


def test_a_right_to_the_schedules_of_a_group_is_none_to_those_of_another(account: Account) -> None:
    mine, other = f"{account.name}-mine", f"{account.name}-other"
    for group in (mine, other):
        account.client("scheduler").create_schedule_group(Name=group)
    allowed = account.arn("scheduler", f"schedule/{mine}/*")
    limited = account.limited_to("scheduler:*Schedule", allowed).client("scheduler")
    schedule = {
        "Name": "nightly",
        "ScheduleExpression": "cron(0 2 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": account.arn("lambda", "function:nobody"), "RoleArn": account.role()},
    }
    limited.create_schedule(GroupName=mine, **schedule)
    limited.update_schedule(GroupName=mine, **schedule)
    found = limited.get_schedule(GroupName=mine, Name="nightly")
    assert found["Arn"] == account.arn("scheduler", f"schedule/{mine}/nightly")
    limited.delete_schedule(GroupName=mine, Name="nightly")

    groups: tuple[dict[str, Any], ...] = ({"GroupName": other}, {})
    for named in groups:
        with pytest.raises(ClientError, match="AccessDenied"):
            limited.create_schedule(**named, **schedule)
        with pytest.raises(ClientError, match="AccessDenied"):
            limited.get_schedule(**named, Name="nightly")


@pytest.mark.parametrize("name", ["a" * 65, "a@b", "a b"])
def test_a_name_that_aws_refuses_is_refused(account: Account, name: str) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        account.client("scheduler").create_schedule_group(Name=name)
    with pytest.raises(ClientError, match="ValidationException"):
        account.schedule(Name=name)


# -- what fix_mail adds for the intake -------------------------------------------------------------


def mails(account: Account) -> list[tuple[str, str]]:
    """To whom what was mailed that names this test."""
    lines = account.emulator.outbox.read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [(m["to"], m["message"]) for m in found if m["subject"] == account.name]


def test_a_notification_is_mailed_to_those_whose_filter_it_passes(account: Account) -> None:
    sns = account.client("sns")
    topic = sns.create_topic(Name=account.name)["TopicArn"]
    for to, outcomes in (("all", ["a", "b"]), ("some", ["b"])):
        sns.subscribe(
            TopicArn=topic,
            Protocol="email",
            Endpoint=f"{to}@example.com",
            Attributes={"FilterPolicy": json.dumps({"outcome": outcomes})},
        )
    for outcome in ("a", "b", "c"):
        attributes = {"outcome": {"DataType": "String", "StringValue": outcome}}
        sns.publish(
            TopicArn=topic, Subject=account.name, Message=outcome, MessageAttributes=attributes
        )

    assert sorted(mails(account)) == [
        ("all@example.com", "a"),
        ("all@example.com", "b"),
        ("some@example.com", "b"),
    ]


def test_a_customers_mail_is_sent_by_who_may_send_from_that_address(account: Account) -> None:
    account.client("sesv2").create_email_identity(EmailIdentity="example.com")
    resource = account.arn("ses", "identity/example.com")
    limited = account.limited_to("ses:SendEmail", resource).client("sesv2")

    def send(sender: str) -> None:
        limited.send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": ["ada@example.com"]},
            Content={
                "Simple": {
                    "Subject": {"Data": account.name},
                    "Body": {"Text": {"Data": "Ünpaid\nyet"}},
                }
            },
        )

    send("billing@example.com")

    assert mails(account) == [("ada@example.com", "Ünpaid\nyet")]
    with pytest.raises(ClientError, match="AccessDenied"):
        send("billing@example.org")
