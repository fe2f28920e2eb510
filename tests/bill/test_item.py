"""A bill as the table's item and back: nothing is lost on the way."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.bill.item import Item, bill_of, content, lines_text
from odoo_qb.bill.model import Bill, Document, Line, Vendor, money
from odoo_qb.store.attributes import attributes, plain
from tests.support.builders import a_bill, a_line

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
amounts = st.decimals(-(10**11), 10**11, allow_nan=False, places=6).map(money)
days = st.none() | st.dates()
lines = st.builds(
    Line,
    kind=st.sampled_from(["product", "tax", "section", "note"]),
    text=texts,
    account_code=texts,
    account_name=texts,
    quantity=amounts,
    unit_price=amounts,
    amount=amounts,
    taxes=st.lists(texts, max_size=3).map(tuple),
)
documents = st.builds(
    Document,
    odoo_id=st.integers(1, 2**31),
    name=texts,
    type=st.sampled_from(["application/pdf", "image/png"]),
    size=st.integers(0, 10**9),
    checksum=texts,
    sha256=texts,
    key=texts,
    version_id=texts,
)
vendors = st.builds(Vendor, odoo_id=st.integers(1, 2**31), name=texts, email=texts, tax_id=texts)
bills = st.builds(
    Bill,
    company=st.sampled_from(["1MD", "north"]),
    odoo_id=st.integers(1, 2**31),
    odoo_name=texts,
    move_type=st.sampled_from(["in_invoice", "in_refund", "in_receipt"]),
    vendor=st.none() | vendors,
    currency=st.sampled_from(["USD", "EUR", "JPY"]),
    amount_untaxed=amounts,
    amount_tax=amounts,
    amount_total=amounts,
    company_currency=st.just("USD"),
    company_total=amounts,
    bill_reference=texts,
    bill_date=days,
    accounting_date=days,
    due_date=days,
    payment_terms=texts,
    po_number=texts,
    entered_by=texts,
    lines=st.lists(lines, max_size=5).map(tuple),
    documents=st.lists(documents, max_size=3).map(tuple),
    unsupported=st.lists(texts, max_size=2).map(tuple),
)


def through_the_table(bill: Bill) -> Item:
    """The item as DynamoDB gives it back: its typed attributes, as JSON on the wire."""
    wire = json.loads(json.dumps(attributes(content(bill))))
    return cast("Item", plain(wire))


@settings(deadline=None)
@given(bills)
def test_a_bill_comes_back_from_the_table_as_it_was(bill: Bill) -> None:
    back = bill_of(through_the_table(bill))
    assert back == bill
    assert back.digest() == bill.digest()


def a_long_bill(count: int, text: str = "Boxes") -> Bill:
    return a_bill(lines=tuple(a_line(f"{n}.01", text=f"{text} {n}") for n in range(count)))


def stored_rows(bill: Bill) -> list[Any]:
    rows: list[Any] = json.loads(lines_text(bill))
    amounts = ("quantity", "unit_price", "amount")
    return [{**row, **{k: Decimal(row[k]) for k in amounts}} for row in rows]


def test_up_to_a_hundred_lines_stay_in_the_item() -> None:
    item = content(a_long_bill(100))
    assert len(item["lines"]) == item["line_count"] == 100
    assert item["lines_key"] == ""


def test_more_lines_are_kept_apart_under_the_digest_of_their_content() -> None:
    bill = a_long_bill(101)
    item = through_the_table(bill)
    assert (len(item["lines"]), item["line_count"]) == (10, 101)
    assert item["lines_key"] == f"lines/odoo-42/{bill.digest()}.json"
    assert bill_of(item, stored_rows(bill)) == bill


def test_few_lines_with_much_text_do_not_burst_the_item() -> None:
    bill = a_long_bill(20, text="A whole contract. " * 3000)
    item = content(bill)
    assert len(json.dumps(attributes(item))) < 400_000
    assert bill_of(item, stored_rows(bill)) == bill


def test_numbers_are_numbers_in_the_table_and_never_floats() -> None:
    typed = attributes(content(a_bill()))
    assert typed["amount_total"] == {"N": "108.25"}
    assert typed["lines"]["L"][0]["M"]["amount"] == {"N": "100.00"}
