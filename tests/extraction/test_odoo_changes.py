"""An Odoo that is not to be trusted in its clock, its key or its silence: nothing is missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import extractor
from odoo_qb.extraction.watermark import CLOCK_MARGIN, as_instant
from tests.support.extraction import WATERMARK, fails, outcomes, put_in, run, utc_now, written

if TYPE_CHECKING:
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World

DAYS = timedelta(days=3)


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet, and nobody waits before a retry."""
    world.forget_old_bills()
    extractor.wired.use(sleep=lambda _seconds: None)
    return world


def subjects(world: World) -> list[str]:
    return [mail.splitlines()[0] for mail in world.mails()]


# -- the clock -----------------------------------------------------------------------------


def test_one_bill_of_the_future_hides_none_that_come_after_it(books: World) -> None:
    books.odoo.new_bill(reference="A", at=utc_now() + DAYS)
    books.extract()
    late = books.odoo.new_bill(reference="B")
    answer = books.extract()
    assert books.item(f"odoo-{late}")["status"] == "READY_FOR_APPROVAL"
    assert as_instant(written(books)) <= utc_now() + CLOCK_MARGIN
    assert "which is in the future" in answer["clock"][0]
    assert subjects(books) == ["Odoo's clock is wrong"]


@pytest.mark.parametrize("way", [1, -1], ids=["ahead", "behind"])
def test_nothing_is_missed_while_odoos_clock_is_wrong_nor_when_it_is_put_right(
    books: World, way: int
) -> None:
    numbers = [books.odoo.new_bill(reference="A", at=utc_now() - timedelta(hours=1))]
    books.extract()
    for ahead, references in ((way * DAYS, "BC"), (timedelta(), "DE")):
        books.odoo.ahead = ahead
        for reference in references:
            numbers.append(books.odoo.new_bill(reference=reference))
            books.extract()
    assert set(books.items()) == {f"odoo-{n}" for n in numbers}
    assert as_instant(written(books)) <= utc_now() + CLOCK_MARGIN
    assert subjects(books)[0] == "Odoo's clock is wrong"
    assert f"about 3 days {'ahead' if way > 0 else 'behind'}" in books.mails()[0]
    assert len(books.mails()) <= 2  # the second names what was dated in the future


def test_a_clock_that_is_off_by_some_minutes_is_nobodys_concern(books: World) -> None:
    books.odoo.ahead = timedelta(minutes=4)
    books.odoo.new_bill()
    assert books.extract()["clock"] == []
    assert books.mails() == []


def test_an_odoo_whose_clock_is_ahead_is_not_read_again_and_again(books: World) -> None:
    books.odoo.ahead = DAYS
    books.odoo.new_bill(at=utc_now() + DAYS - timedelta(hours=1))
    run(books)
    idle = run(books)
    assert (idle["read"], idle["odoo_calls"]) == (0, 1)


@pytest.mark.parametrize("garbage", ["garbage", "2999-01-01 00:00:00", 7, ["x"], {"a": "b"}])
def test_a_position_that_is_none_has_everything_read_again_and_is_told_once(
    books: World, garbage: object
) -> None:
    books.odoo.new_bill(reference="A", at=utc_now() - timedelta(days=9))
    books.extract()
    missed = books.odoo.new_bill(reference="B", at=utc_now() - timedelta(days=8))
    books.table.write_note(WATERMARK, {"written": garbage})
    assert outcomes(books.extract())["ready"] == 1
    books.extract()
    assert books.item(f"odoo-{missed}")["status"] == "READY_FOR_APPROVAL"
    (mail,) = books.mails()
    assert "watermark#odoo: it did not say how far Odoo had been read" in mail


@pytest.mark.parametrize("garbage", ["zzz", 7, ["x"], "2999-01-01T00:00:00.000Z"])
def test_a_lease_that_nobody_can_have_taken_stops_nobody(books: World, garbage: object) -> None:
    books.odoo.new_bill()
    books.table.write_note(WATERMARK, {"lease_until": garbage})
    assert outcomes(books.extract()) == {"ready": 1}


# -- files ---------------------------------------------------------------------------------


def test_a_file_whose_bytes_were_replaced_in_place_is_seen_by_the_next_plain_run(
    books: World,
) -> None:
    hour_ago = utc_now() - timedelta(hours=1)
    number = books.odoo.new_bill(at=hour_ago)
    file = books.odoo.attach(number, "bill.pdf", b"%PDF one", main=True, at=hour_ago)
    run(books)
    digests = [books.item(f"odoo-{number}")["digest"]]
    for content in (b"%PDF two", b"%PDF three"):  # of which the second is in the same window
        books.odoo.replace_file(file, content)
        run(books)
        digests.append(books.item(f"odoo-{number}")["digest"])
    assert len(set(digests)) == 3
    assert books.item(f"odoo-{number}")["revision"] == 3


# -- what waits and is gone ----------------------------------------------------------------


def delete(world: World, number: int) -> None:
    world.odoo.reset_to_draft(number, at=utc_now() - timedelta(days=30))
    world.odoo.delete(number)


