"""Bills that change in Odoo, in every status, and what their cards then say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from odoo_qb.bill.history import verify_history
from odoo_qb.bill.status import TRANSITIONS
from tests.support.extraction import (
    DECIDED_FOR_GOOD,
    OPEN,
    PATHS,
    WATERMARK,
    changes_on_card,
    outcomes,
    put_in,
    run,
    utc_now,
    writes,
)

if TYPE_CHECKING:
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World


# -- nothing changed -------------------------------------------------------------------------


def test_unchanged_bills_cost_no_write_and_an_idle_run_two_calls(world: World) -> None:
    world.extract()
    before = world.items()
    start = len(world.aws.calls)
    idle = world.extract()
    assert (idle["odoo_calls"], idle["read"]) == (2, 0)
    full = world.extract(full=True)
    assert sum(outcomes(full).values()) == 130
    assert set(outcomes(full)) == {"unchanged", "ignored"}
    notes = {w[1]["Key"]["entry_id"]["S"] for w in writes(world, start)}
    assert notes == {WATERMARK, "sweep"}
    assert world.items() == before


def test_a_payment_a_message_and_a_write_without_change_ask_nobody(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    before = books.item(f"odoo-{number}")
    books.odoo.pay(number)
    assert outcomes(run(books)) == {"noted": 1}
    books.show()
    books.odoo.amend(number, write_uid=12)
    assert outcomes(run(books)) == {"unchanged": 1}
    after = books.item(f"odoo-{number}")
    same = ("status", "revision", "digest", "approvals", "cards", "authors", "warnings")
    assert [after.get(k) for k in same] == [before.get(k) for k in same]
    assert after["version"] == before["version"] + 1  # the card says that it is paid, once


def test_a_payment_of_what_nobody_is_asked_about_any_more_is_no_news(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "APPROVED")
    books.odoo.pay(number)
    assert outcomes(run(books)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before


# -- changes in every status -----------------------------------------------------------------


def test_the_statuses_tried_here_are_all_there_are() -> None:
    assert {*OPEN, *DECIDED_FOR_GOOD, "WITHDRAWN"} == set(PATHS) == set(TRANSITIONS)


@pytest.mark.parametrize("status", OPEN)
def test_an_amended_bill_is_asked_about_anew(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, status)
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert item["digest"] != before["digest"]
    assert item["card_due"] == item["version"] == before["version"] + 1
    assert (item["approvals"], item["problems"]) == ([], [])
    assert not {"decided_by", "rejection_reason"} & set(item)
    assert verify_history(item["history"])


@pytest.mark.parametrize("status", OPEN)
def test_an_amendment_that_breaks_a_bill_blocks_it(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.amend(number, amount_total=1.0)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("VALIDATION_FAILED", 2)


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD)
def test_what_was_decided_for_good_is_left_and_the_change_noted(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, status)
    books.odoo.amend(number, lines=[("x", "7.00")])
    assert outcomes(run(books)) == {"changed afterwards": 1}
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["digest"]) == (status, 1, before["digest"])
    assert item["amount_total"] == 100
    assert item["amended_after"] not in {"", item["digest"]}
    assert item["card_due"] == item["version"]
    assert outcomes(run(books)) == {"unchanged": 1}
    books.odoo.amend(number, lines=[("Supplies", "100.00")])
    run(books)
    assert books.item(f"odoo-{number}")["amended_after"] == ""


def test_a_change_noted_during_a_posting_that_failed_is_asked_about_and_noted_no_more(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "POSTING")
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    noted = books.item(f"odoo-{number}")
    assert noted["amended_after"]
    books.table.change(noted, to="POST_FAILED", actor="poster", now=utc_now())
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert item["status"] == "READY_FOR_APPROVAL"
    assert item["amount_total"] == 7
    assert "amended_after" not in item


@pytest.mark.parametrize("becomes", ["amended", "cancelled"])
@pytest.mark.parametrize("status", ["APPROVED", "POST_FAILED"])
def test_what_changed_while_it_was_being_posted_is_read_again_although_odoo_has_no_news(
    books: World, status: Status, becomes: str
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=1))
    put_in(books, number, "POSTING")
    at = began + timedelta(minutes=10)
    if becomes == "amended":
        books.odoo.amend(number, lines=[("x", "7.00")], at=at)
    else:
        books.odoo.cancel(number, at=at)
    for minutes in (15, 30):
        run(books, now=began + timedelta(minutes=minutes))
    assert run(books)["read"] == 0
    noted = books.item(f"odoo-{number}")
    books.table.change(noted, to=status, actor="poster", now=utc_now())
    calls = len(books.odoo.calls)
    assert run(books)["checked_again"] == 1
    item = books.item(f"odoo-{number}")
    assert item["status"] == ("READY_FOR_APPROVAL" if becomes == "amended" else "WITHDRAWN")
    assert "amended_after" not in item
    assert len(books.odoo.calls) - calls > 1
    assert run(books)["odoo_calls"] == 1
    assert run(books)["checked_again"] == 0


@pytest.mark.parametrize("status", ["APPROVED", "POST_FAILED"])
def test_a_change_that_was_undone_in_odoo_no_longer_keeps_a_bill_from_being_posted(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "POSTING")
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    noted = books.item(f"odoo-{number}")
    books.table.change(noted, to=status, actor="poster", now=utc_now())
    books.odoo.amend(number, lines=[("Supplies", "100.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["amended_after"]) == (status, 1, "")


def test_a_posted_bill_that_is_dated_ahead_afterwards_is_kept_until_it_is_too_old_to_ask(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "POSTED")
    books.odoo.amend(number, invoice_date="2041-05-01")
    assert outcomes(run(books)) == {"changed afterwards": 1}
    item = books.item(f"odoo-{number}")
    over = datetime(2041, 5, 2, tzinfo=UTC) + books.table._retention
    assert int(before["expires_at"]) < int(item["expires_at"]) == int(over.timestamp())


def test_a_bill_of_nothing_that_was_acknowledged_is_asked_about_once_it_has_a_total(
    books: World,
) -> None:
    number = books.odoo.new_bill(lines=[("Sample", "0.00")])
    run(books)
    done = put_in(books, number, "ACKNOWLEDGED")
    assert done["nothing_to_post"]
    assert "expires_at" in done
    books.odoo.amend(number, lines=[("Sample", "500.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert item["amount_total"] == 500
    assert item["nothing_to_post"] == ""
    assert not {"expires_at", "decided_by"} & set(item)


# -- what the card says has changed ----------------------------------------------------------


def test_what_changed_while_a_bill_was_blocked_is_on_the_card_that_asks_again(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    day = books.odoo.records["account.move"][number]["invoice_date"]
    books.odoo.amend(number, lines=[("Supplies", "900.00")])
    books.odoo.amend(number, invoice_date=False)
    run(books)
    assert books.item(f"odoo-{number}")["status"] == "VALIDATION_FAILED"
    books.show()
    books.odoo.amend(number, ref="R-2", invoice_date=day)
    run(books)
    told = changes_on_card(books, number)
    assert "The total changed from 100.00 USD to 900.00 USD." in told
    assert "The vendor's number changed from none to R-2." in told


def test_two_amendments_that_no_card_showed_in_between_are_both_told(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    books.odoo.amend(number, lines=[("Supplies", "900.00")])
    run(books)
    books.odoo.amend(number, ref="R-2")
    run(books)
    told = changes_on_card(books, number)
    assert "The total changed from 100.00 USD to 900.00 USD." in told
    assert "The vendor's number changed from none to R-2." in told
    books.show()
    books.odoo.amend(number, ref="R-3")
    run(books)
    assert changes_on_card(books, number) == ["The vendor's number changed from R-2 to R-3."]


def test_a_bill_that_nobody_was_asked_about_yet_has_not_changed_since(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.odoo.amend(number, ref="R-2")
    run(books)
    assert (books.item(f"odoo-{number}")["revision"], changes_on_card(books, number)) == (2, [])
