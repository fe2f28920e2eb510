"""Decisions: one outcome whoever clicks when, about what was seen, by those who may."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest

from odoo_qb.approval.click import Click, Response
from odoo_qb.approval.decisions import DecisionService
from odoo_qb.approval.policy import RULES
from odoo_qb.bill.history import verify_history
from odoo_qb.bill.status import TRANSITIONS
from odoo_qb.operations.sweep import sweep
from odoo_qb.store.documents import Documents
from odoo_qb.store.queue import ApprovedQueue
from sandbox.in_process.chain import APPROVER, CHANNEL, World
from tests.support.builders import NOW, a_company
from tests.support.racing_table import Race, racing
from tests.support.stored_bills import (
    COMPANY,
    SECOND,
    a_stored,
    amended,
    approvers_known,
    failed,
    moved,
)

PEOPLE = (APPROVER, SECOND)


def a_desk(world: World, **given: Any) -> DecisionService:
    """Where decisions are made; APPROVER and SECOND may decide."""
    for person in PEOPLE:
        approvers_known(world, person, person, at=NOW)
    defaults: dict[str, Any] = {
        "table": world.table,
        "queue": ApprovedQueue(client=world.clients["sqs"], url=world.names["queue"]),
        "documents": Documents(world.clients["s3"], world.names["bucket"]),
        "companies": {COMPANY: a_company(key=COMPANY, approvers=PEOPLE)},
        "channel": CHANNEL,
        "clock": lambda: NOW,
    }
    return DecisionService(**defaults | given)


def a_click(world: World, entry_id: str, action_id: str, person: str = APPROVER) -> Click:
    """A click on the card as it would be now."""
    return Click(
        person=person,
        action_id=action_id,
        entry_id=entry_id,
        digest=world.item(entry_id)["digest"],
        reason="Entered twice." if action_id == "reject_invoice" else "",
        document="145" if action_id == "link_existing" else "",
        teams=frozenset({"T-SANDBOX"}),
    )


def decided(world: World, entry_id: str, action_id: str, person: str = APPROVER) -> Response:
    return a_desk(world).decide(a_click(world, entry_id, action_id, person))


def test_every_button_leads_along_the_table_of_transitions() -> None:
    for rule in RULES.values():
        assert rule.after == rule.before or rule.after in TRANSITIONS[rule.before]


def test_an_approval_is_written_queued_and_told(world: World) -> None:
    entry_id = a_stored(world)
    answer = decided(world, entry_id, "approve_invoice")
    item = world.item(entry_id)
    assert answer.is_done
    assert answer.text.startswith("Approved.")
    assert (item["status"], item["decided_by"]) == ("APPROVED", APPROVER)
    assert item["approvals"] == [
        {"by": APPROVER, "at": item["decided_at"], "digest": item["digest"]}
    ]
    assert item["card_due"] == item["version"]
    [message] = world.messages()
    assert message["body"] == f'{{"entry_id": "{entry_id}", "revision": 1}}'


def test_a_rejection_keeps_its_reason_and_owes_a_reply(world: World) -> None:
    entry_id = a_stored(world)
    assert decided(world, entry_id, "reject_invoice").text == "Rejected. It will not be posted."
    item: Any = world.item(entry_id)
    assert (item["status"], item["rejection_reason"]) == ("REJECTED", "Entered twice.")
    [notice] = item["notices"]
    assert (notice["kind"], notice["by"], notice["ts"]) == ("rejected", APPROVER, "")
    assert item["history"][-1]["note"] == "Entered twice."
    assert world.messages() == []


def test_a_bill_with_nothing_to_post_can_only_be_acknowledged(world: World) -> None:
    entry_id = a_stored(world, nothing_to_post="The total is zero.")
    refused = decided(world, entry_id, "approve_invoice")
    assert refused.text == "The total is zero. Acknowledge it instead."
    assert decided(world, entry_id, "acknowledge_intercompany").is_done
    assert world.item(entry_id)["status"] == "ACKNOWLEDGED"
    assert world.messages() == []


def test_a_bill_that_is_to_be_posted_cannot_be_acknowledged_away(world: World) -> None:
    entry_id = a_stored(world)
    assert not decided(world, entry_id, "acknowledge_intercompany").is_done
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_the_same_click_three_times_decides_once_and_says_who(world: World) -> None:
    entry_id = a_stored(world)
    answers = [decided(world, entry_id, "approve_invoice") for _ in range(3)]
    assert [a.is_done for a in answers] == [True, False, False]
    assert {a.text for a in answers[1:]} == {f"Already approved by <@{APPROVER}>."}
    assert len(world.item(entry_id)["approvals"]) == 1
    assert len(world.messages()) == 1


@pytest.mark.parametrize(
    "actions", [("approve_invoice", "reject_invoice"), ("approve_invoice",) * 2]
)
def test_of_two_people_at_the_same_instant_one_decides(
    world: World, actions: tuple[str, ...]
) -> None:
    entry_id = a_stored(world)
    start = threading.Barrier(2)

    def click(person: str, action_id: str) -> Response:
        start.wait()
        return decided(world, entry_id, action_id, person)

    clicks = zip(PEOPLE, (*actions, actions[0]), strict=False)
    with ThreadPoolExecutor(2) as pool:
        answers = [f.result() for f in [pool.submit(click, *c) for c in clicks]]
    item = world.item(entry_id)
    assert sorted(a.is_done for a in answers) == [False, True]
    loser = next(a for a in answers if not a.is_done)
    assert loser.text == f"Already {item['status'].lower()} by <@{item['decided_by']}>."
    assert len(item["history"]) == 2
    assert len(world.messages()) == (item["status"] == "APPROVED")


def test_a_second_person_between_read_and_write_wins(world: World) -> None:
    entry_id = a_stored(world)
    reject = partial(decided, world, entry_id, "reject_invoice", SECOND)
    table = racing(world, Race(after_reading=reject))
    answer = a_desk(world, table=table).decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.text == f"Already rejected by <@{SECOND}>."
    assert world.item(entry_id)["status"] == "REJECTED"
    assert world.messages() == []


def test_a_write_whose_answer_was_lost_is_a_decision_and_is_queued(world: World) -> None:
    entry_id = a_stored(world)
    table = racing(world, Race(loses_answers=True))
    answer = a_desk(world, table=table).decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.is_done
    assert answer.text.startswith("Approved.")
    assert len(world.item(entry_id)["approvals"]) == 1
    assert len(world.messages()) == 1


def test_an_amendment_between_read_and_write_leaves_nothing_decided(world: World) -> None:
    entry_id = a_stored(world)
    table = racing(world, Race(after_reading=lambda: amended(world, entry_id)))
    answer = a_desk(world, table=table).decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.is_outdated
    assert "Nothing was recorded" in answer.text
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert world.item(entry_id)["approvals"] == []
    assert world.messages() == []


def test_a_change_that_is_none_of_the_content_does_not_stop_a_decision(world: World) -> None:
    entry_id = a_stored(world)

    def retouch() -> None:
        item = world.item(entry_id)
        world.table.change(item, actor="extractor", now=NOW, values={"warnings": ["New."]})

    table = racing(world, Race(after_reading=retouch))
    assert a_desk(world, table=table).decide(a_click(world, entry_id, "approve_invoice")).is_done
    assert world.item(entry_id)["warnings"] == ["New."]


def test_a_bill_under_constant_change_is_left_with_a_word_to_try_again(world: World) -> None:
    entry_id = a_stored(world)

    def retouch() -> None:
        world.table.change(world.item(entry_id), actor="extractor", now=NOW)

    table = racing(world, Race(after_reading=retouch, times=100))
    answer = a_desk(world, table=table).decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.text == "This bill is being updated. Try again in a moment."
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_an_outdated_card_decides_and_shows_nothing(world: World) -> None:
    for action_id in (*RULES, "view_pdf"):
        entry_id = a_stored(world)
        click = a_click(world, entry_id, action_id)
        before = amended(world, entry_id)
        desk = a_desk(world)
        answer = desk.view(click) if action_id == "view_pdf" else desk.decide(click)
        assert answer.is_outdated
        assert not answer.is_done
        assert world.item(entry_id) == before


@pytest.mark.parametrize(
    ("action_id", "undone_by"),
    [("approve_invoice", "take_back"), ("reject_invoice", "reopen_invoice")],
)
def test_a_request_sent_again_after_its_decision_was_undone_decides_nothing(
    world: World, action_id: str, undone_by: str
) -> None:
    entry_id = a_stored(world)
    click = replace(a_click(world, entry_id, action_id), revision=1)
    assert a_desk(world).decide(click).is_done
    assert decided(world, entry_id, undone_by).is_done
    assert not a_desk(world).decide(click).is_done
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_the_same_content_asked_anew_is_not_decided_on_the_card_of_before(world: World) -> None:
    entry_id = a_stored(world)
    item = world.item(entry_id)
    anew = {"revision": int(item["revision"]) + 1, "changes": ["The account for 1 is now Rent."]}
    world.table.change(item, actor="poster", now=NOW, values=anew)
    click = replace(a_click(world, entry_id, "approve_invoice"), revision=int(item["revision"]))
    answer = a_desk(world).decide(click)
    assert answer.text.startswith("This card is being updated")
    assert world.item(entry_id)["approvals"] == []
    assert a_desk(world).decide(replace(click, revision=int(item["revision"]) + 1)).is_done


def test_an_approval_the_queue_does_not_take_stays_and_is_swept(world: World) -> None:
    entry_id = a_stored(world)
    queue = ApprovedQueue(client=world.clients["sqs"], url=world.names["queue"] + "-gone")
    answer = a_desk(world, queue=queue).decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.is_done
    assert answer.text.startswith("Decision saved. ")
    assert "sent automatically" in answer.text
    assert list(world.table.in_status("APPROVED", until=NOW)) == [entry_id]


def test_a_failed_posting_can_be_tried_again(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    failed(world, entry_id)
    assert decided(world, entry_id, "retry_posting", SECOND).is_done
    item = world.item(entry_id)
    assert (item["status"], item["decided_by"]) == ("APPROVED", APPROVER)
    assert item["approvals"][-1]["digest"] == item["digest"]
    assert "error" not in item
    assert item["history"][-1]["actor"] == SECOND
    assert len(world.messages()) == 2  # the deduplication id has the version: it is not swallowed


def test_a_failed_posting_can_be_linked_to_what_quickbooks_has(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    failed(world, entry_id)
    answer = decided(world, entry_id, "link_existing", SECOND)
    assert answer.is_done
    assert "compared" in answer.text
    item = world.item(entry_id)
    assert (item["status"], item["decided_by"]) == ("POST_FAILED", APPROVER)
    link = item["link"]
    assert (link["id"], link["by"], link["digest"]) == ("145", SECOND, item["digest"])
    assert item["history"][-1]["note"] == "asked to link to number 145 in QuickBooks"
    assert item["card_due"] == item["version"]
    assert len(world.messages()) == 2  # the approval's, and the one that has the two compared


@pytest.mark.parametrize("remedy", ["retry_posting", "close_invoice"])
def test_another_remedy_takes_the_place_of_a_link(world: World, remedy: str) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    failed(world, entry_id)
    decided(world, entry_id, "link_existing")
    assert decided(world, entry_id, remedy).is_done
    assert "link" not in world.item(entry_id)


def test_a_link_the_queue_does_not_take_stays_and_is_swept(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    failed(world, entry_id)
    queue = ApprovedQueue(client=world.clients["sqs"], url=world.names["queue"] + "-gone")
    answer = a_desk(world, queue=queue).decide(a_click(world, entry_id, "link_existing"))
    assert answer.is_done
    assert world.item(entry_id)["link"]["id"] == "145"
    swept = ApprovedQueue(client=world.clients["sqs"], url=world.names["queue"])
    sweep(world.table, swept, datetime.now(UTC) + timedelta(hours=1))
    assert len(world.messages()) == 2  # the approval's, and the one that has the two compared


def test_a_failed_posting_can_be_closed_for_good(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    failed(world, entry_id)
    assert decided(world, entry_id, "close_invoice", SECOND).is_done
    item = world.item(entry_id)
    assert (item["status"], item["decided_by"]) == ("ACKNOWLEDGED", SECOND)
    assert item["expires_at"]
    again = decided(world, entry_id, "retry_posting")
    assert again.text == f"Already closed by <@{SECOND}>."


def test_closing_what_quickbooks_has_says_what_to_delete_there(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    moved(world, entry_id, "POSTING")
    error = {"code": "total", "message": "Another total.", "tid": "", "document": "Bill 22"}
    moved(world, entry_id, "POST_FAILED", error=error)
    assert decided(world, entry_id, "close_invoice").text == (
        "Closed. It will not be posted. QuickBooks still has Bill 22. Delete it, or it may be paid."
    )


def test_a_mistaken_rejection_can_be_reopened_and_decided_anew(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "reject_invoice")
    assert decided(world, entry_id, "reopen_invoice", SECOND).is_done
    item = world.item(entry_id)
    assert item["status"] == "READY_FOR_APPROVAL"
    assert not {"decided_by", "decided_at", "rejection_reason"} & item.keys()
    assert decided(world, entry_id, "approve_invoice").is_done
    history = world.item(entry_id)["history"]
    assert [h["to"] for h in history[1:]] == ["REJECTED", "READY_FOR_APPROVAL", "APPROVED"]
    assert verify_history(history)


def test_an_approval_can_be_taken_back_before_it_is_posted(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    assert decided(world, entry_id, "take_back").is_done
    item = world.item(entry_id)
    assert (item["status"], item["approvals"]) == ("READY_FOR_APPROVAL", [])
    [message] = world.messages()  # it comes to the poster, who finds nothing approved
    assert entry_id in message["body"]


def test_an_approval_that_is_being_posted_cannot_be_taken_back(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    moved(world, entry_id, "POSTING")
    answer = decided(world, entry_id, "take_back")
    assert answer.text == f"Already approved by <@{APPROVER}>. It's being posted right now."
    assert world.item(entry_id)["status"] == "POSTING"


def test_an_approval_with_an_open_try_cannot_be_taken_back(world: World) -> None:
    entry_id = a_stored(world)
    decided(world, entry_id, "approve_invoice")
    attempt = {"number": 1, "request_id": "r", "digest": "d", "body": "{}", "outcome": ""}
    moved(world, entry_id, "POSTING", attempts=[attempt])
    moved(world, entry_id, "APPROVED")  # the connection died in the middle
    assert not decided(world, entry_id, "take_back").is_done
    assert world.item(entry_id)["status"] == "APPROVED"


def test_a_button_counts_in_its_own_status_only(world: World) -> None:
    for status, (action_id, rule) in product(TRANSITIONS, RULES.items()):
        entry_id = a_stored(world, status=status)
        answer = decided(world, entry_id, action_id)
        # There is something to post, and no file was added since.
        counts = status == rule.before and action_id not in {
            "acknowledge_intercompany",
            "attach_files",
        }
        assert answer.is_done == counts
        assert answer.text
        assert world.item(entry_id)["status"] == (rule.after if counts else status)


def test_a_bill_that_is_not_known_is_said_to_be_so(world: World) -> None:
    click = Click(person=APPROVER, action_id="approve_invoice", entry_id="odoo-999999", digest="")
    assert a_desk(world).decide(click).text == "This bill is no longer on record."
    assert a_desk(world).view(click).text == "This bill is no longer on record."


def test_a_company_that_is_no_longer_configured_decides_nothing(world: World) -> None:
    entry_id = a_stored(world)
    desk = a_desk(world, companies={})
    answer = desk.decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.text == "The company 1MD is no longer configured. Tell the operator."


def test_who_is_no_approver_decides_and_sees_nothing(world: World) -> None:
    entry_id = a_stored(world)
    for action_id in (*RULES, "view_pdf"):
        click = a_click(world, entry_id, action_id, "U-CONTROLLER")
        desk = a_desk(world)
        answer = desk.view(click) if action_id == "view_pdf" else desk.decide(click)
        assert answer.text == "You aren't an approver for 1MD."
        assert not answer.is_done
    assert world.item(entry_id)["version"] == 1


def test_users_groups_or_else_the_channels_colleagues_decide(world: World) -> None:
    approvers_known(world, "S-APPROVERS", "U-APPROVER", "U-SECOND", at=NOW)
    approvers_known(world, CHANNEL, "U-APPROVER", "U-SECOND", "U-CLERK", at=NOW)
    approvers_known(world, "U-CONTROLLER", "U-CONTROLLER", at=NOW)
    for approvers, person, may in (
        (("U-SECOND",), "U-SECOND", True),
        (("U-SECOND",), "U-APPROVER", False),
        (("S-APPROVERS",), "U-APPROVER", True),
        (("S-APPROVERS",), "U-CONTROLLER", False),
        (("U-CONTROLLER", "S-APPROVERS"), "U-CONTROLLER", True),
        (("U-CONTROLLER", "S-APPROVERS"), "U-SECOND", True),
        ((), "U-CLERK", True),
        ((), "U-GUEST", False),
    ):
        entry_id = a_stored(world)
        desk = a_desk(world, companies={COMPANY: a_company(key=COMPANY, approvers=approvers)})
        answer = desk.decide(a_click(world, entry_id, "approve_invoice", person))
        assert answer.is_done == may, (approvers, person)


@pytest.mark.parametrize("age", [None, timedelta(hours=25)])
def test_nobody_decides_by_a_list_that_is_missing_or_a_day_old(
    world: World, age: timedelta | None
) -> None:
    entry_id = a_stored(world)
    if age:
        approvers_known(world, "S-APPROVERS", APPROVER, at=NOW - age)
    world.table.card_shown(entry_id, 1, [])
    desk = a_desk(world, companies={COMPANY: a_company(key=COMPANY, approvers=("S-APPROVERS",))})
    answer = desk.decide(a_click(world, entry_id, "approve_invoice"))
    assert answer.text.endswith("try again in a minute.")
    item = world.item(entry_id)
    assert (item["status"], item["version"]) == ("READY_FOR_APPROVAL", 1)
    assert item["card_due"] == 1  # wakes the notifier, which reads the list


def test_the_link_to_the_pdf_names_exactly_the_stored_version(world: World) -> None:
    entry_id = a_stored(world)
    answer = a_desk(world).view(a_click(world, entry_id, "view_pdf"))
    link = answer.text.removeprefix("<").partition("|")[0]
    assert f"versionId={world.item(entry_id)['documents'][0]['version_id']}" in link
    assert "Expires in five minutes" in answer.text
    assert world.item(entry_id)["version"] == 1


def test_who_looked_at_a_pdf_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    entry_id = a_stored(world)
    caplog.set_level("INFO")
    a_desk(world).view(a_click(world, entry_id, "view_pdf", SECOND))
    [record] = [r for r in caplog.records if r.message == "PDF viewed"]
    told = vars(record)
    assert (told["person"], told["entry_id"], told["company"]) == (SECOND, entry_id, COMPANY)
    assert "X-Amz" not in str(told)


def test_a_bill_without_a_pdf_has_none_to_show(world: World) -> None:
    entry_id = a_stored(world, documents=[])
    answer = a_desk(world).view(a_click(world, entry_id, "view_pdf"))
    assert answer.text == "This bill has no PDF."
