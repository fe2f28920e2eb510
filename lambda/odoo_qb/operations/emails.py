"""E-mails about what a run found: bills, companies or approvers that need a person, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.approval import approvers
from odoo_qb.approval.reminders import unknown_zones
from odoo_qb.bill.follow_ups import not_attached, possible_document
from odoo_qb.bill.item import bill_of
from odoo_qb.bill.summary import summary
from odoo_qb.extraction.left_out import mail_left_out
from odoo_qb.extraction.outcome import DAMAGED, NOT_STORED
from odoo_qb.guarding import BadRecords, label
from odoo_qb.operations.sweep import unposted
from odoo_qb.quickbooks.file_types import unattachable
from odoo_qb.sentences import NAME, one_line
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.report import Report, ReportedBill
    from odoo_qb.extraction.request import Request
    from odoo_qb.store.alerts import Alerts
    from odoo_qb.store.table import Table

logger = Logger(child=True)

_UNCLEAR_FOR: Final = timedelta(days=30)  # for so long the daily mail names such a bill
_NOT_ATTACHED_FOR: Final = timedelta(days=3)  # in case a daily run or two fail
_ON_ITS_WAY: Final = "It is tried again every hour. Its card or the poster's log says why."


def mail_after_run(
    report: Report,
    request: Request,
    table: Table,
    companies: Mapping[str, Company],
    alerts: Alerts,
    now: datetime,
    bad_records: BadRecords,
) -> Json:
    """Send the e-mails after a run: all after a scheduled one, otherwise only about late changes.

    Returns the part of the run's answer about it: how many bills are stuck.
    """
    answer: Json = {}
    if request.is_scheduled:
        is_full = request.full
        stuck = mail_findings(
            report, table, companies, alerts, now, is_full=is_full, bad_records=bad_records
        )
        answer["stuck"] = stuck
    if not request.dry_run:
        mail_late_changes(report, alerts)
    return answer


def mail_outage(reason: str, alerts: Alerts, now: datetime) -> None:
    """Mail once that Odoo could not be read, until it can be again."""
    alerts.mail_if_new("outage", "No bills could be read from Odoo", [reason], now)


def mail_findings(
    report: Report,
    table: Table,
    companies: Mapping[str, Company],
    alerts: Alerts,
    now: datetime,
    *,
    is_full: bool,
    bad_records: BadRecords | None = None,
) -> dict[str, int]:
    """Send one mail per subject that needs a person, if it changed since the last one.

    Returns how many bills are stuck, by reason. `bad_records` are those that the run could not
    process; those met here are added.
    """
    bad_records = bad_records or BadRecords()
    alerts.mail_recovery("outage", "Bills can be read from Odoo again", now)
    not_stored = [
        f"{_named(b)}: {b.outcome.reason}. The next run tries again."
        for b in report.bills
        if b.outcome.name == NOT_STORED
    ]
    stuck = _stuck(table, now, bad_records)
    lines = sorted([*not_stored, *(line for kind in stuck.values() for line in kind)])
    waiting = "1 bill needs" if len(lines) == 1 else f"{len(lines)} bills need"
    alerts.mail_if_new("stuck", f"{waiting} attention", lines, now)
    mail_left_out(report.left_out, table, alerts)
    alerts.mail_if_new("clock", "Odoo's clock is wrong", report.clock, now)
    if report.not_seen is not None:
        subject = "A company was not found in Odoo, so its bills are not read"
        alerts.mail_if_new("not_seen", subject, report.not_seen, now)
    subject = "Some approvers could not be looked up in Slack"
    troubles = approvers.troubles(table, companies.values())
    alerts.mail_if_new("approvers", subject, troubles, now)
    unknown = unknown_zones(companies.values())
    if unknown:
        logger.warning("a time zone is not known", companies=unknown)
    alerts.mail_if_new("zones", "A company's time zone is not valid", unknown, now)
    if is_full or report.kept:
        subject = "Bills disappeared from Odoo and were not withdrawn"
        alerts.mail_if_new("kept", subject, report.kept, now)
    if is_full:
        subject = "The daily comparison with Odoo did not finish"
        alerts.mail_if_new("unread", subject, _unread(report.not_yet_read), now)
        subject = "QuickBooks may have bills that should not be paid"
        alerts.mail_if_new("unclear", subject, _unclear(table, now, bad_records), now)
        subject = "Files are missing from posted bills in QuickBooks"
        alerts.mail_if_new("not_attached", subject, _not_attached(table, now, bad_records), now)
    for bill in report.bills:
        if bill.outcome.name == DAMAGED:
            bad_records.note(bill.outcome.about or _named(bill), bill.outcome.reason)
    # The daily run finds more of them than the others: kept apart, so that each is mailed once.
    about = "damaged_daily" if is_full else "damaged"
    alerts.mail_if_new(about, "Some records could not be processed", bad_records.lines, now)
    return {kind: len(lines) for kind, lines in stuck.items()}


def mail_late_changes(report: Report, alerts: Alerts) -> None:
    """Mail which bills changed in Odoo after the final decision."""
    lines = [
        f"{_named(b)} {b.outcome.reason}"
        for b in report.bills
        if b.outcome.name == "changed afterwards"
    ]
    if lines:
        alerts.mail("Bills changed in Odoo after the decision", lines)


def _unread(bills: int) -> list[str]:
    """What a full run had no time for; it reads open bills first, then the newest."""
    if not bills:
        return []
    text = (
        f"{bills} bills decided long ago were not compared with Odoo. Compare them with a"
        ' full run of one company at a time, {"full": true, "company": "..."}. If this'
        " happens again, give the extractor more memory, which makes it faster."
    )
    return [text]


def _named(bill: ReportedBill) -> str:
    """A bill in a run's report."""
    return f"{one_line(bill.name, NAME)} ({bill.entry_id})"


