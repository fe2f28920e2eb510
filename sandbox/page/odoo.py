"""The page's view of Odoo: bills with their state, a bill's form, the vendors."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import amount_text
from sandbox.page.quickbooks import anchor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.odoo.query import Record
    from sandbox.odoo.server import Odoo

_KINDS: Final = {"in_invoice": "Bill", "in_refund": "Credit note", "in_receipt": "Receipt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A bill in Odoo, and its state in the pipeline."""

    id: int
    name: str
    kind: str
    company: str
    vendor: str
    reference: str
    date: str
    amount: str
    state: str
    files: int
    status: str = ""
    trouble: str = ""
    channel: str = ""
    card: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """A bill's form: what a bookkeeper may change."""

    id: int
    state: str
    reference: str
    date: str
    due: str
    lines: list[tuple[str, str]]
    files: list[tuple[int, str]]


def rows(odoo: Odoo, companies: Mapping[str, str], items: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Every bill, the newest first; `companies` are names by key, `items` the table's bills."""
    key_of = {name: key for key, name in companies.items()}
    item_of = {item["entry_id"]: item for item in items}
    with odoo.lock:
        moves = [m for m in odoo.records["account.move"].values() if m["move_type"] in _KINDS]
        found = [_row(odoo, move, key_of, item_of) for move in moves]
    return sorted(found, key=lambda row: -row.id)


def _row(
    odoo: Odoo, move: Record, key_of: Mapping[str, str], items: Mapping[str, Mapping[str, Any]]
) -> Row:
    records, number = odoo.records, int(move["id"])
    company = str(records["res.company"][move["company_id"]]["name"])
    vendor = records["res.partner"].get(move["partner_id"])
    currency = str(records["res.currency"][move["currency_id"]]["name"])
    item = items.get(f"odoo-{number}", {})
    card: Mapping[str, str] = next(reversed(item.get("cards") or ()), {})
    trouble = (item.get("error") or {}).get("message", "")
    return Row(
        id=number,
        name=str(move["name"] or "Draft"),
        kind=_KINDS[move["move_type"]],
        company=key_of.get(company, company),
        vendor=str(vendor["name"]) if vendor else "(no vendor)",
        reference=str(move["ref"] or ""),
        date=str(move["invoice_date"] or ""),
        amount=amount_text(Decimal(str(move["amount_total"])), currency),
        state=str(move["state"]),
        files=len(move["attachment_ids"]),
        status=item.get("status", ""),
        trouble=trouble or " ".join(item.get("problems") or ()),
        channel=card.get("channel", ""),
        card=card.get("ts", ""),
        document=anchor(item.get("company", ""), item.get("quickbooks") or {}),
    )


def editor(odoo: Odoo, bill: str) -> Editor | None:
    """The form of the bill with that number; None if there is none."""
    with odoo.lock:
        move = odoo.records["account.move"].get(int(bill)) if bill.isdecimal() else None
        if move is None or move["move_type"] not in _KINDS:
            return None
        files = odoo.records["ir.attachment"]
        return Editor(
            id=int(move["id"]),
            state=str(move["state"]),
            reference=str(move["ref"] or ""),
            date=str(move["invoice_date"] or ""),
            due=str(move["invoice_date_due"] or ""),
            lines=product_lines(odoo, int(move["id"])),
            files=[(n, str(files[n]["name"])) for n in move["attachment_ids"] if n in files],
        )


def vendors(odoo: Odoo) -> list[tuple[int, str]]:
    """The vendors as (number, name)."""
    with odoo.lock:
        partners = odoo.records["res.partner"].values()
        return [(int(p["id"]), str(p["name"])) for p in partners if p.get("supplier_rank")]


def product_lines(odoo: Odoo, bill: int) -> list[tuple[str, str]]:
    """A bill's lines as (text, amount)."""
    rows = odoo.records["account.move.line"]
    move = odoo.records["account.move"][bill]
    lines = [rows[number] for number in move["invoice_line_ids"]]
    return [
        (str(line["name"] or ""), f"{Decimal(str(line['price_subtotal'])):.2f}")
        for line in lines
        if line["display_type"] == "product"
    ]
