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

    from tests.simulation.simulation import Simulation

Json = dict[str, Any]

ITEMS: Final = fixture.items()
# A few of each kind, of the American company, whose snapshot serves, and of the British one.
SAME, OTHER, SAME_GB = "odoo-1002", "odoo-1033", "odoo-2002"
APPROVED, APPROVED_OTHER, APPROVED_GB = "odoo-1010", "odoo-1040", "odoo-2006"
FORM: Final = "The bill itself has not changed, only how it is posted"
AGAIN: Final = "Earlier approvals no longer count."


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """What 1.0 left; only copies of it go on."""
    with an_upgrade() as begun:
        yield begun


def status(simulation: Simulation, entry_id: str) -> str:
    return str(simulation.world.item(entry_id)["status"])


def changes(simulation: Simulation, entry_id: str) -> list[str]:
    return list(simulation.world.item(entry_id)["changes"])


def number(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))


def rewrite(simulation: Simulation, entry_id: str, **values: Any) -> None:
    """1.0 left the bill otherwise than the fixture has it."""
    simulation.world.table.write_note(entry_id, values)


def told(simulation: Simulation, person: str = APPROVER) -> list[str]:
    return [m.text for m in simulation.world.slack.channels[CHANNEL].ephemerals[person]]


def click(simulation: Simulation, entry_id: str, action_id: str, person: str = APPROVER) -> None:
    """A person clicks what the newest card offers; what AWS delivers then comes later."""
    card = simulation.cards(entry_id)[-1]
    request = simulation.world.slack.click(person, CHANNEL, card.ts, action_id)
    simulation.clicked(promise_of(card, action_id, person), request)


def in_the_middle(
    simulation: Simulation, entry_id: str, step: str, act: Callable[[], None]
) -> None:
    """Let something happen just before a step of a function about a bill."""

    def on_step(name: str, work: Callable[[], Any]) -> Any:
        if name == step and simulation.subject == entry_id:
            simulation.on_step = lambda _step, work: work()
            act()
        return work()

    simulation.on_step = on_step


def ends_posted_once(simulation: Simulation, entry_id: str) -> None:
    """As it was approved: with the accounts and cents that 1.0 showed."""
    item = simulation.world.item(entry_id)
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    [document] = documents(simulation, entry_id)
    assert document["total"] == int(item["amount_total"] * 100)
    assert len(simulation.cards(entry_id)) == len(ITEMS[entry_id]["cards"])
    assert simulation.world.quickbooks.violations == []


def is_asked_again(simulation: Simulation, entry_id: str) -> None:
    """On one more card that says why, and nothing is in QuickBooks."""
    item = simulation.world.item(entry_id)
    assert (item["status"], item["approvals"]) == ("READY_FOR_APPROVAL", [])
    assert item["digest"].startswith("v2-")
    assert len(simulation.cards(entry_id)) == len(ITEMS[entry_id]["cards"]) + 1
    assert any(said.startswith(FORM) for said in item["changes"])
    assert documents(simulation, entry_id) == []


