"""A bill as sent to QuickBooks: the payload, its number, its memo. No I/O."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import exchange_rate
from odoo_qb.quickbooks.names import basic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from odoo_qb.bill.model import Bill
    from odoo_qb.mapping.plan import PostedRow, PostingPlan, RateTax
    from odoo_qb.quickbooks.types import Entity, Payload


# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/bill
DOC_NUMBER_LENGTH: Final = 21
_NOTE_LENGTH: Final = 4000
_DESCRIPTION_LENGTH: Final = 4000
_MARKER: Final = re.compile(r"\[(odoo-[0-9]+)\]")
_LONG_HEAD: Final = 13  # how much a number too long for QuickBooks keeps of its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One document to create in QuickBooks: its entity, its payload, its total there."""

    entity: Entity
    payload: Payload
    total: Decimal


def posting(bill: Bill, preflight: PostingPlan, vendor_id: str) -> Posting:
    """The document for a bill, with the rows, accounts and tax codes of its plan.

    In a US company, and in one without tax in QuickBooks, every journal row is a line on its
    account, including tax. Elsewhere each line has a tax code, and tax detail is sent only if
    Odoo's tax replaces another one that QuickBooks would compute. A date is never moved.
    """
    tax = preflight.tax
    payload: Payload = {
        "VendorRef": {"value": vendor_id},
        "DocNumber": doc_number(bill),
        "PrivateNote": private_note(bill),
        "Line": [_line(n, preflight) for n in tax.rows],
    }
    if bill.bill_date:
        payload["TxnDate"] = bill.bill_date.isoformat()
    if preflight.due_date and not bill.is_credit:
        payload["DueDate"] = preflight.due_date
    references = {
        "SalesTermRef": "" if bill.is_credit else preflight.term_id,
        "APAccountRef": preflight.payable_id,
        "DepartmentRef": preflight.department_id,
        "CurrencyRef": bill.currency if preflight.multicurrency else "",
    }
    payload |= {name: {"value": value} for name, value in references.items() if value}
    if preflight.is_foreign:
        payload["ExchangeRate"] = exchange_rate(bill)
    if tax.how:
        payload["GlobalTaxCalculation"] = "TaxExcluded"
        if tax.how == "override":
            payload["TxnTaxDetail"] = {"TaxLine": [_tax_line(t) for t in tax.override]}
    elif preflight.tax_is_off:
        payload["GlobalTaxCalculation"] = "NotApplicable"  # required outside the US
    return Posting(entity=entity(bill), payload=payload, total=preflight.total_of(bill))


def entity(bill: Bill) -> Entity:
    """The bill's type in QuickBooks; a receipt is a bill there, too."""
    return "VendorCredit" if bill.is_credit else "Bill"


def doc_number(bill: Bill) -> str:
    """The vendor's number, or else Odoo's, in QuickBooks' 21 characters.

    A longer one keeps its beginning and ends in a hash of the whole number and of the bill, so that
    numbers with the same beginning differ.
    """
    number = basic(bill.bill_reference) or basic(bill.odoo_name)
    if len(number) <= DOC_NUMBER_LENGTH:
        return number
    whole = f"{bill.bill_reference}|{bill.odoo_id}".encode()
    tail = base64.b32encode(hashlib.sha256(whole).digest()).decode()[:7]
    return f"{number[:_LONG_HEAD]}~{tail}"


def typed_number(bill: Bill) -> str:
    """The part of the vendor's number that a person can type into QuickBooks."""
    return basic(bill.bill_reference)[:DOC_NUMBER_LENGTH].rstrip()


def marker(entry_id: str) -> str:
    """The text that marks a QuickBooks document as ours."""
    return f"[{entry_id}]"


def entry_id_of(document: Mapping[str, Any]) -> str:
    """The bill of ours that a QuickBooks document was made for; "" if none.

    Our marker counts only at the beginning of the memo, where we put it. It is followed by Odoo's
    number and the vendor's reference, which may contain any text, even another bill's marker.
    """
    found = _MARKER.match(str(document.get("PrivateNote") or ""))
    return found[1] if found else ""


def is_numbered_as_made(document: Mapping[str, Any]) -> bool:
    """Whether we made a document and it still has the number in its memo."""
    note = f" {document.get('PrivateNote') or ''}".casefold()
    number = str(document.get("DocNumber") or "").casefold()
    is_cut = len(number) == DOC_NUMBER_LENGTH and number[_LONG_HEAD] == "~"
    is_told = note.endswith(f" {number}") or (is_cut and f" {number[:_LONG_HEAD]}" in note)
    return bool(number and entry_id_of(document)) and is_told


def private_note(bill: Bill) -> str:
    """The memo: our marker first, then Odoo's number and the full reference."""
    parts = [marker(bill.entry_id), basic(bill.odoo_name), basic(bill.bill_reference)]
    return " ".join(p for p in parts if p)[:_NOTE_LENGTH]


def _line(posted: PostedRow, preflight: PostingPlan) -> Payload:
    row = posted.row
    detail: Payload = {"AccountRef": {"value": preflight.accounts[row.account_code].id}}
    if preflight.tax_codes is not None:
        detail["TaxCodeRef"] = {"value": preflight.tax_codes[posted.tax].id}
    if preflight.class_id:
        detail["ClassRef"] = {"value": preflight.class_id}
    line: Payload = {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": row.amount,
        "AccountBasedExpenseLineDetail": detail,
    }
    text = basic(row.text)
    description = f"Tax: {text}" if row.kind == "tax" else text
    if description:
        line["Description"] = description[:_DESCRIPTION_LENGTH]
    return line


def _tax_line(tax: RateTax) -> Payload:
    """Odoo's tax at one rate, which overrides QuickBooks' own.

    One per rate, as an amount: with a percentage QuickBooks would compute again, and a total
    without rates is undocumented. https://developer.intuit.com/app/developer/qbo/docs/workflows/manage-sales-tax-for-non-us-locales
    """
    return {
        "Amount": tax.amount,
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": tax.rate_id},
            "PercentBased": False,
            "NetAmountTaxable": tax.net,
        },
    }
