"""A bill's details as blocks of its card: changes, warnings, facts, lines, files. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.bill import checks
from odoo_qb.bill.authors import last_editor
from odoo_qb.bill.item import LINES_ON_CARD, lines_of
from odoo_qb.bill.journal import account_of, without_cancelled
from odoo_qb.bill.model import amount_text
from odoo_qb.bill.summary import vendor_of
from odoo_qb.bill.taxes import NO_TAX
from odoo_qb.slack.blocks import (
    FIELD,
    LINE,
    LINE_TEXT,
    LINES,
    NAMES,
    Block,
    escaped,
    fields,
    markdown,
    plain_text,
    section,
    truncate,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Line
    from odoo_qb.exact_json import Json

_TAXED: Final = {
    "override": "QuickBooks will use Odoo's tax of {odoo} instead of its own {quickbooks}.",
    "quickbooks": "QuickBooks will use its own tax of {quickbooks}; Odoo has {odoo}.",
    "lines": "The tax of {odoo} is posted as lines, not as tax.",
}
_KIND: Final = {"in_refund": "credit note of "}  # documents that are not bills to pay


def particulars(item: Item, recent: Sequence[Json], twins: Mapping[str, Item]) -> list[Block]:
    """What a person compares before deciding; `recent` are the vendor's earlier bills.

    The changes, the warnings, the `twins` they name and the earlier bills are shown only while the
    bill awaits a decision.
    """
    blocks: list[Block] = []
    if item["status"] == "READY_FOR_APPROVAL":
        blocks += _changes(item) + _warnings(item) + _to_compare(item, twins)
    blocks += _facts(item)
    if item["status"] == "READY_FOR_APPROVAL":
        blocks += _before(recent)
    return [*blocks, *_lines(item), *_files(item)]


def _changes(item: Item) -> list[Block]:
    """What changed since approval was last requested."""
    if not item.get("changes"):
        return []
    return [
        section(
            "\n".join(
                ["Changed since approval was last requested:", *(f"• {c}" for c in item["changes"])]
            )
        )
    ]


def warnings_of(item: Item) -> list[str]:
    """What the approver should know, beginning with what is already paid."""
    paid = checks.paid(item.get("payment_state", ""))
    return [*([paid] if paid else []), *item["warnings"]]


def _warnings(item: Item) -> list[Block]:
    found = warnings_of(item)
    return [section("\n".join(f"⚠ {w}" for w in found))] if found else []


def _to_compare(item: Item, twins: Mapping[str, Item]) -> list[Block]:
    """Links to the bills that the duplicate warnings name, in the same order."""
    ids = item.get("duplicates", [])
    found = [(n, _links(twins[i])) for n, i in enumerate(ids, 1) if i in twins]
    texts = [(f"{n}. " if len(ids) > 1 else "") + ", ".join(links) for n, links in found if links]
    return [markdown(f"To compare: {' · '.join(texts)}")] if texts else []


def _links(twin: Item) -> list[str]:
    """Links to an earlier bill's current card and to it in QuickBooks, if they exist."""
    links = [
        # Slack opens this in the reader's own workspace.
        f"<https://slack.com/archives/{card['channel']}/p{card['ts'].replace('.', '')}|card>"
        for card in twin["cards"]
        if not card["retired"]
    ]
    posted = twin.get("quickbooks")
    if posted:
        document = escaped(f"{posted['type']} {posted['id']} in QuickBooks")
        links.append(f"<{escaped(posted['url'])}|{document}>")
    return links


def _facts(item: Item) -> list[Block]:
    """Labels and values; Slack shows a section's fields in two columns."""
    preflight = item.get("preflight") or {}
    amount = amount_text(item["amount_total"], item["currency"])
    if item["company_currency"] not in {"", item["currency"]}:
        amount += f" = {amount_text(item['company_total'], item['company_currency'])}"
    if item["move_type"] == "in_refund":
        amount = f"{amount} in our favour"
    rows = [
        ("Amount", amount),
        ("Vendor", vendor_of(item)),
        ("Company", item["company"]),
        ("Vendor's number", item["bill_reference"] or "none"),
        ("Bill date", item["bill_date"]),
        ("Due", " · ".join(p for p in (_due(item), item["payment_terms"]) if p)),
        ("In Odoo", item["odoo_name"]),
        ("Purchase order", item["po_number"]),
        ("Entered by", item["entered_by"]),
        ("Last edited by", last_editor(item)),
        ("QuickBooks company", preflight.get("company_name", "")),
        ("QuickBooks vendor", _vendor_there(item, preflight)),
        ("Class", preflight.get("class_name", "")),
        ("Department", preflight.get("department_name", "")),
    ]
    given = [(label, value) for label, value in rows if value]
    return [fields(given[i : i + 5]) for i in range(0, len(given), 5)]


