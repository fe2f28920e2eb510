"""Who may decide what: every status and button, two approvers, nobody's own bill, no guests."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from odoo_qb.approval import approvers
from odoo_qb.approval.policy import RULES, needs_two, objection, rule_for, standing
from odoo_qb.bill.status import Status
from odoo_qb.cards.card import approval_card
from odoo_qb.company import companies
from odoo_qb.errors import Refused
from odoo_qb.slack.client import SlackClient
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import APPROVER, CHANNEL
from sandbox.slack.payloads import Person
from tests.support import stored_bills
from tests.support.builders import a_bill, a_company, an_item
from tests.support.stored_bills import SECOND, amended, an_asked, buttons, card, told, words

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World

LIMITED: Final = a_company(two_approvals_above=Decimal(100))
STATUSES: Final = get_args(Status)
# What each button does in each status; everything else is answered with how the bill stands.
COUNTS: Final = {
    ("READY_FOR_APPROVAL", "approve_invoice"): "APPROVED",
    ("READY_FOR_APPROVAL", "reject_invoice"): "REJECTED",
    ("READY_FOR_APPROVAL", "acknowledge_intercompany"): "ACKNOWLEDGED",
    ("APPROVED", "take_back"): "READY_FOR_APPROVAL",
    ("REJECTED", "reopen_invoice"): "READY_FOR_APPROVAL",
    ("POST_FAILED", "retry_posting"): "APPROVED",
    ("POST_FAILED", "link_existing"): "POST_FAILED",
    ("POST_FAILED", "close_invoice"): "ACKNOWLEDGED",
    ("POSTED", "attach_files"): "POSTED",
    ("ALREADY_IN_QB", "attach_files"): "ALREADY_IN_QB",
}
ADDED: Final = {"name": "scan.pdf", "sha256": "cd" * 32}


def approved(item: Item, *people: str, digest: str = "") -> Item:
    """The item with these people's approvals of its content."""
    given = [{"by": p, "at": "", "digest": digest or item["digest"]} for p in people]
    return {**item, "approvals": given}


def said(item: Item, person: str = APPROVER, email: str = "", **company: Any) -> str:
    return objection("approve_invoice", item, a_company(**company), person, email)


@pytest.mark.parametrize(("status", "action_id"), list(product(STATUSES, RULES)))
def test_every_button_in_every_status_counts_or_is_answered(status: Any, action_id: str) -> None:
    nothing = "Zero." if action_id == "acknowledge_intercompany" else ""
    item = an_item(status=status, nothing_to_post=nothing, added_files=[ADDED])
    answer = objection(action_id, item, a_company(), APPROVER, "")
    if (status, action_id) in COUNTS:
        assert answer == ""
        assert rule_for(action_id, item, a_company()).after == COUNTS[status, action_id]
    else:
        assert answer == standing(item)
        assert answer.endswith(".")


def test_no_status_that_a_person_can_leave_lacks_a_button() -> None:
    more: dict[str, Any] = {
        "error": {"message": "No."},
        "rejection_reason": "No.",
        "decided_by": APPROVER,
    }
    for status in ("READY_FOR_APPROVAL", "APPROVED", "REJECTED", "POST_FAILED"):
        blocks = approval_card(an_item(status=status, **more)).blocks
        actions = {e["action_id"] for b in blocks for e in b.get("elements", ()) if "value" in e}
        known = {a for s, a in COUNTS if s == status} - {"acknowledge_intercompany"}
        assert known <= actions, status


def test_whoever_comes_too_late_reads_all_who_approved() -> None:
    item = approved(an_item(status="POSTED", decided_by=SECOND), APPROVER, SECOND)
    who = f"<@{APPROVER}> and <@{SECOND}>"
    assert standing(item) == f"Already approved by {who} and posted to QuickBooks."


@pytest.mark.parametrize(
    ("total", "limit", "two"),
    [
        ("100.01", "100", True),
        ("100.00", "100", False),
        ("0.01", "0", True),
        ("1000000", None, False),
    ],
)
def test_two_must_approve_above_the_limit(total: str, limit: str | None, two: bool) -> None:
    company = a_company(two_approvals_above=Decimal(limit) if limit else None)
    assert needs_two(an_item(company_total=Decimal(total)), company) == two


