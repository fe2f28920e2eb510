"""Slack made to match the table: nothing lost, nothing twice, nobody kept waiting by another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import notifier
from odoo_qb.approval.publisher import CardPublisher
from odoo_qb.errors import Throttled, Unavailable
from odoo_qb.slack.client import SlackClient
from odoo_qb.store.vendor_notes import note_id_of
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import CHANNEL, Context, World
from tests.support import stored_bills
from tests.support.builders import a_company
from tests.support.racing_table import Race, racing
from tests.support.stored_bills import (
    a_stored,
    amended,
    an_asked,
    buttons,
    card,
    failed,
    replies,
    words,
)

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item

Json = dict[str, Any]


class Rushed(Context):
    """A run that has so many seconds left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def records(*entry_ids: str) -> Json:
    """What the stream delivers when these bills changed, in that order."""
    return {
        "Records": [
            {"dynamodb": {"Keys": {"entry_id": {"S": i}}, "SequenceNumber": str(n)}}
            for n, i in enumerate(entry_ids)
        ]
    }


def delivered(*entry_ids: str, seconds: float = 60.0) -> list[str]:
    """The sequence numbers answered back for these records."""
    answer = notifier.lambda_handler(records(*entry_ids), Rushed(seconds))
    return [f["itemIdentifier"] for f in answer["batchItemFailures"]]


def a_notifier(world: World, **given: Any) -> CardPublisher:
    """A notifier whose time passes only when told."""
    defaults: Json = {
        "table": world.table,
        "slack": SlackClient("xoxb-sandbox", f"{world.slack.public_url}/api/"),
        "companies": {stored_bills.COMPANY: a_company(key=stored_bills.COMPANY)},
        "channel": CHANNEL,
        "rejection_notify_users": (),
        "pause": lambda _: None,
        "sleep": lambda _: None,
        "clock": lambda: datetime.now(UTC),
    }
    return CardPublisher(**defaults | given)


def posts(world: World) -> int:
    return world.slack.calls["chat.postMessage"]


def test_a_new_bill_gets_one_card_and_its_changes_update_it(world: World) -> None:
    entry_id = an_asked(world)
    assert posts(world) == 1
    assert "card_due" not in world.item(entry_id)
    world.click(entry_id, "approve_invoice")
    world.show()
    assert posts(world) == 1
    assert "Approved by" in words(card(world, entry_id))
    assert len(world.item(entry_id)["cards"]) == 1
    message = card(world, entry_id)
    assert message.metadata == {
        "event_type": "bill",
        "event_payload": {"entry_id": entry_id, "digest": world.item(entry_id)["digest"]},
    }


def test_showing_changes_nothing_of_the_bill_and_never_wakes_itself(world: World) -> None:
    entry_id = a_stored(world)
    before = world.item(entry_id)
    world.aws.calls.clear()
    world.show()
    after = world.item(entry_id)
    assert {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)} == {
        "card_due",
        "cards",
    }
    writes = [a for o, a in world.aws.calls if o == "UpdateItem" and entry_id in str(a)]
    assert len(writes) == 1
    assert "REMOVE #card_due" in writes[0]["UpdateExpression"]


def test_records_of_a_shown_bill_cost_no_call_to_slack(world: World) -> None:
    entry_id = an_asked(world)
    world.slack.calls.clear()
    assert delivered(entry_id, entry_id, "odoo-999999") == []
    assert world.slack.calls == {}


