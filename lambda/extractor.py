"""Bring bills from Odoo into the table, on a schedule or on request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from odoo_qb.errors import Misconfigured, Refused, Unavailable
from odoo_qb.extraction.answer import answer_to
from odoo_qb.extraction.request import audited, request_of
from odoo_qb.extraction.run import Busy
from odoo_qb.guarding import BadRecords
from odoo_qb.operations import audit_export, audit_trail, emails
from odoo_qb.operations.sweep import sweep_all
from odoo_qb.wiring.extractor import ExtractorWiring

if TYPE_CHECKING:
    from odoo_qb.extraction.request import Request

logger = Logger()
wired = ExtractorWiring()


class ExtractionFailed(Exception):  # noqa: N818 - read in Lambda's answer, where it is a statement
    """Nothing could be extracted; the sentence says why and what to do."""


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Run one extraction and return its report, or {"error": sentence} for an invalid request.

    {"audit": "odoo-42"} returns the bill's history, {"export": "2026-10"} writes the audit files.
    """
    asked = event if isinstance(event, dict) else {}
    try:
        if "audit" in asked:
            return audit_trail.audit(wired.table, wired.documents, audited(asked["audit"]))
        if "export" in asked:
            books = (wired.table, wired.documents, wired.companies, wired.mails)
            return audit_export.export_and_mail(*books, asked["export"], wired.now())
        request = request_of(event, wired.companies)
    except Refused as refusal:
        return {"error": str(refusal)}
    return _extract(request, context)


def _extract(request: Request, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    started, now = time.monotonic(), wired.now()
    bad_records, swept = BadRecords(), dict[str, Any]()
    if not request.dry_run:
        swept = sweep_all(wired.table, wired.queue, lambda: wired.companies, now, bad_records)
    try:
        run = wired.run(lambda: context.get_remaining_time_in_millis() / 1000, now, bad_records)
        report = run.run(request, now)
    except Busy as busy:
        if request.is_plain:
            return {"skipped": str(busy), "swept": swept}
        raise ExtractionFailed(str(busy)) from None
    except (Refused, Unavailable, Misconfigured) as error:
        logger.error("nothing extracted", reason=str(error))  # noqa: TRY400 - the sentence says all
        if not request.dry_run:
            emails.mail_outage(str(error), wired.mails, now)
        raise ExtractionFailed(str(error)) from None
    answer = answer_to(request, report)
    books = (wired.table, wired.companies, wired.mails)
    answer |= emails.mail_after_run(report, request, *books, now, bad_records) | {"swept": swept}
    answer["seconds"] = round(time.monotonic() - started, 1)
    logger.info("extracted", **{k: v for k, v in answer.items() if k != "bills"})
    return answer