def test_the_limit_is_in_the_companys_own_currency() -> None:
    yen = replace(a_bill(), currency="JPY", company_total=Decimal("99.99"))
    assert not needs_two(an_item(replace(yen, amount_total=Decimal(15_000))), LIMITED)


def test_the_limit_comes_from_the_settings_as_an_exact_number() -> None:
    read = companies('{"a": {"two_approvals_above": 5000.10}, "b": {"two_approvals_above": 0}}')
    assert read["a"].two_approvals_above == Decimal("5000.10")
    assert read["b"].two_approvals_above == 0
    assert companies('{"a": {}}')["a"].two_approvals_above is None


def test_the_first_of_two_approvals_does_not_approve() -> None:
    item = an_item()
    assert rule_for("approve_invoice", item, LIMITED).after == "READY_FOR_APPROVAL"
    assert rule_for("approve_invoice", approved(item, SECOND), LIMITED).after == "APPROVED"
    stale = approved(item, SECOND, digest="0" * 64)
    assert rule_for("approve_invoice", stale, LIMITED).after == "READY_FOR_APPROVAL"
    assert rule_for("reject_invoice", item, LIMITED).after == "REJECTED"


def test_the_same_person_does_not_approve_twice() -> None:
    item = approved(an_item(), APPROVER)
    assert (
        said(item) == "You've already approved this bill. A second approver must also approve it."
    )
    assert said(item, SECOND) == ""


@pytest.mark.parametrize(
    ("entered_by", "email", "own"),
    [
        ("ada@example.com", "ada@example.com", True),
        ("Ada@Example.com ", "ada@example.COM", True),
        ("cleo@example.com", "ada@example.com", False),
        ("", "", False),
        ("", "ada@example.com", False),
        ("ada@example.com", "", False),
    ],
)
def test_nobody_alone_approves_a_bill_they_entered(entered_by: str, email: str, own: bool) -> None:
    item = an_item(entered_by_email=entered_by)
    assert bool(said(item, email=email)) == own
    # With a second approver they are not the only one.
    assert said(item, email=email, two_approvals_above=Decimal(100)) == ""


def test_a_bill_that_changed_in_odoo_is_not_tried_again_as_it_was() -> None:
    item = an_item(status="POST_FAILED", amended_after="abc")
    assert objection("retry_posting", item, a_company(), APPROVER, "") == (
        "This bill was changed in Odoo after it was approved. Approval will be requested"
        " again shortly for the new version. The old version won't be posted."
    )
    assert objection("close_invoice", item, a_company(), APPROVER, "") == ""
    item["amended_after"] = ""
    assert objection("retry_posting", item, a_company(), APPROVER, "") == ""


def test_who_entered_a_bill_may_reject_or_acknowledge_it() -> None:
    item = an_item(entered_by_email="ada@example.com", nothing_to_post="Zero.")
    for action_id in ("reject_invoice", "acknowledge_intercompany"):
        assert objection(action_id, item, a_company(), APPROVER, "ada@example.com") == ""


# -- with Slack and the table --------------------------------------------------------------


def test_two_different_people_approve_a_large_bill(world: World) -> None:
    stored_bills.settings(world, approvers=[APPROVER, SECOND], two_approvals_above=100)
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.show()
    item = world.item(entry_id)
    assert item["status"] == "READY_FOR_APPROVAL"
    assert world.messages() == []
    assert "Approval recorded." in told(world)[-1]
    assert f"Approved by <@{APPROVER}>. A second approver must" in words(card(world, entry_id))
    assert buttons(card(world, entry_id))[0] == "approve_invoice"
    world.click(entry_id, "approve_invoice")
    assert told(world)[-1].startswith("You've already approved this bill")
    assert world.item(entry_id) == item
    world.click(entry_id, "approve_invoice", SECOND)
    world.show()
    item = world.item(entry_id)
    assert (item["status"], item["decided_by"]) == ("APPROVED", SECOND)
    assert [a["by"] for a in item["approvals"]] == [APPROVER, SECOND]
    assert f"Approved by <@{APPROVER}> and <@{SECOND}>" in words(card(world, entry_id))
    assert len(world.messages()) == 1


