"""A bill as the table's item: its attributes, and the way from a Bill and back. No I/O."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal  # noqa: TC003 - TypedDict fields are read by tools at run time
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from odoo_qb.bill import digest_v1
from odoo_qb.bill.digest_v1 import is_former
from odoo_qb.bill.model import (
    Author,
    Bill,
    Document,
    Instalment,
    Line,
    Vendor,
    iso,
    money,
)
from odoo_qb.bill.status import Status  # noqa: TC001 - as Decimal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.exact_json import Json

# What few lines have; kept only if it is not empty.
_SELDOM: Final[Json] = {
    "percent": None,
    "further_taxes": [],
    "further_parts": [],
    "is_rounding": False,
}
LINES_IN_ITEM: Final = 100  # longer bills keep their lines in S3: an item holds 400 kB
LINES_BYTES: Final = 100_000
CONTENT_BYTES: Final = 200_000  # the rest of an item is for attempts, cards and history
LINES_ON_CARD: Final = 10
AMOUNTS: Final[tuple[str, ...]] = ("quantity", "unit_price", "amount", "percent")  # of a line
_TEXT_ON_CARD: Final = 500


class Card(TypedDict):
    """A message in Slack that shows the bill; only the last one not retired has buttons."""

    channel: str
    ts: str
    digest: str
    retired: bool


class Item(TypedDict, total=False):
    """A bill in the table, as boto3 reads it: numbers are Decimal, dates ISO text."""

    entry_id: str
    company: str
    odoo_id: int
    odoo_name: str
    move_type: str
    status: Status
    revision: int
    digest: str
    form: int  # the digest version found to post the same as the older digest
    vendor: Json | None
    bill_reference: str
    bill_date: str
    accounting_date: str
    due_date: str
    instalments: list[Json]
    payment_terms: str
    payment_terms_id: int
    po_number: str
    entered_by: str
    entered_by_email: str
    authors: list[Json]
    payment_state: str
    currency: str
    amount_untaxed: Decimal
    amount_tax: Decimal
    amount_total: Decimal
    company_currency: str
    company_total: Decimal
    lines: list[Json]
    line_count: int  # of all kinds
    product_count: int
    lines_key: str
    pdf_key: str
    documents: list[Json]
    unsupported: list[str]
    problems: list[str]
    warnings: list[str]
    duplicates: list[str]
    rate_doubt: str
    nothing_to_post: str
    preflight: Json
    changes: list[str]
    amended_after: str
    amended_changes: list[str]  # what changed then, in sentences
    added_files: list[Json]  # documents, if nothing else changed
    attached_later: list[Json]  # those of them now in QuickBooks
    attach: Json  # who requested that, and for which files
    approvals: list[Json]
    decided_by: str
    decided_at: str
    rejection_reason: str
    cards: list[Card]
    card_due: int
    notices: list[Json]
    touched_at: str
    claim: Json
    trouble: Json
    attempts: list[Json]
    quickbooks: Json
    link: Json
    error: Json
    history: list[Json]
    created_at: str
    updated_at: str
    version: int
    expires_at: int


def content(bill: Bill, *, vendor_is_known: bool = False) -> Item:
    """A bill as the attributes that change when Odoo changes it.

    If `vendor_is_known`, QuickBooks has the vendor and its name is not part of the digest.
    """
    lines = [_line(n) for n in bill.lines]
    is_long = len(lines) > LINES_IN_ITEM or len(lines_text(bill).encode()) > LINES_BYTES
    return {
        "company": bill.company,
        "odoo_id": bill.odoo_id,
        "odoo_name": bill.odoo_name,
        "move_type": bill.move_type,
        "digest": bill.digest(vendor_is_known=vendor_is_known),
        "vendor": asdict(bill.vendor) if bill.vendor else None,
        "bill_reference": bill.bill_reference,
        "bill_date": iso(bill.bill_date),
        "accounting_date": iso(bill.accounting_date),
        "due_date": iso(bill.due_date),
        "instalments": [{**asdict(i), "due": iso(i.due)} for i in bill.instalments],
        "payment_terms": bill.payment_terms,
        "payment_terms_id": bill.payment_terms_id,
        "po_number": bill.po_number,
        "entered_by": bill.entered_by,
        "entered_by_email": bill.entered_by_email,
        "authors": [asdict(a) for a in bill.authors],
        "payment_state": bill.payment_state,
        "currency": bill.currency,
        "amount_untaxed": bill.amount_untaxed,
        "amount_tax": bill.amount_tax,
        "amount_total": bill.amount_total,
        "company_currency": bill.company_currency,
        "company_total": bill.company_total,
        "lines": _head(lines) if is_long else lines,
        "line_count": len(lines),
        "product_count": sum(n["kind"] in {"product", "other"} for n in lines),
        "lines_key": _lines_key(bill) if is_long else "",
        "pdf_key": bill.pdf.key if bill.pdf else "",
        "documents": [asdict(d) for d in bill.documents],
        "unsupported": list(bill.unsupported),
    }


def is_too_large(item: Item) -> bool:
    """Whether a bill's content leaves too little room in the item for its history."""
    return len(json.dumps(item, ensure_ascii=False, default=str).encode()) > CONTENT_BYTES


