"""What keeps a bill from being asked about, and what its approver is warned of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from odoo_qb.bill.checks import EarlierBill, nothing_to_post, paid, problems, warnings
from tests.support.builders import ACME, a_bill, a_company, a_document, a_line, a_total

TODAY = date(2026, 11, 21)
NOT_ADDING_UP = (
    "Its journal items add up to {} USD, not to its total of {} USD: it was changed while we"
    " were reading it. The next run reads it again. If this stays, reset the bill to draft"
    " in Odoo and post it again."
)


def test_a_bill_that_adds_up_has_no_problems() -> None:
    assert problems(a_bill()) == ()
    assert problems(a_total("0.00")) == ()
    assert problems(a_bill(move_type="in_refund")) == ()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"vendor": None}, "It has no vendor. Choose one in Odoo."),
        ({"bill_date": None}, "It has no bill date. Enter one in Odoo."),
        (
            {"lines": (a_line("99.99"), a_line("8.25", kind="tax"))},
            NOT_ADDING_UP.format("108.24", "108.25"),
        ),
        (
            {"lines": (a_line("100.00"), a_line("8.25", kind="tax"), a_line("1", kind="other"))},
            NOT_ADDING_UP.format("109.25", "108.25"),
        ),
        (
            {"amount_total": Decimal("108.26")},
            NOT_ADDING_UP.format("108.25", "108.26"),
        ),
        (
            {
                "lines": (
                    a_line("100.00", account_code="", account_name=""),
                    a_line("8.25", kind="tax"),
                )
            },
            "A line has no account. Choose one in Odoo.",
        ),
        ({"unreadable": "This bill cannot be read."}, "This bill cannot be read."),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_each_problem_says_what_to_mend(changed: dict[str, Any], sentence: str) -> None:
    assert problems(a_bill(**changed)) == (sentence,)


def test_what_odoo_states_as_untaxed_and_tax_decides_nothing() -> None:
    """Rounded globally, the lines of a sound bill show other subtotals than its journal."""
    bill = a_bill(amount_untaxed=Decimal("99.99"), amount_tax=Decimal("8.26"))
    assert problems(bill) == ()


def test_a_negative_total_is_to_be_entered_as_a_credit_note() -> None:
    bill = a_total("-5.00")
    assert problems(bill) == ("Its total is negative. Enter it as a credit note in Odoo.",)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(a_bill(vendor=None, bill_date=None, lines=()))) == 3


def test_sections_notes_and_empty_lines_need_no_account() -> None:
    extra = (a_line("0", kind="section", account_code=""), a_line("0", account_code=""))
    assert problems(a_bill(lines=(*a_bill().lines, *extra))) == ()


def test_half_a_cent_is_too_much_and_less_is_a_rounding_of_odoos() -> None:
    lines = (a_line("100.004"), a_line("8.25", kind="tax"))
    assert problems(a_bill(lines=lines)) == ()
    lines = (a_line("100.005"), a_line("8.25", kind="tax"))
    assert len(problems(a_bill(lines=lines))) == 1


def an_earlier(number: int = 1, amount: str = "108.25", currency: str = "USD") -> EarlierBill:
    return EarlierBill(
        entry_id=f"odoo-{number}",
        odoo_name=f"BILL/{number}",
        amount_total=Decimal(amount),
        currency=currency,
    )


@pytest.mark.parametrize(
    ("other", "amount"),
    [
        (an_earlier(), "the same amount"),
        (an_earlier(amount="90.00"), "90.00 USD"),
        (an_earlier(currency="EUR"), "108.25 EUR"),
    ],
)
def test_a_duplicate_is_named_with_its_amount(other: EarlierBill, amount: str) -> None:
    assert warnings(a_bill(), earlier=[other], today=TODAY) == (
        f"Possible duplicate: BILL/1 of this vendor has the same reference INV-1001 and {amount}.",
    )


@pytest.mark.parametrize(
    ("today", "close_day", "warned"),
    [
        (date(2026, 12, 4), 10, False),
        (date(2026, 12, 5), 10, True),
        (date(2026, 12, 10), 10, True),
        (date(2026, 12, 11), 10, False),
        (date(2026, 11, 21), 10, False),
        (date(2026, 12, 5), 0, False),
    ],
)
def test_books_that_close_within_days_are_warned_of(
    today: date, close_day: int, warned: bool
) -> None:
    bill = a_bill(bill_date=date(2026, 11, 2))
    found = warnings(bill, earlier=[], today=today, books_close_day=close_day)
    said = "The books for 2026-11 close on 2026-12-10. Decide before then."
    assert found == ((said,) if warned else ())


def test_many_duplicates_are_counted_not_listed() -> None:
    found = warnings(a_bill(), earlier=[an_earlier(n) for n in range(1000)], today=TODAY)
    assert len(found) == 6
    assert found[5] == "995 more bills have this reference."


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"documents": ()}, "No PDF: there is nothing to check the figures against."),
        (
            {"documents": (a_document(type="image/png"),)},
            "No PDF: there is nothing to check the figures against.",
        ),
        ({"bill_date": date(2026, 11, 22)}, "The bill date 2026-11-22 is in the future."),
        (
            {"accounting_date": date(2026, 12, 1)},
            (
                "Odoo books it on 2026-12-01; QuickBooks will use its bill date, which is in"
                " another month."
            ),
        ),
        (
            {"bill_reference": ""},
            "No vendor reference, so duplicates can't be found by number.",
        ),
        ({"unsupported": ("portal (a link)",)}, "Not sent to QuickBooks: portal (a link)."),
    ],
)
def test_the_approver_is_warned(changed: dict[str, Any], sentence: str) -> None:
    assert warnings(a_bill(**changed), earlier=(), today=TODAY) == (sentence,)


def test_another_accounting_date_of_the_same_month_is_nothing_to_warn_of() -> None:
    assert warnings(a_bill(accounting_date=date(2026, 11, 30)), earlier=(), today=TODAY) == ()


def test_an_ordinary_bill_warns_of_nothing() -> None:
    assert warnings(a_bill(bill_date=TODAY), earlier=(), today=TODAY) == ()


def test_a_zero_total_and_an_intercompany_vendor_are_only_acknowledged() -> None:
    company = a_company(intercompany_vendors=("Sister Ltd",))
    sister = replace(ACME, name="Sister Ltd")
    assert nothing_to_post(a_bill(), company) == ""
    assert nothing_to_post(a_total("0"), company).startswith("The total is zero")
    assert nothing_to_post(a_bill(vendor=sister), company).startswith("An intercompany vendor")


def test_a_duplicate_in_another_spelling_or_of_another_contact_says_so() -> None:
    other = replace(an_earlier(), reference="inv 1001", vendor="Acme Inc")
    assert warnings(a_bill(), earlier=[other], today=TODAY) == (
        (
            "Possible duplicate: BILL/1 of Acme Inc, the same vendor in QuickBooks, has the"
            " reference inv 1001, which differs only in spelling, and the same amount."
        ),
    )


def test_the_same_date_and_amount_is_a_hint_and_no_possible_duplicate() -> None:
    alike = replace(an_earlier(), reference="INV-0999", is_alike=True)
    assert warnings(a_bill(), earlier=[alike], today=TODAY) == (
        (
            "Another bill of this vendor has the same date and amount: BILL/1. Check that it isn't"
            " billed twice."
        ),
    )
    (credit,) = warnings(a_bill(move_type="in_refund"), earlier=[alike], today=TODAY)
    assert credit.startswith("Another credit note")


def test_hints_are_not_counted_among_those_of_the_same_number() -> None:
    many = [an_earlier(n) for n in range(6)] + [replace(an_earlier(9), is_alike=True)]
    assert warnings(a_bill(), earlier=many, today=TODAY)[5] == "1 more bills have this reference."


@pytest.mark.parametrize(
    ("payment_state", "said"),
    [
        ("not_paid", ""),
        ("", ""),
        ("paid", "It is already paid in Odoo."),
        ("in_payment", "It is already being paid in Odoo."),
        ("partial", "It is already partly paid in Odoo."),
        ("reversed", "It was reversed in Odoo by a credit note."),
    ],
)
def test_what_is_paid_in_odoo_is_said(payment_state: str, said: str) -> None:
    assert paid(payment_state) == said
