"""Post what was approved to QuickBooks: one message of the queue at a time."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import metric, settings
from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.posting.poster import Poster
from odoo_qb.quickbooks import sync
from odoo_qb.quickbooks.client import CALLS_PER_MINUTE, QuickBooksClient
from odoo_qb.quickbooks.connection import Connection
from odoo_qb.store import companies
from odoo_qb.store.alerts import Alerts
from odoo_qb.store.documents import Documents
from odoo_qb.store.queue import message_of
from odoo_qb.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = Logger()

RETRY_SECONDS: Final = 20  # doubled with every try
LONGEST_SECONDS: Final = 15 * 60  # the company's next bills wait behind this one
_STOPPED: Final = "The poster stopped at this bill ({kind}): tell whoever runs this integration."
LAST_RECEIVE: Final = 4  # the queue gives five; the sweep goes on where the tries end


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Messages of the queue, or an action of the schedule or of a person.

    {"action": "sync_reference"} reads accounts, vendors and preferences anew,
    {"action": "check_connections"} renews every token and counts its days;
    {"company": "..."} beside it means one company. What is neither is answered with {"error": ...}.
    """
    del context
    actions = {"sync_reference": _sync, "check_connections": _check}
    asked = event if isinstance(event, dict) else {}
    action, records = asked.get("action"), asked.get("Records")
    if isinstance(action, str) and action in actions:
        return _each_company(actions[action], str(asked.get("company") or ""))
    if not isinstance(records, list):
        return {"error": f"This function takes queue messages or an action: {', '.join(actions)}."}
    failures = [r["messageId"] for r in records if _is_record(r) and not _done_with(r)]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failures]}


def _is_record(record: object) -> bool:
    """Whether it has what SQS gives a message: without its id, nothing can be said of it."""
    if isinstance(record, dict) and isinstance(record.get("messageId"), str):
        return True
    logger.error("not a record of the queue", type=type(record).__name__)
    return False


def _done_with(record: Mapping[str, Any]) -> bool:
    """Post one message's bill; False when the message must come again."""
    try:
        message = message_of(record.get("body"))
    except Refused as refusal:
        return _turned_away(record, refusal)
    received = _received(record)
    try:
        status = _poster().post(
            message.entry_id,
            message.revision,
            record["messageId"],
            last_try=received >= LAST_RECEIVE,
        )
    except Exception as error:  # noqa: BLE001 - whatever stops one bill must not stop the others
        return _put_off(record, message.entry_id, error, received)
    logger.info("done", entry_id=message.entry_id, status=status)
    return True


def _turned_away(record: Mapping[str, Any], refusal: Refused) -> bool:
    """Send what is no message of ours on its way to the dead letters, where somebody is told.

    At once: as long as it is hidden, the bills of its group wait behind it.
    """
    logger.error("not a message about a bill", message_id=record["messageId"], reason=str(refusal))
    _hide(record, 0)
    return False


def _received(record: Mapping[str, Any]) -> int:
    """How often the queue has given this message."""
    attributes = record.get("attributes")
    told = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else ""
    return int(told) if isinstance(told, str) and re.fullmatch("[0-9]{1,9}", told) else 1


def _hide(record: Mapping[str, Any], seconds: int) -> None:
    """Have a message come again after some seconds; if this fails, after the queue's own."""
    handle = record.get("receiptHandle")
    if not isinstance(handle, str):
        return
    try:
        _clients()["sqs"].change_message_visibility(
            QueueUrl=settings.environment("SQS_QUEUE_URL"),
            ReceiptHandle=handle,
            VisibilityTimeout=seconds,
        )
    except (BotoCoreError, ClientError) as error:
        logger.warning("not hidden", message_id=record["messageId"], reason=type(error).__name__)


def _put_off(record: Mapping[str, Any], entry_id: str, error: Exception, received: int) -> bool:
    """Have a message come again soon, for its company's next bills wait behind it.

    True when it is better left to the sweep: a dead letter would need a person, and the others need
    not wait for a bill that did not get through in an earlier message's tries.
    """
    reason, wait = str(error), RETRY_SECONDS * 2 ** (received - 1)
    if not isinstance(error, Unavailable):
        reason = type(error).__name__
        logger.error("crashed", entry_id=entry_id, exc_info=error)
    if isinstance(error, Throttled):
        wait = min(error.wait_seconds, LONGEST_SECONDS)
    if received >= LAST_RECEIVE or _is_in_trouble(record, entry_id, error, reason):
        logger.warning("left to the sweep", entry_id=entry_id, reason=reason)
        return True
    logger.warning("not posted yet", entry_id=entry_id, reason=reason, seconds=wait)
    _hide(record, wait)
    return False


