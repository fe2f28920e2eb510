"""An upgrade from 1.0 at the wrong moment: between two functions, two people, two contents.

Each test goes on with a few of the fixture's bills, in a copy of what 1.0 left.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import APPROVER, CHANNEL
from tests.simulation.simulation import promise_of
from tests.upgrade import fixture
from tests.upgrade.upgraded import (
    SECOND,
    an_upgrade,
    apart,
    configure,
    deliver,
    documents,
    extract,
    forget,
    only,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.simulation import Life

Json = dict[str, Any]

ITEMS: Final = fixture.items()
# A few of each kind, of the American company, whose snapshot serves, and of the British one.
SAME, OTHER, SAME_GB = "odoo-1002", "odoo-1033", "odoo-2002"
APPROVED, APPROVED_OTHER, APPROVED_GB = "odoo-1010", "odoo-1040", "odoo-2006"
FORM: Final = "The bill itself has not changed, only how it is posted"
AGAIN: Final = "Earlier approvals no longer count."


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    """What 1.0 left; only copies of it go on."""
    with an_upgrade() as begun:
        yield begun


def status(life: Life, entry_id: str) -> str:
    return str(life.world.item(entry_id)["status"])


def changes(life: Life, entry_id: str) -> list[str]:
    return list(life.world.item(entry_id)["changes"])


def number(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))


def rewrite(life: Life, entry_id: str, **values: Any) -> None:
    """1.0 left the bill otherwise than the fixture has it."""
    life.world.table.write_note(entry_id, values)


def told(life: Life, person: str = APPROVER) -> list[str]:
    return [m.text for m in life.world.slack.channels[CHANNEL].ephemerals[person]]


def click(life: Life, entry_id: str, action_id: str, person: str = APPROVER) -> None:
    """A person clicks what the newest card offers; what AWS delivers then comes later."""
    card = life.cards(entry_id)[-1]
    request = life.world.slack.click(person, CHANNEL, card.ts, action_id)
    life.clicked(promise_of(card, action_id, person), request)


def in_the_middle(life: Life, entry_id: str, step: str, act: Callable[[], None]) -> None:
    """Let something happen just before a step of a function about a bill."""

    def fate(name: str, work: Callable[[], Any]) -> Any:
        if name == step and life.subject == entry_id:
            life.fate = lambda _step, work: work()
            act()
        return work()

    life.fate = fate


def ends_posted_once(life: Life, entry_id: str) -> None:
    """As it was approved: with the accounts and cents that 1.0 showed."""
    item = life.world.item(entry_id)
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    [document] = documents(life, entry_id)
    assert document["total"] == int(item["amount_total"] * 100)
    assert len(life.cards(entry_id)) == len(ITEMS[entry_id]["cards"])
    assert life.world.quickbooks.violations == []


def is_asked_again(life: Life, entry_id: str) -> None:
    """On one more card that says why, and nothing is in QuickBooks."""
    item = life.world.item(entry_id)
    assert (item["status"], item["approvals"]) == ("READY_FOR_APPROVAL", [])
    assert item["digest"].startswith("v2-")
    assert len(life.cards(entry_id)) == len(ITEMS[entry_id]["cards"]) + 1
    assert any(said.startswith(FORM) for said in item["changes"])
    assert documents(life, entry_id) == []


# -- the poster comes first ------------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", [APPROVED, APPROVED_GB])
def test_a_message_that_comes_before_the_comparison_posts_nothing_yet(
    life: Life, entry_id: str
) -> None:
    only(life, entry_id)
    deliver(life, entry_id)
    assert (status(life, entry_id), documents(life, entry_id)) == ("APPROVED", [])
    life.settle()
    ends_posted_once(life, entry_id)


@apart
def test_what_would_be_posted_otherwise_is_not_posted_as_it_was_approved(life: Life) -> None:
    only(life, APPROVED_OTHER)
    deliver(life, APPROVED_OTHER)
    life.settle()
    is_asked_again(life, APPROVED_OTHER)
    assert changes(life, APPROVED_OTHER)[-1] == AGAIN


@apart
def test_an_approved_bill_is_sent_within_half_an_hour_however_long_it_had_waited(
    life: Life,
) -> None:
    only(life, APPROVED)
    deliver(life, APPROVED)
    for _ in range(3):
        life.quarter()
        life.flow()
    ends_posted_once(life, APPROVED)


@apart
def test_a_bill_that_1_0_had_only_begun_to_post_waits_until_its_claim_ends(life: Life) -> None:
    """1.0 had claimed it, and died or was replaced before it sent anything."""
    only(life, APPROVED)
    until = stamp(life.clock.now.replace(minute=2))
    rewrite(life, APPROVED, status="POSTING", claim={"message_id": "1.0's own", "until": until})
    extract(life, entry_ids=[APPROVED])
    assert life.post()
    assert (status(life, APPROVED), life.errors) == ("POSTING", [])
    life.clock.sleep(180)
    assert life.post()
    assert status(life, APPROVED) == "APPROVED"
    life.settle()
    ends_posted_once(life, APPROVED)
    assert extract(life, audit=APPROVED)["whole"]


# -- a click at the same moment --------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", [SAME, SAME_GB])
def test_an_approval_before_the_first_run_counts(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    click(life, entry_id, "approve_invoice")
    life.flow()
    assert (status(life, entry_id), documents(life, entry_id)) == ("APPROVED", [])
    life.settle()
    ends_posted_once(life, entry_id)


@apart
def test_an_approval_before_the_first_run_of_what_is_posted_otherwise_does_not_count(
    life: Life,
) -> None:
    only(life, OTHER)
    click(life, OTHER, "approve_invoice")
    life.settle()
    is_asked_again(life, OTHER)
    assert changes(life, OTHER)[-1] == AGAIN
    life.decide(OTHER, "approve_invoice")
    assert (status(life, OTHER), len(documents(life, OTHER))) == ("POSTED", 1)


@apart
def test_an_approval_while_it_is_compared_counts(life: Life) -> None:
    only(life, SAME)
    act = lambda: click(life, SAME, "approve_invoice")  # noqa: E731 - it is told later
    in_the_middle(life, SAME, "extractor: UpdateItem", act)
    life.quarter()
    assert [a["by"] for a in life.world.item(SAME)["approvals"]] == [APPROVER]
    life.settle()
    ends_posted_once(life, SAME)


@apart
def test_an_approval_while_it_is_compared_is_asked_for_again_where_it_is_posted_otherwise(
    life: Life,
) -> None:
    only(life, OTHER)
    act = lambda: click(life, OTHER, "approve_invoice")  # noqa: E731 - it is told later
    in_the_middle(life, OTHER, "extractor: UpdateItem", act)
    life.quarter()
    life.settle()
    is_asked_again(life, OTHER)
    assert changes(life, OTHER)[-1] == AGAIN


@apart
def test_a_click_on_an_old_card_after_the_comparison_decides_nothing_and_says_so(
    life: Life,
) -> None:
    only(life, OTHER)
    card = life.cards(OTHER)[-1]
    request = life.world.slack.click(APPROVER, CHANNEL, card.ts, "approve_invoice")
    life.quarter()
    life.send(request)
    assert status(life, OTHER) == "READY_FOR_APPROVAL"
    assert life.world.item(OTHER)["approvals"] == []
    life.settle()
    is_asked_again(life, OTHER)


@apart
@pytest.mark.parametrize("is_compared", [False, True])
def test_an_approval_given_to_1_0_can_be_taken_back(life: Life, is_compared: bool) -> None:
    only(life, APPROVED)
    if is_compared:
        extract(life, entry_ids=[APPROVED])
        assert life.world.item(APPROVED)["form"] == 2
    life.decide(APPROVED, "take_back")
    assert (status(life, APPROVED), life.world.item(APPROVED)["approvals"]) == (
        "READY_FOR_APPROVAL",
        [],
    )
    life.settle()
    life.decide(APPROVED, "approve_invoice", SECOND)
    ends_posted_once(life, APPROVED)


# -- amended in Odoo at the same time --------------------------------------------------------------


@apart
def test_a_bill_that_was_amended_meanwhile_is_asked_again_once_and_says_what_changed(
    life: Life,
) -> None:
    only(life, SAME)
    life.world.odoo.amend(number(SAME), invoice_date_due="2026-12-24")
    life.settle()
    due = ITEMS[SAME]["due_date"]
    assert changes(life, SAME) == [f"The due date changed from {due} to 2026-12-24."]
    assert len(life.cards(SAME)) == 2


@apart
@pytest.mark.parametrize("entry_id", [OTHER, APPROVED_OTHER])
def test_one_that_is_also_posted_otherwise_says_both(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    life.world.odoo.amend(number(entry_id), invoice_date_due="2026-12-24")
    life.settle()
    is_asked_again(life, entry_id)
    due, form = changes(life, entry_id)
    assert (due[:15], form.startswith(FORM)) == ("The due date ch", True)


@apart
def test_an_approved_bill_amended_meanwhile_is_not_posted_as_it_was(life: Life) -> None:
    only(life, APPROVED)
    life.world.odoo.amend(number(APPROVED), ref="INV-NEW")
    deliver(life, APPROVED)
    life.settle()
    item = life.world.item(APPROVED)
    assert (item["status"], item["bill_reference"]) == ("READY_FOR_APPROVAL", "INV-NEW")
    assert documents(life, APPROVED) == []


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1012", "odoo-1043"])
def test_an_amendment_during_an_open_try_of_1_0_is_noted_and_the_try_ends_as_sent(
    life: Life, entry_id: str
) -> None:
    """It is known only after the try ended: QuickBooks has the bill by then."""
    only(life, entry_id)
    deliver(life, entry_id)
    life.world.odoo.amend(number(entry_id), ref="INV-NEW")
    life.settle()
    item = life.world.item(entry_id)
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    assert item["amended_after"].startswith("v2-")
    assert len(documents(life, entry_id)) == 1


@apart
def test_what_1_0_reported_as_changed_is_reported_when_it_is_as_it_was_again(life: Life) -> None:
    entry_id = "odoo-1048"  # posted otherwise than now, and renumbered since
    only(life, entry_id)
    life.settle()
    assert life.world.mails() == []
    life.world.odoo.amend(number(entry_id), ref=ITEMS[entry_id]["bill_reference"])
    life.settle()
    assert life.world.item(entry_id)["amended_after"] == ""
    life.world.odoo.amend(number(entry_id), ref="INV-OTHER")
    life.settle()
    assert life.world.item(entry_id)["amended_after"].startswith("v2-")
    assert sum("after the decision" in mail for mail in life.world.mails()) == 2


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1016", "odoo-1046", "odoo-2011"])
def test_a_file_that_is_added_to_a_bill_of_1_0_can_be_attached(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    life.world.odoo.attach(number(entry_id), "scan.pdf", b"%PDF a scan")
    life.settle()
    item = life.world.item(entry_id)
    assert [file["name"] for file in item["added_files"]] == ["scan.pdf"]
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    assert extract(life, audit=entry_id)["whole"]


@apart
def test_a_payment_in_odoo_asks_nobody_again(life: Life) -> None:
    only(life, SAME, OTHER)
    for entry_id in (SAME, OTHER):
        life.world.odoo.amend(number(entry_id), payment_state="paid")
    life.settle()
    assert len(life.cards(SAME)) == 1
    is_asked_again(life, OTHER)
    life.decide(SAME, "approve_invoice")
    ends_posted_once(life, SAME)


# -- what could not be posted, was rejected, or withdrawn ------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1024", "odoo-2016"])
def test_a_retry_posts_what_is_posted_as_it_was_approved(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    life.decide(entry_id, "retry_posting")
    life.settle()
    ends_posted_once(life, entry_id)


@apart
def test_a_retry_of_what_is_posted_otherwise_asks_again(life: Life) -> None:
    entry_id = "odoo-1051"
    only(life, entry_id)
    life.decide(entry_id, "retry_posting")
    life.settle()
    is_asked_again(life, entry_id)
    assert "error" not in life.world.item(entry_id)


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1025", "odoo-1052", "odoo-2038"])
def test_a_document_that_was_corrected_is_found_by_a_retry(life: Life, entry_id: str) -> None:
    """QuickBooks has it with another total, as 1.0 sent it: its try ends with it."""
    only(life, entry_id)
    life.decide(entry_id, "retry_posting")
    life.settle()
    assert status(life, entry_id) == "POST_FAILED"
    error = life.world.item(entry_id)["error"]
    for realm in life.world.quickbooks.realms.values():
        for document in realm.bills.values():
            if f"[{entry_id}]" in str(document.get("PrivateNote")):
                document["TotalAmt"] = Decimal(ITEMS[entry_id]["amount_total"])
    assert error["code"] == "total"
    life.decide(entry_id, "retry_posting")
    life.settle()
    ends_posted_once(life, entry_id)


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1026", "odoo-2039"])
def test_what_a_bookkeeper_had_entered_can_still_be_linked(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    life.hourly()
    company = ITEMS[entry_id]["company"]
    realm = life.world.quickbooks.realms[
        {"cascade": "9130350000000101", "thames": "9130350000000202"}[company]
    ]
    by_hand = realm.id_of("Bill", ITEMS[entry_id]["bill_reference"])
    life.decide(entry_id, "link_existing", typed=by_hand)
    life.settle()
    assert status(life, entry_id) == "ALREADY_IN_QB"
    assert [d["id"] for d in documents(life, entry_id)] == [by_hand]


@apart
def test_a_reopened_bill_is_compared_before_it_is_posted(life: Life) -> None:
    same, other = "odoo-1027", "odoo-1053"
    only(life, same, other)
    life.settle()
    life.quarter()  # nothing is left to be compared
    for entry_id in (same, other):
        life.decide(entry_id, "reopen_invoice")
    life.quarter()
    life.settle()
    is_asked_again(life, other)
    assert len(life.cards(same)) == 1
    life.decide(same, "approve_invoice")
    ends_posted_once(life, same)


@apart
def test_a_reopened_bill_that_is_approved_at_once_is_not_posted_otherwise_than_shown(
    life: Life,
) -> None:
    entry_id = "odoo-1053"
    only(life, entry_id)
    life.settle()
    life.decide(entry_id, "reopen_invoice")
    life.decide(entry_id, "approve_invoice")
    assert (status(life, entry_id), documents(life, entry_id)) == ("APPROVED", [])
    life.settle()
    is_asked_again(life, entry_id)


@apart
@pytest.mark.parametrize(("entry_id", "is_other"), [("odoo-1031", False), ("odoo-1055", True)])
def test_a_bill_posted_again_in_odoo_asks_again(
    life: Life,
    entry_id: str,
    is_other: bool,
) -> None:
    only(life, entry_id)
    life.world.odoo.amend(number(entry_id), state="posted")
    life.settle()
    item = life.world.item(entry_id)
    assert (item["status"], item["digest"][:3]) == ("READY_FOR_APPROVAL", "v2-")
    assert [said.startswith(FORM) for said in item["changes"]] == [True] * is_other


# -- tries and documents of 1.0 --------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1011", "odoo-2007"])
def test_a_document_of_an_earlier_decision_is_taken_for_the_same_bill(
    life: Life, entry_id: str
) -> None:
    """It was approved anew while a first try was not clear: QuickBooks has that one."""
    only(life, entry_id)
    rewrite(life, entry_id, revision=2)
    life.settle()
    ends_posted_once(life, entry_id)
    assert len(life.world.item(entry_id)["attempts"]) == 1


@apart
def test_a_document_of_an_earlier_decision_that_was_booked_otherwise_is_a_persons(
    life: Life,
) -> None:
    entry_id = "odoo-1042"
    only(life, entry_id)
    rewrite(life, entry_id, revision=2)
    life.settle()
    assert status(life, entry_id) == "READY_FOR_APPROVAL"
    life.decide(entry_id, "approve_invoice")
    life.settle()
    item = life.world.item(entry_id)
    assert (item["status"], item["error"]["code"]) == ("POST_FAILED", "different")
    assert "accounts or amounts" in item["error"]["message"]
    assert len(documents(life, entry_id)) == 1


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1016", "odoo-1046", "odoo-2010", "odoo-2011"])
def test_a_document_with_the_marker_of_1_0_is_recognised_where_the_table_lost_its_bill(
    life: Life, entry_id: str
) -> None:
    only(life, entry_id)
    forget(life, entry_id)
    life.hourly()
    extract(life, full=True)
    life.flow()
    life.decide(entry_id, "approve_invoice")
    life.settle()
    assert status(life, entry_id) == "ALREADY_IN_QB"
    assert len(documents(life, entry_id)) == 1


@apart
def test_an_open_try_that_quickbooks_refuses_is_over_and_a_retry_is_compared(life: Life) -> None:
    entry_id = "odoo-1043"
    only(life, entry_id)
    realm = life.world.quickbooks.realms["9130350000000101"]
    realm.book_close_date = life.clock.now.date()
    life.quarter()
    life.flow()
    assert status(life, entry_id) == "POST_FAILED"
    realm.book_close_date = None
    life.decide(entry_id, "retry_posting")
    life.settle()
    is_asked_again(life, entry_id)


# -- bills that were asked about before QuickBooks was read ----------------------------------------


def make_blind(life: Life, entry_id: str) -> None:
    """1.0 asked about it before the company was connected."""
    unread = ("snapshot", "realm_id", "company_name", "vendor_id", "vendor_name", "vendor_how")
    plan = ITEMS[entry_id]["preflight"] | dict.fromkeys((*unread, "payable_id"), "")
    plan |= {"accounts": {}, "tax_codes": {}, "warnings": []}
    rewrite(life, entry_id, preflight=plan)
    life.world.table.write_note("watermark#odoo", {"asked_before_quickbooks_was_read": True})


@apart
@pytest.mark.parametrize("entry_id", [SAME, OTHER, SAME_GB])
def test_who_was_asked_before_quickbooks_was_read_is_asked_once_more(
    life: Life, entry_id: str
) -> None:
    only(life, entry_id)
    make_blind(life, entry_id)
    life.hourly()
    life.settle()
    life.daily()
    life.settle()
    assert changes(life, entry_id) == [
        "QuickBooks has been read since. Check where the bill will be posted."
    ]
    assert len(life.cards(entry_id)) == 2
    life.decide(entry_id, "approve_invoice")
    assert (status(life, entry_id), len(documents(life, entry_id))) == ("POSTED", 1)


@apart
@pytest.mark.parametrize("entry_id", [APPROVED, APPROVED_GB])
def test_what_was_approved_before_quickbooks_was_read_is_posted(life: Life, entry_id: str) -> None:
    only(life, entry_id)
    make_blind(life, entry_id)
    life.settle()
    ends_posted_once(life, entry_id)


@apart
def test_what_was_approved_before_quickbooks_was_read_asks_again_if_it_is_posted_otherwise(
    life: Life,
) -> None:
    only(life, APPROVED_OTHER)
    make_blind(life, APPROVED_OTHER)
    life.settle()
    is_asked_again(life, APPROVED_OTHER)
    _, *booked, _ = changes(life, APPROVED_OTHER)
    assert booked == [
        "Purchase of Equipments: 19.80 USD (was 19.79 USD).",
        "Rent: 19.79 USD (was 19.80 USD).",
    ]


# -- QuickBooks or the settings are no longer the same ---------------------------------------------


@apart
def test_closed_books_are_no_reason_to_ask_again(life: Life) -> None:
    only(life, SAME, APPROVED)
    life.world.quickbooks.realms["9130350000000101"].book_close_date = life.clock.now.date()
    life.hourly()
    life.quarter()
    life.quarter()
    life.flow()
    item = life.world.item(SAME)
    assert (item["status"], item["form"], len(life.cards(SAME))) == ("READY_FOR_APPROVAL", 2, 1)
    assert status(life, APPROVED) == "POST_FAILED"
    assert "The books are closed" in life.world.item(APPROVED)["error"]["message"]


@apart
def test_another_mapping_is_named_as_what_it_is(life: Life) -> None:
    only(life, SAME)
    configure(life, "cascade", accounts={"611000": "Rent"})
    life.settle()
    assert changes(life, SAME) == ["The account for 611000 is now Rent."]
    assert len(life.cards(SAME)) == 2


@apart
def test_a_bill_of_a_company_that_is_gone_fails_and_says_so(life: Life) -> None:
    only(life, APPROVED)
    table = life.world.table
    table.write_note("settings", {"companies": "{}"})
    life.world.restart()
    deliver(life, APPROVED)
    assert "no longer configured" in life.world.item(APPROVED)["error"]["message"]
