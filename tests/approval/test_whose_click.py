"""Whose a click is: our app's, our workspace's, a sister's; and of which of a bill's cards."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs

import pytest

from odoo_qb.approval.decisions import OTHER_APP, STRANGER
from odoo_qb.slack.client import SlackClient
from sandbox.in_process.chain import APPROVER, CHANNEL, World
from sandbox.slack.payloads import Person
from sandbox.slack.server import SignedRequest, signed
from tests.support.stored_bills import a_stored, an_asked, buttons, card, settings, told, words

Json = dict[str, Any]
SISTER = "U-SISTER"


def payload_of(request: SignedRequest) -> Json:
    payload: Json = json.loads(parse_qs(request.body.decode())["payload"][0])
    return payload


def resigned(world: World, payload: Json) -> Json:
    """The answer to a payload with a genuine signature."""
    return world.request(signed(payload, secret="sandbox-signing-secret", at=time.time()))


def a_click(world: World, entry_id: str, person: str = APPROVER, action_id: str = "") -> Json:
    """The payload of a person's click on the bill's card."""
    ts = world.item(entry_id)["cards"][-1]["ts"]
    action_id = action_id or "approve_invoice"
    return payload_of(world.slack.click(person, CHANNEL, ts, action_id))


# -- our app ----------------------------------------------------------------------------------


@pytest.mark.parametrize("app", ["A-OTHER", "", None])
def test_a_button_of_another_app_decides_nothing_and_says_so(world: World, app: str | None) -> None:
    entry_id = an_asked(world)
    payload = a_click(world, entry_id) | {"api_app_id": app}
    assert resigned(world, payload) == {"statusCode": 200, "body": ""}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(world) == [OTHER_APP]


def test_a_modal_of_another_app_decides_nothing(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "reject_invoice")
    [view] = world.slack.views
    request = world.slack.submit(APPROVER, view, {"reason": {"text": "not ours"}})
    answer = resigned(world, payload_of(request) | {"api_app_id": "A-OTHER"})
    assert json.loads(answer["body"])["errors"] == {"reason": OTHER_APP}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_an_app_id_that_is_no_text_is_a_bad_request(world: World) -> None:
    entry_id = an_asked(world)
    payload = a_click(world, entry_id) | {"api_app_id": 7}
    assert resigned(world, payload)["statusCode"] == 400
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_our_app_is_asked_for_once_by_the_notifier_and_never_by_a_click(world: World) -> None:
    first, second = an_asked(world), an_asked(world)
    assert world.slack.calls["bots.info"] == world.slack.calls["auth.test"] == 1
    world.click(first, "approve_invoice")
    world.click(second, "approve_invoice")
    assert world.slack.calls["bots.info"] == 1
    assert {world.item(i)["status"] for i in (first, second)} == {"APPROVED"}


def test_where_slack_does_not_tell_our_app_the_signature_has_to_do(world: World) -> None:
    world.slack.fail("error", method="bots.info", error="missing_scope", times=9)
    entry_id = an_asked(world)
    resigned(world, a_click(world, entry_id) | {"api_app_id": "A-OTHER"})
    assert world.item(entry_id)["status"] == "APPROVED"


def test_a_note_of_version_1_0_does_not_keep_anybody_from_deciding(world: World) -> None:
    entry_id = an_asked(world)
    note = world.table.read_note(f"approvers#{CHANNEL}")
    assert note["app"] == "A-SANDBOX"
    world.table.write_note(f"approvers#{CHANNEL}", {}, remove=["app"])
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"


# -- a sister workspace (Enterprise Grid) -------------------------------------------------------


@pytest.fixture
def grid(world: World) -> World:
    """Our workspace is one of an organisation, and its channel is shared with a sister."""
    world.slack.organisation = "E-OURS"
    add(
        world,
        Person(id=SISTER, name="Sia Sister", team="T-SISTER", teams=("T-SISTER", "T-SANDBOX")),
    )
    add(world, Person(id="U-APART", name="Al Apart", team="T-SISTER", teams=("T-SISTER",)))
    add(
        world,
        Person(
            id="U-SISTERGUEST", name="Gil Guest", team="T-SISTER", is_restricted=True,
            teams=("T-SISTER", "T-SANDBOX"),
        ),
    )  # fmt: skip
    return world


def add(world: World, person: Person) -> None:
    world.slack.people[person.id] = person
    world.slack.channels[CHANNEL].members.add(person.id)


def test_a_colleague_of_a_sister_workspace_decides_as_a_member_of_ours(grid: World) -> None:
    entry_id = an_asked(grid)
    payload = a_click(grid, entry_id, SISTER)
    assert (payload["user"]["team_id"], payload["enterprise"]["id"]) == ("T-SISTER", "E-OURS")
    resigned(grid, payload)
    assert grid.item(entry_id)["decided_by"] == SISTER


def test_a_colleague_of_a_sister_workspace_rejects_by_its_modal(grid: World) -> None:
    entry_id = an_asked(grid)
    grid.reject(entry_id, "not ours", SISTER)
    assert grid.item(entry_id)["status"] == "REJECTED"
    assert grid.item(entry_id)["decided_by"] == SISTER


@pytest.mark.parametrize("person", ["U-APART", "U-SISTERGUEST", "U-STRANGER", "U-GUEST"])
@pytest.mark.parametrize("is_named", [True, False])
def test_who_is_no_full_member_of_ours_decides_nothing_wherever_they_come_from(
    grid: World, person: str, is_named: bool
) -> None:
    if is_named:
        settings(grid, approvers=[person, APPROVER])
    entry_id = an_asked(grid)
    resigned(grid, a_click(grid, entry_id, person))
    resigned(grid, a_click(grid, entry_id, person, "reject_invoice"))
    assert grid.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert grid.slack.views == {}
    assert set(told(grid, person)) == {"You aren't an approver for 1MD."}


@pytest.mark.parametrize("enterprise", [None, {"id": "E-OTHER"}, {"id": ""}, {}])
def test_a_sister_is_one_of_our_own_organisation_only(grid: World, enterprise: Json | None) -> None:
    entry_id = an_asked(grid)
    resigned(grid, a_click(grid, entry_id, SISTER) | {"enterprise": enterprise})
    assert grid.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(grid, SISTER) == [STRANGER]


def test_a_workspace_of_its_own_has_no_sisters(world: World) -> None:
    entry_id = an_asked(world)
    payload = a_click(world, entry_id)
    payload["user"]["team_id"] = "T-SISTER"
    resigned(world, payload | {"enterprise": {"id": "E-OURS"}})
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(world) == [STRANGER]


def test_the_simulated_slack_tells_of_an_organisation_as_slack_does(grid: World) -> None:
    slack = SlackClient("xoxb-sandbox", f"{grid.slack.public_url}/api/")
    assert (slack.home().team, slack.home().organisation) == ("T-SANDBOX", "E-OURS")
    assert slack.colleague_email(SISTER) == ""
    assert slack.colleague_email(APPROVER) == "ada@example.com"
    assert slack.colleague_email("U-APART") is None
    assert slack.app() == "A-SANDBOX"


# -- a bill with many cards ---------------------------------------------------------------------


@pytest.mark.parametrize("clicked", [(0, 1, 2, 3), (3, 0, 1, 2), (2, 2, 3, 0)])
@pytest.mark.parametrize("lost", [1, 3])
def test_of_all_cards_that_a_lost_answer_left_any_decides_once_and_the_others_say_so(
    world: World, lost: int, clicked: tuple[int, ...]
) -> None:
    entry_id = a_stored(world)
    world.slack.fail("lost", method="chat.postMessage", times=lost)
    for _ in range(lost):
        assert world.show() != {"batchItemFailures": []}
    assert world.show() == {"batchItemFailures": []}
    cards = list(world.slack.channels[CHANNEL].messages)
    assert len(cards) == lost + 1
    assert [c["ts"] for c in world.item(entry_id)["cards"]] == [cards[-1]]
    people = (APPROVER, "U-SECOND", "U-CONTROLLER", "U-CLERK")
    chosen = [cards[n % len(cards)] for n in clicked]
    requests = [
        world.slack.click(person, CHANNEL, ts, "approve_invoice")
        for person, ts in zip(people, chosen, strict=True)
    ]
    for request in requests:
        assert world.request(request) == {"statusCode": 200, "body": ""}
    item = world.item(entry_id)
    assert (item["status"], item["decided_by"]) == ("APPROVED", APPROVER)
    assert len(item["approvals"]) == len(world.messages()) == 1
    for ts in {*chosen} - {cards[-1]}:
        message = world.slack.channels[CHANNEL].messages[ts]
        assert buttons(message) == []
        assert "This bill has another card." in words(message)
    world.show()
    assert "approve_invoice" not in buttons(card(world, entry_id))


@pytest.mark.parametrize("action_id", ["approve_invoice", "reject_invoice"])
def test_an_orphan_clicked_after_its_bill_was_amended_decides_nothing_and_says_so(
    world: World, action_id: str
) -> None:
    entry_id = a_stored(world)
    world.slack.fail("lost", method="chat.postMessage", times=2)
    for _ in range(3):
        world.show()
    orphan = next(iter(world.slack.channels[CHANNEL].messages))
    world.click(entry_id, "approve_invoice", "U-SECOND")
    version = world.item(entry_id)["version"]
    world.request(world.slack.click(APPROVER, CHANNEL, orphan, action_id))
    assert world.item(entry_id)["version"] == version
    message = world.slack.channels[CHANNEL].messages[orphan]
    assert buttons(message) == []
    assert "Already approved by" in words(message)
