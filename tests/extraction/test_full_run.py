"""The daily full run: deletions, and bills that are checked again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import extractor
import poster
from tests.support.extraction import (
    COMPANY,
    DECIDED_FOR_GOOD,
    OPEN,
    changes_on_card,
    outcomes,
    put_in,
    run,
    utc_now,
)

if TYPE_CHECKING:
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World


def test_a_full_run_finds_what_an_incremental_one_cannot(books: World) -> None:
    number = books.odoo.new_bill(at=utc_now() - timedelta(days=2))
    file = books.odoo.attach(number, "a.pdf", b"%PDF", at=utc_now() - timedelta(days=2))
    books.odoo.new_bill(reference="newer")
    run(books)
    books.odoo.detach(file)
    account = books.odoo.records["account.account"]
    line = next(
        r for r in books.odoo.records["account.move.line"].values() if r["move_id"] == number
    )
    account[line["account_id"]]["name"] = "Renamed"
    run(books)
    assert books.item(f"odoo-{number}")["documents"]
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["documents"], item["revision"]) == ([], 2)
    assert item["lines"][0]["account_name"] == "Renamed"


@pytest.mark.parametrize("status", OPEN)
def test_an_open_bill_deleted_in_odoo_is_withdrawn_at_once_if_it_waits_else_by_the_full_run(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.reset_to_draft(number)
    books.odoo.delete(number)
    assert outcomes(run(books, full=True, dry_run=True)) == {"withdrawn": 1}
    assert books.item(f"odoo-{number}")["status"] == status
    is_watched = status in {"READY_FOR_APPROVAL", "APPROVED", "POST_FAILED"}
    assert outcomes(run(books)) == ({"withdrawn": 1} if is_watched else {})
    assert outcomes(run(books, full=True)) == ({} if is_watched else {"withdrawn": 1})
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["history"][-1]["note"]) == ("WITHDRAWN", "is deleted in Odoo")
    assert outcomes(run(books, full=True)) == {}


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD[:3])
def test_a_bill_that_is_posted_or_being_so_when_it_is_deleted_is_noted(
    books: World, status: Status
) -> None:
    number, other = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    run(books)
    put_in(books, number, status)
    put_in(books, other, "POSTED")
    books.odoo.reset_to_draft(number)
    books.odoo.delete(number)
    assert outcomes(run(books, full=True))["changed afterwards"] == 1
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["amended_after"]) == (status, "deleted")
    assert "changed afterwards" not in outcomes(run(books, full=True))
    assert books.item(f"odoo-{number}") == item


def test_never_too_many_posted_bills_are_noted_as_deleted_at_once(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(6)]
    run(books)
    for number in numbers:
        put_in(books, number, "POSTED")
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    (kept,) = run(books, full=True)["kept"]
    assert kept.startswith(f"{COMPANY}: 6 of 6 posted bills are gone from Odoo. That many")
    assert {i.get("amended_after") for i in books.items().values()} == {None}


def test_a_full_run_that_is_short_of_time_reads_what_is_open_and_the_newest(books: World) -> None:
    began = utc_now() - timedelta(days=2)
    numbers = [
        books.odoo.new_bill(reference=f"A-{n}", at=began + timedelta(hours=n)) for n in range(6)
    ]
    run(books)
    for number in numbers:
        if number != numbers[2]:
            put_in(books, number, "POSTED")
    for number in numbers:  # as if nothing but reading it could tell
        move = books.odoo.records["account.move"][number]
        books.odoo.amend(number, lines=[("x", "7.00")], at=move["write_date"])
    short = run(books, full=True, page_size=2, seconds_left=lambda: 30.0)
    assert (short["read"], short["not_yet_read"]) == (2, 4)
    seen = {n for n in numbers if books.item(f"odoo-{n}").get("amended_after")}
    assert books.item(f"odoo-{numbers[2]}")["amount_total"] == 7
    assert seen == {numbers[-1]}


def test_an_open_bill_dated_back_before_go_live_is_still_followed(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.odoo.amend(number, invoice_date="2025-12-31", at=utc_now() - timedelta(days=1))
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["bill_date"], item["status"]) == ("2025-12-31", "READY_FOR_APPROVAL")
    books.odoo.cancel(number, at=utc_now() - timedelta(days=1))
    run(books, full=True)
    assert books.item(f"odoo-{number}")["status"] == "WITHDRAWN"


@pytest.mark.parametrize(("bills", "gone", "withdrawn"), [(12, 5, 5), (12, 6, 0), (35, 7, 7)])
def test_never_too_large_a_share_is_withdrawn_at_once(
    books: World, bills: int, gone: int, withdrawn: int
) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(bills)]
    other = books.odoo.new_bill(company=2)
    run(books)
    for number in (*numbers[:gone], other):
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    report = run(books, full=True)
    statuses = Counter(i["status"] for i in books.items().values() if i["company"] == COMPANY)
    assert statuses["WITHDRAWN"] == withdrawn
    assert books.item(f"odoo-{other}")["status"] == "WITHDRAWN"  # another company's share
    kept = [k for k in report["kept"] if k.startswith(f"{COMPANY}: {gone} of {bills} open bills")]
    assert len(kept) == (0 if withdrawn else 1)


def test_a_company_the_user_may_no_longer_see_loses_no_bill(books: World) -> None:
    number = books.odoo.new_bill(company=1)
    run(books)
    (user,) = books.odoo.users.values()
    books.odoo.admit(replace(user, companies=(2, 3, 4)))
    report = run(books, full=True)
    (kept,) = report["kept"]
    assert kept == (
        f"{COMPANY}: Odoo no longer lists 1 open bill. Nothing was changed. The Odoo user"
        " cannot see this company."
    )
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_full_run_of_one_company_withdraws_nothing_of_another(books: World) -> None:
    numbers = [books.odoo.new_bill(company=1), books.odoo.new_bill(company=2)]
    run(books)
    for number in numbers:
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    run(books, full=True, company=COMPANY)
    found = [books.item(f"odoo-{n}")["status"] for n in numbers]
    assert found == ["WITHDRAWN", "READY_FOR_APPROVAL"]


def test_a_blocked_bill_is_checked_again_by_a_full_run_without_a_new_revision(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    blocked = put_in(books, number, "VALIDATION_FAILED")
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 1)
    assert (item["problems"], item["digest"]) == ([], blocked["digest"])
    assert item["history"][-1]["note"] == "checked again"


def test_a_blocked_bill_is_checked_again_when_quickbooks_was_read_anew(books: World) -> None:
    number = books.odoo.new_bill(lines=(("Supplies", "100.00"),))
    run(books)
    put_in(books, number, "VALIDATION_FAILED")
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    put_in(books, number, "VALIDATION_FAILED")
    assert run(books)["checked_again"] == 0  # nothing is known that was not known then
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_who_was_asked_before_quickbooks_was_read_is_asked_again_once_it_was(
    books: World,
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=20))
    books.show()
    before = books.item(f"odoo-{number}")
    assert before["preflight"]["snapshot"] == ""
    assert run(books)["checked_again"] == 0
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 1
    item = books.item(f"odoo-{number}")
    assert item["preflight"]["snapshot"]
    assert item["preflight"]["vendor_name"] == "Acme Botanicals LLC"
    assert not [w for w in item["warnings"] if "has not been read yet" in w]
    assert (item["status"], item["revision"], item["approvals"]) == ("READY_FOR_APPROVAL", 2, [])
    assert item["digest"] == before["digest"]
    assert changes_on_card(books, number) == [
        "QuickBooks has been read since. Check where the bill will be posted."
    ]
    assert "card_due" in item
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 0


def test_looking_again_never_fails_a_run_nor_takes_what_it_could_not_read_for_read(
    books: World,
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=20))
    put_in(books, number, "VALIDATION_FAILED")
    books.odoo.fail("bad_gateway", method="account.move.read", times=3)
    extractor.wired.use(sleep=lambda _seconds: None)
    assert run(books)["checked_again"] == 0
    assert run(books, seconds_left=lambda: 30.0)["checked_again"] == 0
    assert books.item(f"odoo-{number}")["status"] == "VALIDATION_FAILED"
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_bill_that_stays_blocked_is_written_no_more(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.amend(number, amount_total=99.0)
    run(books)
    before = books.item(f"odoo-{number}")
    assert outcomes(run(books, full=True)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before
