"""A bill as what QuickBooks is sent: the payload, its number, its memo. No I/O."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from odoo_qb.bill import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill, Line, Vendor
    from odoo_qb.preflight import Preflight

Payload = dict[str, Any]
Entity = Literal["Bill", "VendorCredit"]

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/bill
DOC_NUMBER_LENGTH: Final = 21
_NOTE_LENGTH: Final = 4000
_DESCRIPTION_LENGTH: Final = 4000
VENDOR_NAME_LENGTH: Final = 500
_RATE: Final = Context(prec=12)  # significant digits: to the cent up to a thousand million
NO_TAX: Final = "none"  # the name of having no tax, to be mapped like one
_MARKER: Final = re.compile(r"\[(odoo-\d+)\]")
_LONG_HEAD: Final = 13  # what a number too long for QuickBooks keeps of its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What one document in QuickBooks will be: its entity and its payload."""

    entity: Entity
    payload: Payload


def posting(bill: Bill, preflight: Preflight, vendor_id: str) -> Posting:
    """The document for a bill, on the accounts and tax codes of its preflight.

    Every product line lands on its account. In a US company, and in one that keeps no tax in
    QuickBooks, purchase tax is a cost: every tax row becomes a line of its own on the account
    where Odoo booked that tax, so the total is the bill's. Elsewhere each line names its tax
    code and the tax is Odoo's own, rate by rate.
    Sections, notes and lines of zero are not posted. A date is never moved.
    """
    taxed = preflight.tax_codes is not None
    rows = [n for n in posted_lines(bill) if n.kind == "product" or not taxed]
    payload: Payload = {
        "VendorRef": {"value": vendor_id},
        "DocNumber": doc_number(bill),
        "PrivateNote": private_note(bill),
        "Line": [_line(n, preflight) for n in rows],
    }
    if bill.bill_date:
        payload["TxnDate"] = bill.bill_date.isoformat()
    if bill.due_date and not bill.is_credit:
        payload["DueDate"] = bill.due_date.isoformat()
    if preflight.term_id and not bill.is_credit:
        payload["SalesTermRef"] = {"value": preflight.term_id}
    if preflight.payable_id:
        payload["APAccountRef"] = {"value": preflight.payable_id}
    if preflight.department_id:
        payload["DepartmentRef"] = {"value": preflight.department_id}
    if preflight.multicurrency:
        payload["CurrencyRef"] = {"value": bill.currency}
    if preflight.is_foreign:
        payload["ExchangeRate"] = exchange_rate(bill)
    if taxed:
        payload["GlobalTaxCalculation"] = "TaxExcluded"
        payload["TxnTaxDetail"] = _tax_detail(bill, preflight)
    elif preflight.tax_is_off:
        payload["GlobalTaxCalculation"] = "NotApplicable"  # outside the US it must be said
    return Posting(entity=entity(bill), payload=payload)


def entity(bill: Bill) -> Entity:
    """What the bill is called in QuickBooks; a receipt is a bill there too."""
    return "VendorCredit" if bill.is_credit else "Bill"


def posted_lines(bill: Bill) -> list[Line]:
    """The rows that carry money."""
    return [n for n in bill.lines if n.kind in {"product", "tax"} and n.amount]


def exchange_rate(bill: Bill) -> Decimal:
    """Home units for one foreign unit, from the two totals Odoo itself booked."""
    return _RATE.divide(bill.company_total, bill.amount_total).normalize()


def doc_number(bill: Bill) -> str:
    """The vendor's number, else Odoo's, in QuickBooks' 21 characters.

    A longer one keeps its beginning and ends in a hash of the whole and of the bill, so that
    two that begin alike stay apart.
    """
    number = basic(bill.bill_reference) or basic(bill.odoo_name)
    if len(number) <= DOC_NUMBER_LENGTH:
        return number
    whole = f"{bill.bill_reference}|{bill.odoo_id}".encode()
    tail = base64.b32encode(hashlib.sha256(whole).digest()).decode()[:7]
    return f"{number[:_LONG_HEAD]}~{tail}"


def typed_number(bill: Bill) -> str:
    """What of the vendor's number a person can type into QuickBooks."""
    return basic(bill.bill_reference)[:DOC_NUMBER_LENGTH].rstrip()


