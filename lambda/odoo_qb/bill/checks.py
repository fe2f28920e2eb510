"""What blocks a bill, and what its approver should know. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.journal import moves_nothing
from odoo_qb.bill.model import amount_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company

TWINS_NAMED: Final = 5
CLOSING_SOON: Final = timedelta(days=5)
_HALF_A_CENT: Final = Decimal("0.005")  # exact totals that differ by less are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierBill:
    """Another bill of the same company and vendor that may be a duplicate.

    It has the same number or, if `is_alike`, only the same date and amount. `reference` is its
    number as typed there, `vendor` the name of its contact in Odoo if that is another contact.
    """

    entry_id: str
    odoo_name: str
    amount_total: Decimal
    currency: str
    reference: str = ""
    vendor: str = ""
    is_alike: bool = False


def problems(bill: Bill) -> tuple[str, ...]:
    """What to correct in Odoo before approval can be requested; empty when nothing is wrong."""
    if bill.unreadable:
        return (bill.unreadable,)
    found: list[str] = []
    if not bill.currency:
        found.append("It has no currency. Choose one in Odoo.")
    if bill.vendor is None:
        found.append("It has no vendor. Choose one in Odoo.")
    if bill.bill_date is None:
        found.append("It has no bill date. Enter one in Odoo.")
    if bill.amount_total < 0:
        found.append("Its total is negative. Enter it as a credit note in Odoo.")
    booked = sum((n.amount for n in bill.money_rows), Decimal(0))
    if abs(booked - bill.amount_total) >= _HALF_A_CENT:
        found.append(
            f"Its journal items add up to {amount_text(booked, bill.currency)}, not to its"
            f" total of {amount_text(bill.amount_total, bill.currency)}: it was changed"
            " while we were reading it. The next run reads it again. If this stays, reset"
            " the bill to draft in Odoo and post it again."
        )
    if not all(n.account_code or n.account_name for n in bill.money_rows):
        found.append("A line has no account. Choose one in Odoo.")
    return tuple(found)


def warnings(
    bill: Bill, *, earlier: Iterable[EarlierBill], today: date, books_close_day: int = 0
) -> tuple[str, ...]:
    """What the approver should know before deciding, most serious first.

    `books_close_day` is the day of the month on which the company closes the month before it; 0
    for none.
    """
    if bill.unreadable:
        return ()
    others = list(earlier)
    found = [
        _alike(bill, other) if other.is_alike else _duplicate(bill, other)
        for other in others[:TWINS_NAMED]
    ]
    more = sum(not other.is_alike for other in others[TWINS_NAMED:])
    if more:
        found.append(f"{more} more bills have this reference.")
    if bill.pdf is None:
        found.append("No PDF: there is nothing to check the figures against.")
    if bill.bill_date and bill.bill_date > today:
        found.append(f"The bill date {bill.bill_date.isoformat()} is in the future.")
    if bill.accounting_date and bill.bill_date and not _same_month(bill):
        found.append(
            f"Odoo books it on {bill.accounting_date.isoformat()}; QuickBooks will use its"
            " bill date, which is in another month."
        )
    closing = _closing(bill, books_close_day, today)
    if closing:
        found.append(closing)
    if not bill.bill_reference:
        found.append("No vendor reference, so duplicates can't be found by number.")
    if bill.unsupported:
        found.append(f"Not sent to QuickBooks: {', '.join(bill.unsupported)}.")
    return tuple(found)


def _closing(bill: Bill, close_day: int, today: date) -> str:
    """That the books of the bill's month close in a few days; later it cannot be posted."""
    if not close_day or bill.bill_date is None or bill.bill_date.year == date.max.year:
        return ""
    next_month = (bill.bill_date.replace(day=1) + timedelta(days=32)).replace(day=1)
    closes = next_month.replace(day=close_day)
    if not today <= closes <= today + CLOSING_SOON:
        return ""
    return (
        f"The books for {bill.bill_date:%Y-%m} close on {closes.isoformat()}. Decide before then."
    )


def _same_month(bill: Bill) -> bool:
    days = (bill.bill_date, bill.accounting_date)
    return len({d and (d.year, d.month) for d in days}) == 1


def _duplicate(bill: Bill, other: EarlierBill) -> str:
    same = other.amount_total == bill.amount_total and other.currency == bill.currency
    amount = "the same amount" if same else amount_text(other.amount_total, other.currency)
    vendor = f"{other.vendor}, the same vendor in QuickBooks," if other.vendor else "this vendor"
    number = f"the same reference {bill.bill_reference}"
    if other.reference not in {"", bill.bill_reference}:
        number = f"the reference {other.reference}, which differs only in spelling,"
    return f"Possible duplicate: {other.odoo_name} of {vendor} has {number} and {amount}."


def _alike(bill: Bill, other: EarlierBill) -> str:
    """A hint only: two bills with the same date and amount may both be right."""
    kind, done = ("credit note", "credited") if bill.is_credit else ("bill", "billed")
    return (
        f"Another {kind} of this vendor has the same date and amount: {other.odoo_name}. Check that"
        f" it isn't {done} twice."
    )


_PAID: Final = {
    "paid": "It is already paid in Odoo.",
    "in_payment": "It is already being paid in Odoo.",
    "partial": "It is already partly paid in Odoo.",
    "reversed": "It was reversed in Odoo by a credit note.",
}


def paid(payment_state: str) -> str:
    """What was paid in Odoo before the bill was decided; "" if nothing was."""
    return _PAID.get(payment_state, "")


def nothing_to_post(bill: Bill, company: Company) -> str:
    """Why a bill needs only an acknowledgement and is never posted; "" if it must be posted."""
    if bill.amount_total == 0 and moves_nothing(bill):
        return "The total is zero: there is nothing to post."
    if bill.vendor and bill.vendor.name in company.intercompany_vendors:
        return "An intercompany vendor: booked by hand, not posted."
    return ""
