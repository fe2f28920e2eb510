"""What changed between two readings of a bill: said in full, and nothing said without a change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.bill.changes import as_named_before, changes
from odoo_qb.bill.model import Vendor
from tests.support.builders import ACME, a_bill, a_document, a_line

BILL = a_bill()
LINE, TAX = BILL.lines


def lines(*rows: Any) -> dict[str, Any]:
    return {"lines": (*rows, TAX)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"amount_total": Decimal("120.5")},
            "The total changed from 108.25 USD to 120.50 USD.",
        ),
        ({"amount_tax": Decimal(9)}, "The tax changed from 8.25 USD to 9.00 USD."),
        ({"currency": "EUR"}, "The total changed from 108.25 USD to 108.25 EUR."),
        (
            {"vendor": Vendor(odoo_id=8, name="Beta")},
            "The vendor changed from Acme Botanicals LLC to Beta.",
        ),
        (
            {"vendor": replace(ACME, odoo_id=8)},
            "The vendor is a different contact with the same name, Acme Botanicals LLC.",
        ),
        ({"bill_reference": ""}, "The vendor's number changed from INV-1001 to none."),
        ({"bill_date": date(2026, 11, 3)}, "The bill date changed from 2026-11-02 to 2026-11-03."),
        ({"due_date": None}, "The due date changed from 2026-12-02 to none."),
        ({"payment_terms": "Net 30"}, "The payment terms changed from none to Net 30."),
        (
            {"company_total": Decimal(125)},
            "The total in the company's currency changed from 108.25 USD to 125.00 USD.",
        ),
        ({"move_type": "in_refund"}, "The kind changed from bill to credit note."),
        (
            lines(replace(LINE, amount=Decimal(99))),
            "The line Boxes: amount 99.00 USD (was 100.00 USD).",
        ),
        (
            lines(replace(LINE, account_code="52130", account_name="Freight")),
            "The line Boxes: account 52130 Freight (was 443000 Cash Discount Loss).",
        ),
        (lines(replace(LINE, taxes=())), "The line Boxes: taxes none (was 8.25%)."),
        (lines(LINE, a_line("7", text="Tape")), "Added: the line Tape, 7.00 USD."),
        (
            lines(LINE, a_line("0.02", kind="other", text="Rounding")),
            "Added: the journal row Rounding, 0.02 USD.",
        ),
        (lines(LINE, a_line("0", kind="note", text="Thanks")), "Added: the note Thanks."),
        (lines(), "Removed: the line Boxes, 100.00 USD."),
        ({"lines": (TAX, LINE)}, "The lines are in a different order."),
        ({"documents": ()}, "The file bill.pdf was removed."),
        ({"documents": (a_document(sha256="cd" * 32),)}, "The file bill.pdf was replaced."),
        (
            {"documents": (*BILL.documents, a_document("more.pdf", sha256="cd" * 32))},
            "The file more.pdf was added.",
        ),
    ],
)
def test_each_change_is_said_in_one_sentence(change: dict[str, Any], said: str) -> None:
    assert changes(BILL, replace(BILL, **change)) == [said]


def test_contacts_that_were_merged_are_told_where_quickbooks_vendor_stays() -> None:
    merged = replace(BILL, vendor=replace(ACME, odoo_id=9, name="Acme Inc"))
    assert changes(BILL, merged, same_payee="Acme Botanicals LLC") == [
        (
            "Odoo merged the vendor with another contact: now Acme Inc (contact 9), before"
            " Acme Botanicals LLC (contact 7). In QuickBooks it is still Acme Botanicals"
            " LLC."
        )
    ]
    assert changes(BILL, merged) == ["The vendor changed from Acme Botanicals LLC to Acme Inc."]
    assert changes(BILL, BILL, same_payee="Acme Botanicals LLC") == []


def test_what_is_not_approved_is_no_change() -> None:
    paid = replace(BILL, po_number="PO-9", entered_by="Cleo")
    assert changes(BILL, paid) == []


def test_the_gravest_change_comes_first_and_many_lines_are_counted() -> None:
    before = a_bill(lines=tuple(a_line(f"{n}", text=f"Row {n}") for n in range(1, 10)))
    rows = tuple(a_line(f"{n}.50", text=f"Row {n}") for n in range(1, 10))
    told = changes(before, replace(before, lines=rows, amount_total=Decimal(1)))
    assert told[0].startswith("The total")
    assert told[-1] == "4 more lines changed."
    assert len(told) == 7


def test_a_new_name_of_a_tax_is_none_where_its_id_was_stored_and_a_change_where_it_was_not() -> (
    None
):
    taxed = a_bill(lines=(a_line(taxes=("8.25%",), tax_ids=(3,)),))
    renamed = a_bill(lines=(a_line(taxes=("8,25 %",), tax_ids=(3,)),))
    unknown = a_bill(lines=(a_line(taxes=("8.25%",)),))
    assert as_named_before(renamed, taxed).digest() == taxed.digest()
    assert as_named_before(renamed, unknown) == renamed


TEXTS = st.sampled_from(["", "A", "B", "  A", "long " * 40])
ROWS = st.builds(
    a_line,
    st.sampled_from(["1", "2.50"]),
    text=TEXTS,
    kind=st.sampled_from(["product", "tax", "section", "note"]),
    account_code=TEXTS,
    account_name=TEXTS,
    taxes=st.lists(TEXTS, max_size=2).map(tuple),
)
BILLS = st.builds(
    a_bill,
    vendor=st.none() | st.builds(Vendor, odoo_id=st.integers(1, 2), name=TEXTS),
    bill_reference=TEXTS,
    bill_date=st.none() | st.sampled_from([date(2026, 1, 1), date(2026, 1, 2)]),
    amount_total=st.sampled_from([Decimal(1), Decimal("1.00"), Decimal(2)]),
    currency=st.sampled_from(["USD", "EUR"]),
    company_total=st.sampled_from([Decimal(1), Decimal("1.00"), Decimal(2)]),
    payment_terms=TEXTS,
    lines=st.lists(ROWS, max_size=3).map(tuple),
    documents=st.lists(
        st.builds(a_document, TEXTS, sha256=st.sampled_from(["ab", "cd"])), max_size=2
    ).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(before=BILLS, after=BILLS)
def test_something_is_said_exactly_where_the_digest_differs(before: Any, after: Any) -> None:
    assert bool(changes(before, after)) == (before.digest() != after.digest())
