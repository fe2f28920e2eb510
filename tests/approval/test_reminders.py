"""Reminders: due after hours of waiting, not at night, sent once, and not after the decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.approval.reminders import due_notices, keep_notices, outside_quiet_hours, remind
from odoo_qb.bill.history import history_entry
from odoo_qb.bill.notices import is_escalated, notices_of, pending, waiting_since
from odoo_qb.company import companies
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import APPROVER, CHANNEL
from tests.support import stored_bills
from tests.support.builders import NOW, a_bill, a_company, an_item
from tests.support.stored_bills import SECOND, a_stored, amended, an_asked, card, replies, words

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from sandbox.in_process.chain import World

COMPANY = a_company(reminder_hours=24, escalation_hours=48, approvers=(APPROVER,))


def after(hours: float) -> datetime:
    """So long after the bill was asked about."""
    return NOW + timedelta(hours=hours)


def kinds(item: Item, company: Company, hours: float) -> list[str]:
    return [str(n["kind"]) for n in due_notices(item, company, after(hours))]


def sent(kind: str, hours: float) -> dict[str, str]:
    return {"kind": kind, "due_at": stamp(after(hours)), "ts": "1.0"}


@pytest.mark.parametrize(
    ("hours", "due"),
    [(23.9, []), (24, ["reminder"]), (47.9, ["reminder"]), (48, ["reminder", "escalation"])],
)
def test_a_bill_that_waits_is_brought_up_again(hours: float, due: list[str]) -> None:
    assert kinds(an_item(), COMPANY, hours) == due


def test_reminders_go_on_and_the_second_list_is_called_once() -> None:
    item = an_item(notices=[sent("reminder", 24), sent("reminder", 48), sent("escalation", 48)])
    assert kinds(item, COMPANY, 71) == []
    assert kinds(item, COMPANY, 72) == ["reminder"]
    assert kinds(item, COMPANY, 720) == ["reminder"]  # one, however long nobody looked after it


def test_what_is_owed_already_is_not_owed_twice() -> None:
    item = an_item(notices=[{**sent("reminder", 24), "ts": ""}])
    assert kinds(item, a_company(reminder_hours=24), 100) == []


def test_a_company_that_wants_none_gets_none() -> None:
    assert kinds(an_item(), a_company(), 10_000) == []


def test_nobody_is_reminded_of_a_bill_that_does_not_wait() -> None:
    item = an_item()
    decided = history_entry(item["history"], NOW, APPROVER, "READY", "APPROVED", item["digest"])
    item["history"] = [*item["history"], decided]
    assert waiting_since(item) == ""
    assert kinds(item, COMPANY, 100) == []


def test_an_amendment_begins_the_wait_anew_and_another_look_at_it_does_not() -> None:
    item = an_item()
    for hours, digest in ((10, item["digest"]), (20, "new"), (30, "new")):
        item["history"] = [
            *item["history"],
            history_entry(item["history"], after(hours), "x", "", "READY_FOR_APPROVAL", digest),
        ]
    item["digest"] = "new"
    item["notices"] = [sent("reminder", 15), {**sent("reminder", 16), "ts": ""}]
    assert waiting_since(item) == stamp(after(20))
    assert pending(item) == []  # the one of the wait before is not sent any more
    assert kinds(item, COMPANY, 43.9) == []
    assert kinds(item, COMPANY, 44) == ["reminder"]


@pytest.mark.parametrize(
    ("zone", "quiet", "at", "end"),
    [
        ("UTC", "18:00-08:00", "2026-11-21T17:59", "2026-11-21T17:59"),
        ("UTC", "18:00-08:00", "2026-11-21T18:00", "2026-11-22T08:00"),
        ("UTC", "18:00-08:00", "2026-11-21T07:59", "2026-11-21T08:00"),
        ("UTC", "12:00-13:30", "2026-11-21T12:15", "2026-11-21T13:30"),
        ("America/Los_Angeles", "18:00-08:00", "2026-11-21T03:00", "2026-11-21T16:00"),
        ("America/Los_Angeles", "18:00-08:00", "2026-07-21T03:00", "2026-07-21T15:00"),
        ("Mars/Base", "18:00-08:00", "2026-11-21T19:00", "2026-11-22T08:00"),
        ("UTC", "always", "2026-11-21T19:00", "2026-11-21T19:00"),
        ("UTC", "", "2026-11-21T03:00", "2026-11-21T03:00"),
    ],
)
def test_quiet_hours_are_the_companys_own(zone: str, quiet: str, at: str, end: str) -> None:
    company = a_company(time_zone=zone, quiet_hours=quiet)
    woken = outside_quiet_hours(datetime.fromisoformat(at).replace(tzinfo=UTC), company)
    assert woken == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_nobody_is_reminded_at_night() -> None:
    company = a_company(reminder_hours=12, quiet_hours="20:00-08:00")
    assert kinds(an_item(), company, 12.5) == []  # 22:00
    assert kinds(an_item(), company, 22) == []  # 07:30
    assert kinds(an_item(), company, 22.5) == ["reminder"]


def test_the_settings_of_a_company_say_when() -> None:
    raw = '{"north": {"reminder_hours": 24, "escalation_hours": 48.5, "time_zone": "Asia/Tokyo"}}'
    company = companies(raw)["north"]
    assert (company.reminder_hours, company.escalation_hours) == (24, 48.5)
    assert (company.time_zone, company.quiet_hours) == ("Asia/Tokyo", "")


# -- in Slack ------------------------------------------------------------------------------


def company_of(world: World, **given: Any) -> Company:
    stored_bills.settings(world, **given)
    return companies(str(world.table.read_note("settings")["companies"]))[stored_bills.COMPANY]


def long_asked(world: World) -> str:
    """A bill that was asked about 25 hours ago; its card is in Slack."""
    asked_at = datetime.now(UTC) - timedelta(hours=25)
    digest = a_bill(company=stored_bills.COMPANY).digest()
    first = history_entry([], asked_at, "extractor", "", "READY_FOR_APPROVAL", digest)
    return an_asked(world, history=[first])


def owe(world: World, entry_id: str, company: Company) -> bool:
    """What the sweep does with a bill that waits."""
    return remind(world.table, world.item(entry_id), company, datetime.now(UTC))


def reminded(world: World, entry_id: str, company: Company) -> None:
    """The sweep makes it due, the notifier sends it."""
    assert owe(world, entry_id, company)
    assert world.show() == {"batchItemFailures": []}


def test_a_reminder_calls_the_approvers_in_the_cards_thread(world: World) -> None:
    company = company_of(world, approvers=["S-APPROVERS", "U-GUEST"], reminder_hours=24)
    entry_id = long_asked(world)
    version = world.item(entry_id)["version"]
    reminded(world, entry_id, company)
    [reply] = replies(world, entry_id)
    assert reply.text.startswith(f"<@{APPROVER}> <@{SECOND}> Still awaiting approval: Bill")
    assert "is awaiting a decision" in words(reply)
    item = world.item(entry_id)
    assert [n["ts"] for n in notices_of(item)] == [reply.ts]
    assert item["version"] == version  # it is no change of the bill
    world.show()
    assert len(replies(world, entry_id)) == 1


def test_where_the_whole_channel_may_decide_the_reminder_stands_in_the_channel(
    world: World,
) -> None:
    company = company_of(world, reminder_hours=24)
    reminded(world, long_asked(world), company)
    posted = world.slack.requests[-1]["arguments"]
    assert posted["reply_broadcast"] is True
    assert "<@" not in posted["text"]


def test_an_escalation_calls_the_second_list_which_may_then_decide(world: World) -> None:
    company = company_of(
        world,
        approvers=[APPROVER],
        escalation_hours=24,
        escalation_approvers=["S-CONTROLLERS"],
    )
    entry_id = long_asked(world)
    world.click(entry_id, "approve_invoice", "U-CONTROLLER")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    reminded(world, entry_id, company)
    assert is_escalated(world.item(entry_id))
    [reply] = replies(world, entry_id)
    assert reply.text.startswith("<@U-CONTROLLER> Still awaiting approval")
    world.click(entry_id, "approve_invoice", "U-CONTROLLER")
    assert world.item(entry_id)["decided_by"] == "U-CONTROLLER"


def test_whoever_was_called_and_approved_has_to_do_with_what_comes_of_it(world: World) -> None:
    second = {"escalation_hours": 24, "escalation_approvers": ["S-CONTROLLERS"]}
    company = company_of(world, approvers=[APPROVER], **second)
    entry_id = long_asked(world)
    reminded(world, entry_id, company)
    world.click(entry_id, "approve_invoice", "U-CONTROLLER")
    world.show()
    for action_id, said in (("view_pdf", "<https://"), ("take_back", "Taken back.")):
        world.click(entry_id, action_id, "U-CONTROLLER")
        assert stored_bills.told(world, "U-CONTROLLER")[-1].startswith(said)
    world.show()
    world.click(entry_id, "approve_invoice", "U-CONTROLLER")
    stored_bills.failed(world, entry_id)
    world.click(entry_id, "close_invoice", "U-CONTROLLER")
    assert world.item(entry_id)["status"] == "ACKNOWLEDGED"
    amended_id = long_asked(world)
    reminded(world, amended_id, company)
    amended(world, amended_id)
    assert not is_escalated(world.item(amended_id))


def test_who_has_approved_already_is_not_called_again(world: World) -> None:
    company = company_of(
        world, approvers=[APPROVER, SECOND], reminder_hours=24, two_approvals_above=100
    )
    entry_id = long_asked(world)
    world.click(entry_id, "approve_invoice")
    world.show()
    reminded(world, entry_id, company)
    [reply] = replies(world, entry_id)
    assert reply.text.startswith(f"<@{SECOND}> Still")
    assert f"was approved by <@{APPROVER}> and needs a second approver" in words(reply)


def test_a_bill_decided_in_time_is_not_brought_up(world: World) -> None:
    company = company_of(world, approvers=[APPROVER], reminder_hours=24)
    entry_id = long_asked(world)
    assert owe(world, entry_id, company)
    world.click(entry_id, "approve_invoice")
    world.show()
    assert replies(world, entry_id) == []
    world.click(entry_id, "take_back")  # a new wait
    world.show()
    assert replies(world, entry_id) == []


def test_a_reminder_whose_post_failed_is_sent_with_the_next_delivery(world: World) -> None:
    company = company_of(world, approvers=[APPROVER], reminder_hours=24)
    entry_id = long_asked(world)
    world.slack.fail("http_500", method="chat.postMessage")
    assert owe(world, entry_id, company)
    assert world.show() != {"batchItemFailures": []}
    assert replies(world, entry_id) == []
    assert not owe(world, entry_id, company)
    world.table.write_note(entry_id, {"card_due": world.item(entry_id)["version"]})
    world.show()
    assert len(replies(world, entry_id)) == 1


@pytest.mark.parametrize("what", ["the bill", "its notices"])
def test_a_bill_that_changed_meanwhile_is_left_to_the_next_sweep(world: World, what: str) -> None:
    company = a_company(key=stored_bills.COMPANY, reminder_hours=24)
    entry_id = a_stored(world)
    read = world.item(entry_id)
    if what == "the bill":
        amended(world, entry_id)
    else:
        assert keep_notices(world.table, read, [sent("rejected", 0)])
    before = world.item(entry_id)
    assert not remind(world.table, read, company, after(25))
    assert world.item(entry_id) == before


def test_reminding_twice_at_once_owes_one(world: World) -> None:
    company = a_company(key=stored_bills.COMPANY, reminder_hours=24)
    entry_id = a_stored(world)
    read = world.item(entry_id)
    assert remind(world.table, read, company, after(25))
    assert not remind(world.table, read, company, after(25))
    assert len(notices_of(world.item(entry_id))) == 1


def test_a_reminder_about_a_deleted_card_stands_in_the_channel(world: World) -> None:
    company = company_of(world, approvers=[APPROVER], reminder_hours=24)
    entry_id = long_asked(world)
    world.slack.channels[CHANNEL].messages.clear()
    reminded(world, entry_id, company)
    assert len(replies(world, entry_id)) == 1
    assert card(world, entry_id)  # it is asked about again, and the thread is that card's


def test_a_bill_without_a_vendor_is_reminded_of_like_any_other() -> None:
    assert kinds(an_item(a_bill(vendor=None)), COMPANY, 24) == ["reminder"]
