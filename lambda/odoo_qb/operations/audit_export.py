"""A month for the auditor: what happened to every bill, as JSON lines in S3, by company."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.bill.status import IN_QUICKBOOKS, TRANSITIONS
from odoo_qb.errors import Refused
from odoo_qb.exact_json import to_json
from odoo_qb.guarding import UNKNOWN, BadRecords, complaint, flaw_of, label
from odoo_qb.operations.audit_trail import flaw, story
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.store.alerts import Alerts
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

logger = Logger(child=True)

_NOBODYS: Final = "unknown"  # if a damaged record has no company
LAST: Final = "last"  # the month before this one, as the schedule requests it
_MONTH: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
# Internal bookkeeping of the functions, not about the bill.
_LEFT_OUT: Final = frozenset({"card_due", "claim", "touched_at", "expires_at", "lines_key"})


def month_of(asked: object, now: datetime) -> str:
    """The requested month, such as 2026-10 in UTC; Refused if it is invalid or in the future."""
    this = f"{now:%Y-%m}"
    if asked == LAST:
        return f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
    if not isinstance(asked, str) or not _MONTH.fullmatch(asked):
        raise Refused('export takes a month like "2026-10", or "last".')
    if asked > this:
        raise Refused(f"The month {asked} is in the future.")
    return asked


def export(
    table: Table,
    documents: Documents,
    companies: Mapping[str, Company],
    month: str,
    now: datetime,
    bad_records: BadRecords | None = None,
) -> list[Json]:
    """Write `audit/<month>/<company>.jsonl` for every company; returns the summary of each.

    A file has a summary in its first line and then a line for each bill to which anything happened
    in the month: content, decision, every posting attempt, and the history both as stored and in
    sentences. Bills are in their current state. Writing a month again adds a version of its file
    and removes none.

    A damaged record is written as it is, with what is wrong with it, and reported in `bad_records`.
    """
    start, end = _bounds(month)
    bad_records = bad_records or BadRecords()
    bills: dict[str, list[Item]] = {key: [] for key in companies}
    damaged: dict[str, list[Json]] = {}
    for item in _changed_since(table, start, now):
        if flaw_of(item):
            bad_records.note(label(item), complaint(item))
            damaged.setdefault(item.get("company") or _NOBODYS, []).append(_as_it_is(item))
        elif any(_is_within(entry, start, end) for entry in item["history"]):
            bills.setdefault(item["company"], []).append(item)
    summaries = []
    for company in sorted({*bills, *damaged}):
        items = bills.get(company, [])
        bill_lines = [_line(item, documents, bad_records) for item in items]
        broken = [bill["entry_id"] for bill in bill_lines if not bill["history_is_whole"]]
        summary = _summary(company, month, items, now) | {"broken_histories": broken}
        if company in damaged:
            summary["damaged"] = [bill["entry_id"] for bill in damaged[company]]
            bill_lines += damaged[company]
        summary["key"] = f"audit/{month}/{company}.jsonl"
        lines = [summary, *bill_lines]
        documents.write(summary["key"], "".join(f"{_text(line, bad_records)}\n" for line in lines))
        summaries.append(summary)
    return summaries


def export_and_mail(
    table: Table,
    documents: Documents,
    companies: Mapping[str, Company],
    alerts: Alerts,
    asked: object,
    now: datetime,
) -> Json:
    """Write the requested month and mail what was modified or damaged; returns the answer."""
    bad_records, month = BadRecords(), month_of(asked, now)
    files = export(table, documents, companies, month, now, bad_records)
    broken = [
        (
            f"{entry_id} ({file['company']}): its history does not add up. Call the extractor"
            f' with {{"audit": "{entry_id}"}} to see it, and compare the bill with the'
            " table's backups."
        )
        for file in files
        for entry_id in file["broken_histories"]
    ]
    alerts.mail_if_new("broken", "Bill history was modified outside this system", broken, now)
    subject = "Some records could not be processed for the monthly export"
    alerts.mail_if_new("damaged_export", subject, bad_records.lines, now)
    report: Json = {"export": month, "files": [_summarised(file) for file in files]}
    logger.info("exported", **report)
    return report


def _summarised(file: Json) -> Json:
    """A file's summary for Lambda's answer, with amounts as text."""
    posted = {c: {**p, "total": str(p["total"])} for c, p in file["posted_in_month"].items()}
    return {**file, "posted_in_month": posted}


def _is_within(entry: Json, start: str, end: str) -> bool:
    """Whether something happened between two timestamps; an entry may cover a period."""
    return start <= str(entry["at"]) and str(entry.get("since") or entry["at"]) < end


def _bounds(month: str) -> tuple[str, str]:
    """The first instant of the month and of the next, as timestamps."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return stamp(start), stamp((start + timedelta(days=32)).replace(day=1))


def _changed_since(table: Table, start: str, now: datetime) -> Iterable[Item]:
    """Every bill written since, which includes all with history since, by number."""
    ids = [i for s in TRANSITIONS for i in table.in_status(s, since=start, until=now)]
    items = table.get_many(ids).values()
    return sorted(items, key=lambda item: (len(item["entry_id"]), item["entry_id"]))


def _summary(company: str, month: str, items: list[Item], now: datetime) -> Json:
    """What the file contains, and the totals that an auditor compares with the books."""
    start, end = _bounds(month)
    posted: dict[str, Json] = {}
    for item in items:
        at = str(item.get("quickbooks", {}).get("posted_at", ""))
        if item["status"] in IN_QUICKBOOKS and start <= at < end:
            sign = -1 if item["move_type"] == "in_refund" else 1
            total = posted.setdefault(item["currency"], {"bills": 0, "total": Decimal(0)})
            total["bills"] += 1
            total["total"] += sign * item["amount_total"]
    return {
        "company": company,
        "month": month,
        "made_at": stamp(now),
        "is_over": stamp(now) >= end,
        "bills": len(items),
        "in_status": dict(sorted(Counter(i["status"] for i in items).items())),
        "posted_in_month": dict(sorted(posted.items())),
    }


def _line(item: Item, documents: Documents, bad_records: BadRecords) -> Json:
    def whole() -> Json:
        rows = documents.lines(item)
        return {
            **_kept(item),
            "lines": item["lines"] if rows is None else rows,
            "story": story(item, rows),
            "history_is_whole": not flaw(item, rows),
        }

    return bad_records.guard(item, whole, _as_it_is(item))


def _text(line: Json, bad_records: BadRecords) -> str:
    """A line of the file; if JSON cannot hold a record, the line says so."""
    name = str(line.get("entry_id"))
    return bad_records.guard(
        line, partial(to_json, line), to_json({"entry_id": name, "damaged": UNKNOWN})
    )


def _as_it_is(item: Item) -> Json:
    """A damaged record as it is, for the auditor."""
    return {**_kept(item), "story": [], "history_is_whole": False, "damaged": complaint(item)}


def _kept(item: Item) -> Json:
    return {k: v for k, v in _sorted(item) if k not in _LEFT_OUT}


def _sorted(item: Item) -> Iterator[tuple[str, object]]:
    """The identifying attributes first, the others by name, so that exports can be compared."""
    yield "entry_id", item["entry_id"]
    yield from sorted((k, v) for k, v in item.items() if k != "entry_id")
