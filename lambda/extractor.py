"""Bring bills from Odoo into the table, on a schedule or when somebody asks for it."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import settings
from odoo_qb.alerts import Alerts
from odoo_qb.documents import Documents
from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.extraction import Busy, Extraction
from odoo_qb.odoo import Odoo
from odoo_qb.request import request_of
from odoo_qb.store import Table, verify_history
from odoo_qb.story import story
from odoo_qb.sweep import Queue, look_after_waiting, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.item import Raw, Status

logger = Logger()

ALERTS_NOTE: Final = "mail#extractor"
LISTED_BYTES: Final = 1_000_000  # of bills in the answer, of which Lambda takes 6 MB


class ExtractionFailed(Exception):  # noqa: N818 - read in Lambda's answer, where it is a statement
    """Nothing could be extracted; the sentence says why and what to do."""


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Run one extraction; answers what was found, or {"error": sentence} to a wrong request.

    {"audit": "odoo-42"} is answered with the bill's story instead, a sentence an event.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    if isinstance(event, dict) and "audit" in event:
        return _audit(str(event["audit"]))
    try:
        request = request_of(event, _companies())
    except Refused as refusal:
        return {"error": str(refusal)}
    swept = {} if request.dry_run else _sweep(now)
    try:
        extraction = _extraction(lambda: context.get_remaining_time_in_millis() / 1000, now)
        report = extraction.run(request, now)
    except Busy as busy:
        if request.is_plain:
            return {"skipped": str(busy), "swept": swept}
        raise ExtractionFailed(str(busy)) from None
    except (Refused, Unavailable, Misconfigured) as error:
        logger.error("nothing extracted", reason=str(error))  # noqa: TRY400 - the sentence says all
        if not request.dry_run:
            _alerts().tell("outage", "Nothing could be extracted from Odoo", [str(error)], now)
        raise ExtractionFailed(str(error)) from None
    if request.is_scheduled:
        _report(report, now, is_full=request.full)
    bills = report["bills"]
    if request.dry_run:
        report["dry_run"] = "nothing was written"
    else:
        bills = [b for b in bills if b["outcome"] != "ready"]
    report |= _listed(bills) | {"swept": swept, "seconds": round(time.monotonic() - started, 1)}
    logger.info("extracted", **{k: v for k, v in report.items() if k != "bills"})
    return report


def _audit(entry_id: str) -> dict[str, Any]:
    item = _table().get(entry_id)
    if item is None or "status" not in item:
        return {"error": f"There is no bill {entry_id}: audit takes an id like odoo-42."}
    return {"audit": entry_id, "story": story(item), "whole": verify_history(item["history"])}


def _sweep(now: datetime) -> dict[str, Any]:
    """What is stuck goes on although Odoo is down, and Odoo is read although that fails."""
    try:
        return sweep(_table(), _queue(), now) | look_after_waiting(_table(), _companies(), now)
    except (BotoCoreError, ClientError) as error:
        logger.exception("not swept")
        return {"error": type(error).__name__}


def _report(report: Raw, now: datetime, *, is_full: bool) -> None:
    """One mail about what needs somebody, when that changed since the last one."""
    _alerts().end("outage", "Bills are extracted from Odoo again", now)
    not_stored = [
        f"{b['bill']} ({b['entry_id']}): {b['reason']}; the next run tries again."
        for b in report["bills"]
        if b["outcome"] == "not stored"
    ]
    lines = sorted([*not_stored, *_stuck(now)])
    _alerts().tell("stuck", f"{len(lines)} bills wait for somebody", lines, now)
    if is_full:
        subject = "Bills are missing in Odoo and were not withdrawn"
        _alerts().tell("kept", subject, report["kept"], now)


def _stuck(now: datetime) -> list[str]:
    """The bills that are blocked or could not be posted, each with its reason."""
    statuses: tuple[Status, ...] = ("VALIDATION_FAILED", "POST_FAILED")
    ids = [i for s in statuses for i in _table().in_status(s, until=now)]
    items = [i for i in _table().get_many(ids).values() if i["status"] in statuses]
    return [f"{i['odoo_name']} ({i['entry_id']}, {i['company']}): {_reason(i)}" for i in items]


def _reason(item: Mapping[str, Any]) -> str:
    if item["status"] == "POST_FAILED":
        return f"not posted: {item.get('error', {}).get('message', '')}"
    return f"blocked: {' '.join(item['problems'])}"


def _listed(bills: Sequence[Raw]) -> dict[str, Any]:
    """As many bills as the answer has room for, and how many more there are."""
    listed, size = [], 0
    for bill in bills:
        size += len(json.dumps(bill))
        if size > LISTED_BYTES:
            break
        listed.append(bill)
    return {"bills": listed, "bills_not_listed": len(bills) - len(listed)}


@cache
def _clients() -> dict[str, Any]:
    session = boto3.Session()
    names = ("dynamodb", "s3", "secretsmanager", "sns", "sqs")
    return {name: session.client(name) for name in names}


@cache
def _table() -> Table:
    days = int(settings.environment("RECORD_RETENTION_DAYS"))
    name = settings.environment("DYNAMODB_TABLE")
    return Table(_clients()["dynamodb"], name, retention_days=days)


@cache
def _queue() -> Queue:
    return Queue(client=_clients()["sqs"], url=settings.environment("SQS_QUEUE_URL"))


@cache
def _companies() -> dict[str, settings.Company]:
    return settings.stored_companies(_table())


@cache
def _odoo() -> Odoo:
    arn = settings.environment("ODOO_SECRET_ARN")
    secret = settings.secret(_clients()["secretsmanager"], arn)
    return Odoo(
        url=settings.environment("ODOO_API_URL"),
        database=secret["database"],
        username=secret["username"],
        api_key=secret["api_key"],
    )


@cache
def _alerts() -> Alerts:
    topic = settings.environment("SNS_ALERT_TOPIC")
    return Alerts(_clients()["sns"], topic, _table(), ALERTS_NOTE)


def _extraction(seconds_left: Callable[[], float], now: datetime) -> Extraction:
    # What the table has forgotten by then must not be asked about again.
    kept_since = now.date() - timedelta(days=int(settings.environment("RECORD_RETENTION_DAYS")))
    extract_since = date.fromisoformat(settings.environment("EXTRACT_SINCE"))
    return Extraction(
        odoo=_odoo(),
        table=_table(),
        documents=Documents(_clients()["s3"], settings.environment("S3_BUCKET")),
        companies=_companies(),
        extract_since=max(extract_since, kept_since),
        seconds_left=seconds_left,
        sleep=time.sleep,
    )
