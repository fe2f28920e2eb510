"""EventBridge Scheduler as AWS has it: what it refuses, when it fires, and what it sends where."""

# ruff: noqa: SLF001 - its work is on another package's internals

from __future__ import annotations

import json
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.aws.internals import request_scope, service
from sandbox.aws.schedule_times import At, NotASchedule, due, read
from sandbox.aws.service_model import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

type Document = dict[str, Any]  # a schedule, a request's body: JSON as MiniStack keeps it
type Handler = Callable[[str, Document], Any]

TICK: Final = 1.0  # seconds between looks at the schedules; AWS keeps to the minute

_LATE_BY: Final = timedelta(minutes=5)  # a start date may be this old
_TAKE_JSON: Final = ("lambda", "states", "events")  # targets whose input must be JSON
_ATTRIBUTE: Final = re.compile(r"<aws\.scheduler\.([a-z-]+)>")
_SECONDS: Final = "%Y-%m-%dT%H:%M:%SZ"

logger = logging.getLogger("scheduler")


class Scheduler:
    """Checks, fires and completes schedules.

    MiniStack 1.5.33 takes any expression and time zone, reads all times as UTC, fires a one-time
    schedule again after each of its own starts, leaves the input's context attributes as they
    are, and drops what it cannot deliver. A schedule's role, retries and flexible window are not
    played: what cannot be delivered goes to the dead-letter queue at once.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._schedules, self._rules = service("scheduler"), service("eventbridge")
        self._queues, self._scope, self._now = service("sqs"), request_scope(), now
        self._looked = now()  # what fell due while nothing ran is not caught up
        functions, workflows = service("lambda_svc"), service("stepfunctions")
        # How a target is found, and AWS's error if it does not exist.
        self._targets: Mapping[str, tuple[Callable[[str], Any], str]] = {
            "lambda": (
                lambda arn: functions._get_func_record_for_ref(arn)[0],
                "ResourceNotFoundException",
            ),
            "sqs": (self._queues._queue_by_arn, "AWS.SimpleQueueService.NonExistentQueue"),
            "sns": (service("sns")._topic_by_arn_any_scope, "NotFound"),
            "states": (workflows._resolve_state_machine_arn, "StateMachineDoesNotExist"),
        }

    def checked(self, operation: str, handle: Handler) -> Handler:
        """`handle` for what AWS would accept; its ValidationException for anything else."""

        def checked(name: str, body: Document) -> Any:  # noqa: ANN401 - MiniStack's own answer
            wrong = violations("scheduler", operation, body | {"Name": name})
            if wrong:
                errors = "errors" if len(wrong) > 1 else "error"
                wrong[0] = f"{len(wrong)} validation {errors} detected: {wrong[0]}"
            elif operation != "CreateScheduleGroup":
                wrong = list(self._contradictions(body, is_new=operation == "CreateSchedule"))
            if wrong:
                return self._schedules._error(400, "ValidationException", "; ".join(wrong))
            return handle(name, body)

        return checked

    def _contradictions(self, body: Document, *, is_new: bool) -> Iterator[str]:
        """Errors in a schedule that AWS's model does not express; in AWS's words if known."""
        start, end = self._instant(body.get("StartDate")), self._instant(body.get("EndDate"))
        try:
            times = read(
                body["ScheduleExpression"], body.get("ScheduleExpressionTimezone") or "UTC"
            )
        except NotASchedule as refusal:
            yield str(refusal)
        else:
            if not isinstance(times, At):
                if is_new and start and start < self._now() - _LATE_BY:
                    yield "The StartDate you specify cannot be earlier than 5 minutes ago."
                if end and end <= (start or self._now()):
                    yield "The EndDate you specify must come after the StartDate."
        window, target = body["FlexibleTimeWindow"], body["Target"]
        if window["Mode"] == "FLEXIBLE" and "MaximumWindowInMinutes" not in window:
            yield "The FLEXIBLE mode needs MaximumWindowInMinutes."
        if not _service_of(target["Arn"]):
            yield "Provided Arn is not in correct format."
        if _service_of(target["Arn"]) in _TAKE_JSON and not _is_json(target.get("Input", "{}")):
            yield "The target's Input must be well-formed JSON."

    def tick(self) -> None:
        """Fire what has fallen due since the last look, and delete what is completed."""
        since, until = self._looked, self._now()
        self._looked = until
        for key, schedule in list(self._schedules._schedules._data.items()):
            account, region, _ = key
            if schedule["State"] == "ENABLED":
                with self._scope(account, region):
                    is_completed = self._look_at(schedule, since, until)
                if is_completed and schedule["ActionAfterCompletion"] == "DELETE":
                    self._schedules._schedules._data.pop(key, None)

    def _look_at(self, schedule: Document, since: datetime, until: datetime) -> bool:
        """Fire a schedule that is due; whether it will never be due again."""
        changed = self._instant(schedule["LastModificationDate"]) or since
        times = read(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"])
        if isinstance(times, At):
            instant = due(times, changed, max(since, changed), until)
            is_completed = instant is not None
        else:
            start = self._instant(schedule["StartDate"])
            end = self._instant(schedule["EndDate"]) or until
            begin = start or self._instant(schedule["CreationDate"]) or since
            instant = due(times, begin, max(since, changed, begin), min(until, end))
            is_completed = end < until
        if instant:
            self._fire(schedule, instant)
        return is_completed

    def _fire(self, schedule: Document, instant: datetime) -> None:
        target, arn = schedule["Target"], schedule["Arn"]
        attributes = {
            "schedule-arn": arn,
            "scheduled-time": instant.strftime(_SECONDS),
            "execution-id": secrets.token_hex(8),
            "attempt-number": "1",
        }
        event = {
            "EventId": self._schedules.new_uuid(),
            "Source": "aws.scheduler",
            "DetailType": "Scheduled Event",
            "Detail": "{}",
            "Time": instant.timestamp(),
            "Resources": [arn],
            "Account": self._schedules.get_account_id(),
            "Region": self._schedules.get_region(),
        }
        notification = self._rules._pattern_event_view(event).event_with_detail()
        text = _ATTRIBUTE.sub(
            lambda found: attributes.get(found[1], found[0]),
            target.get("Input") or json.dumps(notification),
        )
        find, absence = self._targets.get(
            _service_of(target["Arn"]), (lambda _: None, "Unsupported")
        )
        if find(target["Arn"]):
            self._rules._invoke_target(target | {"Input": text}, event, schedule)
        else:
            logger.warning("Scheduler: %s: %s of %s", absence, target["Arn"], arn)
            self._set_aside(target, text, attributes, absence)

    def _set_aside(
        self, target: Document, text: str, attributes: Mapping[str, str], absence: str
    ) -> None:
        queue = self._queues._queue_by_arn(target.get("DeadLetterConfig", {}).get("Arn", ""))
        if not queue:
            return
        told = {
            "ERROR_CODE": absence,
            "ERROR_MESSAGE": f"The sandbox has no {target['Arn']}.",
            "EXECUTION_ID": attributes["execution-id"],
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": "0",
            "SCHEDULED_TIME": attributes["scheduled-time"],
            "SCHEDULE_ARN": attributes["schedule-arn"],
            "TARGET_ARN": target["Arn"],
        }
        message = {
            "id": self._schedules.new_uuid(),
            "body": text,
            "message_attributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in told.items()
            },
        }
        self._queues._ensure_msg_fields(message)
        queue["messages"].append(message)

    def _instant(self, value: object) -> datetime | None:
        """A date of a request or a schedule: seconds since 1970, or text."""
        seconds = self._schedules._to_epoch(value)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def arn_in_its_group(arn: str, body: bytes, query: Mapping[str, Any]) -> str:
    """The ARN that permissions are checked for: 1.5.33 takes every group for the default one.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
    """
    asked = json.loads(body) if _is_json(body) else {}
    named = query.get("groupName") or asked.get("GroupName", "default")
    group = named[0] if isinstance(named, list) else named
    return arn.replace(":schedule/default/", f":schedule/{group}/", 1)


def _service_of(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") > 1 else ""


def _is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
