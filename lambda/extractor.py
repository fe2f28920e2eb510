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

from odoo_qb import approvers, settings
from odoo_qb.alerts import Alerts
from odoo_qb.card import summary
from odoo_qb.documents import Documents
from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.export import export, month_of
from odoo_qb.extraction import Busy, Extraction
from odoo_qb.item import bill_of, stamp
from odoo_qb.odoo import Odoo
from odoo_qb.outcome import not_attached, perhaps_there
from odoo_qb.request import audited, request_of
from odoo_qb.store import Table
from odoo_qb.story import flaw, story
from odoo_qb.sweep import Queue, look_after_waiting, sweep, unposted
from odoo_qb.uploads import unattachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.item import Raw, Status
    from odoo_qb.request import Request

logger = Logger()

ALERTS_NOTE: Final = "mail#extractor"
UNCLEAR_FOR: Final = timedelta(days=30)  # so long the daily mail names such a bill
NOT_ATTACHED_FOR: Final = timedelta(days=3)  # a daily run or two may be missed
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
    try:
        if isinstance(event, dict) and "audit" in event:
            return _audit(audited(event["audit"]))
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
    if not request.dry_run:
        _tell_what_changed_afterwards(report)
    seconds = round(time.monotonic() - started, 1)
    report |= _told_of(report, request) | {"swept": swept, "seconds": seconds}
    logger.info("extracted", **{k: v for k, v in report.items() if k != "bills"})
    return report


def _told_of(report: Raw, request: Request) -> dict[str, Any]:
    """The part of the answer that depends on what was asked: which bills are listed."""
    bills = report["bills"]
    if not request.dry_run:
        return _listed([b for b in bills if b["outcome"] != "ready"])
    return _listed(bills) | {
        "dry_run": "nothing was written",
        "files": "not read: one that Odoo cannot give would block its bill",
    }


def _audit(entry_id: str) -> dict[str, Any]:
    item = _table().get(entry_id)
    if item is None or "status" not in item:
        return {"error": f"There is no bill {entry_id}: audit takes an id like odoo-42."}
    lines = _documents().lines(item)
    return {"audit": entry_id, "story": story(item, lines), "whole": not flaw(item, lines)}


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
    waiting = "1 bill waits" if len(lines) == 1 else f"{len(lines)} bills wait"
    _alerts().tell("stuck", f"{waiting} for somebody", lines, now)
    if report["not_seen"] is not None:
        subject = "A company is not found in Odoo: its bills are not read"
        _alerts().tell("not_seen", subject, report["not_seen"], now)
    subject = "Not everybody who may decide could be read from Slack"
    troubles = approvers.troubles(_table(), _companies().values())
    _alerts().tell("approvers", subject, troubles, now)
    if is_full:
        subject = "The daily comparison with Odoo did not come to its end"
        _alerts().tell("unread", subject, _unread(report["not_yet_read"]), now)
        subject = "Bills are missing in Odoo and were not withdrawn"
        _alerts().tell("kept", subject, report["kept"], now)
        subject = "QuickBooks may have bills that are no longer to be paid"
        _alerts().tell("unclear", subject, _unclear(now), now)
        subject = "Files of posted bills are not in QuickBooks"
        _alerts().tell("not_attached", subject, _not_attached(now), now)


def _unread(bills: int) -> list[str]:
    """What a full run had no time for: it reads what is open first, then the newest."""
    if not bills:
        return []
    text = (
        f"{bills} bills were not compared with Odoo, all decided long ago: compare them with a full"
        ' run of one company at a time, {"full": true, "company": "..."}. If this comes again, give'
        " the extractor more memory, which makes it faster."
    )
    return [text]


def _tell_what_changed_afterwards(report: Raw) -> None:
    """Of what was decided for good QuickBooks, or nobody, has another content than Odoo."""
    lines = [
        f"{b['bill']} ({b['entry_id']}) {b['reason']}"
        for b in report["bills"]
        if b["outcome"] == "changed afterwards"
    ]
    if lines:
        _alerts().publish("Bills changed in Odoo after they were decided", lines)


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
    """The bills that came to their end before a try at QuickBooks was clear."""
    statuses: tuple[Status, ...] = ("WITHDRAWN", "REJECTED", "ACKNOWLEDGED")
    since = stamp(now - UNCLEAR_FOR)
    ids = [i for s in statuses for i in _table().in_status(s, since=since, until=now)]
    items = _table().get_many(ids).values()
    return [f"{summary(i)}: {said}" for i in items if (said := perhaps_there(i))]


def _not_attached(now: datetime) -> list[str]:
    """The bills posted lately without a file that QuickBooks should have taken."""
    statuses: tuple[Status, ...] = ("POSTED", "ALREADY_IN_QB")
    since = stamp(now - NOT_ATTACHED_FOR)
    ids = [i for s in statuses for i in _table().in_status(s, since=since, until=now)]
    lines = []
    for item in _table().get_many(ids).values():
        expected = unattachable(bill_of(item))  # as the approver was told
        missing = [said for said in not_attached(item) if said not in expected]
        if missing:
            lines.append(f"{summary(item)}: {' '.join(missing)} Attach there by hand.")
    return sorted(lines)


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
        extract_since=extract_since,
        kept_since=kept_since,
        seconds_left=seconds_left,
        sleep=time.sleep,
    )
