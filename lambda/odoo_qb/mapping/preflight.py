"""Plan how a bill will be posted, before approval is requested. No I/O.

The extractor shows the plan on the card. The poster makes it again, and posts only if it is still
what the approver saw.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.bill.model import amount_text, exchange_rate
from odoo_qb.mapping.accounts import choose_payable_account, match_accounts
from odoo_qb.mapping.plan import PostingPlan
from odoo_qb.mapping.purchase_tax import plan_tax
from odoo_qb.mapping.vendor import match_vendor
from odoo_qb.quickbooks.file_types import unattachable
from odoo_qb.sentences import shorten

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.quickbooks.snapshot import Listed, Snapshot

LINES: Final = 10_000
AMOUNT: Final = 10_000_000_000
_CENT: Final = Decimal("0.01")
_ACCOUNTS_NAMED: Final = 10
NO_SNAPSHOT: Final = (
    "QuickBooks has not been read yet. Accounts and vendor are matched when posting."
)


def plan_posting(
    bill: Bill, company: Company, snapshot: Snapshot | None, note: Json | None = None
) -> PostingPlan:
    """The plan for a bill; `note` is what the table remembers about the Odoo vendor."""
    if snapshot is None:
        return PostingPlan(warnings=(NO_SNAPSHOT,))
    warnings: list[str] = []
    home = snapshot.home_currency or bill.company_currency
    is_foreign = bill.currency != home
    problems = [*_of_the_country(snapshot), *_not_kept(bill, snapshot, home), *_beyond(bill)]
    missing: list[str] = []
    filled: list[str] = []
    tax = plan_tax(bill, company, snapshot)
    rows = [r.row for r in tax.rows]
    accounts = match_accounts(rows, bill, company, snapshot, missing, filled, tax.own_accounts)
    problems += shorten(missing, _ACCOUNTS_NAMED)
    warnings += shorten(filled, _ACCOUNTS_NAMED)
    problems += tax.problems
    vendor_id, name, how = match_vendor(bill, company, snapshot, note or {}, problems, warnings)
    if bill.amount_tax and not rows:
        problems.append(
            "This bill contains only tax; QuickBooks needs an expense line. Give it one in Odoo, or"
            " enter the bill in QuickBooks by hand."
        )
    due = bill.due_date if company.due_date == "last" else bill.first_open_due
    payable = choose_payable_account(bill, company, snapshot, problems)
    wanted_term = company.terms.get(bill.payment_terms, bill.payment_terms)
    term = snapshot.term(wanted_term)
    if term is None and bill.payment_terms in company.terms:
        warnings.append(
            f"QuickBooks has no terms {wanted_term} (mapped from {bill.payment_terms}); only"
            " the due date will be set."
        )
    in_class = _kept_under("class", company.class_name, snapshot, problems)
    department = _kept_under("department", company.department, snapshot, problems)
    warnings += _off_by_its_rate(bill) if is_foreign else []
    warnings += unattachable(bill)
    return PostingPlan(
        snapshot=snapshot.taken_at,
        realm_id=snapshot.realm_id,
        company_name=snapshot.company_name,
        vendor_id=vendor_id,
        vendor_name=name,
        vendor_how=how,
        multicurrency=snapshot.multicurrency,
        is_foreign=is_foreign,
        payable_id=payable.id if payable else "",
        payable_name=payable.name if payable else "",
        term_id=term.id if term else "",
        class_id=in_class.id if in_class else "",
        class_name=in_class.name if in_class else "",
        department_id=department.id if department else "",
        department_name=department.name if department else "",
        tax_is_off=not snapshot.uses_tax and not snapshot.in_us,
        accounts=accounts,
        tax_codes=tax.codes,
        tax=tax,
        due_date=due.isoformat() if due and not bill.is_credit else "",
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _of_the_country(snapshot: Snapshot) -> list[str]:
    """A problem if the company's country is unknown: purchase tax depends on it."""
    if snapshot.country:
        return []
    why = "QuickBooks does not say which country this company is in, and tax depends on that"
    return [f'{why}. Set country in company_settings ("US", "GB", "CA", …).']


def _not_kept(bill: Bill, snapshot: Snapshot, home: str) -> list[str]:
    """Why the company's books do not accept this bill: its currency or its date."""
    problems = []
    if bill.currency != home and not snapshot.multicurrency:
        problems.append(
            f"The bill is in {bill.currency}, but QuickBooks keeps this company in {home}"
            " only. Turn on Multicurrency there."
        )
    if bill.currency != home and not bill.amount_total:
        problems.append(
            "A total of zero has no exchange rate. Enter this bill in QuickBooks by hand."
        )
    if bill.company_currency and bill.company_currency != home:
        problems.append(
            f"Odoo keeps this company in {bill.company_currency} and QuickBooks in {home},"
            " so no exchange rate fits both. Enter this bill in QuickBooks by hand."
        )
    if bill.bill_date and bill.bill_date.isoformat() <= snapshot.book_close_date:
        problems.append(
            f"The books are closed through {snapshot.book_close_date}. Open the period in"
            " QuickBooks, or change the bill date in Odoo."
        )
    return problems


def _off_by_its_rate(bill: Bill) -> list[str]:
    """A warning if the rate sent gives another total in the company's currency."""
    if not bill.amount_total:
        return []
    booked = exchange_rate(bill) * bill.amount_total
    if abs(booked - bill.company_total) <= _CENT:
        return []
    here, there = (
        amount_text(a, bill.company_currency) for a in (bill.company_total, booked.quantize(_CENT))
    )
    return [f"At this exchange rate QuickBooks will book {there}; Odoo has {here}."]


def _beyond(bill: Bill) -> list[str]:
    """What QuickBooks would refuse or round in a bill.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/bill
    """
    lines = bill.money_rows
    amounts = [*(n.amount for n in lines), bill.amount_tax, bill.amount_total]
    finest = max(amounts, key=lambda a: -int(a.normalize().as_tuple().exponent))
    found = []
    if len(lines) > LINES:
        found.append(
            f"QuickBooks accepts at most {LINES:,} lines; this bill has {len(lines):,}. Split it"
            " in Odoo."
        )
    if any(abs(a) >= AMOUNT for a in amounts):
        found.append(f"QuickBooks only accepts amounts below {AMOUNT:,}. Split the bill in Odoo.")
    if finest != finest.quantize(_CENT):
        found.append(
            f"QuickBooks keeps two decimals, but {amount_text(finest, bill.currency)} has"
            " more. Round it in Odoo, or enter this bill in QuickBooks by hand."
        )
    return found


def _kept_under(
    what: Literal["class", "department"], wanted: str, snapshot: Snapshot, problems: list[str]
) -> Listed | None:
    """The class or department that the settings name for all bills of the company."""
    is_class = what == "class"
    found = snapshot.class_named(wanted) if is_class else snapshot.department(wanted)
    if wanted and not (snapshot.tracks_classes if is_class else snapshot.tracks_departments):
        way = "class tracking by line" if is_class else "location tracking"
        problems.append(
            f"company_settings names the {what} {wanted}. Turn on {way} in QuickBooks to use it."
        )
    elif wanted and found is None:
        problems.append(
            f"QuickBooks has no active {what} {wanted}. Create it there, or correct"
            " company_settings."
        )
    return found
