"""Runs that a person requests: certain bills, a company, a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.extraction import (
    COMPANY,
    outcomes,
    put_in,
    run,
    writes,
)

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_one_company_some_bills_or_a_date_can_be_asked_for(books: World) -> None:
    first = books.odoo.new_bill(company=1, bill_date="2026-03-01", reference="A")
    second = books.odoo.new_bill(company=2, bill_date="2026-04-01", reference="B")
    third = books.odoo.new_bill(company=1, bill_date="2026-05-01", reference="C")
    assert outcomes(run(books, dry_run=True, company=COMPANY)) == {"ready": 2}
    assert outcomes(run(books, dry_run=True, since="2026-04-01")) == {"ready": 2}
    asked = run(books, dry_run=True, entry_ids=[f"odoo-{second}", 99_999])
    assert [b["entry_id"] for b in asked["bills"]] == [f"odoo-{second}"]
    assert asked["not_found"] == [99_999]
    run(books, company=COMPANY)
    assert set(books.items()) == {f"odoo-{first}", f"odoo-{third}"}


def test_of_each_bill_that_was_named_it_is_told_why_nothing_became_of_it(books: World) -> None:
    draft, old = books.odoo.new_bill(state="draft"), books.odoo.new_bill(bill_date="2025-12-01")
    other = books.odoo.new_bill(company=2)
    known = books.odoo.new_bill(reference="K")
    run(books)
    report = run(books, company=COMPANY, entry_ids=[draft, old, other, known])
    told = {b["entry_id"]: (b["outcome"], b.get("reason", "")) for b in report["bills"]}
    name = str(books.odoo.records["res.company"][2]["name"])
    assert told == {
        f"odoo-{draft}": ("ignored", "it is draft"),
        f"odoo-{old}": ("ignored", "it is dated before 2026-01-01"),
        f"odoo-{other}": ("ignored", f"it belongs to {name}"),
        f"odoo-{known}": ("unchanged", ""),
    }


def test_a_date_from_before_go_live_is_answered_with_the_day_from_which_bills_are_read(
    books: World,
) -> None:
    books.odoo.new_bill(bill_date="2025-12-01")
    report = run(books, company=COMPANY, since="2025-01-01", dry_run=True)
    assert report["left_alone_before"] == {COMPANY: "2026-01-01"}
    assert "left_alone_before" not in run(books, since="2026-01-01", dry_run=True)


def test_a_dry_run_writes_nothing_and_lists_what_would_happen(books: World) -> None:
    kept, amended = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    withdrawn, posted = books.odoo.new_bill(reference="C"), books.odoo.new_bill(reference="D")
    books.odoo.attach(kept, "bill.pdf", b"%PDF")
    run(books)
    put_in(books, posted, "POSTED")
    new, blocked = books.odoo.new_bill(reference="E"), books.odoo.new_bill(reference="F")
    books.odoo.attach(new, "new.pdf", b"%PDF")
    books.odoo.amend(blocked, amount_total=1.0)
    for number in (amended, posted):
        books.odoo.amend(number, lines=[("x", "7.00")])
    books.odoo.cancel(withdrawn)
    start = len(books.aws.calls)
    answer = books.extract(dry_run=True)
    assert writes(books, start) == []
    found = {int(b["entry_id"].removeprefix("odoo-")): b["outcome"] for b in answer["bills"]}
    assert found == {
        amended: "ready",
        withdrawn: "withdrawn",
        posted: "changed afterwards",
        new: "ready",
        blocked: "blocked",
    }
    listed = next(b for b in answer["bills"] if b["entry_id"] == f"odoo-{new}")
    assert listed["total"] == "100.00 USD"