@pytest.mark.parametrize("status", ["READY_FOR_APPROVAL", "APPROVED", "POST_FAILED"])
def test_what_may_still_be_posted_is_withdrawn_by_the_next_run_once_it_is_deleted(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill(reference="A", at=utc_now() - timedelta(days=2))
    other = books.odoo.new_bill(reference="B", at=utc_now() - timedelta(days=2))
    run(books)
    put_in(books, number, status)
    delete(books, number)
    assert outcomes(run(books))["withdrawn"] == 1
    assert books.item(f"odoo-{number}")["status"] == "WITHDRAWN"
    assert books.item(f"odoo-{other}")["status"] == "READY_FOR_APPROVAL"


def test_a_plain_run_withdraws_no_more_at_once_than_a_full_one(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(6)]
    books.extract()
    for number in numbers:
        delete(books, number)
    answers = [books.extract(), books.extract(), books.extract(full=True)]
    assert all(a["kept"][0].startswith("1MD: 6 of 6 open bills are gone") for a in answers)
    assert {i["status"] for i in books.items().values()} == {"READY_FOR_APPROVAL"}
    assert subjects(books) == ["Bills disappeared from Odoo and were not withdrawn"]


def test_what_our_user_may_no_longer_see_is_not_taken_for_deleted(books: World) -> None:
    books.odoo.new_bill(company=1, reference="A")
    books.odoo.new_bill(company=2, reference="B")
    run(books)
    (user,) = books.odoo.users.values()
    books.odoo.admit(replace(user, companies=(1,)))
    report = run(books)
    assert "withdrawn" not in outcomes(report)
    assert "The Odoo user cannot see this company" in report["kept"][0]


def test_many_that_wait_are_asked_for_in_one_call_and_very_many_in_some(
    books: World,
) -> None:
    at = utc_now() - timedelta(hours=1)
    numbers = [books.odoo.new_bill(reference=f"A-{n}", at=at) for n in range(5)]
    run(books)
    assert run(books)["odoo_calls"] == 1
    assert run(books, watched_at_once=2)["odoo_calls"] == 3
    delete(books, numbers[4])
    run(books, watched_at_once=2)
    assert books.item(f"odoo-{numbers[4]}")["status"] == "WITHDRAWN"


# -- calls and keys ------------------------------------------------------------------------


def test_every_call_to_odoo_is_counted(books: World) -> None:
    blocked = books.odoo.new_bill(reference="A")
    books.odoo.new_bill(reference="B")
    books.odoo.amend(blocked, invoice_date=False)
    for event in ({}, {"full": True}, {"company": "1MD"}, {"dry_run": True}):
        before = len(books.odoo.calls)
        books.odoo.fail("bad_gateway", method="account.move.search_read", times=1)
        answer = books.extract(**event)
        assert answer["odoo_calls"] == len(books.odoo.calls) - before
    settings = books.table.read_note("settings")
    books.table.write_note("settings", {"companies": settings["companies"].replace("{", "{ ", 1)})
    before = len(books.odoo.calls)
    extractor.wired.forget()
    books.table.write_note(WATERMARK, {"checked_with": "another state"})
    answer = books.extract()
    assert answer["checked_again"] == 1
    assert answer["odoo_calls"] == len(books.odoo.calls) - before


def test_a_revoked_key_is_noticed_by_the_daily_run(books: World) -> None:
    books.extract()
    books.odoo.revoke_keys()
    books.extract()  # Odoo 18 answers from its cache
    assert "Odoo refused the user" in fails(books, full=True)
    assert "Odoo refused the user" in books.mails()[0]


# -- what nobody is asked about ------------------------------------------------------------


def test_a_bill_dated_before_go_live_and_entered_after_it_is_named_once(books: World) -> None:
    late = books.odoo.new_bill(bill_date="2025-12-20")
    books.extract()
    books.odoo.pay(late)
    for event in ({}, {"full": True}, {"full": True}):
        books.extract(**event)
    (mail,) = books.mails()
    assert f"(odoo-{late}, 1MD) is dated 2025-12-20, before go-live on 2026-01-01" in mail
    assert books.items() == {}


def test_the_daily_run_names_a_late_bill_that_no_other_run_met(books: World) -> None:
    books.extract()
    late = books.odoo.new_bill(bill_date="2025-12-20", at=utc_now() - timedelta(days=9))
    books.extract()
    assert books.mails() == []
    books.extract(full=True)
    books.extract(full=True)
    assert [f"odoo-{late}," in mail for mail in books.mails()] == [True]


def test_an_import_of_old_bills_is_one_line(books: World) -> None:
    books.extract()
    for n in range(101):
        books.odoo.new_bill(
            reference=f"A-{n}", bill_date="2024-05-05", at=utc_now() - timedelta(days=9)
        )
    books.extract(full=True)
    books.extract(full=True)
    (mail,) = books.mails()
    assert mail.splitlines()[3].startswith("101 bills are dated before go-live on 2026-01-01")


def test_a_company_that_is_not_configured_is_named_once(books: World) -> None:
    name = "North Branch"
    books.odoo.records["res.company"][99] = books.odoo.records["res.company"][2] | {
        "id": 99,
        "name": name,
    }
    (user,) = books.odoo.users.values()
    books.odoo.admit(replace(user, companies=(*user.companies, 99)))
    number = books.odoo.new_bill(company=2)
    books.odoo.records["account.move"][number]["company_id"] = 99
    for event in ({}, {}, {"full": True}):
        books.extract(**event)
    (mail,) = books.mails()
    assert f"{name}: Odoo has bills of this company, but it is not configured" in mail
