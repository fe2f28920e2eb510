"""Whether a bill's exchange rate is close to those of recently posted bills. No I/O.

The rate decides the total in the company's currency, and so how many people must approve it. The
last rates of a company and currency are in a note (`rate#<company>#<currency>`). The notifier
writes it when it shows a bill as posted, so only approved bills are a measure for others.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Context, Decimal
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb import table_keys
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json

Doubt = Literal["", "far", "unknown"]

KEPT: Final = 5
NEWER_AFTER: Final = timedelta(days=1)  # one rate a day is enough, and saves a write per bill
_FAR: Final = Decimal("0.2")
_DIGITS: Final = Context(prec=6)


def note_id(bill: Bill) -> str:
    """The note with the rates of the bill's currency; "" if the bill needs none."""
    is_foreign = bill.currency and bill.company_currency not in {"", bill.currency}
    if not is_foreign or not bill.amount_total:
        return ""
    return table_keys.exchange_rate(bill.company, bill.currency)


def doubt(bill: Bill, note: Json) -> Doubt:
    """The doubt about the bill's rate: "far" from the usual one, or "unknown" if there is none."""
    if not note_id(bill):
        return ""
    usual = _usual(note)
    if usual is None:
        return "unknown"
    return "far" if abs(_rate(bill.company_total, bill) - usual) > usual * _FAR else ""


def warnings(bill: Bill, note: Json, company: Company) -> list[str]:
    """What the approver should know about the rate."""
    what, usual, limit = doubt(bill, note), _usual(note), company.two_approvals_above
    if what == "far" and usual:
        per = f"{bill.company_currency} for 1 {bill.currency}"
        second = "" if limit is None else " A second approver must also approve this bill."
        rate = _text(_rate(bill.company_total, bill))
        usual_one = f"the {_text(usual)} of recent bills"
        doubtful = f"The exchange rate of {rate} {per} is far from {usual_one}. Check it in Odoo."
        return [f"{doubtful}{second}"]
    if what == "unknown" and limit is not None and bill.amount_total > limit >= bill.company_total:
        doubtful = (
            f"No bill in {bill.currency} has been posted yet, so there is no exchange rate to"
            " compare with."
        )
        return [f"{doubtful} A second approver must also approve this bill."]
    return []


def is_kept(item: Item) -> bool:
    """Whether a bill has a rate to keep: it was posted in a foreign currency."""
    is_foreign = item["company_currency"] not in {"", item["currency"]}
    has_rate = bool(item["amount_total"] and item["company_total"])
    return item["status"] in IN_QUICKBOOKS and is_foreign and has_rate


def with_rate(note: Json, item: Item, now: datetime) -> Json | None:
    """The note with a bill's rate added; None if it has one from the last day."""
    if str(note.get("at", "")) > stamp(now - NEWER_AFTER):
        return None
    rate = _DIGITS.divide(item["company_total"], item["amount_total"])
    return {"rates": [rate, *note.get("rates", ())][:KEPT], "at": stamp(now)}


def note_id_of(item: Item) -> str:
    """The note with the rates for a bill in the table."""
    return table_keys.exchange_rate(item["company"], item["currency"])


def _usual(note: Json) -> Decimal | None:
    """The median of the last rates, which one wrong rate does not move."""
    rates = [Decimal(r) for r in note.get("rates", ())]
    return median(rates) if rates else None


def _rate(company_total: Decimal, bill: Bill) -> Decimal:
    return _DIGITS.divide(company_total, bill.amount_total)


def _text(rate: Decimal) -> str:
    return f"{_DIGITS.plus(rate).normalize():f}"
