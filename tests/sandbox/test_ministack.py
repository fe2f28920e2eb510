"""MiniStack as released still needs each fix in sandbox/aws: what is wrong there is asserted here.

A test that fails says that a new version behaves as AWS does: drop the fix it names.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import emulator as aws
from sandbox.aws.internals import VERSION, service
from tests.support.emulator_account import Account, an_account, bound_by, choosing, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

A_MOMENT = 1.5  # seconds in which what ought to happen at once would have happened


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aws.Emulator]:
    emulator = aws.start(tmp_path_factory.mktemp("stock"), module="ministack")
    yield emulator
    os.killpg(emulator.process.pid, signal.SIGKILL)
    aws.stop(emulator)


@pytest.fixture
def account(
    stock: aws.Emulator, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Account]:
    with an_account(stock, str(request.node.name), tmp_path) as account:
        yield account


def metrics(account: Account, namespace: str, **dimensions: str) -> set[str]:
    """The names of the metrics that were kept under these dimensions."""
    found = account.client("cloudwatch").list_metrics(
        Namespace=namespace,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
    )
    return {metric["MetricName"] for metric in found["Metrics"]}


def an_alarm(account: Account, **settings: Any) -> None:
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=account.name,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **settings,
    )


def an_expression(account: Account) -> list[dict[str, Any]]:
    metric = {"Namespace": account.name, "MetricName": "Wrong"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    return [
        {"Id": "bad", "Expression": "IF(wrong > 0, 1, 0)", "ReturnData": True},
        {"Id": "wrong", "MetricStat": stat, "ReturnData": False},
    ]


def state(account: Account) -> str:
    found = account.client("cloudwatch").describe_alarms(AlarmNames=[account.name])
    (alarm,) = found["MetricAlarms"]
    return str(alarm["StateValue"])


def put(account: Account, name: str, **dimensions: str) -> None:
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    account.client("cloudwatch").put_metric_data(
        Namespace=account.name, MetricData=[{"MetricName": name, "Value": 1, "Dimensions": listed}]
    )


def test_the_fixes_are_for_the_installed_version() -> None:
    assert version("ministack") == VERSION


# Functions: fix_functions, streams.py, function_errors.py and metrics.py.


def test_a_stream_takes_a_partial_failure_for_a_success(account: Account) -> None:
    account.function()
    mapping = account.map(account.table(), StartingPosition="TRIM_HORIZON", Enabled=False)
    account.put("a", "flaky", "c")
    account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)

    eventually(lambda: account.noted("end"))
    account.put("d")
    eventually(lambda: ["d"] in account.noted("end"))
    assert account.noted() == [["a", "flaky", "c"], ["d"]]


def test_a_stream_retries_beyond_its_maximum_and_sets_nothing_aside(account: Account) -> None:
    account.function()
    dead = account.queue()
    account.map(
        account.table(),
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": account.arn("sqs", account.name)}},
    )
    account.put("poison")

    eventually(lambda: account.noted().count(["poison"]) > 1)
    assert account.messages(dead) == []


def test_a_stream_hands_over_a_record_that_is_past_its_age(account: Account) -> None:
    account.function()
    mapping = account.map(
        account.table(),
        StartingPosition="TRIM_HORIZON",
        Enabled=False,
        MaximumRecordAgeInSeconds=1,
    )
    account.put("old")
    time.sleep(A_MOMENT)
    account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)

    assert eventually(lambda: account.noted("end")) == [["old"]]


def test_a_stream_does_not_wait_for_a_batch_to_fill(account: Account) -> None:
    account.function()
    account.map(
        account.table(),
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        MaximumBatchingWindowInSeconds=300,
    )
    account.put("alone")

    assert eventually(lambda: account.noted("end"), 10) == [["alone"]]


def test_every_exception_of_a_function_has_the_same_type_and_no_stack(account: Account) -> None:
    account.function()
    answer = account.call({"nothing": "it expects"})
    assert answer == {"errorMessage": "'Records'", "errorType": "Runtime.HandlerError"}


def test_a_slow_reader_of_a_stream_holds_up_a_queue(account: Account) -> None:
    account.function()
    stream = account.table()
    url = account.queue()
    account.map(stream, StartingPosition="LATEST")
    account.map(account.arn("sqs", account.name))
    account.put("slow")
    eventually(account.noted)
    account.client("sqs").send_message(QueueUrl=url, MessageBody="quick")

    time.sleep(A_MOMENT)
    assert account.noted("end") == []
    account.let_the_slow_go()
    eventually(lambda: ["quick"] in account.noted("end"))


def test_message_groups_wait_for_each_other(account: Account) -> None:
    account.function()
    url = account.queue(".fifo", FifoQueue="true")
    account.map(account.arn("sqs", f"{account.name}.fifo"), BatchSize=1)
    for group in "AB":
        account.client("sqs").send_message(
            QueueUrl=url,
            MessageBody=f"slow {group}",
            MessageGroupId=group,
            MessageDeduplicationId=group,
        )

    eventually(account.noted)
    time.sleep(A_MOMENT)
    assert len(account.noted()) == 1
    account.let_the_slow_go()
    eventually(lambda: len(account.noted("end")) == 2)


def test_a_run_for_a_queue_is_not_counted_and_metrics_in_a_log_are_not_kept(
    account: Account,
) -> None:
    account.function()
    url = account.queue()
    account.map(account.arn("sqs", account.name))
    account.client("sqs").send_message(QueueUrl=url, MessageBody="done")

    eventually(lambda: account.noted("end"))
    time.sleep(A_MOMENT)
    assert metrics(account, "AWS/Lambda", FunctionName=account.name) == set()
    assert metrics(account, "Bills") == set()


def test_a_call_that_was_turned_away_is_counted_as_a_run(account: Account) -> None:
    account.function()
    client = account.client("lambda")
    client.put_function_concurrency(FunctionName=account.name, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=account.name, Payload=b'{"Records": []}')

    assert "Invocations" in metrics(account, "AWS/Lambda", FunctionName=account.name)


def test_answers_through_a_function_url_are_not_counted(account: Account) -> None:
    account.function()
    client = account.client("lambda")
    url = client.create_function_url_config(FunctionName=account.name, AuthType="NONE")
    trust = ssl.create_default_context(cafile=account.emulator.ca_bundle)
    address = account.emulator.function_url(url["FunctionUrl"])
    client.add_permission(
        FunctionName=account.name,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    request = urllib.request.Request(address, data=b"{}")  # noqa: S310 - of the emulator
    with pytest.raises(OSError, match="50"):  # the handler expects records
        urllib.request.urlopen(request, context=trust)  # noqa: S310 - as above

    assert not any(
        name.startswith("Url") for name in metrics(account, "AWS/Lambda", FunctionName=account.name)
    )


# Alarms: fix_alarms and alarms.py.


def test_an_alarm_takes_no_heed_of_dimensions(account: Account) -> None:
    an_alarm(
        account,
        Namespace=account.name,
        MetricName="Wrong",
        Dimensions=[{"Name": "Of", "Value": "us"}],
        Statistic="Maximum",
        Period=60,
    )
    put(account, "Wrong", Of="others")
    assert state(account) == "ALARM"


def test_an_alarm_with_an_expression_is_never_computed(account: Account) -> None:
    an_alarm(account, Metrics=an_expression(account))
    put(account, "Wrong")
    time.sleep(A_MOMENT)
    assert state(account) == "INSUFFICIENT_DATA"


def test_an_alarm_does_not_end_when_nothing_more_is_put(account: Account) -> None:
    an_alarm(account, Namespace=account.name, MetricName="Wrong", Statistic="Maximum", Period=1)
    put(account, "Wrong")
    time.sleep(1 + A_MOMENT)
    assert state(account) == "ALARM"


def test_a_queue_has_no_metrics(account: Account) -> None:
    account.client("sqs").send_message(QueueUrl=account.queue(), MessageBody="{}")
    time.sleep(A_MOMENT)
    assert metrics(account, "AWS/SQS") == set()


def test_terraform_gets_an_alarms_description_without_its_expression(account: Account) -> None:
    an_alarm(account, Metrics=an_expression(account))
    described = account.query("DescribeAlarms", **{"AlarmNames.member.1": account.name})
    assert account.name in described
    assert "IF(wrong" not in described


def test_an_alarm_of_terraforms_loses_what_it_does_when_there_is_not_enough_data(
    account: Account,
) -> None:
    assert account.alarm_actions() == {
        "AlarmActions": [account.arn("sns", "Alarm")],
        "OKActions": [account.arn("sns", "OK")],
        "InsufficientDataActions": [],
    }


# E-mails, queues, schedules and the end: fix_mail, fix_queues, fix_rules and fix_stopping.


def test_an_e_mail_is_only_a_line_in_a_log(account: Account) -> None:
    sns = account.client("sns")
    topic = sns.create_topic(Name=account.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="books@example.com")
    sns.publish(TopicArn=topic, Subject="Hello", Message="World")

    log = account.emulator.run_dir / "emulator.log"
    assert "email books@example.com (stub)" in log.read_text()


def test_a_purged_queue_remembers_deduplication_ids(account: Account) -> None:
    sqs, url = account.client("sqs"), account.queue(".fifo", FifoQueue="true")
    message = {"MessageBody": "{}", "MessageGroupId": "acme", "MessageDeduplicationId": "1"}
    sqs.send_message(QueueUrl=url, **message)
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, **message)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_schedule_that_fell_due_while_nothing_ran_fires_at_once() -> None:
    code = """