def _is_in_trouble(record: Mapping[str, Any], entry_id: str, error: Exception, reason: str) -> bool:
    """Note what keeps a bill from QuickBooks; whether earlier messages met that, too."""
    if isinstance(error, Throttled):
        return False  # all of the company have to wait
    said = reason if isinstance(error, Unavailable) else _STOPPED.format(kind=reason)
    try:
        return _poster().note_trouble(entry_id, record["messageId"], said)
    except (BotoCoreError, ClientError):
        logger.exception("not noted", entry_id=entry_id)
        return False


def _broken(company: str, refusal: Disconnected) -> None:
    """The first to notice raises the alarm and writes it down.

    In this order: whoever dies in between is to mail it again, not to leave it unsaid.
    """
    logger.error("not connected", company=company, reason=str(refusal))
    connection = _connection(company)
    if not connection.knows(refusal):
        _alarm(
            f"{company}: bills wait for a connection to QuickBooks",
            f"{company}: {refusal} Approved bills wait and go on by themselves then.",
        )
    connection.note_broken(refusal)


def _alarm(subject: str, text: str) -> None:
    """Mail what a person must see to now; what waits for a person is in the extractor's mails."""
    topic = settings.environment("SNS_ALERT_TOPIC")
    Alerts(_clients()["sns"], topic, _poster().table, "mail#poster").publish(subject, [text])


def _each_company(do: Callable[[str], str], only: str) -> dict[str, Any]:
    """Do something for every company, or one; what fails for one does not stop the others."""
    poster, said = _poster(), {}
    if only not in {"", *poster.companies}:
        return {"error": f"There is no company {only}: it is one of {', '.join(poster.companies)}."}
    for company in [only] if only else poster.companies:
        try:
            said[company] = do(company)
        except Disconnected as refusal:
            _broken(company, refusal)
            said[company] = str(refusal)
        except (Refused, Unavailable) as error:
            logger.warning("not done", company=company, reason=str(error))
            said[company] = str(error)
        except (BotoCoreError, ClientError) as error:
            logger.exception("not done", company=company)
            said[company] = f"AWS did not do its part: {type(error).__name__}."
    return {"companies": said}


def _sync(company: str) -> str:
    poster = _poster()
    now = datetime.now(UTC)
    snapshot = sync.sync(poster.quickbooks(company), poster.documents, company, now)
    _connection(company).note_works()
    accounts, vendors = len(snapshot.accounts), len(snapshot.vendors)
    return f"{snapshot.company_name}: {accounts} accounts, {vendors} vendors"


def _check(company: str) -> str:
    """Renew the token, which keeps it alive, and say how long it lasts.

    A company that was closed to us is asked whether it is open again.
    """
    days = _connection(company).keep_alive()
    metric.put("RefreshTokenDaysLeft", days, company=company)
    if _connection(company).is_broken():
        _poster().quickbooks(company).company_info()
        _connection(company).note_works()
    if _connection(company).is_broken():
        return f"connected for {days} more days, but closed to posting: bills wait"
    return f"connected for {days} more days"


@cache
def _clients() -> dict[str, Any]:
    session = boto3.Session()
    return {n: session.client(n) for n in ("dynamodb", "s3", "secretsmanager", "sns", "sqs")}


@cache
def _credentials() -> dict[str, Any]:
    return settings.secret(_clients()["secretsmanager"], settings.environment("QB_SECRET_ARN"))


@cache
def _connection(company: str) -> Connection:
    credentials = _credentials()
    return Connection(
        company=company,
        table=_poster().table,
        secrets=_clients()["secretsmanager"],
        secret_id=settings.environment("QB_TOKEN_SECRET_PREFIX") + company,
        seed_token=credentials["refresh_tokens"].get(company, ""),
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        oauth_url=settings.environment("QB_OAUTH_URL"),
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )


@cache
def _company(company: str) -> QuickBooksClient:
    return QuickBooksClient(
        connection=_connection(company),
        realm_id=_poster().companies[company].realm_id,
        api_url=settings.environment("QB_API_URL"),
        calls_per_minute=float(os.environ.get("QB_CALLS_PER_MINUTE") or CALLS_PER_MINUTE),
        sleep=time.sleep,
    )


@cache
def _poster() -> Poster:
    clients = _clients()
    table = Table(
        clients["dynamodb"],
        settings.environment("DYNAMODB_TABLE"),
        retention=settings.retention(),
    )
    sandbox = "sandbox-" in settings.environment("QB_API_URL")
    return Poster(
        table=table,
        documents=Documents(clients["s3"], settings.environment("S3_BUCKET")),
        companies=companies.load_companies(table),
        quickbooks=lambda company: _company(company).begin_batch(),
        disconnected=_broken,
        alarm=_alarm,
        web_url=f"https://{'sandbox.' if sandbox else ''}qbo.intuit.com",
        clock=lambda: datetime.now(UTC),
    )