def test_an_amendment_voids_the_first_approval(world: World) -> None:
    stored_bills.settings(world, approvers=[APPROVER, SECOND], two_approvals_above=100)
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    amended(world, entry_id)
    world.show()
    world.click(entry_id, "approve_invoice", SECOND)
    item = world.item(entry_id)
    assert item["status"] == "READY_FOR_APPROVAL"
    assert [a["by"] for a in item["approvals"]] == [SECOND]


def test_taking_back_voids_both_approvals(world: World) -> None:
    stored_bills.settings(world, approvers=[APPROVER, SECOND], two_approvals_above=100)
    entry_id = an_asked(world)
    for person in (APPROVER, SECOND):
        world.click(entry_id, "approve_invoice", person)
    world.show()
    world.click(entry_id, "take_back")
    world.show()
    world.click(entry_id, "approve_invoice", SECOND)
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


@pytest.mark.parametrize("people", [(APPROVER, SECOND), (APPROVER, APPROVER)])
def test_two_approvals_at_the_same_instant_count_for_two_people_only(
    world: World, people: tuple[str, str]
) -> None:
    stored_bills.settings(world, approvers=[APPROVER, SECOND], two_approvals_above=100)
    entry_id = an_asked(world)
    shown = world.item(entry_id)["cards"][-1]
    requests = [
        world.slack.click(p, shown["channel"], shown["ts"], "approve_invoice") for p in people
    ]
    start = threading.Barrier(2)

    def send(request: Any) -> int:
        start.wait()
        return int(world.request(request)["statusCode"])

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, requests)) == [200, 200]
    item = world.item(entry_id)
    assert sorted(a["by"] for a in item["approvals"]) == sorted(set(people))
    assert item["status"] == ("APPROVED" if len(set(people)) > 1 else "READY_FOR_APPROVAL")
    assert len(world.messages()) == (len(set(people)) > 1)


def test_the_clerks_own_bill_needs_somebody_else(world: World) -> None:
    entry_id = an_asked(world, entered_by_email="admin@example.com")
    world.click(entry_id, "approve_invoice", "U-CLERK")
    assert told(world, "U-CLERK") == [
        "You entered or edited this bill in Odoo. Someone else must approve it."
    ]
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["decided_by"] == APPROVER


@pytest.mark.parametrize("source", ["U-CLERK", "S-CLERKS"])
def test_however_the_clerk_is_named_as_an_approver(world: World, source: str) -> None:
    group = world.slack.groups["S-APPROVERS"]
    world.slack.groups["S-CLERKS"] = replace(group, id="S-CLERKS", users=("U-CLERK",))
    stored_bills.settings(world, approvers=[source])
    entry_id = an_asked(world, entered_by_email="admin@example.com")
    world.click(entry_id, "approve_invoice", "U-CLERK")
    assert told(world, "U-CLERK")[0].startswith("You entered or edited this bill")


def test_odoo_says_who_entered_a_bill_and_by_which_address(world: World) -> None:
    world.extract()
    entered = {i["entered_by"]: i["entered_by_email"] for i in world.items().values()}
    assert entered["Ana Ruiz"] == "ana.ruiz@example.com"
    assert set(entered) == {"Administrator", "Ana Ruiz", "Ben Okafor", "Chloe Marsh"}


def test_an_odoo_user_that_may_not_see_addresses_stops_no_bill(world: World) -> None:
    world.odoo.fail("no_right", method="res.users.read", times=9)
    world.extract()
    assert len(world.items()) == 98
    assert {i["entered_by_email"] for i in world.items().values()} == {""}
    assert world.odoo.calls.count("res.users.read") == 1


def test_without_the_scope_for_addresses_the_clerk_is_not_known_as_such(world: World) -> None:
    world.slack.scopes.remove("users:read.email")
    entry_id = an_asked(world, entered_by_email="admin@example.com")
    world.click(entry_id, "approve_invoice", "U-CLERK")
    assert world.item(entry_id)["status"] == "APPROVED"


@pytest.mark.parametrize("person", ["U-GUEST", "U-STRANGER"])
@pytest.mark.parametrize("named", [True, False])
def test_guests_and_people_of_other_workspaces_never_decide(
    world: World, person: str, named: bool
) -> None:
    stored_bills.settings(world, approvers=[person] if named else [])
    entry_id = an_asked(world)
    for action_id in ("approve_invoice", "reject_invoice", "view_pdf"):
        world.click(entry_id, action_id, person)
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert len(told(world, person)) == 3
    assert world.slack.views == {}