import json, time
from ministack.services import eventbridge as service
began, key = time.time(), ("000000000000", "us-west-2", "default|hourly")
service._rules._data[key] = {
    "State": "ENABLED",
    "ScheduleExpression": "rate(1 hour)",
    "CreationTime": began - 7200,
    "Arn": "arn:aws:events:us-west-2:000000000000:rule/hourly",
}
service._tick_scheduled_rules()
print(json.dumps(service._rule_last_fired[key] >= began))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)


def test_stopping_waits_for_a_call_that_hangs_and_leaves_its_function_running(
    tmp_path: Path,
) -> None:
    emulator = aws.start(tmp_path, module="ministack")
    try:
        account = Account(emulator, "hanging", tmp_path / "seen")
        account.function()
        with ThreadPoolExecutor() as pool:
            record = {"body": "slow", "messageId": "1"}
            pool.submit(account.call, {"Records": [record]})
            eventually(account.noted)
            emulator.process.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                emulator.process.wait(2 * A_MOMENT)
            emulator.process.kill()
            emulator.process.wait()
            account.let_the_slow_go()
            assert eventually(lambda: account.noted("end")) == [["slow"]]
    finally:
        aws.stop(emulator)


def test_it_takes_port_443_too_where_it_can(tmp_path: Path) -> None:
    assert bound_by("ministack.app", tmp_path) == ["127.0.0.1:1", "127.0.0.1:443"]