def test_a_bill_changed_several_times_in_a_batch_is_shown_once_as_it_stands(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    stored_bills.moved(world, entry_id, "POSTING")
    world.slack.calls.clear()
    assert delivered(*[entry_id] * 5) == []
    assert world.slack.calls["chat.update"] == 1
    assert card(world, entry_id).text.startswith("Being posted")
    assert "card_due" not in world.item(entry_id)


def test_an_amendment_retires_the_old_card_and_posts_a_new_one(world: World) -> None:
    entry_id = an_asked(world)
    old = card(world, entry_id)
    item = amended(world, entry_id)
    world.show()
    cards = world.item(entry_id)["cards"]
    assert [c["retired"] for c in cards] == [True, False]
    assert cards[-1]["digest"] == item["digest"]
    retired = world.slack.channels[CHANNEL].messages[old.ts]
    assert buttons(retired) == []
    assert "changed in Odoo" in words(retired)
    assert "INV-CHANGED" in words(card(world, entry_id))
    amended(world, entry_id, bill_reference="INV-AGAIN")
    world.show()
    assert [c["retired"] for c in world.item(entry_id)["cards"]] == [True, True, False]


def test_a_bill_taken_back_is_asked_about_on_the_card_it_has(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.show()
    world.click(entry_id, "take_back")
    world.show()
    assert posts(world) == 1
    assert buttons(card(world, entry_id)) == ["approve_invoice", "reject_invoice", "view_pdf"]


def test_a_failed_posting_shows_its_remedies(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    failed(world, entry_id)
    assert buttons(card(world, entry_id)) == [
        "retry_posting",
        "link_existing",
        "close_invoice",
        "view_pdf",
    ]
    assert "QuickBooks has this number already." in words(card(world, entry_id))


def test_a_company_with_a_channel_of_its_own_is_asked_there(world: World) -> None:
    world.slack.add_channel("C-OWN", "own", {"U-BOT", "U-APPROVER"})
    stored_bills.settings(world, slack_channel_id="C-OWN")
    entry_id = an_asked(world)
    assert world.item(entry_id)["cards"][0]["channel"] == "C-OWN"
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


def test_what_a_vendor_billed_before_is_on_its_next_card(world: World) -> None:
    for _ in range(4):
        entry_id = an_asked(world)
        stored_bills.moved(world, entry_id, "APPROVED")
        stored_bills.moved(world, entry_id, "POSTING")
        document = {"type": "Bill", "id": "145", "url": "https://qbo.example/app/bill"}
        stored_bills.moved(world, entry_id, "POSTED", quickbooks=document)
        assert "Before" not in words(card(world, entry_id)) or posts(world) > 1
        world.show()
        world.show()
    note = world.table.read_note("vendor#1MD#7")
    assert note["recent"][0]["entry_id"] == entry_id
    assert len(note["recent"]) == 4
    seen = words(card(world, an_asked(world)))
    assert "Earlier bills: " + " · ".join(["108.25 USD on 2026-11-02"] * 3) in seen


def test_a_possible_duplicate_leads_to_the_card_of_the_earlier_bill(world: World) -> None:
    earlier = an_asked(world)
    entry_id = an_asked(world, duplicates=[earlier, "odoo-999999"])
    place = f"{CHANNEL}/p{card(world, earlier).ts.replace('.', '')}"
    assert f"To compare: 1. <https://slack.com/archives/{place}|card>" in words(
        card(world, entry_id)
    )


def test_a_posted_bill_costs_one_write_for_its_vendor_however_often_it_is_shown(
    world: World,
) -> None:
    entry_id = an_asked(world)
    stored_bills.moved(world, entry_id, "APPROVED")
    stored_bills.moved(world, entry_id, "POSTING")
    document = {"type": "Bill", "id": "145", "url": "https://qbo.example/app/bill"}
    stored_bills.moved(world, entry_id, "POSTED", quickbooks=document)
    world.aws.calls.clear()
    world.show()
    stored_bills.moved(world, entry_id, "POSTED")
    world.show()
    writes = [a for o, a in world.aws.calls if o == "UpdateItem" and "vendor#" in str(a["Key"])]
    assert len(writes) == 1


def test_of_two_bills_of_a_vendor_posted_at_the_same_moment_none_is_forgotten(world: World) -> None:
    """Another notifier notes its bill between this one's reading and writing."""
    entry_id = an_asked(world)
    for status in ("APPROVED", "POSTING"):
        stored_bills.moved(world, entry_id, status)
    document = {"type": "Bill", "id": "145", "url": "https://qbo.example/app/bill"}
    stored_bills.moved(world, entry_id, "POSTED", quickbooks=document)
    note_id = note_id_of(world.item(entry_id))
    others = [{"entry_id": "odoo-1"}]

    def performs(call: Any, client: Any, operation: str, arguments: Any) -> Any:
        answer = call(client, operation, arguments)
        if operation == "GetItem" and note_id in str(arguments) and others:
            values = {"recent": [others.pop()]}
            world.table.write_note(note_id, values)
        return answer

    world.aws.performs = performs
    world.show()

    noted = [bill["entry_id"] for bill in world.table.read_note(note_id)["recent"]]
    assert noted == [entry_id, "odoo-1"]


def test_a_vendor_note_that_cannot_be_read_stops_no_card(world: World) -> None:
    world.aws.refuses = lambda operation, given: (
        operation == "GetItem" and "vendor#" in str(given["Key"])
    )
    assert buttons(card(world, an_asked(world)))


def test_a_deleted_card_is_posted_again_while_it_has_to_ask(world: World) -> None:
    entry_id = an_asked(world)
    world.slack.channels[CHANNEL].messages.clear()
    world.table.change(world.item(entry_id), actor="extractor", now=datetime.now(UTC))
    assert delivered(entry_id) == []
    assert [c["retired"] for c in world.item(entry_id)["cards"]] == [True, False]
    assert buttons(card(world, entry_id))


def test_a_deleted_card_of_a_decided_bill_is_let_go(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.slack.channels[CHANNEL].messages.clear()
    assert delivered(entry_id) == []
    assert "card_due" not in world.item(entry_id)
    assert world.slack.channels[CHANNEL].messages == {}


def test_slack_asking_to_wait_is_obeyed(world: World) -> None:
    waits: list[float] = []
    entry_id = a_stored(world)
    world.slack.fail("ratelimited", method="chat.postMessage", retry_after=7, times=2)
    a_notifier(world, sleep=waits.append).show(entry_id, lambda: 60.0)
    assert waits == [7, 7]
    assert len(world.slack.channels[CHANNEL].messages) == 1


def test_a_wait_longer_than_the_run_is_left_to_the_next_one(world: World) -> None:
    entry_id = a_stored(world)
    world.slack.fail("ratelimited", method="chat.postMessage", retry_after=50)
    with pytest.raises(Throttled):
        a_notifier(world).show(entry_id, lambda: 60.0)
    assert world.item(entry_id)["card_due"] == 1


def test_each_message_waits_for_its_turn(world: World) -> None:
    pauses: list[int] = []
    asking = a_notifier(world, pause=lambda _: pauses.append(1))
    entry_id = a_stored(world)
    asking.show(entry_id, lambda: 60.0)
    amended(world, entry_id)
    asking.show(entry_id, lambda: 60.0)
    assert len(pauses) == 3  # a post; then an update and a post


def test_when_slack_is_down_the_first_unshown_record_is_answered_and_the_rest_comes_again(
    world: World,
) -> None:
    bills = [a_stored(world) for _ in range(4)]
    delivered(bills[0])
    world.slack.calls.clear()
    world.slack.fail("http_500", method="chat.postMessage", times=100)
    assert delivered(*bills) == ["1"]
    assert posts(world) == 1  # the others were not tried in vain
    world.slack.reset()
    assert delivered(*bills[1:]) == []
    assert posts(world) == 3


def test_one_refused_bill_does_not_keep_the_others_from_being_shown(world: World) -> None:
    world.slack.add_channel("C-CLOSED", "closed", {"U-APPROVER"})  # the app is not in it
    companies = {stored_bills.COMPANY: {"slack_channel_id": "C-CLOSED"}, "EssentialElements": {}}
    world.table.write_note("settings", {"companies": json.dumps(companies)})
    world.restart()
    refused, *others = [
        a_stored(world),
        *(a_stored(world, company="EssentialElements") for _ in range(3)),
    ]
    assert delivered(refused, *others) == ["0"]
    assert posts(world) == 4
    assert all("card_due" not in world.item(i) for i in others)
    assert "card_due" in world.item(refused)
    assert delivered(refused, *others) == ["0"]
    assert posts(world) == 5  # the shown ones cost a look at the table
    world.slack.channels["C-CLOSED"].members.add("U-BOT")
    assert delivered(refused, *others) == []


def test_what_there_is_no_time_for_is_answered_back(world: World) -> None:
    entry_id = a_stored(world)
    assert delivered(entry_id, seconds=5.0) == ["0"]
    assert world.slack.calls == {}


def test_a_failed_record_is_named_by_its_first_appearance(world: World) -> None:
    first, second = a_stored(world), a_stored(world)
    world.slack.fail("http_500", method="chat.postMessage", times=100)
    assert delivered(first, second, first) == ["0"]


def test_a_lost_answer_is_repeated_and_the_later_card_is_the_bills(world: World) -> None:
    entry_id = a_stored(world)
    world.slack.fail("lost", method="chat.postMessage")
    assert delivered(entry_id) == ["0"]
    assert world.item(entry_id)["card_due"] == 1
    assert delivered(entry_id) == []
    _, later = world.slack.channels[CHANNEL].messages
    assert [c["ts"] for c in world.item(entry_id)["cards"]] == [later]


def test_an_update_whose_answer_is_lost_is_harmless(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.slack.fail("lost", method="chat.update")
    assert delivered(entry_id) == ["0"]
    assert delivered(entry_id) == []
    assert len(world.slack.channels[CHANNEL].messages) == 1


def approved_meanwhile(world: World, entry_id: str) -> Item:
    return world.table.change(
        world.item(entry_id), to="APPROVED", actor="U-APPROVER", now=datetime.now(UTC)
    )


def test_a_version_newer_than_the_one_shown_is_shown_as_well(world: World) -> None:
    entry_id = a_stored(world)
    table = racing(world, Race(before_showing=lambda: approved_meanwhile(world, entry_id)))
    a_notifier(world, table=table).show(entry_id, lambda: 60.0)
    assert len(world.slack.channels[CHANNEL].messages) == 1
    assert card(world, entry_id).text.startswith("Approved")
    item = world.item(entry_id)
    assert item["card_due"] == item["version"], "still owed: it is about to be posted"


def test_an_approved_bill_is_shown_at_once_and_owed_until_its_posting_has_ended(
    world: World,
) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    assert delivered(entry_id) == []
    assert card(world, entry_id).text.startswith("Approved")
    until = stamp(datetime.now(UTC) + timedelta(minutes=3))
    stored_bills.moved(world, entry_id, "POSTING", claim={"message_id": "m1", "until": until})
    world.slack.calls.clear()
    assert delivered(entry_id) == []
    assert world.slack.calls == {}, "what comes of it is shown in a moment"
    assert "card_due" in world.item(entry_id)
    stored_bills.failed(world, entry_id)
    assert card(world, entry_id).text.startswith("Not posted")
    assert "card_due" not in world.item(entry_id)


@pytest.mark.parametrize("minutes", [11, 600])
def test_an_approval_from_which_nothing_came_is_shown_once_more_and_then_no_longer_owed(
    minutes: int, world: World
) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    later = datetime.now(UTC) + timedelta(minutes=minutes)
    a_notifier(world, clock=lambda: later).show(entry_id, lambda: 60.0)
    assert card(world, entry_id).text.startswith("Approved")
    assert "card_due" not in world.item(entry_id)


def test_a_bill_whose_poster_died_is_shown_as_it_stands(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    ended = {"message_id": "m1", "until": stamp(datetime.now(UTC) - timedelta(seconds=1))}
    stored_bills.moved(world, entry_id, "POSTING", claim=ended)
    assert delivered(entry_id) == []
    assert card(world, entry_id).text.startswith("Being posted")
    assert "card_due" not in world.item(entry_id)


def test_a_bill_that_changes_all_the_time_stays_owed(world: World) -> None:
    entry_id = a_stored(world)

    def change() -> None:
        world.table.change(world.item(entry_id), actor="extractor", now=datetime.now(UTC))

    table = racing(world, Race(before_showing=change, times=100))
    with pytest.raises(Unavailable):
        a_notifier(world, table=table).show(entry_id, lambda: 60.0)
    item = world.item(entry_id)
    assert item["card_due"] == item["version"]
    assert posts(world) == 1


def test_a_rejection_is_told_on_the_card_and_in_its_thread_to_whom_it_concerns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJECTION_NOTIFY_USERS", "U-CLERK, U-SECOND")
    entry_id = an_asked(world)
    world.reject(entry_id, "Billed <!channel> twice & *wrong*.")
    world.show()
    assert "Reason: Billed <!channel> twice & *wrong*." in words(card(world, entry_id))
    [reply] = replies(world, entry_id)
    assert reply.blocks[0]["text"]["text"].startswith("<@U-CLERK> <@U-SECOND> :no_entry:")
    assert "Billed <!channel> twice & *wrong*." in words(reply)
    assert "&lt;!channel&gt;" in reply.text
    item: Any = world.item(entry_id)
    assert [n["ts"] for n in item["notices"]] == [reply.ts]


def test_a_reply_is_sent_once_however_often_the_records_come(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Entered twice.")
    for _ in range(3):
        assert delivered(entry_id) == []
    assert len(replies(world, entry_id)) == 1


def test_a_reply_that_slack_did_not_take_comes_with_the_next_delivery(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Entered twice.")
    world.slack.fail("http_500", method="chat.postMessage")
    assert delivered(entry_id) == ["0"]
    assert "Rejected by" in words(card(world, entry_id))
    assert replies(world, entry_id) == []
    assert delivered(entry_id) == []
    assert len(replies(world, entry_id)) == 1


def test_a_reply_that_no_delivery_could_send_is_found_by_the_sweep(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Entered twice.")
    world.slack.fail("http_500", method="chat.postMessage", times=6)
    for _ in range(6):
        assert delivered(entry_id) == ["0"]
    assert "card_due" in world.item(entry_id)
    assert world.show() == {"batchItemFailures": []}
    assert len(replies(world, entry_id)) == 1


def test_a_failed_bill_whose_card_was_deleted_gets_another_with_its_buttons(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.slack.fail("error", method="chat.update", error="message_not_found")
    failed(world, entry_id)
    first, second = world.item(entry_id)["cards"]
    assert first["retired"]
    assert not second["retired"]
    assert "retry_posting" in buttons(card(world, entry_id))


@pytest.mark.parametrize("code", ["is_archived", "not_in_channel", "channel_not_found"])
@pytest.mark.parametrize("status", ["POST_FAILED", "REJECTED"])
def test_what_can_be_acted_on_is_shown_in_the_new_channel_where_its_own_is_no_more(
    world: World, status: str, code: str
) -> None:
    entry_id = an_asked(world)
    if status == "REJECTED":
        world.reject(entry_id, "Entered twice.")
    else:
        stored_bills.moved(world, entry_id, "APPROVED")
    world.slack.add_channel("C-OWN", "own", {"U-BOT", "U-APPROVER"})
    stored_bills.settings(world, slack_channel_id="C-OWN")
    world.slack.fail("error", method="chat.update", error=code)
    if status == "REJECTED":
        assert world.show() == {"batchItemFailures": []}
        [reply] = replies(world, entry_id)
        assert "Entered twice." in words(reply)
    else:
        failed(world, entry_id)
    assert [(c["channel"], c["retired"]) for c in world.item(entry_id)["cards"]] == [
        (CHANNEL, True),
        ("C-OWN", False),
    ]
    assert len(buttons(card(world, entry_id))) > 1
    assert "card_due" not in world.item(entry_id)


def test_the_card_of_what_ended_is_given_up_where_its_channel_is_no_more(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.slack.channels[CHANNEL].archived = True
    document = {"type": "Bill", "id": "145", "url": "https://qbo.example/app/bill"}
    stored_bills.moved(world, entry_id, "POSTING")
    stored_bills.moved(world, entry_id, "POSTED", quickbooks=document)
    assert world.show() == {"batchItemFailures": []}
    assert "card_due" not in world.item(entry_id)
    assert "a card was given up" in caplog.messages


def test_a_bill_that_waits_is_asked_about_in_the_channel_its_company_has_now(world: World) -> None:
    world.forget_old_bills()
    entry_id = f"odoo-{world.odoo.new_bill()}"
    world.extract()
    world.show()
    before = card(world, entry_id)
    world.slack.add_channel("C-NEW", "ap-new", {"U-BOT", "U-SECOND"})
    stored_bills.settings(world, slack_channel_id="C-NEW")
    for _ in range(2):
        world.extract()
        world.show()
    first, second = world.item(entry_id)["cards"]
    assert (first["retired"], second["channel"], second["retired"]) == (True, "C-NEW", False)
    retired = world.slack.channels[CHANNEL].messages[before.ts]
    assert buttons(retired) == []
    assert "Approval of this bill has moved to <#C-NEW>." in words(retired)
    assert len(world.slack.channels["C-NEW"].messages) == 1
    world.click(entry_id, "approve_invoice", stored_bills.SECOND)
    assert world.item(entry_id)["decided_by"] == stored_bills.SECOND


def test_a_rejection_whose_card_was_deleted_is_told_in_the_thread_of_the_next(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "reject_invoice")
    view = list(world.slack.views)[-1]
    world.slack.channels[CHANNEL].messages.clear()
    world.request(world.slack.submit("U-APPROVER", view, {"reason": {"text": "Not ours."}}))
    assert world.show() == {"batchItemFailures": []}
    [reply] = replies(world, entry_id)
    assert "Not ours." in words(reply)


def test_a_reply_without_a_card_names_its_bill(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Not ours.")
    stored_bills.moved(world, entry_id, "WITHDRAWN")
    world.slack.channels[CHANNEL].messages.clear()
    assert world.show() == {"batchItemFailures": []}
    [message] = world.slack.channels[CHANNEL].messages.values()
    assert world.item(entry_id)["odoo_name"] in words(message)
    assert "Not ours." in words(message)


def test_a_rejections_reply_stays_with_the_card_that_was_rejected(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Entered twice.")
    amended(world, entry_id)
    assert world.show() == {"batchItemFailures": []}
    first, second = world.item(entry_id)["cards"]
    channel = world.slack.channels[first["channel"]]
    assert len(channel.thread(first["ts"])) == 1
    assert channel.thread(second["ts"]) == []


def test_each_rejection_has_its_own_reply(world: World) -> None:
    entry_id = an_asked(world)
    for reason in ("Wrong amount.", "Wrong vendor."):
        world.reject(entry_id, reason)
        world.show()
        world.click(entry_id, "reopen_invoice")
        world.show()
    assert ["Wrong amount." in words(r) for r in replies(world, entry_id)] == [True, False]
    assert len(replies(world, entry_id)) == 2


def test_who_may_decide_is_read_before_anybody_is_asked(world: World) -> None:
    an_asked(world)
    note = world.table.read_note(f"approvers#{CHANNEL}")
    assert {"U-APPROVER", "U-SECOND", "U-CLERK"} <= set(note["people"])
    assert {"U-GUEST", "U-LEFT", "U-BOT"} <= set(note["others"])


def test_groups_are_read_at_most_once_a_minute(world: World) -> None:
    stored_bills.settings(world, approvers=["U-CLERK", "S-APPROVERS", "S-CONTROLLERS"])
    for _ in range(3):
        an_asked(world)
    assert world.slack.calls["usergroups.users.list"] == 2
    assert world.slack.calls["users.info"] == 4  # everybody once
    note = world.table.read_note("approvers#S-CONTROLLERS")
    assert note["people"] == {"U-CONTROLLER": "cora@example.com"}


def test_a_person_is_looked_up_once_a_day_not_at_each_refresh(world: World) -> None:
    an_asked(world)
    known = world.slack.calls["users.info"]
    world.table.write_note(f"approvers#{CHANNEL}", {"at": "2026-01-01T00:00:00.000Z"})
    an_asked(world)
    assert world.slack.calls["conversations.members"] == 2
    assert world.slack.calls["users.info"] == known


@pytest.mark.parametrize("kind", ["error", "http_500", "ratelimited"])
def test_a_list_of_approvers_that_cannot_be_read_stops_no_card(world: World, kind: Any) -> None:
    stored_bills.settings(world, approvers=["S-APPROVERS"])
    world.slack.fail(kind, method="usergroups.users.list", error="missing_scope")
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"  # but nobody decides by it
    ago = stamp(datetime.now(UTC) - timedelta(minutes=1))
    world.table.write_note("approvers#S-APPROVERS", {"refused_at": ago})
    world.show()
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


def test_a_stand_in_without_members_or_guests_lets_the_channel_decide(world: World) -> None:
    world.slack.fail("error", method="conversations.members", error="unknown_method")
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


def test_the_dataset_is_shown_without_a_failure_or_a_second_card(world: World) -> None:
    world.extract()
    assert world.show() == {"batchItemFailures": []}
    assert world.show() == {"batchItemFailures": []}
    assert posts(world) == 98
    assert all(len(i["cards"]) == 1 for i in world.items().values())
