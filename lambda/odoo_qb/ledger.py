"""A bill as what QuickBooks is sent: the payload, its number, its accounts. No I/O."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from odoo_qb.bill import money
from odoo_qb.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill, Line, Vendor
    from odoo_qb.reference import Account, Snapshot
    from odoo_qb.settings import Company

Payload = dict[str, Any]
Entity = Literal["Bill", "VendorCredit"]

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/bill
DOC_NUMBER_LENGTH: Final = 21
_NOTE_LENGTH: Final = 4000
_DESCRIPTION_LENGTH: Final = 4000
_VENDOR_NAME_LENGTH: Final = 500
_RATE_PLACES: Final = Decimal("0.0000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What one document in QuickBooks will be: its entity and its payload."""

    entity: Entity
    payload: Payload


def posting(bill: Bill, *, vendor_id: str, accounts: Mapping[str, str]) -> Posting:
    """The document for a bill; `accounts` are QuickBooks ids by Odoo account code.

    Every product line lands on its account, and every tax row where Odoo booked the tax: in
    a US company, purchase tax is a cost, so it becomes a line of its own and the total is
    the bill's. Sections, notes and empty lines are not posted.
    """
    lines = [_line(n, accounts) for n in bill.lines if n.kind in {"product", "tax"} and n.amount]
    entity: Entity = "VendorCredit" if bill.is_credit else "Bill"
    payload: Payload = {
        "VendorRef": {"value": vendor_id},
        "DocNumber": doc_number(bill),
        "CurrencyRef": {"value": bill.currency},
        "PrivateNote": private_note(bill),
        "Line": lines,
    }
    if bill.bill_date:
        payload["TxnDate"] = bill.bill_date.isoformat()
    if bill.due_date and not bill.is_credit:
        payload["DueDate"] = bill.due_date.isoformat()
    if bill.currency != bill.company_currency:
        payload["ExchangeRate"] = exchange_rate(bill)
    return Posting(entity=entity, payload=payload)


def exchange_rate(bill: Bill) -> Decimal:
    """Home units for one foreign unit, from the two totals Odoo itself booked."""
    return money((bill.company_total / bill.amount_total).quantize(_RATE_PLACES))


def doc_number(bill: Bill) -> str:
    """The vendor's number, else Odoo's, in QuickBooks' 21 characters.

    A longer one keeps its beginning and ends in a hash of the whole and of the bill, so that
    two that begin alike stay apart.
    """
    number = _basic(bill.bill_reference) or bill.odoo_name
    if len(number) <= DOC_NUMBER_LENGTH:
        return number
    whole = f"{bill.bill_reference}|{bill.odoo_id}".encode()
    tail = base64.b32encode(hashlib.sha256(whole).digest()).decode()[:7]
    return f"{number[:13]}~{tail}"


def marker(entry_id: str) -> str:
    """What tells a document of ours in QuickBooks from any other."""
    return f"[{entry_id}]"


def private_note(bill: Bill) -> str:
    """The memo: the full reference, Odoo's number and our marker, which comes first."""
    parts = [marker(bill.entry_id), bill.odoo_name, _basic(bill.bill_reference)]
    return " ".join(p for p in parts if p)[:_NOTE_LENGTH]


def vendor_name(vendor: Vendor, currency: str, home_currency: str) -> str:
    """A vendor's name by QuickBooks' rules: a vendor there has one currency for good."""
    name = " ".join(_basic(vendor.name).replace(":", "-").split())
    suffix = "" if currency == home_currency else f" ({currency})"
    return name[: _VENDOR_NAME_LENGTH - len(suffix)] + suffix


def account_ids(bill: Bill, snapshot: Snapshot, company: Company) -> dict[str, str]:
    """QuickBooks' account for each Odoo account of the bill, by code; Refused if one lacks."""
    used = [n for n in bill.lines if n.kind in {"product", "tax"} and n.amount]
    return {n.account_code: _account(n, snapshot, company).id for n in used}


def _account(line: Line, snapshot: Snapshot, company: Company) -> Account:
    code, name = line.account_code, line.account_name
    for wanted in _mapped(code, company.accounts):
        account = snapshot.account(wanted)
        if account is None:
            raise Refused(
                f"The account {wanted}, to which {code} {name} is mapped, is not in QuickBooks:"
                " create it there or change the mapping.",
                code="account",
            )
        return account
    found = snapshot.by_number(code) or snapshot.by_name(name)
    if found is None and company.default_account:
        found = snapshot.account(company.default_account)
    if found is None:
        raise Refused(
            f"QuickBooks has no account for {code} {name}: map it in company_settings, or"
            " create an account of that number there.",
            code="account",
        )
    return found


def _mapped(code: str, accounts: Mapping[str, str]) -> list[str]:
    """The mapping's entry for a code: exact, else the longest prefix written as `61*`."""
    if code in accounts:
        return [accounts[code]]
    prefixes = [k for k in accounts if k.endswith("*") and code.startswith(k[:-1])]
    return [accounts[max(prefixes, key=len)]] if prefixes else []


def _line(line: Line, accounts: Mapping[str, str]) -> Payload:
    text = _basic(line.text)
    row: Payload = {
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": line.amount,
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": accounts[line.account_code]}},
    }
    description = f"Tax: {text}" if line.kind == "tax" else text
    if description:
        row["Description"] = description[:_DESCRIPTION_LENGTH]
    return row


def _basic(text: str) -> str:
    """Without control characters and beyond U+FFFF: whether QuickBooks keeps them is unknown."""
    return "".join(c for c in text if c.isprintable() and ord(c) <= 0xFFFF).strip()  # noqa: PLR2004


def to_json(value: object) -> str:
    """JSON in pure ASCII with exact decimals: the standard encoder would go through float."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(to_json(v) for v in value) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value)
