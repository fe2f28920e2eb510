"""Bring bills from Odoo into the table, on a schedule or when somebody asks for it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger

from odoo_qb import settings
from odoo_qb.documents import Documents
from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.extraction import Extraction, request_of
from odoo_qb.odoo import Odoo
from odoo_qb.store import Table
from odoo_qb.sweep import Queue, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = Logger()

MAIL_NOTE: Final = "mail#extractor"  # what the last mail said, so that it is said once
_MAIL_LINES: Final = 200


class ExtractionFailed(Exception):  # noqa: N818 - read in Lambda's answer, where it is a statement
    """Nothing could be extracted; the sentence says why and what to do."""


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Run one extraction; answers what was found, or {"error": sentence} to a wrong request."""
    started, now = time.monotonic(), datetime.now(UTC)
    given = {k: v for k, v in event.items() if v is not None}
    try:
        request = request_of(given, _companies())
    except Refused as refusal:
        return {"error": str(refusal)}
    swept = {} if request.dry_run else sweep(_table(), _queue(), now)
    try:
        extraction = _extraction(lambda: context.get_remaining_time_in_millis() / 1000)
        report = extraction.run(request, now)
    except (Refused, Unavailable, Misconfigured) as error:
        logger.error("nothing extracted", reason=str(error))  # noqa: TRY400 - the sentence says all
        _mail(f"Nothing could be extracted from Odoo: {error}", [])
        raise ExtractionFailed(str(error)) from None
    report |= {"swept": swept, "seconds": round(time.monotonic() - started, 1)}
    logger.info("extracted", **{k: v for k, v in report.items() if k != "bills"})
    if not request.dry_run:
        _report(report)
        report["bills"] = [b for b in report["bills"] if b["outcome"] != "ready"]
    else:
        report["dry_run"] = "nothing was written"
    return report


def _report(report: Mapping[str, Any]) -> None:
    """One mail about what needs somebody, when that changed since the last one."""
    bad = [b for b in report["bills"] if b["outcome"] in {"blocked", "not stored"}]
    lines = [
        f"{b['bill']} ({b['entry_id']}): {' '.join(b.get('problems', [])) or b.get('reason')}"
        for b in bad
    ]
    if lines:
        _mail(f"{len(lines)} bills from Odoo cannot be asked about yet", lines)


def _mail(subject: str, lines: list[str]) -> None:
    text = "\n".join([subject, "", *lines[:_MAIL_LINES]])
    said = hashlib.sha256(text.encode()).hexdigest()
    if _table().read_note(MAIL_NOTE).get("said") == said:
        return
    # SNS takes a subject of 100 ASCII characters without line breaks.
    short = "".join(c if c.isascii() and c.isprintable() else "?" for c in subject)[:100]
    _clients()["sns"].publish(
        TopicArn=settings.environment("SNS_ALERT_TOPIC"), Subject=short, Message=text
    )
    _table().write_note(MAIL_NOTE, {"said": said, "at": datetime.now(UTC).isoformat()})


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


def _extraction(seconds_left: Any) -> Extraction:  # noqa: ANN401 - a callable
    return Extraction(
        odoo=_odoo(),
        table=_table(),
        documents=Documents(_clients()["s3"], settings.environment("S3_BUCKET")),
        companies=_companies(),
        extract_since=date.fromisoformat(settings.environment("EXTRACT_SINCE")),
        seconds_left=seconds_left,
    )
