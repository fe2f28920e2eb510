"""What Slack answers that is no answer: nobody becomes an approver by it, and no card is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

import notifier
from odoo_qb.cards.card import approval_card
from odoo_qb.cards.modals import rejection_modal
from odoo_qb.errors import Unavailable
from odoo_qb.slack.client import SlackClient
from sandbox.http_server import serve
from sandbox.in_process.chain import APPROVER, CHANNEL, Context, World, a_world
from sandbox.slack.server import Slack as Workspace
from tests.support.builders import an_item
from tests.support.garbage import FOREIGN, KINDS, Elsewhere, Garbled, Rule
from tests.support.stored_bills import (
    COMPANY,
    a_stored,
    an_asked,
    buttons,
    card,
    settings,
    told,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CARD: Final = approval_card(an_item())
CALLS: Final[dict[str, Callable[[SlackClient], object]]] = {
    "chat.postMessage": lambda slack: slack.post(CHANNEL, CARD),
    "chat.update": lambda slack: slack.update(CHANNEL, "1.1", CARD),
    "views.open": lambda slack: slack.open_modal("1", rejection_modal(an_item())),
    "auth.test": lambda slack: slack.home(),
    "bots.info": lambda slack: slack.app(),
    "usergroups.users.list": lambda slack: slack.group_members("S-APPROVERS"),
    "conversations.members": lambda slack: slack.channel_members(CHANNEL),
    "users.info": lambda slack: slack.colleague_email(APPROVER),
}
# Made from what the simulator says, which here may be a refusal that is one all the same.
_REFUSALS: Final = {"numbers for texts", "texts for numbers"}
# What has `ok` in it is all that an address for answers says.
_TAKEN: Final = {
    "rows without ids",
    "another entity's",
    "rows that are counted but not there",
    "numbers for texts",
}


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with serve(host := Elsewhere()) as server:
        host.url = server.url
        yield host


@pytest.mark.parametrize("method", CALLS)
def test_garbage_in_place_of_any_answer_is_to_be_asked_for_again(
    method: str, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    door = Garbled(Workspace(), elsewhere.url)
    with serve(door) as server:
        for kind in KINDS:
            if kind in _REFUSALS and method in {"chat.update", "views.open"}:
                continue
            door.rules = [Rule(part=f"/api/{method}", kind=kind)]
            with pytest.raises(Unavailable) as unavailable:
                CALLS[method](SlackClient("xoxb-sandbox", f"{server.url}/api/"))
            assert door.rules[0].struck, kind
            assert FOREIGN not in str(unavailable.value), kind
            if "redirect" in kind:
                assert "Check slack_api_url" in str(unavailable.value), kind
    assert elsewhere.came == []
    assert FOREIGN not in caplog.text


def test_an_answer_to_a_click_that_is_not_taken_is_noticed_and_goes_to_nobody_else(
    elsewhere: Elsewhere,
) -> None:
    door = Garbled(Workspace(), elsewhere.url)
    with serve(door) as server:
        slack = SlackClient("xoxb-sandbox", f"{server.url}/api/")
        for kind in KINDS:
            if kind in _TAKEN:
                continue
            door.rules = [Rule(part="/response/", kind=kind)]
            with pytest.raises(Unavailable, match="did not accept the reply"):
                slack.respond(f"{server.url}/response/1", "Approved.")
    assert elsewhere.came == []


def garbled_world(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> Iterator[tuple[World, Garbled]]:
    doors: list[Garbled] = []

    def listen(simulator: Any) -> Any:
        if not isinstance(simulator, Workspace):
            return serve(simulator)
        doors.append(Garbled(simulator, elsewhere.url))
        return serve(doors[0])

    for world in a_world(monkeypatch, listen=listen):
        yield world, doors[0]


# In the whole chain, one of each sort.
SORTS: Final = (
    "nothing",
    "an array",
    "a note",
    "rows without ids",
    "null everywhere",
    "a page",
    "a redirect (302)",
    "a redirect (307)",
)


def show(world: World, entry_id: str) -> Any:
    """Deliver one bill's change to the notifier."""
    keys = {"Keys": {"entry_id": {"S": entry_id}}, "SequenceNumber": "1"}
    assert "card_due" in world.item(entry_id)
    return notifier.lambda_handler({"Records": [{"dynamodb": keys}]}, Context())


def forget_who_may_decide(world: World) -> None:
    """As before the first card, with a notifier that has not called Slack yet."""
    for source in ("S-APPROVERS", "U-CONTROLLER"):
        world.table.write_note(f"approvers#{source}", {"at": "", "people": {}, "unread": []})
    notifier.wired.forget()


def test_garbage_in_any_call_of_a_card_delays_it_and_changes_nobodys_right(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    for world, door in garbled_world(monkeypatch, elsewhere):
        settings(world, approvers=["S-APPROVERS", "U-CONTROLLER"])
        for method in ("chat.postMessage", "auth.test", "bots.info", "usergroups", "users.info"):
            for kind in SORTS[2:7]:
                said = f"{method}, {kind}"
                forget_who_may_decide(world)
                door.rules = [Rule(part=f"/api/{method}", kind=kind)]
                entry_id = a_stored(world)
                show(world, entry_id)
                assert door.rules[0].struck, said
                for person in ("U-GUEST", "U-STRANGER", "U-CLERK"):
                    for message in list(world.slack.channels[CHANNEL].messages.values())[-1:]:
                        if "approve_invoice" in buttons(message):
                            world.request(
                                world.slack.click(person, CHANNEL, message.ts, "approve_invoice")
                            )
                assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL", said
                door.rules.clear()
                forget_who_may_decide(world)
                world.table.note_on_bill(entry_id, {"card_due": 1})
                assert show(world, entry_id) == {"batchItemFailures": []}, said
                assert len(world.item(entry_id)["cards"]) == 1, said
                world.click(entry_id, "approve_invoice")
                assert world.item(entry_id)["status"] == "APPROVED", said
                assert FOREIGN not in str([told(world), world.item(entry_id)]), said
    assert elsewhere.came == []
    assert FOREIGN not in caplog.text


@pytest.mark.parametrize("kind", SORTS)
def test_garbage_in_place_of_an_update_leaves_the_card_owed(
    kind: str, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    for world, door in garbled_world(monkeypatch, elsewhere):
        entry_id = an_asked(world)
        world.click(entry_id, "approve_invoice")
        door.rules = [Rule(part="/api/chat.update", kind=kind)]
        world.show()
        assert "card_due" in world.item(entry_id)
        door.rules.clear()
        world.show()
        assert "Approved by" in words(card(world, entry_id))
        assert len(world.item(entry_id)["cards"]) == 1
    assert elsewhere.came == []


@pytest.mark.parametrize("kind", SORTS)
def test_garbage_in_place_of_an_answer_to_a_click_costs_the_answer_alone(
    kind: str, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    for world, door in garbled_world(monkeypatch, elsewhere):
        first, second = an_asked(world), an_asked(world)
        door.rules = [Rule(part="/response/", kind=kind), Rule(part="views.open", kind=kind)]
        assert world.click(first, "approve_invoice") == {"statusCode": 200, "body": ""}
        assert world.click(second, "reject_invoice") == {"statusCode": 200, "body": ""}
        assert world.item(first)["status"] == "APPROVED"
        assert world.item(second)["status"] == "READY_FOR_APPROVAL"
        door.rules.clear()
        world.reject(second, "not ours")
        assert world.item(second)["status"] == "REJECTED"
        assert world.item(first)["company"] == COMPANY
    assert elsewhere.came == []
