"""Run MiniStack in this process, with the behaviours of AWS it lacks and our functions rely on.

MiniStack runs functions, queues, streams and permissions well. Without what it leaves out, a
mistake in retries, alarms or ordering would go unnoticed. Each fix says what MiniStack 1.5.33
does, and names the page of AWS that says otherwise. Fixes replace internals of that version, so
any other version is refused; tests/sandbox/test_ministack.py asserts that each is still needed.
`sandbox.aws.emulator` starts this with a clean environment and a pipe that closes when its
parent ends.
"""

# ruff: noqa: SLF001, ANN401 - its work is on another package's untyped internals

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from email import message_from_string, policy
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox.aws.alarms import Alarms, embedded_metrics, nested, xml
from sandbox.aws.function_errors import as_raised
from sandbox.aws.internals import VERSION, replace, request_scope, service
from sandbox.aws.metrics import FunctionMetrics
from sandbox.aws.scheduler import TICK, Scheduler, arn_in_its_group
from sandbox.aws.streams import Streams
from sandbox.aws.workflows import fix_workflows

if TYPE_CHECKING:
    from types import ModuleType

type Document = dict[str, Any]  # JSON as MiniStack keeps it

STOP_WITHIN: Final = 40.0  # seconds to save and stop


def fix_functions() -> None:
    """Fix how functions are called: streams, ordered queues, errors, and metrics."""
    functions, metrics, scope = service("lambda_svc"), service("cloudwatch"), request_scope()
    counts = FunctionMetrics(metrics)
    shards = int(os.environ.get("SANDBOX_STREAM_SHARDS") or 1)
    streams = Streams(functions, service("dynamodb"), scope, counts.iterator_age, shards)
    replace(functions, "_poll_dynamodb_streams", streams.poll)

    # 1.5.33 runs one batch of an ordered queue at a time. In AWS message groups run side by side,
    # each in order, and a batch of one never spans two groups.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
    def concurrency(
        mapping: Document, function: Document, config: Document, queue: Any = None
    ) -> Any:
        return stock_concurrency(
            mapping, function, config, None if mapping.get("BatchSize") == 1 else queue
        )

    stock_concurrency = replace(functions, "_sqs_esm_concurrency", concurrency)

    # 1.5.33 counts only calls of its own API, and a throttled call as a run that went well. It
    # calls every exception by the same name, so that no Retry or Catch of a workflow finds its own.
    # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    def dispatch(
        function: Document, config: Document, event: Any, request: str, started: float
    ) -> Any:
        result = stock_dispatch(function, config, event, request, started)
        failed = bool(result.get("error"))
        counts.ran(config["FunctionName"], time.time() - started, failed=failed)
        if failed and isinstance(result["body"], dict):
            result["body"] = as_raised(result["body"], result.get("log", ""))
        return result

    def count(function_name: str, duration_ms: float, error: Any, throttle: Any) -> None:
        del error
        if throttle and not duration_ms:
            counts.throttled(function_name)

    replace(functions, "_emit_lambda_metrics", count)
    stock_dispatch = replace(functions, "_execute_function_dispatch", dispatch)

    async def answer_url(url_id: str, *request: Any, **named: Any) -> Any:
        began = time.time()
        answered = await stock_answer_url(url_id, *request, **named)
        if found := functions.resolve_function_url(url_id):
            account, region, name, *_ = found
            with scope(account, region):
                counts.url_answered(name, time.time() - began, answered[0])
        return answered

    stock_answer_url = replace(functions, "handle_function_url_request", answer_url)

    def log(function: Document, request: str, text: str, *rest: Any, **named: Any) -> None:
        stock_log(function, request, text, *rest, **named)
        for metric in embedded_metrics(text):
            metrics.record_metric(*metric)

    stock_log = replace(functions, "_emit_lambda_logs", log)


