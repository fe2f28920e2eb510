"""Modals: opened, filled in, submitted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.slack.server import ScreenError, Slack, View
from tests.support.slack_client import (
    APPROVER,
    MODAL,
    NOTE,
    Clock,
    Json,
    a_trigger,
    click,
    open_modal,
    payload,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_a_trigger_opens_one_modal_within_three_seconds(
    slack: Slack, client: WebClient, clock: Clock
) -> None:
    ts = post(client)
    used, old = (click(slack, ts, "reject_invoice")["trigger_id"] for _ in range(2))
    view = client.views_open(trigger_id=used, view=MODAL)["view"]
    assert (view["private_metadata"], view["callback_id"]) == ("odoo-1|abc", "reject_reason")
    assert slack.views[view["id"]].person == APPROVER
    clock.now += 3.1
    for trigger, error in (
        (used, "exchanged_trigger_id"),
        (old, "expired_trigger_id"),
        ("1.2.guess", "invalid_trigger_id"),
    ):
        told = refusal(client.views_open, trigger_id=trigger, view=MODAL)
        assert told["error"] == error
    assert list(slack.views) == [view["id"]]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"title": {"type": "plain_text", "text": "x" * 25}}, "invalid_arguments"),
        ({"blocks": None}, "invalid_arguments"),
        ({"type": "message"}, "invalid_arguments"),
        ({"blocks": [MODAL["blocks"][0]] * 1500}, "view_too_large"),
    ],
)
def test_a_modal_slack_would_not_take_is_refused(
    slack: Slack, client: WebClient, change: Json, error: str
) -> None:
    told = refusal(open_modal, slack, client, MODAL | change)
    assert told["error"] == error
    told = refusal(client.api_call, "views.open", json={"trigger_id": a_trigger(slack, client)})
    assert told["errors"] == ["missing required field: view"]
    assert slack.views == {}


def test_a_submission_carries_what_the_person_filled_in(slack: Slack, client: WebClient) -> None:
    view_id = open_modal(slack, client)
    values: dict[str, dict[str, str | None]] = {
        "reason": {"text": "Double & <wrong> + 50 %"},
        "kind": {"choice": "twice"},
    }
    told = payload(slack.submit(APPROVER, view_id, values))
    assert told["type"] == "view_submission"
    assert (told["user"]["id"], told["team"]["id"]) == (APPROVER, "T-SANDBOX")
    view = told["view"]
    assert (view["id"], view["private_metadata"]) == (view_id, "odoo-1|abc")
    assert view["callback_id"] == "reject_reason"
    state = view["state"]["values"]
    assert state["reason"]["text"] == {
        "type": "plain_text_input",
        "value": "Double & <wrong> + 50 %",
    }
    assert state["kind"]["choice"]["selected_option"]["value"] == "twice"
    left_out = payload(slack.submit(APPROVER, view_id, {"reason": {"text": "Wrong"}}))
    assert left_out["view"]["state"]["values"]["kind"]["choice"]["selected_option"] is None


@pytest.mark.parametrize(
    ("person", "values"),
    [
        ("U-NOBODY", {}),
        (APPROVER, {}),
        (APPROVER, {"reason": {"text": ""}}),
        (APPROVER, {"reason": {"text": "no"}}),
        (APPROVER, {"reason": {"text": "x" * 3001}}),
        (APPROVER, {"reason": {"other": "Wrong"}}),
        (APPROVER, {"reason": {"text": "Wrong"}, "other": {"text": "Wrong"}}),
        (APPROVER, {"reason": {"text": "Wrong"}, "kind": {"choice": "thrice"}}),
        ("U-SECOND", {"reason": {"text": "Wrong"}}),
    ],
)
def test_slacks_client_stops_what_cannot_be_submitted(
    slack: Slack, client: WebClient, person: str, values: dict[str, dict[str, str | None]]
) -> None:
    view_id = open_modal(slack, client)
    with pytest.raises(ScreenError):
        slack.submit(person, view_id, values)


def test_a_modal_that_asks_nothing_cannot_be_submitted(slack: Slack, client: WebClient) -> None:
    view_id = open_modal(slack, client, NOTE)
    with pytest.raises(ScreenError, match="no submit button"):
        slack.submit(APPROVER, view_id, {})


def test_only_what_the_simulator_knows_can_be_filled_in(slack: Slack, client: WebClient) -> None:
    date = {**MODAL["blocks"][0], "element": {"type": "datepicker", "action_id": "day"}}
    view_id = open_modal(slack, client, MODAL | {"blocks": [date]})
    with pytest.raises(ScreenError, match="datepicker"):
        slack.submit(APPROVER, view_id, {"reason": {"day": "2026-01-31"}})


def test_an_empty_answer_closes_the_modal(slack: Slack, client: WebClient) -> None:
    view_id = open_modal(slack, client)
    assert slack.apply_submit_answer(view_id, 200, b"") is None
    with pytest.raises(ScreenError):
        slack.submit(APPROVER, view_id, {"reason": {"text": "Wrong"}})


def test_answered_errors_stand_under_their_fields(slack: Slack, client: WebClient) -> None:
    view_id = open_modal(slack, client)
    answer = {"response_action": "errors", "errors": {"reason": "Say more"}}
    view = slack.apply_submit_answer(view_id, 200, json.dumps(answer).encode())
    assert view
    assert (view.errors, view.trouble) == ({"reason": "Say more"}, False)
    assert slack.submit(APPROVER, view_id, {"reason": {"text": "Double"}})


def test_an_answer_can_change_stack_and_clear_modals(slack: Slack, client: WebClient) -> None:
    def answered(view_id: str, action: str, **more: object) -> View | None:
        body = json.dumps({"response_action": action, **more}).encode()
        return slack.apply_submit_answer(view_id, 200, body)

    first = open_modal(slack, client)
    changed = answered(first, "update", view=MODAL | {"callback_id": "second"})
    assert changed
    assert (changed.id, changed.content["callback_id"]) == (first, "second")
    second = answered(first, "push", view=MODAL)
    assert second
    assert (second.previous, second.root) == (first, first)
    with pytest.raises(ScreenError):
        slack.submit(APPROVER, first, {"reason": {"text": "Double"}})
    third = answered(second.id, "push", view=MODAL)
    assert third
    fourth = answered(third.id, "push", view=MODAL)
    assert fourth
    assert (fourth.id, fourth.trouble) == (third.id, True)
    below = slack.apply_submit_answer(third.id, 200, b"")
    assert below
    assert below.id == second.id
    assert answered(second.id, "clear") is None
    assert slack.views == {}


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (500, b"", 0.1),
        (200, b"", 3.1),
        (200, b"OK", 0.1),
        (200, b'{"response_action": "close"}', 0.1),
        (200, b'{"response_action": "errors", "errors": {"other": "x"}}', 0.1),
        (200, b'{"response_action": "update", "view": {"type": "modal"}}', 0.1),
    ],
)
def test_a_bad_answer_shows_trouble_and_keeps_the_modal(
    slack: Slack, client: WebClient, status: int, body: bytes, seconds: float
) -> None:
    view_id = open_modal(slack, client)
    view = slack.apply_submit_answer(view_id, status, body, seconds=seconds)
    assert view
    assert (view.id, view.trouble) == (view_id, True)
    assert slack.submit(APPROVER, view_id, {"reason": {"text": "Double"}})


def test_a_modal_is_updated_unless_somebody_else_was_faster(
    slack: Slack, client: WebClient
) -> None:
    view_id = open_modal(slack, client, MODAL | {"external_id": "odoo-1"})
    seen = slack.views[view_id].hash
    changed = MODAL | {"callback_id": "later", "external_id": "odoo-1"}
    client.views_update(view_id=view_id, hash=seen, view=changed)
    assert slack.views[view_id].content["callback_id"] == "later"
    told = refusal(client.views_update, view_id=view_id, hash=seen, view=MODAL)
    assert told["error"] == "hash_conflict"
    client.views_update(external_id="odoo-1", view=MODAL | {"callback_id": "last"})
    assert slack.views[view_id].content["callback_id"] == "last"
    told = refusal(client.views_update, view_id="V-NONE", view=MODAL)
    assert told["error"] == "not_found"


def test_an_external_id_names_one_modal(slack: Slack, client: WebClient) -> None:
    named = MODAL | {"external_id": "odoo-1"}
    open_modal(slack, client, named)
    assert refusal(open_modal, slack, client, named)["error"] == "duplicate_external_id"
