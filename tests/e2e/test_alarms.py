"""The alarms on the applied chain: quiet in normal use, and each heard once something is broken.

What would take an hour is shown by a copy of the alarm that has its metric, dimensions, statistic
and direction, and less patience: `hastened` is told what is taken from it.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.terminal import Demo, Json, Standing

EXTRACTOR: Final = "odoo-extractor-sandbox"
NOTIFIER: Final = "odoo-notifier-sandbox"
HANDLER: Final = "odoo-approval-handler-sandbox"
POSTER: Final = "odoo-poster-sandbox"
TABLE: Final = "odoo-qb-invoices-sandbox"
APPROVED: Final = "odoo-approved-invoices-sandbox.fifo"
DEAD: Final = "odoo-approved-invoices-dlq-sandbox.fifo"
TOKEN: Final = "odoo-qb-integration/quickbooks-token-sandbox/1MD"
SECRETS: Final = {
    name: f"odoo-qb-integration/{name}-sandbox"
    for name in ("odoo-credentials", "slack-config", "quickbooks-credentials")
}
NO_EXTRACTION: Final = f"{EXTRACTOR} has not succeeded for three schedules"
CARDS_ARE_LATE: Final = f"{NOTIFIER} is an hour behind"
POSTINGS_ARE_LATE: Final = f"{APPROVED} is an hour behind"
MUST_CONNECT: Final = "odoo-qb-sandbox must be connected to QuickBooks again soon"
HASTENED: Final = "Hastened: "
NOT_LONG: Final = 2.0  # seconds that must pass where an alarm waits for an hour


def eventually(look: Callable[[], Any], what: object) -> None:
    until = time.monotonic() + 180  # seconds: a hang, no machine is that slow
    while not look():
        assert time.monotonic() < until, f"not seen: {what}"
        time.sleep(0.3)


def alarms(stand: Standing, **which: Any) -> dict[str, Json]:
    pages = stand.client("cloudwatch").get_paginator("describe_alarms").paginate(**which)
    found = (alarm for page in pages for alarm in page["MetricAlarms"])
    return {a["AlarmName"]: a for a in found if not a["AlarmName"].startswith(HASTENED)}


def states(stand: Standing, name: str, since: datetime, until: datetime | None = None) -> list[str]:
    """The states an alarm went to, oldest first."""
    items = stand.client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    told = [(i["Timestamp"], json.loads(i["HistoryData"])["newState"]["stateValue"]) for i in items]
    return [state for at, state in sorted(told) if since <= at <= (until or at)]


@pytest.fixture(scope="module")
def quiet(first: Demo, stand: Standing) -> datetime:
    """When the chain stood after a demo that went well, and nothing was broken yet.

    From then on every alarm finds its state anew: on a chain that is kept from run to run, one may
    be in the state already that a test waits for.
    """
    assert first.status == 0, first.said
    now = datetime.now(UTC).replace(microsecond=0)
    for name in alarms(stand):
        stand.client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue="INSUFFICIENT_DATA", StateReason="It is looked at anew."
        )
    return now


def is_told(stand: Standing, since: datetime, *names: str, state: str = "ALARM") -> None:
    """Wait until alarms went to a state and the mail about each says what to do."""

    def left() -> set[str]:
        gone = {name for name in names if state in states(stand, name, since)}
        mailed = {name for name in gone if stand.mails(f'{state}: "{name}"'[:90])}
        return set(names) - mailed

    eventually(lambda: not left(), f"{state} and a mail of {names}")


@contextmanager
def hastened(stand: Standing, name: str, **patience: Any) -> Iterator[str]:
    """A copy of an alarm with less patience, by its name."""
    cloudwatch, copied = stand.client("cloudwatch"), f"{HASTENED}{name}"
    same = {
        *("MetricName", "Namespace", "Dimensions", "Statistic", "ComparisonOperator"),
        *("Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "TreatMissingData"),
        *("AlarmActions", "InsufficientDataActions"),
    }
    alarm = {k: v for k, v in alarms(stand)[name].items() if k in same}
    cloudwatch.put_metric_alarm(**{**alarm, **patience, "AlarmName": copied})
    try:
        yield copied
    finally:
        cloudwatch.delete_alarms(AlarmNames=[copied])


def restart(stand: Standing) -> None:
    """Let every function read its secrets again; the timeouts are those of before in the end."""
    functions = stand.client("lambda")
    for function in (EXTRACTOR, NOTIFIER, HANDLER, POSTER):
        seconds = functions.get_function_configuration(FunctionName=function)["Timeout"]
        for timeout in (seconds + 1, seconds):
            functions.update_function_configuration(FunctionName=function, Timeout=timeout)


@contextmanager
def useless_secrets(stand: Standing) -> Iterator[None]:
    """Every secret Terraform fills holds something else, as after a slip of a hand."""
    secrets = stand.client("secretsmanager")
    right = {s: secrets.get_secret_value(SecretId=s)["SecretString"] for s in SECRETS.values()}
    for secret in right:
        secrets.put_secret_value(SecretId=secret, SecretString="oops")
    restart(stand)
    try:
        yield
    finally:
        for secret, value in right.items():
            secrets.put_secret_value(SecretId=secret, SecretString=value)
        restart(stand)


@contextmanager
def switched_off(stand: Standing, function: str) -> Iterator[None]:
    """What feeds a function is disabled."""
    functions = stand.client("lambda")
    mappings = functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    try:
        for mapping in mappings:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield
    finally:
        for mapping in mappings:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def tried_again_at_once(stand: Standing, queue: str) -> Iterator[None]:
    """What the poster fails at does not hide for its twelve minutes."""
    sqs = stand.client("sqs")
    usual = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=usual["Attributes"])


def owe_a_card(stand: Standing, entry_id: str) -> None:
    item = {"entry_id": {"S": entry_id}, "card_due": {"N": "1"}}
    stand.client("dynamodb").put_item(TableName=TABLE, Item=item)


def click(stand: Standing) -> int:
    """A request like Slack's with a wrong signature: the handler needs its secret to tell."""
    headers = {
        "X-Slack-Request-Timestamp": str(int(time.time())),
        "X-Slack-Signature": f"v0={64 * '0'}",
    }
    return requests.post(
        stand.addresses["clicks"],
        data=b"payload={}",
        headers=headers,
        verify=stand.exports["AWS_CA_BUNDLE"],
        timeout=60,
    ).status_code