def fix_alarms() -> None:
    """Fix how alarms are evaluated and described."""
    metrics = service("cloudwatch")
    alarms = Alarms(metrics, service("sqs"), request_scope())
    replace(metrics, "_evaluate_alarm", alarms.evaluate)
    threading.Thread(target=alarms.watch, daemon=True).start()

    # 1.5.33 leaves an expression out of the description that Terraform reads, and forgets what an
    # alarm of Terraform's does when there is not enough data.
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
    def put(parameters: Document, data: Document, *protocol: Any) -> Any:
        answer = stock_put(parameters, data, *protocol)
        asked = nested(parameters)
        if not any(protocol) and asked.get("AlarmName") in metrics._alarms:
            unsaid = {"Action", "Version", "Tags"}
            asked = {name: value for name, value in asked.items() if name not in unsaid}
            actions = asked.get("InsufficientDataActions", {}).get("member", {})
            metrics._alarms[asked["AlarmName"]] |= {
                "AsPut": asked,
                "InsufficientDataActions": list(actions.values()),
            }
        return answer

    def describe(parameters: Document, data: Document, *protocol: Any) -> Any:
        names = nested(parameters).get("AlarmNames", {}).get("member", {}).values()
        found = [metrics._alarms.get(name) for name in names]
        if any(protocol) or not found or not all(alarm and "AsPut" in alarm for alarm in found):
            return stock_describe(parameters, data, *protocol)
        state = ("AlarmArn", "StateValue", "StateReason")
        members = (xml(alarm["AsPut"] | {name: alarm[name] for name in state}) for alarm in found)
        listed = "".join(f"<member>{member}</member>" for member in members)
        return metrics._xml(
            200,
            "DescribeAlarmsResponse",
            f"<DescribeAlarmsResult><MetricAlarms>{listed}</MetricAlarms></DescribeAlarmsResult>",
        )

    stock_put = replace(metrics, "_put_metric_alarm", put)
    stock_describe = replace(metrics, "_describe_alarms", describe)