# Schedules of EventBridge Scheduler: fix_scheduler, scheduler.py and schedule_times.py.


@pytest.mark.parametrize(
    "settings",
    [
        {"Name": "a" * 65},
        {"ScheduleExpression": "cron(0 9 * * *)"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"FlexibleTimeWindow": {"Mode": "SOON"}},
        {"State": "SLEEPING"},
        {"StartDate": 1_700_000_000},
        {"Target": {"Input": "{"}},
    ],
)
def test_a_schedule_is_made_that_aws_would_refuse(account: Account, settings: Any) -> None:
    account.schedule(**{"Name": token_hex(4)} | settings)


def test_a_right_to_the_schedules_of_a_group_gives_nothing(account: Account) -> None:
    account.client("scheduler").create_schedule_group(Name=account.name)
    allowed = account.arn("scheduler", f"schedule/{account.name}/*")
    limited = account.limited_to("scheduler:*", allowed).client("scheduler")
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.get_schedule(GroupName=account.name, Name="nightly")


@pytest.fixture
def fired() -> Iterator[Callable[..., list[str]]]:
    """What a look at a new schedule, in this process, puts into a queue."""
    schedules, queues = service("scheduler"), service("sqs")
    for name in ("fired", "dead"):
        queues._act_create_queue({"QueueName": name}, "")

    def arn(queue: str) -> str:
        return f"arn:aws:sqs:{queues.get_region()}:000000000000:{queue}"

    def fire(queue: str = "fired", to: str = "fired", **settings: Any) -> list[str]:
        body = {
            "ScheduleExpression": "at(2026-01-01T00:00:00)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": arn(to),
                "RoleArn": "arn:aws:iam::000000000000:role/x",
                "Input": "<aws.scheduler.schedule-arn>",
                "DeadLetterConfig": {"Arn": arn("dead")},
            },
        }
        schedules._create_schedule("one", body | settings)
        schedules._tick_schedules()
        return [message["body"] for message in queues._queue_by_arn(arn(queue))["messages"]]

    yield fire
    schedules._schedule_last_fired.clear()
    schedules.reset()
    queues.reset()


