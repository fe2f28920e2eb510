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
from odoo_qb.card import perhaps_there, summary
from odoo_qb.documents import Documents
from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.export import export, month_of
from odoo_qb.extraction import Busy, Extraction
from odoo_qb.item import stamp
from odoo_qb.odoo import Odoo
from odoo_qb.request import request_of
from odoo_qb.store import Table
from odoo_qb.story import flaw, story
from odoo_qb.sweep import Queue, look_after_waiting, sweep, unposted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.item import Raw, Status

logger = Logger()

ALERTS_NOTE: Final = "mail#extractor"
UNCLEAR_FOR: Final = timedelta(days=30)  # so long the daily mail names such a bill
LISTED_BYTES: Final = 1_000_000  # of bills in the answer, of which Lambda takes 6 MB
_ON_ITS_WAY: Final = "it is tried again by itself, and the poster's log says why it takes long."


class ExtractionFailed(Exception):  # noqa: N818 - read in Lambda's answer, where it is a statement
    """Nothing could be extracted; the sentence says why and what to do."""


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Run one extraction; answers what was found, or {"error": sentence} to a wrong request.

    {"audit": "odoo-42"} is answered with the bill's story instead, a sentence an event, and
    {"export": "2026-10"} with the files that were written for the auditor.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    if isinstance(event, dict) and "audit" in event:
        return _audit(str(event["audit"]))
    try:
        if isinstance(event, dict) and "export" in event:
            return _exported(month_of(event["export"], now), now)
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
    return {"audit": entry_id, "story": story(item), "whole": not flaw(item)}


def _exported(month: str, now: datetime) -> dict[str, Any]:
    """Write the month for the auditor; a history that was tampered with is told by mail."""
    files = export(_table(), _documents(), _companies(), month, now)
    broken = [
        f"{entry_id} ({file['company']}): ask for its story with"
        f' {{"audit": "{entry_id}"}}, and compare it with the table\'s backups.'
        for file in files
        for entry_id in file["broken_histories"]
    ]
    _alerts().tell("broken", "The history of bills was changed past this system", broken, now)
    report: dict[str, Any] = {"export": month, "files": [_told(file) for file in files]}
    logger.info("exported", **report)
    return report


def _told(file: Raw) -> dict[str, Any]:
    """A file's summary as Lambda's answer can carry it: amounts as text."""
    posted = {c: {**p, "total": str(p["total"])} for c, p in file["posted_in_month"].items()}
    return {**file, "posted_in_month": posted}


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
    stuck = _stuck(now)
    report["stuck"] = {kind: len(lines) for kind, lines in stuck.items()}
    lines = sorted([*not_stored, *(line for kind in stuck.values() for line in kind)])
    _alerts().tell("stuck", f"{len(lines)} bills wait for somebody", lines, now)
    if is_full:
        subject = "Bills are missing in Odoo and were not withdrawn"
        _alerts().tell("kept", subject, report["kept"], now)
        subject = "QuickBooks may have bills that are no longer to be paid"
        _alerts().tell("unclear", subject, _unclear(now), now)


def _stuck(now: datetime) -> dict[str, list[str]]:
    """The bills that need somebody, each with its reason, by what holds them up."""
    statuses: tuple[Status, ...] = ("VALIDATION_FAILED", "POST_FAILED")
    approved_at = unposted(_table(), now)
    ids = [i for s in statuses for i in _table().in_status(s, until=now)]
    stuck: dict[str, list[str]] = {"blocked": [], "not_posted": [], "unposted": []}
    for item in _table().get_many([*ids, *approved_at]).values():
        if item["status"] == "VALIDATION_FAILED":
            kind, reason = "blocked", f"blocked: {' '.join(item['problems'])}"
        elif item["status"] == "POST_FAILED":
            kind, reason = "not_posted", f"not posted: {item.get('error', {}).get('message', '')}"
        elif item["status"] in {"APPROVED", "POSTING"} and item["entry_id"] in approved_at:
            at = approved_at[item["entry_id"]]
            kind, reason = "unposted", f"approved at {at} and not posted yet: {_ON_ITS_WAY}"
        else:
            continue
        stuck[kind].append(f"{item['odoo_name']} ({item['entry_id']}, {item['company']}): {reason}")
    return stuck


def _unclear(now: datetime) -> list[str]:
    """The bills that were withdrawn or rejected before a try at QuickBooks was clear."""
    statuses: tuple[Status, ...] = ("WITHDRAWN", "REJECTED")
    since = stamp(now - UNCLEAR_FOR)
    ids = [i for s in statuses for i in _table().in_status(s, since=since, until=now)]
    items = _table().get_many(ids).values()
    return [f"{summary(i)}: {said}" for i in items if (said := perhaps_there(i))]


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
    name = settings.environment("DYNAMODB_TABLE")
    return Table(_clients()["dynamodb"], name, retention=settings.retention())


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
        sleep=time.sleep,
    )


@cache
def _documents() -> Documents:
    return Documents(_clients()["s3"], settings.environment("S3_BUCKET"))


@cache
def _alerts() -> Alerts:
    topic = settings.environment("SNS_ALERT_TOPIC")
    return Alerts(_clients()["sns"], topic, _table(), ALERTS_NOTE)


def _extraction(seconds_left: Callable[[], float], now: datetime) -> Extraction:
    # What the table has forgotten by then must not be asked about again.
    kept_since = now.date() - settings.retention()
    extract_since = date.fromisoformat(settings.environment("EXTRACT_SINCE"))
    return Extraction(
        odoo=_odoo(),
        table=_table(),
        documents=_documents(),
        companies=_companies(),
        extract_since=max(extract_since, kept_since),
        seconds_left=seconds_left,
        sleep=time.sleep,
    )