def fix_mail(outbox: Path) -> None:
    """Write e-mails to a file, a JSON object a line; 1.5.33 only logs them.

    https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
    """
    notifications, mails = service("sns"), service("ses_v2")
    permissions = import_module("ministack.core.iam_actions")
    lock = threading.Lock()

    def write(to: str, subject: str, message: str) -> None:
        line = json.dumps({"to": to, "subject": subject, "message": message})
        with lock, outbox.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def deliver(
        topic: str, number: str, message: str, subject: str, *rest: Any, **named: Any
    ) -> None:
        stock_deliver(topic, number, message, subject, *rest, **named)
        found = notifications._topic_by_arn_any_scope(topic) or {"subscriptions": ()}
        attributes = rest[1] if len(rest) > 1 else named.get("message_attributes")
        for subscription in found["subscriptions"]:
            is_wanted = notifications._matches_filter_policy(
                subscription, attributes or {}, message
            )
            if is_wanted and subscription.get("protocol") in {"email", "email-json"}:
                write(subscription["endpoint"], subject, message)

    def relay(source: str, recipients: Any, mime: str) -> None:
        stock_relay(source, recipients, mime)
        mail = message_from_string(mime, policy=policy.default)
        body = mail.get_body(("plain",))
        for to in recipients:
            write(to, str(mail["Subject"]), body.get_content().strip() if body else "")

    # Who may send from an address is said by its identity, or its domain's: 1.5.33 asks about "*".
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsesv2.html
    def arn(kind: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        if not path.endswith("/outbound-emails"):
            found: str = stock_arn(kind, method, path, headers, body, *rest)
            return found
        domain = json.loads(body)["FromEmailAddress"].rpartition("@")[2]
        return f"arn:aws:ses:{rest[1]}:{rest[2]}:identity/{domain}"

    stock_arn = replace(permissions, "extract_resource_arn", arn)
    stock_deliver = replace(notifications, "_fanout", deliver)
    stock_relay = replace(mails, "_smtp_relay", relay)


def fix_queues() -> None:
    """Make a purged queue drop its deduplication ids; 1.5.33 keeps them, as AWS does for minutes.

    This one departs from AWS: a second demo on an emptied queue sends the same ids at once.
    """
    queues = service("sqs")

    def purge(data: Document, url: str) -> Any:
        answer = stock_purge(data, url)
        queues._get_q(data.get("QueueUrl", url))["dedup_cache"].clear()
        return answer

    stock_purge = replace(queues, "_act_purge_queue", purge)
    if queues._HANDLERS.get("PurgeQueue") is not stock_purge:
        raise SystemExit(f"MiniStack {VERSION} purges queues by other means than it did.")
    queues._HANDLERS["PurgeQueue"] = purge


def fix_rules() -> None:
    """Count a rule's time from the start of this process, if the rule was there before.

    AWS is never off. At its start 1.5.33 runs at once what fell due while it was off, and so
    calls a function before those that it needs are there.
    """
    schedules, began = service("eventbridge"), time.time()

    def tick() -> None:
        for key, rule in list(schedules._rules._data.items()):
            schedules._rule_last_fired.setdefault(key, max(began, rule.get("CreationTime", began)))
        stock_tick()

    stock_tick = replace(schedules, "_tick_scheduled_rules", tick)


def fix_scheduler() -> None:
    """Fix what EventBridge Scheduler accepts, when and how it fires, and whom it lets in."""
    schedules, permissions = service("scheduler"), import_module("ministack.core.iam_actions")
    scheduler = Scheduler(lambda: datetime.now(UTC))
    for name, operation in (
        ("_create_schedule", "CreateSchedule"),
        ("_update_schedule", "UpdateSchedule"),
        ("_create_schedule_group", "CreateScheduleGroup"),
    ):
        replace(schedules, name, scheduler.checked(operation, getattr(schedules, name)))
    replace(schedules, "_tick_schedules", scheduler.tick)
    vars(schedules)["_SCHEDULE_TICK_INTERVAL"] = TICK

    def arn(kind: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = stock_arn(kind, method, path, headers, body, *rest)
        return arn_in_its_group(found, body, rest[0]) if kind == "scheduler" else found

    stock_arn = replace(permissions, "extract_resource_arn", arn)


def fix_stopping(gateway: ModuleType, saved: Path) -> None:
    """Save and end at once on SIGTERM; 1.5.33 first waits for calls that may hang.

    `saved` then names the files written, so that half of a state is not taken for all of it.
    """
    persistence = import_module("ministack.core.persistence")

    def finish() -> None:
        import_module("ministack.core.lambda_runtime").reset()  # else functions outlive it
        persistence.save_all(gateway._build_persistence_save_dict())
        files = Path(os.environ["STATE_DIR"]).glob("*.json")
        saved.write_text("\n".join(sorted(file.name for file in files)))
        os._exit(0)

    def load() -> None:
        stock_load()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, finish)

    stock_load = replace(gateway, "_load_persisted_state", load)


def stop_with_parent() -> None:
    """Wait until the pipe from the parent closes, then save and stop; if that hangs, just exit."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_WITHIN)
    os._exit(1)


def main() -> None:
    """Fix MiniStack and serve until SIGTERM, or until the parent is gone."""
    if version("ministack") != VERSION:
        raise SystemExit(f"MiniStack {VERSION} is needed, and {version('ministack')} is installed.")
    gateway = import_module("ministack.app")
    # 1.5.33 also takes port 443 if it can; another program may need it.
    replace(gateway, "_port_is_bindable", lambda _host, _port: False)
    fix_functions()
    fix_alarms()
    fix_queues()
    fix_rules()
    fix_scheduler()
    fix_workflows()
    fix_mail(Path(os.environ["SANDBOX_OUTBOX"]))
    fix_stopping(gateway, Path(os.environ["SANDBOX_SAVED"]))
    threading.Thread(target=stop_with_parent, daemon=True).start()
    gateway.main()


if __name__ == "__main__":
    main()