# -- the poster comes first ------------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", [APPROVED, APPROVED_GB])
def test_a_message_that_comes_before_the_comparison_posts_nothing_yet(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    deliver(simulation, entry_id)
    assert (status(simulation, entry_id), documents(simulation, entry_id)) == ("APPROVED", [])
    simulation.settle()
    ends_posted_once(simulation, entry_id)


@apart
def test_what_would_be_posted_otherwise_is_not_posted_as_it_was_approved(
    simulation: Simulation,
) -> None:
    only(simulation, APPROVED_OTHER)
    deliver(simulation, APPROVED_OTHER)
    simulation.settle()
    is_asked_again(simulation, APPROVED_OTHER)
    assert changes(simulation, APPROVED_OTHER)[-1] == AGAIN


@apart
def test_an_approved_bill_is_sent_within_half_an_hour_however_long_it_had_waited(
    simulation: Simulation,
) -> None:
    only(simulation, APPROVED)
    deliver(simulation, APPROVED)
    for _ in range(3):
        simulation.quarter()
        simulation.flow()
    ends_posted_once(simulation, APPROVED)


@apart
def test_a_bill_that_1_0_had_only_begun_to_post_waits_until_its_claim_ends(
    simulation: Simulation,
) -> None:
    """1.0 had claimed it, and died or was replaced before it sent anything."""
    only(simulation, APPROVED)
    until = stamp(simulation.clock.now.replace(minute=2))
    rewrite(
        simulation, APPROVED, status="POSTING", claim={"message_id": "1.0's own", "until": until}
    )
    extract(simulation, entry_ids=[APPROVED])
    assert simulation.post()
    assert (status(simulation, APPROVED), simulation.errors) == ("POSTING", [])
    simulation.clock.sleep(180)
    assert simulation.post()
    assert status(simulation, APPROVED) == "APPROVED"
    simulation.settle()
    ends_posted_once(simulation, APPROVED)
    assert extract(simulation, audit=APPROVED)["whole"]


# -- a click at the same moment --------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", [SAME, SAME_GB])
def test_an_approval_before_the_first_run_counts(simulation: Simulation, entry_id: str) -> None:
    only(simulation, entry_id)
    click(simulation, entry_id, "approve_invoice")
    simulation.flow()
    assert (status(simulation, entry_id), documents(simulation, entry_id)) == ("APPROVED", [])
    simulation.settle()
    ends_posted_once(simulation, entry_id)


@apart
def test_an_approval_before_the_first_run_of_what_is_posted_otherwise_does_not_count(
    simulation: Simulation,
) -> None:
    only(simulation, OTHER)
    click(simulation, OTHER, "approve_invoice")
    simulation.settle()
    is_asked_again(simulation, OTHER)
    assert changes(simulation, OTHER)[-1] == AGAIN
    simulation.decide(OTHER, "approve_invoice")
    assert (status(simulation, OTHER), len(documents(simulation, OTHER))) == ("POSTED", 1)


@apart
def test_an_approval_while_it_is_compared_counts(simulation: Simulation) -> None:
    only(simulation, SAME)
    act = lambda: click(simulation, SAME, "approve_invoice")  # noqa: E731 - it is told later
    in_the_middle(simulation, SAME, "extractor: UpdateItem", act)
    simulation.quarter()
    assert [a["by"] for a in simulation.world.item(SAME)["approvals"]] == [APPROVER]
    simulation.settle()
    ends_posted_once(simulation, SAME)


@apart
def test_an_approval_while_it_is_compared_is_asked_for_again_where_it_is_posted_otherwise(
    simulation: Simulation,
) -> None:
    only(simulation, OTHER)
    act = lambda: click(simulation, OTHER, "approve_invoice")  # noqa: E731 - it is told later
    in_the_middle(simulation, OTHER, "extractor: UpdateItem", act)
    simulation.quarter()
    simulation.settle()
    is_asked_again(simulation, OTHER)
    assert changes(simulation, OTHER)[-1] == AGAIN


@apart
def test_a_click_on_an_old_card_after_the_comparison_decides_nothing_and_says_so(
    simulation: Simulation,
) -> None:
    only(simulation, OTHER)
    card = simulation.cards(OTHER)[-1]
    request = simulation.world.slack.click(APPROVER, CHANNEL, card.ts, "approve_invoice")
    simulation.quarter()
    simulation.send(request)
    assert status(simulation, OTHER) == "READY_FOR_APPROVAL"
    assert simulation.world.item(OTHER)["approvals"] == []
    simulation.settle()
    is_asked_again(simulation, OTHER)


@apart
@pytest.mark.parametrize("is_compared", [False, True])
def test_an_approval_given_to_1_0_can_be_taken_back(
    simulation: Simulation, is_compared: bool
) -> None:
    only(simulation, APPROVED)
    if is_compared:
        extract(simulation, entry_ids=[APPROVED])
        assert simulation.world.item(APPROVED)["form"] == 2
    simulation.decide(APPROVED, "take_back")
    assert (status(simulation, APPROVED), simulation.world.item(APPROVED)["approvals"]) == (
        "READY_FOR_APPROVAL",
        [],
    )
    simulation.settle()
    simulation.decide(APPROVED, "approve_invoice", SECOND)
    ends_posted_once(simulation, APPROVED)


# -- amended in Odoo at the same time --------------------------------------------------------------


@apart
def test_a_bill_that_was_amended_meanwhile_is_asked_again_once_and_says_what_changed(
    simulation: Simulation,
) -> None:
    only(simulation, SAME)
    simulation.world.odoo.amend(number(SAME), invoice_date_due="2026-12-24")
    simulation.settle()
    due = ITEMS[SAME]["due_date"]
    assert changes(simulation, SAME) == [f"The due date changed from {due} to 2026-12-24."]
    assert len(simulation.cards(SAME)) == 2


@apart
@pytest.mark.parametrize("entry_id", [OTHER, APPROVED_OTHER])
def test_one_that_is_also_posted_otherwise_says_both(simulation: Simulation, entry_id: str) -> None:
    only(simulation, entry_id)
    simulation.world.odoo.amend(number(entry_id), invoice_date_due="2026-12-24")
    simulation.settle()
    is_asked_again(simulation, entry_id)
    due, form = changes(simulation, entry_id)
    assert (due[:15], form.startswith(FORM)) == ("The due date ch", True)


@apart
def test_an_approved_bill_amended_meanwhile_is_not_posted_as_it_was(simulation: Simulation) -> None:
    only(simulation, APPROVED)
    simulation.world.odoo.amend(number(APPROVED), ref="INV-NEW")
    deliver(simulation, APPROVED)
    simulation.settle()
    item = simulation.world.item(APPROVED)
    assert (item["status"], item["bill_reference"]) == ("READY_FOR_APPROVAL", "INV-NEW")
    assert documents(simulation, APPROVED) == []


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1012", "odoo-1043"])
def test_an_amendment_during_an_open_try_of_1_0_is_noted_and_the_try_ends_as_sent(
    simulation: Simulation, entry_id: str
) -> None:
    """It is known only after the try ended: QuickBooks has the bill by then."""
    only(simulation, entry_id)
    deliver(simulation, entry_id)
    simulation.world.odoo.amend(number(entry_id), ref="INV-NEW")
    simulation.settle()
    item = simulation.world.item(entry_id)
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    assert item["amended_after"].startswith("v2-")
    assert len(documents(simulation, entry_id)) == 1


@apart
def test_what_1_0_reported_as_changed_is_reported_when_it_is_as_it_was_again(
    simulation: Simulation,
) -> None:
    entry_id = "odoo-1048"  # posted otherwise than now, and renumbered since
    only(simulation, entry_id)
    simulation.settle()
    assert simulation.world.mails() == []
    simulation.world.odoo.amend(number(entry_id), ref=ITEMS[entry_id]["bill_reference"])
    simulation.settle()
    assert simulation.world.item(entry_id)["amended_after"] == ""
    simulation.world.odoo.amend(number(entry_id), ref="INV-OTHER")
    simulation.settle()
    assert simulation.world.item(entry_id)["amended_after"].startswith("v2-")
    assert sum("after the decision" in mail for mail in simulation.world.mails()) == 2


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1016", "odoo-1046", "odoo-2011"])
def test_a_file_that_is_added_to_a_bill_of_1_0_can_be_attached(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    simulation.world.odoo.attach(number(entry_id), "scan.pdf", b"%PDF a scan")
    simulation.settle()
    item = simulation.world.item(entry_id)
    assert [file["name"] for file in item["added_files"]] == ["scan.pdf"]
    assert (item["status"], item["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    assert extract(simulation, audit=entry_id)["whole"]


@apart
def test_a_payment_in_odoo_asks_nobody_again(simulation: Simulation) -> None:
    only(simulation, SAME, OTHER)
    for entry_id in (SAME, OTHER):
        simulation.world.odoo.amend(number(entry_id), payment_state="paid")
    simulation.settle()
    assert len(simulation.cards(SAME)) == 1
    is_asked_again(simulation, OTHER)
    simulation.decide(SAME, "approve_invoice")
    ends_posted_once(simulation, SAME)


# -- what could not be posted, was rejected, or withdrawn ------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1024", "odoo-2016"])
def test_a_retry_posts_what_is_posted_as_it_was_approved(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    simulation.decide(entry_id, "retry_posting")
    simulation.settle()
    ends_posted_once(simulation, entry_id)


@apart
def test_a_retry_of_what_is_posted_otherwise_asks_again(simulation: Simulation) -> None:
    entry_id = "odoo-1051"
    only(simulation, entry_id)
    simulation.decide(entry_id, "retry_posting")
    simulation.settle()
    is_asked_again(simulation, entry_id)
    assert "error" not in simulation.world.item(entry_id)


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1025", "odoo-1052", "odoo-2038"])
def test_a_document_that_was_corrected_is_found_by_a_retry(
    simulation: Simulation, entry_id: str
) -> None:
    """QuickBooks has it with another total, as 1.0 sent it: its try ends with it."""
    only(simulation, entry_id)
    simulation.decide(entry_id, "retry_posting")
    simulation.settle()
    assert status(simulation, entry_id) == "POST_FAILED"
    error = simulation.world.item(entry_id)["error"]
    for realm in simulation.world.quickbooks.realms.values():
        for document in realm.bills.values():
            if f"[{entry_id}]" in str(document.get("PrivateNote")):
                document["TotalAmt"] = Decimal(ITEMS[entry_id]["amount_total"])
    assert error["code"] == "total"
    simulation.decide(entry_id, "retry_posting")
    simulation.settle()
    ends_posted_once(simulation, entry_id)


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1026", "odoo-2039"])
def test_what_a_bookkeeper_had_entered_can_still_be_linked(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    simulation.hourly()
    company = ITEMS[entry_id]["company"]
    realm = simulation.world.quickbooks.realms[
        {"cascade": "9130350000000101", "thames": "9130350000000202"}[company]
    ]
    by_hand = realm.id_of("Bill", ITEMS[entry_id]["bill_reference"])
    simulation.decide(entry_id, "link_existing", typed=by_hand)
    simulation.settle()
    assert status(simulation, entry_id) == "ALREADY_IN_QB"
    assert [d["id"] for d in documents(simulation, entry_id)] == [by_hand]


@apart
def test_a_reopened_bill_is_compared_before_it_is_posted(simulation: Simulation) -> None:
    same, other = "odoo-1027", "odoo-1053"
    only(simulation, same, other)
    simulation.settle()
    simulation.quarter()  # nothing is left to be compared
    for entry_id in (same, other):
        simulation.decide(entry_id, "reopen_invoice")
    simulation.quarter()
    simulation.settle()
    is_asked_again(simulation, other)
    assert len(simulation.cards(same)) == 1
    simulation.decide(same, "approve_invoice")
    ends_posted_once(simulation, same)


@apart
def test_a_reopened_bill_that_is_approved_at_once_is_not_posted_otherwise_than_shown(
    simulation: Simulation,
) -> None:
    entry_id = "odoo-1053"
    only(simulation, entry_id)
    simulation.settle()
    simulation.decide(entry_id, "reopen_invoice")
    simulation.decide(entry_id, "approve_invoice")
    assert (status(simulation, entry_id), documents(simulation, entry_id)) == ("APPROVED", [])
    simulation.settle()
    is_asked_again(simulation, entry_id)


@apart
@pytest.mark.parametrize(("entry_id", "is_other"), [("odoo-1031", False), ("odoo-1055", True)])
def test_a_bill_posted_again_in_odoo_asks_again(
    simulation: Simulation,
    entry_id: str,
    is_other: bool,
) -> None:
    only(simulation, entry_id)
    simulation.world.odoo.amend(number(entry_id), state="posted")
    simulation.settle()
    item = simulation.world.item(entry_id)
    assert (item["status"], item["digest"][:3]) == ("READY_FOR_APPROVAL", "v2-")
    assert [said.startswith(FORM) for said in item["changes"]] == [True] * is_other


# -- tries and documents of 1.0 --------------------------------------------------------------------


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1011", "odoo-2007"])
def test_a_document_of_an_earlier_decision_is_taken_for_the_same_bill(
    simulation: Simulation, entry_id: str
) -> None:
    """It was approved anew while a first try was not clear: QuickBooks has that one."""
    only(simulation, entry_id)
    rewrite(simulation, entry_id, revision=2)
    simulation.settle()
    ends_posted_once(simulation, entry_id)
    assert len(simulation.world.item(entry_id)["attempts"]) == 1


@apart
def test_a_document_of_an_earlier_decision_that_was_booked_otherwise_is_a_persons(
    simulation: Simulation,
) -> None:
    entry_id = "odoo-1042"
    only(simulation, entry_id)
    rewrite(simulation, entry_id, revision=2)
    simulation.settle()
    assert status(simulation, entry_id) == "READY_FOR_APPROVAL"
    simulation.decide(entry_id, "approve_invoice")
    simulation.settle()
    item = simulation.world.item(entry_id)
    assert (item["status"], item["error"]["code"]) == ("POST_FAILED", "different")
    assert "accounts or amounts" in item["error"]["message"]
    assert len(documents(simulation, entry_id)) == 1


@apart
@pytest.mark.parametrize("entry_id", ["odoo-1016", "odoo-1046", "odoo-2010", "odoo-2011"])
def test_a_document_with_the_marker_of_1_0_is_recognised_where_the_table_lost_its_bill(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    forget(simulation, entry_id)
    simulation.hourly()
    extract(simulation, full=True)
    simulation.flow()
    simulation.decide(entry_id, "approve_invoice")
    simulation.settle()
    assert status(simulation, entry_id) == "ALREADY_IN_QB"
    assert len(documents(simulation, entry_id)) == 1


@apart
def test_an_open_try_that_quickbooks_refuses_is_over_and_a_retry_is_compared(
    simulation: Simulation,
) -> None:
    entry_id = "odoo-1043"
    only(simulation, entry_id)
    realm = simulation.world.quickbooks.realms["9130350000000101"]
    realm.book_close_date = simulation.clock.now.date()
    simulation.quarter()
    simulation.flow()
    assert status(simulation, entry_id) == "POST_FAILED"
    realm.book_close_date = None
    simulation.decide(entry_id, "retry_posting")
    simulation.settle()
    is_asked_again(simulation, entry_id)


# -- bills that were asked about before QuickBooks was read ----------------------------------------


def make_blind(simulation: Simulation, entry_id: str) -> None:
    """1.0 asked about it before the company was connected."""
    unread = ("snapshot", "realm_id", "company_name", "vendor_id", "vendor_name", "vendor_how")
    plan = ITEMS[entry_id]["preflight"] | dict.fromkeys((*unread, "payable_id"), "")
    plan |= {"accounts": {}, "tax_codes": {}, "warnings": []}
    rewrite(simulation, entry_id, preflight=plan)
    simulation.world.table.write_note("watermark#odoo", {"asked_before_quickbooks_was_read": True})


@apart
@pytest.mark.parametrize("entry_id", [SAME, OTHER, SAME_GB])
def test_who_was_asked_before_quickbooks_was_read_is_asked_once_more(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    make_blind(simulation, entry_id)
    simulation.hourly()
    simulation.settle()
    simulation.daily()
    simulation.settle()
    assert changes(simulation, entry_id) == [
        "QuickBooks has been read since. Check where the bill will be posted."
    ]
    assert len(simulation.cards(entry_id)) == 2
    simulation.decide(entry_id, "approve_invoice")
    assert (status(simulation, entry_id), len(documents(simulation, entry_id))) == ("POSTED", 1)


@apart
@pytest.mark.parametrize("entry_id", [APPROVED, APPROVED_GB])
def test_what_was_approved_before_quickbooks_was_read_is_posted(
    simulation: Simulation, entry_id: str
) -> None:
    only(simulation, entry_id)
    make_blind(simulation, entry_id)
    simulation.settle()
    ends_posted_once(simulation, entry_id)


@apart
def test_what_was_approved_before_quickbooks_was_read_asks_again_if_it_is_posted_otherwise(
    simulation: Simulation,
) -> None:
    only(simulation, APPROVED_OTHER)
    make_blind(simulation, APPROVED_OTHER)
    simulation.settle()
    is_asked_again(simulation, APPROVED_OTHER)
    _, *booked, _ = changes(simulation, APPROVED_OTHER)
    assert booked == [
        "Purchase of Equipments: 19.80 USD (was 19.79 USD).",
        "Rent: 19.79 USD (was 19.80 USD).",
    ]


# -- QuickBooks or the settings are no longer the same ---------------------------------------------


@apart
def test_closed_books_are_no_reason_to_ask_again(simulation: Simulation) -> None:
    only(simulation, SAME, APPROVED)
    simulation.world.quickbooks.realms[
        "9130350000000101"
    ].book_close_date = simulation.clock.now.date()
    simulation.hourly()
    simulation.quarter()
    simulation.quarter()
    simulation.flow()
    item = simulation.world.item(SAME)
    assert (item["status"], item["form"], len(simulation.cards(SAME))) == (
        "READY_FOR_APPROVAL",
        2,
        1,
    )
    assert status(simulation, APPROVED) == "POST_FAILED"
    assert "The books are closed" in simulation.world.item(APPROVED)["error"]["message"]


@apart
def test_another_mapping_is_named_as_what_it_is(simulation: Simulation) -> None:
    only(simulation, SAME)
    configure(simulation, "cascade", accounts={"611000": "Rent"})
    simulation.settle()
    assert changes(simulation, SAME) == ["The account for 611000 is now Rent."]
    assert len(simulation.cards(SAME)) == 2


@apart
def test_a_bill_of_a_company_that_is_gone_fails_and_says_so(simulation: Simulation) -> None:
    only(simulation, APPROVED)
    table = simulation.world.table
    table.write_note("settings", {"companies": "{}"})
    simulation.world.restart()
    deliver(simulation, APPROVED)
    assert "no longer configured" in simulation.world.item(APPROVED)["error"]["message"]
