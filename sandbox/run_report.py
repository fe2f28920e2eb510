"""The report on a run: counts, totals, and a sentence for each problem."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import amount_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.recording import Recorder
    from sandbox.traffic import Document

Json = dict[str, Any]
Sums = dict[tuple[str, str], tuple[Decimal, Decimal]]  # (company, currency): approved, posted

WAITING: Final = ("READY_FOR_APPROVAL", "APPROVED", "POSTING")
FAILED: Final = ("POST_FAILED", "VALIDATION_FAILED")
IN_QUICKBOOKS: Final = ("POSTED", "ALREADY_IN_QB")
_OWED: Final = ("APPROVED", "POSTING", "POSTED", "ALREADY_IN_QB", "POST_FAILED")
_FIRST: Final = 10  # bills listed one by one

# The table's columns: a plain word for each group of statuses.
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "posted": IN_QUICKBOOKS,
    "rejected": ("REJECTED",),
    "acknowledged": ("ACKNOWLEDGED",),
    "to decide": ("READY_FOR_APPROVAL",),
    "under way": ("APPROVED", "POSTING"),
    "blocked": ("VALIDATION_FAILED",),
    "not posted": ("POST_FAILED",),
    "withdrawn": ("WITHDRAWN",),
}


def statuses(items: Iterable[Json]) -> Counter[str]:
    """How many bills are in each status."""
    return Counter(str(i["status"]) for i in items)


def bills(items: list[Json]) -> dict[str, int]:
    """The counts of bills, as `--json` has them."""
    of = statuses(items)
    return {
        "read": len(items),
        "ready": len(items) - of["VALIDATION_FAILED"],
        "posted": sum(of[s] for s in IN_QUICKBOOKS),
        "rejected": of["REJECTED"],
        "acknowledged": of["ACKNOWLEDGED"],
        "failed": sum(of[s] for s in FAILED),
        "waiting": sum(of[s] for s in WAITING),
    }


def trouble(items: list[Json], held: list[Document], dead: int) -> list[str]:
    """A sentence for each thing that the product should have done and did not."""
    times = Counter(d.entry_id for d in held)
    owed = {str(i["entry_id"]) for i in items if i["status"] in _OWED}
    found = [
        f"{_name(i)} was approved and is in QuickBooks {times[i['entry_id']]} times"
        f" ({_result(i).rstrip('.')})."
        for i in items
        if i["entry_id"] in owed and times[i["entry_id"]] != 1
    ]
    found += [
        f"{entry_id or 'A document without our marker'} is in QuickBooks and was not approved."
        for entry_id in sorted(times.keys() - owed)
    ]
    if dead:
        found.append(f"{dead} messages are in dead-letter queues: see the functions' logs.")
    return found


def unshown(items: list[Json], slack: Recorder) -> list[str]:
    """A sentence for each missing bill, missing card and outdated card."""
    if not items:
        return ["No bill was read in Odoo, so no card was sent and nothing was posted."]
    owed = [i for i in items if "card_due" in i or i["status"] == "READY_FOR_APPROVAL"]
    never = [i for i in owed if not i["cards"]]
    behind = sum("card_due" in i and bool(i["cards"]) for i in items)
    found = []
    if never:
        found.append(f"{counted(len(never), 'bill')} never got a card: {_slack_reason(slack)}")
    if behind:
        are = "is" if behind == 1 else "are"
        found.append(f"{counted(behind, 'card')} {are} out of date: {_slack_reason(slack)}")
    return found


def _slack_reason(slack: Recorder) -> str:
    """Why cards are missing: how Slack answered the last one."""
    posts = [e for e in list(slack.exchanges) if "/chat." in e["path"]]
    if slack.under_way or (posts and posts[-1]["status"] is None):
        return "Slack did not answer."
    if not posts:
        return "the notifier did not call Slack. Its log says why."
    answer = posts[-1]["answer"]
    if isinstance(answer, dict) and answer.get("ok") is False:
        return f"Slack said {answer.get('error')}."
    return f"Slack answered with HTTP {posts[-1]['status']}, and the notifier's log says more."


def counted(number: int, noun: str) -> str:
    """`1 bill`, `2 bills`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def totals(items: list[Json], held: list[Document], realms: Mapping[str, str]) -> Sums:
    """By company and currency: what was approved, and what QuickBooks has; credits subtract."""
    company_of = {realm: company for company, realm in realms.items()}
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for item in items:
        if item["status"] in _OWED:
            sign = -1 if item["move_type"] == "in_refund" else 1
            pair = sums.setdefault((item["company"], item["currency"]), [Decimal(0), Decimal(0)])
            pair[0] += sign * Decimal(item["amount_total"])
    for document in held:
        sign = -1 if document.entity == "VendorCredit" else 1
        key = (company_of.get(document.realm, document.realm), document.currency)
        pair = sums.setdefault(key, [Decimal(0), Decimal(0)])
        pair[1] += sign * document.total
    return {key: (pair[0], pair[1]) for key, pair in sorted(sums.items())}


