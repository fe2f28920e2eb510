"""Make Slack match the table: post the card of a new bill, update the card of a changed one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import boto3
from aws_lambda_powertools import Logger

from odoo_qb import settings
from odoo_qb.approval.publisher import ENOUGH_SECONDS, CardPublisher
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.guarding import DAMAGE, OF_AWS
from odoo_qb.slack.client import SlackClient
from odoo_qb.store import companies
from odoo_qb.store.shared_throttle import SharedThrottle
from odoo_qb.store.table import Table

logger = Logger()

NO_TIME: Final = "There is no time left in this run."


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Records of the table's stream; those that could not be shown are answered back.

    What is no record of it is told in the log and answered back where it has a number to be known
    by, so that it ends among the failures. An event without records is answered with {"error": …}.

    A bill changed five times in one batch is shown once, as it stands. What Slack refuses for
    one bill does not keep the others from being shown; when Slack is down, the rest waits.
    From the first one answered back all come again, and those shown cost a look at the table:
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        return {"error": "This function takes records of the table's stream."}
    numbers: dict[str, str] = {}  # each bill's first record
    failed: list[str] = []
    for record in records:
        entry_id, number = _told(record)
        if not entry_id:
            logger.error("not a record of the table's stream", number=number)
            failed += [number] if number else []
            continue
        numbers.setdefault(entry_id, number)
    wired = _wiring()
    wired.pace.begin(len(numbers))

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    for entry_id, number in numbers.items():
        try:
            if seconds_left() < ENOUGH_SECONDS:
                raise Unavailable(NO_TIME)  # noqa: TRY301 - one way out
            wired.notifier.show(entry_id, seconds_left)
        except Refused as refusal:
            logger.error("Slack refused a card", entry_id=entry_id, reason=str(refusal))  # noqa: TRY400 - a sentence, no traceback
            failed.append(number)
        except (*DAMAGE, *OF_AWS):  # its neighbours are shown; the extractor's mail names it
            logger.exception("a card could not be made", entry_id=entry_id)
            failed.append(number)
        except Unavailable as error:
            logger.warning("not shown yet", entry_id=entry_id, reason=str(error))
            failed.append(number)
            break
    logger.info("shown", bills=len(numbers), failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    notifier: CardPublisher
    pace: SharedThrottle


def _now() -> datetime:
    return datetime.now(UTC)


def _told(record: object) -> tuple[str, str]:
    """Which bill a record is of, and the record's number; "" for what it does not say."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    keys = change.get("Keys") if isinstance(change, dict) else None
    key = keys.get("entry_id") if isinstance(keys, dict) else None
    entry_id = key.get("S") if isinstance(key, dict) else None
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    texts = tuple(text if isinstance(text, str) else "" for text in (entry_id, number))
    return (texts[0] if texts[1] else "", texts[1])


@cache
def _wiring() -> _Wiring:
    session = boto3.Session()
    config = settings.secret(
        session.client("secretsmanager"), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(
        session.client("dynamodb"),
        settings.environment("DYNAMODB_TABLE"),
        retention=settings.retention(),
    )
    gap = 1 / float(os.environ.get("SLACK_MESSAGES_PER_SECOND") or 1)
    notified = os.environ.get("REJECTION_NOTIFY_USERS", "").split(",")
    pace = SharedThrottle(table, gap, _now)
    notifier = CardPublisher(
        table=table,
        slack=SlackClient(config["bot_token"], settings.environment("SLACK_API_URL")),
        companies=companies.load_companies(table),
        channel=settings.environment("SLACK_CHANNEL_ID"),
        rejection_notify_users=[user.strip() for user in notified if user.strip()],
        pause=pace.wait,
        sleep=time.sleep,
        clock=_now,
    )
    return _Wiring(notifier=notifier, pace=pace)