def marker(entry_id: str) -> str:
    """What tells a document of ours in QuickBooks from any other."""
    return f"[{entry_id}]"


def entry_ids_in(document: Mapping[str, Any]) -> list[str]:
    """The bills of ours that the memo of a document in QuickBooks names."""
    return _MARKER.findall(str(document.get("PrivateNote", "")))


def is_numbered_as_made(document: Mapping[str, Any]) -> bool:
    """Whether a document was made by us and has the number its memo speaks of."""
    note = f" {document.get('PrivateNote', '')}".casefold()
    number = str(document.get("DocNumber", "")).casefold()
    is_cut = len(number) == DOC_NUMBER_LENGTH and number[_LONG_HEAD] == "~"
    is_told = note.endswith(f" {number}") or (is_cut and f" {number[:_LONG_HEAD]}" in note)
    return bool(entry_ids_in(document)) and is_told


def private_note(bill: Bill) -> str:
    """The memo: our marker first, then Odoo's number and the full reference."""
    parts = [marker(bill.entry_id), basic(bill.odoo_name), basic(bill.bill_reference)]
    return " ".join(p for p in parts if p)[:_NOTE_LENGTH]


def vendor_name(vendor: Vendor, currency: str, home_currency: str) -> str:
    """A vendor's name by QuickBooks' rules; a vendor there has one currency for good."""
    name = " ".join(basic(vendor.name).replace(":", "-").split())
    name = name or f"Odoo vendor {vendor.odoo_id}"
    suffix = "" if currency == home_currency else f" ({currency})"
    return name[: VENDOR_NAME_LENGTH - len(suffix)] + suffix


def basic(text: str) -> str:
    """Without control characters and beyond U+FFFF: whether QuickBooks keeps those is unknown."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if c.isprintable() and ord(c) <= 0xFFFF).strip()  # noqa: PLR2004


def _line(line: Line, preflight: Preflight) -> Payload:
    detail: Payload = {"AccountRef": {"value": preflight.accounts[line.account_code].id}}
    if preflight.tax_codes is not None:
        detail["TaxCodeRef"] = {"value": preflight.tax_codes[tax_name(line)].id}
    if preflight.class_id:
        detail["ClassRef"] = {"value": preflight.class_id}
    row: Payload = {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": line.amount,
        "AccountBasedExpenseLineDetail": detail,
    }
    text = basic(line.text)
    description = f"Tax: {text}" if line.kind == "tax" else text
    if description:
        row["Description"] = description[:_DESCRIPTION_LENGTH]
    return row


def tax_name(line: Line) -> str:
    """The taxes of a line as one name: what `taxes` of the settings maps."""
    return " + ".join(line.taxes) or NO_TAX


def _tax_detail(bill: Bill, preflight: Preflight) -> Payload:
    """Odoo's tax, by QuickBooks' rates where each line has one tax of one rate.

    The total is given either way, so that neither side's rounding moves it; alone where Odoo's
    tax rows cannot be told apart by rate.
    """
    codes = preflight.tax_codes or {}
    total: Payload = {"TotalTax": bill.amount_tax}
    lines = [n for n in posted_lines(bill) if n.kind == "product"]
    if any(len(n.taxes) > 1 or len(codes[tax_name(n)].rates) > 1 for n in lines):
        return total
    nets: dict[tuple[str, str], Decimal] = {}
    taxes: dict[tuple[str, str], Decimal] = {}
    for line in posted_lines(bill):
        for rate in codes[tax_name(line)].rates if tax_name(line) in codes else ():
            side = nets if line.kind == "product" else taxes
            side[rate] = side.get(rate, Decimal(0)) + line.amount
    if sum(taxes.values()) != bill.amount_tax or not taxes.keys() <= nets.keys():
        return total
    rows = [
        {
            "Amount": taxes.get((rate_id, percent), Decimal(0)),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": {"value": rate_id},
                "PercentBased": True,
                "TaxPercent": money(percent),
                "NetAmountTaxable": net,
            },
        }
        for (rate_id, percent), net in nets.items()
    ]
    return total | ({"TaxLine": rows} if rows else {})


def to_json(value: object) -> str:
    """JSON in pure ASCII with exact decimals: the standard encoder would go through float."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(to_json(v) for v in value) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value)