# -- in normal use -------------------------------------------------------------------------


def test_a_normal_demo_raises_no_alarm(first: Demo, stand: Standing, quiet: datetime) -> None:
    at = [datetime.fromisoformat(e["at"]) for lines in first.trace.values() for e in lines]
    looked_at = alarms(stand)

    assert len(looked_at) == 13
    raised = {name for name in looked_at if "ALARM" in states(stand, name, min(at), quiet)}
    assert raised <= raised_by_slowness(stand, min(at))
    eventually(lambda: "OK" in states(stand, NO_EXTRACTION, quiet), "that it was looked at")


def raised_by_slowness(stand: Standing, since: datetime) -> set[str]:
    """The alarm a busy machine may raise: at a click there was no time left to answer."""
    found = stand.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{HANDLER}",
        filterPattern='"no time was left to answer the person"',
        startTime=int(since.timestamp() * 1000),
    )["events"]
    return {f"{HANDLER} fails"} if found else set()


@pytest.mark.usefixtures("quiet")
def test_a_demo_gives_the_dashboard_something_to_show(stand: Standing) -> None:
    """Every metric on it is one that the chain really counts, and every field one it logs."""
    cloudwatch, logs = stand.client("cloudwatch"), stand.client("logs")
    stand.invoke({"action": "check_connections"}, "poster")
    stand.invoke({})
    body = cloudwatch.get_dashboard(DashboardName="odoo-qb-sandbox")["DashboardBody"]
    widgets = [w["properties"] for w in json.loads(body)["widgets"]]
    shown = {
        tuple(part for part in metric if isinstance(part, str))
        for widget in widgets
        for metric in widget.get("metrics", ())
    }
    pages = cloudwatch.get_paginator("list_metrics").paginate()
    counted = {
        (m["Namespace"], m["MetricName"], *(part for d in m["Dimensions"] for part in d.values()))
        for page in pages
        for m in page["Metrics"]
    }
    throttles = {metric for metric in shown if metric[1] == "Throttles"}  # none, if all is well
    assert shown - throttles <= counted
    assert {a for w in widgets for a in w.get("alarms", ())} == {
        alarm["AlarmArn"] for alarm in alarms(stand).values()
    }
    for query in (w["query"] for w in widgets if "query" in w):
        source, condition, *_ = query.split(" | ")
        message = condition.split("'")[1]
        found = logs.filter_log_events(
            logGroupName=source.split("'")[1], filterPattern=f'"{message}"'
        )["events"]
        lines = [json.loads(e["message"]) for e in found if e["message"].startswith("{")]
        line = next(line for line in reversed(lines) if line["message"] == message)
        for field in fields_of(query):
            value: Any = line
            for step in field.split("."):
                value = value[step]