def _due(item: Item) -> str:
    """The due date; for instalments each date and amount, with paid ones marked."""
    parts = item.get("instalments") or ()
    if not parts:
        return item["due_date"]
    texts = [
        f"{i['due']} {amount_text(i['amount'], item['currency'])}"
        + ("" if i["is_open"] else " (paid)")
        for i in parts
    ]
    due = (item.get("preflight") or {}).get("due_date")
    return truncate(", ".join(texts), FIELD) + (f" (due date in QuickBooks {due})" if due else "")


def _vendor_there(item: Item, preflight: Json) -> str:
    """The vendor in QuickBooks; before posting also whether it will be created."""
    name, is_there = str(preflight.get("vendor_name", "")), item.get("quickbooks")
    is_new = name and not preflight.get("vendor_id") and not is_there
    return f"{name} (will be created)" if is_new else name


def _before(recent: Sequence[Json]) -> list[Block]:
    """The vendor's earlier bills, for comparison."""
    if not recent:
        return []
    bills = [
        f"{_KIND.get(r.get('move_type', ''), '')}{amount_text(r['total'], r['currency'])}"
        f" on {r['date']}"
        for r in recent
    ]
    return [
        {
            "type": "context",
            "elements": [plain_text(truncate(f"Earlier bills: {' · '.join(bills)}", NAMES))],
        }
    ]


def _lines(item: Item) -> list[Block]:
    """The rows that become lines, each with its account, and the sum of the total."""
    currency = item["currency"]
    preflight = item.get("preflight") or {}
    listed_lines = [n for n in lines_of(item["lines"]) if n.kind in {"product", "other"}]
    costs = [n for n in listed_lines if n.carries_money]
    # If nothing is left, as for a free sample, its own lines are shown.
    rows = without_cancelled(costs, lambda n: (account_of(n), n.taxes)) or listed_lines
    shown = [_line_text(n, currency, preflight) for n in rows[:LINES_ON_CARD]]
    unseen = int(item["line_count"]) - len(item["lines"])
    listed = sum(n["kind"] in {"product", "other"} for n in item["lines"])
    hidden = int(item.get("product_count", unseen + listed)) - listed
    hidden += len(rows) - len(shown)
    if hidden > 0:
        shown.append(f"… and {hidden} more line{'s' if hidden > 1 else ''}")
    totals = f"Untaxed {amount_text(item['amount_untaxed'], currency)}"
    if item["amount_tax"]:
        totals += f" + tax {amount_text(item['amount_tax'], currency)}"
    totals += f" = {amount_text(item['amount_total'], currency)}"
    blocks = [{"type": "divider"}, section("\n".join([*shown, truncate(totals, FIELD)]), LINES)]
    return blocks + _tax_there(preflight.get("tax") or {}, currency)


def _tax_there(tax: Json, currency: str) -> list[Block]:
    """How QuickBooks gets its tax, if it is not simply the same."""
    if tax.get("how") not in _TAXED:
        return []
    figures = {k: amount_text(tax[k], currency) for k in ("odoo", "quickbooks")}
    return [markdown(_TAXED[tax["how"]].format(**figures))]


def _line_text(line: Line, currency: str, preflight: Json) -> str:
    """A line with its accounts in Odoo and QuickBooks, its taxes and their code."""
    account = " ".join(p for p in (line.account_code, line.account_name) if p)
    target = _target((preflight.get("accounts") or {}).get(line.account_code))
    codes = preflight.get("tax_codes") or {}
    taxes = ", ".join(line.taxes)
    code = _target(codes.get(_code_name(line, codes)))
    if taxes or code:
        taxes = f" ({taxes or 'no tax'}{code})"
    text = truncate(" ".join(line.text.split()), LINE_TEXT)
    return truncate(
        f"{amount_text(line.amount, currency)}  {text} → {account}{target}{taxes}", LINE
    )


def _code_name(line: Line, codes: Mapping[str, Json]) -> str:
    """The taxes for which a line has its code, without tax that Odoo booked as cost."""
    fitting = [name for name in codes if set(name.split(" + ")) <= set(line.taxes)]
    return max(fitting, key=lambda name: name.count(" + "), default=NO_TAX)


def _target(target: Json | None) -> str:
    """Where something goes in QuickBooks; a fallback is marked as one."""
    if not target:
        return ""
    return f" → {target['name']}{' (default)' if target['how'] == 'default' else ''}"


def _files(item: Item) -> list[Block]:
    names = ", ".join(str(d["name"]) for d in item["documents"])
    if not names:
        return []
    return [{"type": "context", "elements": [plain_text(truncate(f"📎 {names}", NAMES))]}]