def test_somebody_named_by_id_decides_once_slack_said_that_they_are_no_guest(world: World) -> None:
    stored_bills.settings(world, approvers=[APPROVER])
    world.slack.fail("error", method="users.info", error="internal_error", times=9)
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    assert "haven't confirmed that you can approve" in told(world)[-1]
    world.slack.fail("error", method="users.info", times=0)
    world.table.write_note(f"approvers#{APPROVER}", {"at": stamp(stored_bills.an_hour_ago())})
    world.show()
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


def test_the_clerks_own_bill_is_known_by_any_list_that_has_their_address(world: World) -> None:
    stored_bills.settings(world, approvers=[APPROVER, "S-CONTROLLERS"])
    entry_id = an_asked(world, entered_by_email="ada@example.com")
    now = datetime.now(UTC)
    world.table.write_note(f"approvers#{APPROVER}", {"people": {APPROVER: ""}, "at": stamp(now)})
    people = {APPROVER: "ada@example.com"}
    world.table.write_note("approvers#S-CONTROLLERS", {"people": people, "at": stamp(now)})
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_user_group_that_is_gone_locks_nobody_else_out_and_the_operator_is_told(
    world: World,
) -> None:
    stored_bills.settings(world, approvers=["S-GONE", APPROVER, "S-CONTROLLERS"])
    entry_id = an_asked(world)
    known = companies(str(world.table.read_note("settings")["companies"]))
    [line] = approvers.troubles(world.table, known.values())
    assert line == (
        "1MD, approver S-GONE: Slack has no such user group. Check the approvers in"
        " company_settings."
    )
    an_asked(world)
    assert world.slack.calls["usergroups.users.list"] == 2  # not again at each card
    world.click(entry_id, "approve_invoice", SECOND)  # who is no approver, and told so
    assert told(world, SECOND)[-1].startswith("You aren't an approver for 1MD.")
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


def a_crowd(world: World, size: int) -> list[str]:
    """So many colleagues in the channel."""
    crowd = [f"U{n:04}" for n in range(size)]
    for person in crowd:
        world.slack.people[person] = Person(
            id=person, name=f"P {person}", email=f"{person}@x.example"
        )
    world.slack.channels[CHANNEL].members |= set(crowd)
    return crowd


def read_again(world: World, entry_id: str, ago: timedelta) -> None:
    """The next card of a bill is shown so long after the channel was read."""
    at = stamp(datetime.now(UTC) - ago)
    world.table.write_note(f"approvers#{CHANNEL}", {"at": at})
    world.table.write_note(entry_id, {"card_due": world.item(entry_id)["version"]})
    assert world.show() == {"batchItemFailures": []}


def test_in_a_crowded_channel_whoever_clicks_is_looked_up_first(world: World) -> None:
    crowd = a_crowd(world, 250)
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice", crowd[-1])
    assert told(world, crowd[-1])[-1].endswith("If you can, try again in a minute.")
    read_again(world, entry_id, timedelta(minutes=1))
    world.click(entry_id, "approve_invoice", crowd[-1])
    assert world.item(entry_id)["decided_by"] == crowd[-1]


def test_a_crowd_is_renewed_little_by_little_and_nobody_is_forgotten(world: World) -> None:
    crowd = a_crowd(world, 150)
    entry_id = an_asked(world)
    note_id = f"approvers#{CHANNEL}"
    read_again(world, entry_id, timedelta(minutes=1))
    assert world.table.read_note(note_id)["unread"] == []
    began = stamp(datetime.now(UTC) - approvers.RENEWED_AFTER)
    world.table.write_note(note_id, {"looked_up_at": began})
    world.slack.people[crowd[0]] = replace(world.slack.people[crowd[0]], is_restricted=True)
    for left in (58, 0):  # of 158 in the channel
        world.slack.calls.clear()
        read_again(world, entry_id, timedelta(minutes=1))
        note = world.table.read_note(note_id)
        assert len(note["unread"]) == left
        assert set(crowd[1:]) <= set(note["people"])
        assert world.slack.calls["users.info"] <= 100
        assert approvers.need_refresh(world.table, [CHANNEL], datetime.now(UTC)) == bool(left)
    assert crowd[0] in note["others"]


