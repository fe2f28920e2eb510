"""Bills that are new in Odoo: stored, checked, and left alone where they need no approval."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from odoo_qb.bill.history import verify_history
from odoo_qb.bill.item import bill_of
from odoo_qb.store.documents import Documents
from tests.support.extraction import (
    COMPANY,
    outcomes,
    run,
    utc_now,
)

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_a_posted_bill_waits_for_approval_with_all_of_its_content(books: World) -> None:
    number = books.odoo.new_bill(reference="A-1", lines=[("Boxes", "12.34"), ("Tape", "0.66")])
    books.odoo.attach(number, "bill.pdf", b"%PDF one")
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["version"]) == ("READY_FOR_APPROVAL", 1, 1)
    assert (item["company"], item["bill_reference"]) == (COMPANY, "A-1")
    assert item["pdf_key"] == f"pending/{COMPANY}/odoo-{number}.pdf"
    assert item["card_due"] == 1
    assert bill_of(item).digest() == item["digest"]
    assert verify_history(item["history"])
    documents = Documents(books.clients["s3"], books.names["bucket"])
    assert documents.read(bill_of(item).documents[0]) == b"%PDF one"


def test_drafts_and_cancelled_bills_are_ignored(books: World) -> None:
    books.odoo.new_bill(state="draft")
    books.odoo.cancel(books.odoo.new_bill())
    assert outcomes(run(books)) == {"ignored": 2}
    assert books.items() == {}


def test_a_draft_is_asked_about_once_it_is_posted(books: World) -> None:
    number = books.odoo.new_bill(state="draft")
    run(books)
    books.odoo.post(number)
    run(books)
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_bill_from_before_go_live_is_left_alone_even_when_it_is_touched(books: World) -> None:
    number = books.odoo.new_bill(bill_date="2025-12-31")
    same_day = books.odoo.new_bill(bill_date="2026-01-01")
    run(books)
    books.odoo.amend(number)
    run(books)
    run(books, full=True)
    run(books, entry_ids=[number], since="2020-01-01")
    assert list(books.items()) == [f"odoo-{same_day}"]


def test_what_the_table_has_forgotten_is_not_asked_about_again(
    books: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORD_RETENTION_DAYS", "10")
    today = utc_now().date()
    books.odoo.new_bill(bill_date=f"{today - timedelta(days=11)}")
    recent = books.odoo.new_bill(bill_date=f"{today - timedelta(days=10)}")
    run(books)
    assert list(books.items()) == [f"odoo-{recent}"]


def test_an_unconfigured_company_is_counted_and_left_alone(books: World) -> None:
    books.odoo.new_bill(company=1)
    books.odoo.new_bill(company=2)
    name = str(books.odoo.records["res.company"][2]["name"])
    everyone = json.loads(books.table.read_note("settings")["companies"])
    some = {k: v for k, v in everyone.items() if k != name}
    books.table.write_note("settings", {"companies": json.dumps(some)})
    books.restart()
    report = run(books)
    assert report["left_alone"] == {name: 1}
    assert outcomes(report) == {"ready": 1}
    assert len(books.items()) == 1


def test_a_bill_that_does_not_add_up_is_blocked_and_owes_no_card(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.amend(number, amount_total=99.0)
    assert outcomes(run(books)) == {"blocked": 1}
    item = books.item(f"odoo-{number}")
    assert item["status"] == "VALIDATION_FAILED"
    assert item["problems"][0].startswith("Its journal items add up to 100.00 USD")
    assert "card_due" not in item


def test_a_bill_that_cannot_be_read_is_blocked_and_stops_no_other(books: World) -> None:
    damaged, sound = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.odoo.amend(damaged, amount_total="a lot")
    assert outcomes(run(books)) == {"blocked": 1, "ready": 1}
    assert books.item(f"odoo-{sound}")["status"] == "READY_FOR_APPROVAL"
    (problem,) = books.item(f"odoo-{damaged}")["problems"]
    assert problem.startswith("This bill cannot be read")
    books.odoo.amend(damaged, amount_total=100.0)
    run(books)
    assert books.item(f"odoo-{damaged}")["status"] == "READY_FOR_APPROVAL"


def test_a_file_that_odoo_lost_blocks_its_bill_until_it_is_there_again(books: World) -> None:
    number = books.odoo.new_bill()
    file = books.odoo.attach(number, "bill.pdf", b"%PDF one")
    datas = books.odoo.records["ir.attachment"][file]["datas"]
    books.odoo.records["ir.attachment"][file]["datas"] = False
    other = books.odoo.new_bill(reference="B")
    assert outcomes(run(books)) == {"blocked": 1, "ready": 1}
    item = books.item(f"odoo-{number}")
    expected = "The file bill.pdf cannot be read from Odoo. Attach it there again."
    assert item["problems"] == [expected]
    assert books.item(f"odoo-{other}")["status"] == "READY_FOR_APPROVAL"
    books.odoo.records["ir.attachment"][file]["datas"] = datas
    run(books, full=True)
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    assert books.item(f"odoo-{number}")["pdf_key"]


def test_a_pdf_that_is_none_is_kept_as_a_file_and_warned_of(books: World) -> None:
    number = books.odoo.new_bill(reference="A")
    books.odoo.attach(number, "bill.pdf", b"<html>Please log in</html>", main=True)
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["pdf_key"] == ""
    assert item["documents"][0]["type"] == "application/octet-stream"
    assert item["warnings"][0] == "No PDF: there is nothing to check the figures against."


def test_the_lines_of_a_long_bill_are_kept_in_the_bucket(books: World) -> None:
    lines = [(f"Item {n}", f"{n}.10") for n in range(1, 151)]
    number = books.odoo.new_bill(lines=lines)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (len(item["lines"]), item["line_count"]) == (10, 150)
    documents = Documents(books.clients["s3"], books.names["bucket"])
    bill = bill_of(item, documents.lines(item))
    assert bill.digest() == item["digest"]
    assert [n.text for n in bill.lines] == [text for text, _ in lines]


@pytest.mark.parametrize("move_type", ["in_invoice", "in_refund"])
@pytest.mark.parametrize("to_largest_tax", [False, True])
def test_what_rounds_the_total_in_cash_is_a_line_on_its_account_or_tax(
    move_type: str, to_largest_tax: bool, books: World
) -> None:
    number = books.odoo.new_bill(lines=[("Boxes", "99.98")], move_type=move_type)
    lines = books.odoo.records["account.move.line"]
    [row] = [n for n in lines.values() if n["move_id"] == number and n["name"] == "Boxes"]
    booked = {"price_subtotal": 0.0, "amount_currency": -0.02 if "refund" in move_type else 0.02}
    tax = next(iter(books.odoo.records["account.tax"])) if to_largest_tax else False
    rounding = {"display_type": "rounding", "tax_line_id": tax, "name": "Rounding", "tax_ids": []}
    last_id = max(lines) + 1
    lines[last_id] = {**row, **rounding, **booked, "id": last_id}
    move = books.odoo.records["account.move"][number]
    move[f"amount_{'tax' if to_largest_tax else 'untaxed'}"] += 0.02
    move["amount_total"] += 0.02
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["problems"] == []
    [last] = [n for n in item["lines"] if n["text"] == "Rounding"]
    assert (last["kind"], last["amount"]) == (
        "tax" if to_largest_tax else "other",
        Decimal("0.02"),
    )
    assert last["account_code"] == item["lines"][0]["account_code"]
    assert [n.is_rounding for n in bill_of(item).lines] == [False, to_largest_tax]


def test_the_same_reference_warns_the_later_bill_however_often_it_is_amended(books: World) -> None:
    first = books.odoo.new_bill(reference="DUP 1")
    second = books.odoo.new_bill(reference="dup1", lines=[("x", "5.00")])
    books.odoo.new_bill(reference="DUP 1", vendor=15)
    books.odoo.new_bill(reference="DUP 1", company=2)
    run(books)
    books.odoo.amend(second, lines=[("x", "6.00")])
    run(books)
    name = books.item(f"odoo-{first}")["odoo_name"]
    warned = {i: w for i, item in books.items().items() for w in item["warnings"] if "dup" in w}
    assert list(warned) == [f"odoo-{second}"]
    assert f"{name} of this vendor has the reference DUP 1" in warned[f"odoo-{second}"]
    assert books.item(f"odoo-{second}")["duplicates"] == [f"odoo-{first}"]


def test_a_bill_that_lost_the_number_or_was_taken_back_warns_of_nothing(books: World) -> None:
    renumbered, cancelled = (books.odoo.new_bill(reference="DUP-1") for _ in range(2))
    run(books)
    books.odoo.amend(renumbered, ref="OTHER-1")
    books.odoo.cancel(cancelled)
    run(books)
    again = books.odoo.new_bill(reference="DUP-1")
    run(books)
    assert not [w for w in books.item(f"odoo-{again}")["warnings"] if "duplicate" in w]