def test_a_schedules_zone_is_ignored(fired: Callable[..., list[str]]) -> None:
    tokyo = datetime.now(UTC) + timedelta(hours=9) - timedelta(minutes=1)
    settings = {"ScheduleExpressionTimezone": "Asia/Tokyo"}
    assert fired(ScheduleExpression=f"at({tokyo:%Y-%m-%dT%H:%M:%S})", **settings) == []


def test_a_schedules_input_keeps_its_context_attributes(fired: Callable[..., list[str]]) -> None:
    assert fired() == ["<aws.scheduler.schedule-arn>"]


def test_what_a_schedule_cannot_deliver_is_lost(fired: Callable[..., list[str]]) -> None:
    assert fired("dead", to="nobody") == []


def test_a_rate_waits_for_its_first_time_instead_of_beginning_at_once(
    fired: Callable[..., list[str]],
) -> None:
    assert fired(ScheduleExpression="rate(1 minute)") == []


def test_a_one_time_schedule_fires_again_after_a_start(fired: Callable[..., list[str]]) -> None:
    schedules = service("scheduler")
    assert len(fired()) == 1
    kept = schedules.get_state()
    assert "fired" not in " ".join(kept)  # which a new process knows nothing of
    schedules._schedule_last_fired.clear()
    assert len(fired()) == 2


# Workflows of Step Functions: fix_workflows and workflows.py.


@pytest.mark.parametrize(
    ("language", "rule", "given", "end"),
    [
        ("JSONPath", {"Variable": "$.total", "NumericEquals": 1}, {}, "Otherwise"),
        ("JSONata", {"Condition": "{% $states.input.sent %}"}, {"sent": "false"}, ""),
    ],
)
def test_a_choice_goes_on_where_aws_would_fail(
    account: Account, language: str, rule: dict[str, Any], given: dict[str, Any], end: str
) -> None:
    found = account.run(choosing(language, rule), given)
    assert (found["status"], found.get("error", "")) == ("FAILED" if end else "SUCCEEDED", end)


# Executions: fix_workflows and executions.py.


def failing_task(error: str, **more: Any) -> dict[str, Any]:
    """A workflow of one task, which always fails with an error."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "nobody", "Payload": {}},
        "Retry": [{"ErrorEquals": [error], "IntervalSeconds": 1, "MaxAttempts": 1, **more}],
        "End": True,
    }
    return {"QueryLanguage": "JSONata", "StartAt": "Try", "States": {"Try": task}}


def test_an_execution_cannot_be_redriven(account: Account) -> None:
    found = account.run(failing_task("Other"), {})
    assert (found["status"], "redriveCount" in found) == ("FAILED", False)
    with pytest.raises(ClientError, match="Unknown action: RedriveExecution"):
        account.client("stepfunctions").redrive_execution(executionArn=found["executionArn"])


def test_an_execution_outlasts_its_time_out_and_is_counted_nowhere(account: Account) -> None:
    waiting = {"Type": "Wait", "Seconds": 2, "End": True}
    definition = {"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": waiting}}
    assert account.run(definition, {})["status"] == "SUCCEEDED"
    assert account.client("cloudwatch").list_metrics(Namespace="AWS/States")["Metrics"] == []


def test_a_retry_takes_no_heed_of_its_longest_delay(account: Account) -> None:
    began = time.monotonic()
    wait = {"IntervalSeconds": 3, "MaxDelaySeconds": 1}
    account.run(failing_task("Lambda.ResourceNotFoundException", **wait), {})
    assert time.monotonic() - began > 3


def test_a_call_that_was_turned_away_has_no_name_in_a_workflow(account: Account) -> None:
    account.function()
    account.client("lambda").put_function_concurrency(
        FunctionName=account.name, ReservedConcurrentExecutions=0
    )
    definition = failing_task("Other")
    definition["States"]["Try"]["Arguments"]["FunctionName"] = account.name
    assert account.run(definition, {})["error"] == "Lambda.Unknown"


def test_sending_mail_is_a_right_to_everything(account: Account) -> None:
    resource = account.arn("ses", "identity/example.com")
    limited = account.limited_to("ses:SendEmail", resource).client("sesv2")
    account.client("sesv2").create_email_identity(EmailIdentity="example.com")
    text = {"Data": "x"}
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.send_email(
            FromEmailAddress="a@example.com",
            Destination={"ToAddresses": ["b@example.com"]},
            Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
        )
