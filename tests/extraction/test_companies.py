"""Companies: configured, renamed, hidden from the Odoo user, or moved between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from odoo_qb.bill.history import verify_history
from tests.support.extraction import (
    COMPANY,
    DECIDED_FOR_GOOD,
    OPEN,
    outcomes,
    put_in,
    renamed_company,
    run,
)

if TYPE_CHECKING:
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World


def test_a_company_that_odoo_does_not_have_is_named_and_none_of_its_bills_withdrawn(
    books: World,
) -> None:
    number = books.odoo.new_bill(reference="A")
    assert run(books)["not_seen"] is None
    renamed_company(books, f"{COMPANY} Inc.")
    books.odoo.new_bill(reference="B")
    books.odoo.amend(number)
    for is_full in (False, True):
        (line,) = run(books, full=is_full)["not_seen"]
        assert line.startswith(f'{COMPANY}: the Odoo user sees no company "{COMPANY}", so')
        assert f'"{COMPANY} Inc."' in line
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    renamed_company(books, COMPANY)
    assert run(books, full=True)["not_seen"] == []


@pytest.mark.parametrize(
    ("status", "becomes"), [("READY_FOR_APPROVAL", "WITHDRAWN"), ("POSTED", "POSTED")]
)
def test_a_bill_that_was_moved_to_a_company_that_is_not_ours_is_withdrawn_or_noted(
    books: World, status: Status, becomes: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    everyone = json.loads(books.table.read_note("settings")["companies"])
    other = str(books.odoo.records["res.company"][4]["name"])
    ours = {k: v for k, v in everyone.items() if k != other}
    books.table.write_note("settings", {"companies": json.dumps(ours)})
    books.restart()
    books.odoo.amend(number, company_id=4, lines=[("x", "5.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["status"] == becomes
    assert item.get("amended_after", "") == ("moved" if status == "POSTED" else "")
    assert item["amount_total"] == 100


def test_a_company_whose_key_is_another_now_leaves_what_was_decided_as_it_is(
    books: World,
) -> None:
    posted, rejected, waiting = (books.odoo.new_bill(reference=f"A-{n}") for n in range(3))
    run(books)
    before = put_in(books, posted, "POSTED"), put_in(books, rejected, "REJECTED")
    everyone = json.loads(books.table.read_note("settings")["companies"])
    everyone["other-key"] = everyone.pop(COMPANY) | {"odoo_company": COMPANY}
    books.table.write_note("settings", {"companies": json.dumps(everyone)})
    books.restart()
    run(books, full=True)
    assert (books.item(f"odoo-{posted}"), books.item(f"odoo-{rejected}")) == before
    assert books.item(f"odoo-{waiting}")["company"] == "other-key"


def test_a_company_that_joins_later_has_its_own_go_live_day(books: World) -> None:
    early, late = (
        books.odoo.new_bill(company=2, bill_date=day, reference=day)
        for day in ("2026-11-14", "2026-11-15")
    )
    old = books.odoo.new_bill(company=1, bill_date="2025-12-31", reference="old")
    everyone = json.loads(books.table.read_note("settings")["companies"])
    name = str(books.odoo.records["res.company"][2]["name"])
    everyone[name]["extract_since"] = "2026-11-15"
    everyone[COMPANY]["extract_since"] = "2025-12-01"
    books.table.write_note("settings", {"companies": json.dumps(everyone)})
    books.restart()
    run(books, full=True)
    assert set(books.items()) == {f"odoo-{late}", f"odoo-{old}"}
    assert f"odoo-{early}" not in books.items()


@pytest.mark.parametrize("state", ["cancel", "draft"])
@pytest.mark.parametrize("status", OPEN)
def test_a_bill_taken_back_in_odoo_is_withdrawn_and_asked_about_when_posted_again(
    books: World, status: Status, state: str
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    (books.odoo.cancel if state == "cancel" else books.odoo.reset_to_draft)(number)
    assert outcomes(run(books)) == {"withdrawn": 1}
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["approvals"]) == ("WITHDRAWN", [])
    assert item["history"][-1]["note"] == f"is {state} in Odoo"
    assert outcomes(run(books)) == {"ignored": 1}
    if state == "cancel":
        books.odoo.reset_to_draft(number)
    books.odoo.post(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert verify_history(item["history"])


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD)
def test_a_decided_bill_taken_back_in_odoo_is_only_noted(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.reset_to_draft(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["amended_after"]) == (status, "draft")
    books.odoo.post(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["amended_after"]) == (status, 1, "")


def test_a_decided_bill_that_cannot_be_read_is_not_taken_for_amended(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "POSTED")
    books.odoo.amend(number, amount_total="a lot")
    assert outcomes(run(books)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before


def test_a_rejected_bill_that_did_not_change_is_not_asked_about_again(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "REJECTED")
    books.odoo.amend(number)
    run(books)
    run(books, full=True)
    assert books.item(f"odoo-{number}") == before
