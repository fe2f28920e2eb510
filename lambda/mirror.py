"""Keep a copy of Odoo's contacts, invoices, payments, orders and accounts, every minute."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.mirror.request import sync_request
from odoo_qb.wiring.mirror import MirrorWiring

if TYPE_CHECKING:
    from odoo_qb.mirror.report import Report

logger = Logger()
wired = MirrorWiring()


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Bring mirrors up to date: {"task": "sync_all"}, or "sync_contacts" and the like.

    Beside it "connection", and true or false for "full", "dry_run" and "accept_deletions". Answers
    {"runs": [...], "dynamodb_calls": n, "seconds": n}, a run for each connection and kind, with its
    "error" if it could not be done; {"error": sentence} to a wrong request. An outage is no failure
    of the function: the next run is a minute away, and the alarm is about the mirror's age.
    A schedule of the API adds its "schedule", "id" and "scheduled_time"; deleted, it runs nothing.
    """
    started = time.monotonic()
    try:
        request = sync_request(event, wired.connections)
    except Refused as refusal:
        return {"error": str(refusal)}
    calls = wired.mirrored.calls
    if request.wanted.full and not request.wanted.dry_run:
        for sentence in wired.repair_schedules():
            logger.error("schedules not repaired", reason=sentence)
    syncing = wired.syncing(lambda: context.get_remaining_time_in_millis() / 1000)
    reports = wired.scheduled.run(request, syncing)
    if reports is None:
        return {"runs": [], "skipped": "The schedule was deleted."}
    _log(reports)
    if request.is_whole and not request.wanted.dry_run:  # another's age says nothing of the rest
        wired.count("MirrorAgeMinutes", max((r.age_minutes for r in reports), default=0.0))
    return {
        "runs": [report.as_answer() for report in reports],
        "dynamodb_calls": wired.mirrored.calls - calls,
        "seconds": round(time.monotonic() - started, 1),
    }


def _log(reports: list[Report]) -> None:
    for report in reports:
        if report.error:
            logger.error("not mirrored", **report.as_answer())
        elif not report.is_quiet:
            logger.info("mirrored", **report.as_answer())