def test_looking_people_up_leaves_the_card_its_time(world: World) -> None:
    a_crowd(world, 30)
    left = iter(range(60, 0, -1))
    slack = SlackClient("xoxb-sandbox", f"{world.slack.public_url}/api/")
    approvers.refresh(world.table, slack, [CHANNEL], datetime.now(UTC), lambda: next(left) > 50)
    note = world.table.read_note(f"approvers#{CHANNEL}")
    assert 0 < world.slack.calls["users.info"] < 10
    assert len(note["unread"]) == 38 - world.slack.calls["users.info"]


def test_a_channel_of_thousands_is_no_list_of_approvers(world: World) -> None:
    world.slack.channels[CHANNEL].members |= {f"U{n}" for n in range(2000)}
    entry_id = an_asked(world)
    note = world.table.read_note(f"approvers#{CHANNEL}")
    assert "Name the approvers" in note["trouble"]
    assert world.slack.calls["users.info"] == 0
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


@pytest.mark.parametrize("named", ["S-APPROVERS", "U-GUEST"])
def test_who_is_no_approver_is_told_so_however_often_they_come_back(
    world: World, named: str
) -> None:
    stored_bills.settings(world, approvers=[named, APPROVER])
    person = "U-CONTROLLER" if named.startswith("S") else named
    entry_id = an_asked(world)
    for minutes in (1, 2, 3):
        at = stamp(datetime.now(UTC) - timedelta(minutes=minutes))
        world.table.write_note(f"approvers#{named}", {"at": at})
        world.click(entry_id, "approve_invoice", person)
        assert told(world, person)[-1].startswith("You aren't an approver for 1MD.")
        assert world.show() == {"batchItemFailures": []}


def test_who_was_just_made_an_approver_is_looked_up_by_their_click(world: World) -> None:
    stored_bills.settings(world, approvers=["S-CONTROLLERS"])
    entry_id = an_asked(world)
    group = world.slack.groups["S-CONTROLLERS"]
    world.slack.groups[group.id] = replace(group, users=(SECOND,))
    at = stamp(datetime.now(UTC) - timedelta(minutes=2))
    world.table.write_note("approvers#S-CONTROLLERS", {"at": at})
    world.click(entry_id, "approve_invoice", SECOND)
    assert told(world, SECOND)[-1].endswith("If you were just added, try again in a minute.")
    world.show()
    world.click(entry_id, "approve_invoice", SECOND)
    assert world.item(entry_id)["decided_by"] == SECOND


def test_only_a_stand_in_for_slack_may_lack_a_method() -> None:
    for code, url, lacks in (
        ("unknown_method", "http://127.0.0.1:9/api/", True),
        ("HTTP status 404", "https://proxy.example/api/", True),
        ("HTTP status 404", "https://slack.com/api/", False),
        ("unknown_method", "https://SLACK.com:443/api/", False),
        ("missing_scope", "http://127.0.0.1:9/api/", False),
    ):
        assert SlackClient("xoxb-sandbox", url).lacks(Refused("No.", code=code)) == lacks, (
            code,
            url,
        )


def test_the_list_of_the_channel_is_kept_fresh_over_a_weekend(world: World) -> None:
    entry_id = an_asked(world)
    old = datetime.now(UTC) - approvers.RENEWED_AFTER
    world.table.write_note(f"approvers#{CHANNEL}", {"at": stamp(old)})
    world.extract()
    assert "card_due" in world.item(entry_id)


def test_lists_grow_old_and_a_bill_that_waits_wakes_who_reads_them(world: World) -> None:
    entry_id = an_asked(world)
    ids = approvers.sources(a_company(), CHANNEL)
    read_at = world.table.read_note(f"approvers#{CHANNEL}")["at"]
    now = stored_bills.an_hour_ago()
    assert not approvers.need_refresh(world.table, ids, now)
    world.table.write_note(f"approvers#{CHANNEL}", {"at": stamp(now - approvers.RENEWED_AFTER)})
    assert approvers.need_refresh(world.table, ids, now)
    approvers.wake(world.table, world.item(entry_id))
    assert world.show() == {"batchItemFailures": []}
    assert world.table.read_note(f"approvers#{CHANNEL}")["at"] >= read_at
    assert not approvers.need_refresh(world.table, ids, now)