def lines_text(bill: Bill) -> str:
    """The lines as the JSON text that S3 keeps for a long bill."""
    return json.dumps([_line(n) for n in bill.lines], ensure_ascii=False, default=str)


def bill_of(item: Item, lines: Sequence[Json] | None = None) -> Bill:
    """The bill in an item; `lines` are from S3 if the item has only the first ones."""
    vendor = item["vendor"]
    return Bill(
        company=item["company"],
        odoo_id=int(item["odoo_id"]),
        odoo_name=item["odoo_name"],
        move_type=cast("Any", item["move_type"]),
        vendor=Vendor(**{**vendor, "odoo_id": int(vendor["odoo_id"])}) if vendor else None,
        currency=item["currency"],
        amount_untaxed=money(item["amount_untaxed"]),
        amount_tax=money(item["amount_tax"]),
        amount_total=money(item["amount_total"]),
        company_currency=item["company_currency"],
        company_total=money(item["company_total"]),
        bill_reference=item["bill_reference"],
        bill_date=_day(item["bill_date"]),
        accounting_date=_day(item["accounting_date"]),
        due_date=_day(item["due_date"]),
        instalments=tuple(
            Instalment(
                due=date.fromisoformat(i["due"]), amount=money(i["amount"]), is_open=i["is_open"]
            )
            for i in item.get("instalments", ())
        ),
        payment_terms=item["payment_terms"],
        payment_terms_id=int(item.get("payment_terms_id", 0)),
        po_number=item["po_number"],
        entered_by=item["entered_by"],
        entered_by_email=item.get("entered_by_email", ""),
        authors=tuple(Author(**a) for a in item.get("authors", ())),
        payment_state=item.get("payment_state", ""),
        lines=tuple(_line_of(n) for n in (item["lines"] if lines is None else lines)),
        documents=tuple(document_of(d) for d in item["documents"]),
        unsupported=tuple(item["unsupported"]),
    )


def lacks_quickbooks_data(item: Item) -> bool:
    """Whether approval was requested before QuickBooks was first read."""
    plan = item.get("preflight") or {"snapshot": "there is nothing to post"}
    return item["status"] == "READY_FOR_APPROVAL" and not plan["snapshot"]


def approvals_of(item: Item) -> list[Json]:
    """The approvals that count: an amendment voids those before it."""
    return [a for a in item["approvals"] if a["digest"] == item["digest"]]


def approved_by(item: Item) -> list[str]:
    """Who gave the approvals that count, in order."""
    return [str(a["by"]) for a in approvals_of(item)]


def link_of(item: Item) -> Json:
    """The QuickBooks document a person linked to this version of the bill; {} if none."""
    link = item.get("link") or {}
    return link if link.get("digest") == item["digest"] else {}


def document_of(raw: Json) -> Document:
    """A document as the table keeps it."""
    return Document(**{**raw, "odoo_id": int(raw["odoo_id"]), "size": int(raw["size"])})


def lines_of(rows: Sequence[Json]) -> list[Line]:
    """Lines as the table or S3 keeps them."""
    return [_line_of(row) for row in rows]


def digests(bill: Bill, like: str) -> set[str]:
    """The digests of this content, in the version of the digest `like`.

    With and without the vendor's name: which one was used depends on what QuickBooks had then.
    """
    digest = digest_v1.digest if digest_v1.is_former(like) else Bill.digest
    return {digest(bill), digest(bill, vendor_is_known=True)}


def _line(line: Line) -> Json:
    kept = {k: _listed(v) for k, v in asdict(line).items()}
    return {k: v for k, v in kept.items() if k not in _SELDOM or v != _SELDOM[k]}


def _listed(value: object) -> object:
    return [_listed(v) for v in value] if isinstance(value, tuple) else value


def _head(lines: Sequence[Json]) -> list[Json]:
    """The lines that a card shows of those in S3; notes and taxes only if there are no others."""
    first = sorted(lines, key=lambda n: n["kind"] not in {"product", "other"})[:LINES_ON_CARD]
    return [{**n, "text": n["text"][:_TEXT_ON_CARD]} for n in first]


def _line_of(raw: Json) -> Line:
    amounts = {k: money(raw[k]) for k in AMOUNTS if k in raw}
    tax_ids = tuple(int(i) for i in raw.get("tax_ids", ()))
    lists: Json = {"taxes": tuple(raw["taxes"]), "tax_ids": tax_ids}
    lists["further_taxes"] = tuple(raw.get("further_taxes", ()))
    for name in ("tax_parts", "further_parts"):
        lists[name] = tuple(tuple(int(i) for i in ids) for ids in raw.get(name, ()))
    fields: Json = {**raw, **amounts, **lists}
    return Line(**fields)


def _lines_key(bill: Bill) -> str:
    return f"lines/{bill.entry_id}/{bill.digest()}.json"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def is_unjudged(item: Item) -> bool:
    """Whether what 1.0 would have posted has not been compared yet with what is posted now."""
    return is_former(item["digest"]) and not item.get("form")
