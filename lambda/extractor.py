"""Bring bills from Odoo into the table, on a schedule or when somebody asks for it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import company, settings
from odoo_qb.bill.retention import kept_since
from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.extraction.report import answer_to
from odoo_qb.extraction.request import audited, request_of
from odoo_qb.extraction.run import Busy, ExtractionRun
from odoo_qb.guarding import Faults
from odoo_qb.odoo.client import OdooClient
from odoo_qb.operations import emails
from odoo_qb.operations.audit_export import export, month_of
from odoo_qb.operations.audit_trail import flaw, story
from odoo_qb.operations.sweep import look_after_waiting, sweep
from odoo_qb.store import companies
from odoo_qb.store.alerts import Alerts
from odoo_qb.store.documents import Documents
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.exact_json import Json

logger = Logger()

ALERTS_NOTE: Final = "mail#extractor"


class ExtractionFailed(Exception):  # noqa: N818 - read in Lambda's answer, where it is a statement
    """Nothing could be extracted; the sentence says why and what to do."""


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Run one extraction; answers what was found, or {"error": sentence} to a wrong request.

    {"audit": "odoo-42"} is answered with the bill's story instead, a sentence an event, and
    {"export": "2026-10"} with the files that were written for the auditor.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    try:
        if isinstance(event, dict) and "audit" in event:
            return _audit(audited(event["audit"]))
        if isinstance(event, dict) and "export" in event:
            return _exported(month_of(event["export"], now), now)
        request = request_of(event, _companies())
    except Refused as refusal:
        return {"error": str(refusal)}
    faults = Faults()
    swept = {} if request.dry_run else _sweep(now, faults)
    try:
        extraction = _extraction(lambda: context.get_remaining_time_in_millis() / 1000, now)
        report = replace(extraction, faults=faults).run(request, now)
    except Busy as busy:
        if request.is_plain:
            return {"skipped": str(busy), "swept": swept}
        raise ExtractionFailed(str(busy)) from None
    except (Refused, Unavailable, Misconfigured) as error:
        logger.error("nothing extracted", reason=str(error))  # noqa: TRY400 - the sentence says all
        if not request.dry_run:
            _alerts().tell("outage", "Nothing could be extracted from Odoo", [str(error)], now)
        raise ExtractionFailed(str(error)) from None
    answer = answer_to(request, report) | {"swept": swept}
    if request.is_scheduled:
        companies, is_full = _companies(), request.full
        answer["stuck"] = emails.tell_of(
            report, _table(), companies, _alerts(), now, is_full=is_full, faults=faults
        )
    if not request.dry_run:
        emails.tell_what_changed_afterwards(report, _alerts())
    answer["seconds"] = round(time.monotonic() - started, 1)
    logger.info("extracted", **{k: v for k, v in answer.items() if k != "bills"})
    return answer


def _audit(entry_id: str) -> dict[str, Any]:
    item = _table().get(entry_id)
    if item is None or "status" not in item:
        return {"error": f"There is no bill {entry_id}: audit takes an id like odoo-42."}

    def told() -> dict[str, Any]:
        lines = _documents().lines(item)
        return {"audit": entry_id, "story": story(item, lines), "whole": not flaw(item, lines)}

    faults = Faults()
    return faults.guard(item, told, {}) or {"error": " ".join(faults.lines)}


def _exported(month: str, now: datetime) -> dict[str, Any]:
    """Write the month for the auditor; a history that was tampered with is told by mail."""
    faults = Faults()
    files = export(_table(), _documents(), _companies(), month, now, faults)
    broken = [
        f"{entry_id} ({file['company']}): ask for its story with"
        f' {{"audit": "{entry_id}"}}, and compare it with the table\'s backups.'
        for file in files
        for entry_id in file["broken_histories"]
    ]
    _alerts().tell("broken", "The history of bills was changed past this system", broken, now)
    subject = "Records could not be written for the auditor as they should be"
    _alerts().tell("damaged_export", subject, faults.lines, now)
    report: dict[str, Any] = {"export": month, "files": [_told(file) for file in files]}
    logger.info("exported", **report)
    return report


def _told(file: Json) -> dict[str, Any]:
    """A file's summary as Lambda's answer can carry it: amounts as text."""
    posted = {c: {**p, "total": str(p["total"])} for c, p in file["posted_in_month"].items()}
    return {**file, "posted_in_month": posted}


def _sweep(now: datetime, faults: Faults) -> dict[str, Any]:
    """What is stuck goes on although Odoo is down, and Odoo is read although that fails."""
    try:
        swept = sweep(_table(), _queue(), now, faults)
        return swept | look_after_waiting(_table(), _companies(), now, faults)
    except (BotoCoreError, ClientError) as error:
        logger.exception("not swept")
        return {"error": type(error).__name__}


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
def _queue() -> ApprovedQueue:
    return ApprovedQueue(client=_clients()["sqs"], url=settings.environment("SQS_QUEUE_URL"))


@cache
def _companies() -> dict[str, company.Company]:
    return companies.load_companies(_table())


@cache
def _odoo() -> OdooClient:
    arn = settings.environment("ODOO_SECRET_ARN")
    secret = settings.secret(_clients()["secretsmanager"], arn)
    return OdooClient(
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


def _extraction(seconds_left: Callable[[], float], now: datetime) -> ExtractionRun:
    extract_since = date.fromisoformat(settings.environment("EXTRACT_SINCE"))
    return ExtractionRun(
        odoo=_odoo(),
        table=_table(),
        documents=_documents(),
        companies=_companies(),
        extract_since=extract_since,
        kept_since=kept_since(now, settings.retention()),
        seconds_left=seconds_left,
        sleep=time.sleep,
    )