def fields_of(query: str) -> list[str]:
    """The fields of a log's lines that a query counts with or by."""
    _, _, counting = query.split(" | ")
    what, _, by = counting.removeprefix("stats ").rpartition(" by ")
    inside = [part.split(")")[0] for part in what.split("(")[1:]]
    return [name for name in (*inside, by) if name != "*" and "(" not in name]


# -- broken --------------------------------------------------------------------------------


def test_useless_secrets_are_heard_of_from_every_function(stand: Standing, quiet: datetime) -> None:
    functions = stand.client("lambda")
    with (
        hastened(stand, NO_EXTRACTION, Period=5) as no_extraction,
        useless_secrets(stand),
    ):
        owe_a_card(stand, "probe-1")
        functions.invoke(FunctionName=EXTRACTOR, InvocationType="Event", Payload=b"{}")
        assert click(stand) >= 500
        _, failed = stand.invoke({"action": "sync_reference"}, "poster")
        assert failed

        is_told(stand, quiet, f"{HANDLER} fails", f"{POSTER} fails", no_extraction)
        is_told(stand, quiet, "odoo-extractor-failures-sandbox is not empty")
        is_told(stand, quiet, "odoo-notifier-failures-sandbox is not empty")


def test_an_extraction_that_succeeds_ends_the_alarm_and_silence_is_told(
    stand: Standing, quiet: datetime
) -> None:
    with hastened(stand, NO_EXTRACTION, Period=5) as copy:
        answer, failed = stand.invoke({})
        assert not failed, answer
        eventually(lambda: "OK" in states(stand, copy, quiet), "OK")
        is_told(stand, quiet, copy, state="INSUFFICIENT_DATA")


def test_a_click_that_is_turned_away_is_heard_of(stand: Standing, quiet: datetime) -> None:
    functions = stand.client("lambda")
    functions.put_function_concurrency(FunctionName=HANDLER, ReservedConcurrentExecutions=0)
    try:
        assert click(stand) == 429
    finally:
        functions.delete_function_concurrency(FunctionName=HANDLER)

    is_told(stand, quiet, f"{HANDLER} is throttled")


def test_work_that_lies_about_is_heard_of_and_so_is_what_dies_of_it(
    stand: Standing, quiet: datetime
) -> None:
    sqs = stand.client("sqs")
    queue = sqs.get_queue_url(QueueName=APPROVED)["QueueUrl"]
    with (
        hastened(stand, POSTINGS_ARE_LATE, Threshold=NOT_LONG, Period=30) as postings,
        hastened(stand, CARDS_ARE_LATE, Threshold=NOT_LONG * 1000, Period=30) as cards,
        tried_again_at_once(stand, queue),
    ):
        with switched_off(stand, POSTER), switched_off(stand, NOTIFIER):
            owe_a_card(stand, "probe-2")
            sqs.send_message(
                QueueUrl=queue,
                MessageBody="nobody's bill",
                MessageGroupId="1MD",
                MessageDeduplicationId=str(time.time()),
            )
            is_told(stand, quiet, postings)
        is_told(stand, quiet, cards, f"{DEAD} is not empty")


@pytest.mark.parametrize(
    ("name", "usual"),
    [(f"{HANDLER} is slow", 2400), (f"{POSTER} nearly runs out of time", 96_000)],
)
def test_a_slow_run_is_measured_in_what_its_alarm_counts(
    stand: Standing, quiet: datetime, name: str, usual: float
) -> None:
    """Milliseconds: a run that was waited for is over a limit of one, and under the usual one."""
    assert alarms(stand)[name]["Threshold"] == usual
    with hastened(stand, name, Threshold=1, DatapointsToAlarm=1) as copy:
        click(stand)
        stand.invoke({"action": "check_connections"}, "poster")
        is_told(stand, quiet, copy)


def test_a_connection_that_ends_within_two_weeks_is_heard_of(
    stand: Standing, quiet: datetime
) -> None:
    secrets = stand.client("secretsmanager")
    usual, _ = stand.invoke({"action": "check_connections"}, "poster")
    assert usual["companies"]["1MD"] == "connected for 100 more days"
    tokens = json.loads(secrets.get_secret_value(SecretId=TOKEN)["SecretString"])
    soon = datetime.fromtimestamp(time.time() + 13 * 86_400, UTC).isoformat()
    ending = json.dumps(tokens | {"refresh_expires_at": soon})
    secrets.put_secret_value(SecretId=TOKEN, SecretString=ending)

    said, _ = stand.invoke({"action": "check_connections"}, "poster")

    assert said["companies"]["1MD"] == "connected for 12 more days"
    is_told(stand, quiet, MUST_CONNECT)
