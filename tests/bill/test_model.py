"""A bill's money and digest: what changes the digest, and what leaves it as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.bill import digest_v1
from odoo_qb.bill.model import Instalment, amount_text, money
from tests.support.builders import ACME, a_bill, a_document, a_line


@pytest.mark.parametrize(
    "changed",
    [
        {"company": "south"},
        {"move_type": "in_refund"},
        {"vendor": replace(ACME, odoo_id=8)},
        {"vendor": replace(ACME, name="Acme Botanicals Inc")},
        {"vendor": None},
        {"bill_reference": "INV-1002"},
        {"bill_date": date(2026, 11, 3)},
        {"accounting_date": date(2026, 11, 3)},
        {"due_date": None},
        {"instalments": (Instalment(due=date(2026, 12, 2), amount=Decimal("108.25")),)},
        {"payment_terms": "30 Days"},
        {"company_total": Decimal("125.00")},
        {"currency": "EUR"},
        {"amount_total": Decimal("108.26")},
        {"lines": (a_line(account_code="443001"),)},
        {"lines": (a_line(account_name="Cash Discounts"),)},
        {"lines": (a_line(text="Crates"),)},
        {"lines": (a_line("100.01"),)},
        {"lines": (a_line(taxes=("8.25%",)),)},
        {"lines": (a_line(kind="tax"),)},
        {"lines": (a_line(), a_line("0.00"))},
        {"documents": (a_document(sha256="cd" * 32),)},
        {"documents": (a_document(), a_document(odoo_id=502, sha256="cd" * 32))},
        {"documents": ()},
    ],
    ids="-".join,
)
def test_what_is_posted_changes_the_digest(changed: dict[str, Any]) -> None:
    before = a_bill(lines=(a_line(),))
    assert replace(before, **changed).digest() != before.digest()


@pytest.mark.parametrize(
    "changed",
    [
        {"odoo_name": "BILL/2026/11/0043"},
        {"po_number": "PO-7"},
        # What is untaxed and what is tax the rows say; Odoo's own figures count for nothing.
        {"amount_untaxed": Decimal("100.01")},
        {"amount_tax": Decimal("8.26")},
        {"entered_by": "Ana Ruiz"},
        {"vendor": replace(ACME, email="new@acme.example", tax_id="74-1")},
        {"amount_total": Decimal("108.2500")},
        {"lines": (a_line("100", quantity=Decimal(3), unit_price=Decimal("33.33")),)},
        {"documents": (a_document("renamed.pdf", odoo_id=777, key="elsewhere", version_id="v2"),)},
        {"unsupported": ("portal link",)},
    ],
    ids="-".join,
)
def test_what_is_not_posted_leaves_the_digest(changed: dict[str, Any]) -> None:
    before = a_bill(lines=(a_line(),))
    assert replace(before, **changed).digest() == before.digest()


def test_the_order_of_lines_counts_and_that_of_documents_does_not() -> None:
    lines = (a_line("60.00"), a_line("40.00"))
    documents = (a_document(sha256="aa" * 32), a_document(odoo_id=502, sha256="bb" * 32))
    bill = a_bill(lines=lines, documents=documents)
    assert replace(bill, documents=documents[::-1]).digest() == bill.digest()
    assert replace(bill, lines=lines[::-1]).digest() != bill.digest()


def test_taxes_are_a_set_so_their_order_is_no_change() -> None:
    """Odoo tells them as [5, 6] today and as [6, 5] tomorrow."""
    one, other = (a_line(taxes=taxes) for taxes in (("GST", "PST"), ("PST", "GST")))
    assert a_bill(lines=(one,)).digest() == a_bill(lines=(other,)).digest()
    assert a_bill(lines=(a_line(taxes=("GST",)),)).digest() != a_bill(lines=(one,)).digest()


def test_a_payment_of_an_instalment_leaves_the_digest() -> None:
    now, later = date(2026, 11, 2), date(2027, 1, 1)
    first, rest = (
        Instalment(due=day, amount=Decimal(amount))
        for day, amount in ((now, "36.00"), (later, "72.25"))
    )
    bill = a_bill(instalments=(first, rest))
    assert bill.first_open_due == now
    paid = replace(bill, instalments=(replace(first, is_open=False), rest))
    assert paid.first_open_due == later
    assert paid.digest() == bill.digest()
    moved = replace(bill, instalments=(first, replace(rest, due=date(2027, 2, 1))))
    assert moved.digest() != bill.digest()


def test_text_cannot_move_between_two_fields_unnoticed() -> None:
    one = a_bill(lines=(a_line(account_name="Rent", text="May"),))
    other = a_bill(lines=(a_line(account_name="Rent May", text=""),))
    assert one.digest() != other.digest()


def test_the_digest_is_the_same_tomorrow() -> None:
    """Decisions in the table refer to it: changing how it is made makes all cards outdated."""
    expected = "v2-9ffd5572b700def65506a51d9e298f3d4e770cc44e31ecba422fda51176ea1d7"
    assert a_bill().digest() == expected


def test_what_version_1_0_called_this_content_is_still_known() -> None:
    """Its decisions are in tables, too: what it stored is judged by its own digest."""
    expected = "5abf6fe4436c5bf65bec4870cff2082ebf5ed3ac68620addc80b1c4e91bf6942"
    assert digest_v1.digest(a_bill()) == expected
    assert digest_v1.is_former(expected)
    assert not digest_v1.is_former(a_bill().digest())


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=6))
def test_money_keeps_six_places_exactly(amount: Decimal) -> None:
    assert money(amount) == amount
    assert money(f"{amount:f}") == amount


@given(st.integers(-(10**14), 10**14))
def test_the_dust_of_binary_floats_is_dropped(cents: int) -> None:
    exact = Decimal(cents) / 100
    assert money(exact + Decimal("0.0000000003")) == exact
    assert money(exact - Decimal("0.0000000003")) == exact


@given(st.lists(st.integers(-(10**10), 10**10), max_size=30))
def test_amounts_add_up_to_the_cent(cents: list[int]) -> None:
    assert sum((money(Decimal(c) / 100) for c in cents), Decimal(0)) == Decimal(sum(cents)) / 100


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("84.030000", "84.03"),
        ("317.84000000000003", "317.84"),
        ("-0.0000001", "0"),
        ("0.00", "0"),
        (Decimal("1E+2"), "1E+2"),
        (33, "33"),
    ],
)
def test_money_has_one_way_to_be_written(given_value: Any, expected: str) -> None:
    assert str(money(given_value)) == expected


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1234.5", "1,234.50 USD"),
        ("0", "0.00 USD"),
        ("1E+3", "1,000.00 USD"),
        ("-12.345", "-12.345 USD"),
        ("0.001", "0.001 USD"),
    ],
)
def test_an_amount_is_shown_with_cents_and_never_rounded(amount: str, shown: str) -> None:
    assert amount_text(Decimal(amount), "USD") == shown


def test_the_first_pdf_is_the_one_to_look_at() -> None:
    image, pdf = a_document(type="image/png"), a_document(odoo_id=502)
    assert a_bill(documents=(image, pdf, a_document(odoo_id=503))).pdf == pdf
    assert a_bill(documents=(image,)).pdf is None