def _stuck(table: Table, now: datetime, bad_records: BadRecords) -> dict[str, list[str]]:
    """The bills that need a person, each with its reason, by kind of reason."""
    statuses: tuple[Status, ...] = ("VALIDATION_FAILED", "POST_FAILED")
    approved_at = unposted(table, now, bad_records)
    ids = [i for s in statuses for i in table.in_status(s, until=now)]

    def reason_of(item: Item) -> tuple[str, str]:
        if item["status"] == "VALIDATION_FAILED":
            kind, reason = "blocked", f"blocked: {' '.join(item['problems'])}"
        elif item["status"] == "POST_FAILED":
            kind, reason = "not_posted", f"not posted: {item.get('error', {}).get('message', '')}"
        elif item["status"] in {"APPROVED", "POSTING"} and item["entry_id"] in approved_at:
            at = approved_at[item["entry_id"]]
            kind, reason = "unposted", f"approved at {at} but not posted yet. {_ON_ITS_WAY}"
        else:
            return "", ""
        return kind, f"{label(item)}: {reason}"

    stuck: dict[str, list[str]] = {"blocked": [], "not_posted": [], "unposted": []}
    for kind, line in bad_records.each(table.get_many([*ids, *approved_at]).values(), reason_of):
        if kind:
            stuck[kind].append(line)
    return stuck


def _unclear(table: Table, now: datetime, bad_records: BadRecords) -> list[str]:
    """The bills that ended while the result of a posting attempt was unknown."""
    statuses: tuple[Status, ...] = ("WITHDRAWN", "REJECTED", "ACKNOWLEDGED")
    since = stamp(now - _UNCLEAR_FOR)
    ids = [i for s in statuses for i in table.in_status(s, since=since, until=now)]
    items = bad_records.where(table.get_many(ids).values(), possible_document)
    return list(bad_records.each(items, lambda item: f"{summary(item)}: {possible_document(item)}"))


def _not_attached(table: Table, now: datetime, bad_records: BadRecords) -> list[str]:
    """The recently posted bills with a missing file that QuickBooks would accept."""
    statuses: tuple[Status, ...] = ("POSTED", "ALREADY_IN_QB")
    since = stamp(now - _NOT_ATTACHED_FOR)
    ids = [i for s in statuses for i in table.in_status(s, since=since, until=now)]

    def missing_files(item: Item) -> str:
        expected = unattachable(bill_of(item))  # as the card said
        missing = [reason for reason in not_attached(item) if reason not in expected]
        return (
            (
                f"{summary(item)}: {' '.join(missing)} Attach the missing files in QuickBooks by"
                " hand."
            )
            if missing
            else ""
        )

    return sorted(filter(None, bad_records.each(table.get_many(ids).values(), missing_files)))