def unequal(sums: Sums) -> list[str]:
    """Where QuickBooks has another total than was approved, a sentence each."""
    return [
        f"{company}: {amount_text(approved, currency)} were approved, and QuickBooks has"
        f" {amount_text(there, currency)}."
        for (company, currency), (approved, there) in sums.items()
        if approved != there
    ]


def summary(items: list[Json], report: Json, sums: Sums) -> list[str]:
    """The outcome in lines for the terminal."""
    lines = ["", *_by_company(items), ""]
    ordered = sorted(items, key=lambda i: int(i["odoo_id"]))
    if ordered:
        lines += [f"The first {min(_FIRST, len(ordered))} bills", *_aligned(ordered[:_FIRST]), ""]
    if sums:
        lines += ["Approved, and what QuickBooks has", *_compared(sums), ""]
    counts = report["calls"]
    lines += [
        "QuickBooks has {bills} bills and {vendor_credits} vendor credits of {vendors} new vendors,"
        " with {attachments} attachments and {duplicates} duplicates.".format(
            **report["quickbooks"]
        ),
        f"Dead letters: {report['dlq']}.",
        f"Calls to Odoo: {counts['odoo']}.",
        f"Calls to Slack: {pairs(counts['slack'])}.",
        f"Calls to QuickBooks: {pairs(counts['quickbooks'])}.",
        f"Seconds: {pairs(report['seconds'])}.",
    ]
    return lines + [
        f"BLOCKED: {_name(i)}: {' '.join(i['problems'])}"
        for i in ordered
        if i["status"] == "VALIDATION_FAILED"
    ]


def _by_company(items: list[Json]) -> list[str]:
    """A row a company; a column for each outcome there was."""
    there = statuses(items)
    columns = {
        word: names
        for word, names in _COLUMNS.items()
        if word == "posted" or any(there[n] for n in names)
    }
    companies = sorted({str(i["company"]) for i in items})
    rows = [["company", "bills", *columns]]
    for company in [*companies, "all"]:
        here = [i for i in items if company in {i["company"], "all"}]
        of = statuses(here)
        counts = [sum(of[n] for n in names) for names in columns.values()]
        rows.append([company, str(len(here)), *map(str, counts)])
    return as_columns(rows, right=range(1, len(columns) + 2))


def _aligned(some: list[Json]) -> list[str]:
    rows = [
        [
            str(i["odoo_name"]),
            str((i["vendor"] or {}).get("name", "(no vendor)"))[:32],
            amount_text(Decimal(i["amount_total"]), i["currency"]),
            _result(i),
        ]
        for i in some
    ]
    return [f"  {line}" for line in as_columns(rows, right=[2])]


def _compared(sums: Sums) -> list[str]:
    rows = [
        [
            company,
            amount_text(approved, currency),
            amount_text(there, currency),
            "agrees to the cent" if approved == there else "DIFFERS",
        ]
        for (company, currency), (approved, there) in sums.items()
    ]
    return [f"  {line}" for line in as_columns(rows, right=[1, 2])]


def as_columns(rows: list[list[str]], right: Iterable[int]) -> list[str]:
    """The rows as aligned columns; those in `right` are right-aligned."""
    at_right = set(right)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(widths[n]) if n in at_right else cell.ljust(widths[n])
            for n, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]


def _result(item: Json) -> str:
    """What happened to a bill, in a few words."""
    status = str(item["status"])
    if status in IN_QUICKBOOKS:
        word = "posted as" if status == "POSTED" else "already there as"
        kind = "vendor credit" if item["quickbooks"]["type"] == "VendorCredit" else "bill"
        return f"{word} {kind} {item['quickbooks']['id']}"
    if status == "POST_FAILED":
        return f"not posted: {item['error']['message']}"
    if status == "REJECTED":
        return f"rejected: {item['rejection_reason']}"
    return {
        "ACKNOWLEDGED": f"acknowledged: {item['nothing_to_post']}",
        "VALIDATION_FAILED": "blocked: " + " ".join(item["problems"]),
        "READY_FOR_APPROVAL": "awaiting a decision",
        "APPROVED": "approved, not yet posted",
        "POSTING": "being posted",
        "WITHDRAWN": "withdrawn in Odoo",
    }[status]


def _name(item: Json) -> str:
    return f"{item['odoo_name']} of {item['company']}"


def pairs(counts: Json) -> str:
    """`load 3.1, compare 2.0`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
