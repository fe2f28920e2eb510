"""The group of schedules in EventBridge Scheduler that start the mirror's function.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.errors import Misconfigured, Refused, Unavailable

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store.schedule_items import ScheduleItem

# A schedule that can't start the function is late: later runs do the same work.
_RETRY: Final = {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 3}
_TRIES: Final = 3
_EXISTS: Final = "ConflictException"
_ABSENT: Final = "ResourceNotFoundException"
_REFUSED: Final = {
    "ValidationException": "EventBridge doesn't accept this cron or time zone. Choose another.",
    "ServiceQuotaExceededException": (
        "AWS allows no more schedules in this account. Delete some, or ask AWS for more."
    ),
}
# "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
_OF_THE_ROLE: Final = "execution role"
_MISCONFIGURED: Final = {"AccessDeniedException", "UnrecognizedClientException", _ABSENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the schedules of a group start: names and ARNs, as Terraform gives them."""

    group: str
    function_arn: str
    role_arn: str
    dead_letter_arn: str


class ScheduleGroup:
    """The schedules as EventBridge has them. `client` is boto3's "scheduler".

    Unavailable where it does not answer or is throttling, after the client's own retries.
    """

    def __init__(self, client: Any, target: Target) -> None:  # noqa: ANN401 - boto3
        self._client = client
        self._target = target

    def changed_at(self) -> dict[str, datetime]:
        """When each schedule was last changed, by name."""
        token: Json = {}
        found: dict[str, datetime] = {}
        while True:
            page = self._ask("list_schedules", GroupName=self._target.group, **token)
            found |= {row["Name"]: row["LastModificationDate"] for row in page["Schedules"]}
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def has(self, item: ScheduleItem) -> bool:
        """Whether there is a schedule exactly as the item says."""
        names = {"GroupName": self._target.group, "Name": item.name}
        try:
            found = self._answer("get_schedule", **names)
        except ClientError as error:
            if _code(error) == _ABSENT:
                return False
            raise _sentence(error) from None
        wanted = self._request(item)
        return {name: found.get(name) for name in wanted} == wanted

    def put(self, item: ScheduleItem) -> None:
        """Create the schedule, or change the one of this name into it."""
        request = self._request(item)
        for _ in range(_TRIES):  # another process may create or delete it in between
            for operation, meanwhile in (("create", _EXISTS), ("update", _ABSENT)):
                try:
                    self._answer(f"{operation}_schedule", **request)
                except ClientError as error:
                    if _code(error) != meanwhile:
                        raise _sentence(error) from None
                else:
                    return
        raise Unavailable(f"Another request is changing the schedule {item.name}. Try again.")

    def delete(self, name: str) -> None:
        """Delete the schedule of this name, if there is one."""
        try:
            self._answer("delete_schedule", GroupName=self._target.group, Name=name)
        except ClientError as error:
            if _code(error) != _ABSENT:
                raise _sentence(error) from None

    def _request(self, item: ScheduleItem) -> Json:
        event = {
            "task": item.task_path,
            "schedule": item.name,
            "id": item.schedule_id,
            "scheduled_time": "<aws.scheduler.scheduled-time>",
        }
        return {
            "Name": item.name,
            "GroupName": self._target.group,
            "Description": f"{item.cron} ({item.time_zone}), made with the API",
            "ScheduleExpression": item.expression,
            "ScheduleExpressionTimezone": item.time_zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": self._target.function_arn,
                "RoleArn": self._target.role_arn,
                "Input": json.dumps(event),
                "DeadLetterConfig": {"Arn": self._target.dead_letter_arn},
                "RetryPolicy": _RETRY,
            },
        }

    def _ask(self, operation: str, **given: Any) -> Json:  # noqa: ANN401 - boto3's arguments
        try:
            return self._answer(operation, **given)
        except ClientError as error:
            raise _sentence(error) from None

    def _answer(self, operation: str, **given: Any) -> Json:  # noqa: ANN401 - boto3's arguments
        try:
            answer: Json = getattr(self._client, operation)(**given)
        except BotoCoreError as error:
            raise _sentence(error) from None
        return answer


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _sentence(error: Exception) -> Exception:
    """The error to raise for AWS's: its own words name roles and accounts."""
    code = _code(error)
    if _OF_THE_ROLE in str(error):  # which whoever called the API cannot change
        return Misconfigured(
            "EventBridge can't take on the role of schedules. Apply Terraform again."
        )
    if code in _REFUSED:
        return Refused(_REFUSED[code])
    if code in _MISCONFIGURED:
        return Misconfigured(
            f"EventBridge refused the function's request ({code}). Apply Terraform again."
        )
    return Unavailable("EventBridge Scheduler didn't answer. Try again in a minute.")
