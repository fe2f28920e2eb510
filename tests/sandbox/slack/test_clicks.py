"""Clicks, as Slack sends them to the app."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from slack_sdk.signature import SignatureVerifier

from sandbox.slack.server import BOT, ScreenError, Slack
from tests.support.slack_client import (
    APPROVER,
    CARD,
    CHANNEL,
    Clock,
    click,
    post,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_a_click_is_signed_as_slack_signs(slack: Slack, client: WebClient, clock: Clock) -> None:
    request = slack.click(APPROVER, CHANNEL, post(client), "approve_invoice")
    clock.now = time.time()
    now = slack.click(APPROVER, CHANNEL, post(client), "approve_invoice")
    verifier = SignatureVerifier("sandbox-signing-secret")
    assert verifier.is_valid_request(now.body, now.headers)
    assert not verifier.is_valid_request(now.body + b" ", now.headers)
    assert not verifier.is_valid_request(request.body, request.headers)
    assert request.headers["X-Slack-Request-Timestamp"] == "1700000000"
    assert now.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_click_says_who_clicked_what_where(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    told = click(slack, ts)
    assert told["type"] == "block_actions"
    assert told["user"] == {
        "id": APPROVER,
        "username": "ada.approver",
        "name": "ada.approver",
        "team_id": "T-SANDBOX",
    }
    assert (told["team"]["id"], told["api_app_id"]) == ("T-SANDBOX", "A-SANDBOX")
    assert told["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": CHANNEL,
        "is_ephemeral": False,
    }
    assert told["channel"] == {"id": CHANNEL, "name": "bill-approvals"}
    assert told["message"]["blocks"][1] == CARD[1]
    (action,) = told["actions"]
    assert action == {
        "type": "button",
        "action_id": "approve_invoice",
        "block_id": "decide",
        "value": "odoo-1|abc",
        "style": "primary",
        "text": {"type": "plain_text", "text": "Approve"},
        "action_ts": "1700000000.000000",
    }
    assert told["state"] == {"values": {}}


def test_a_stranger_clicks_with_their_own_team(slack: Slack, client: WebClient) -> None:
    told = click(slack, post(client), person="U-STRANGER")
    assert (told["user"]["team_id"], told["team"]["id"]) == ("T-OTHER", "T-SANDBOX")


def test_a_click_in_a_thread_or_on_an_ephemeral_message_says_so(
    slack: Slack, client: WebClient
) -> None:
    ts = post(client)
    reply = post(client, thread_ts=ts)
    assert click(slack, reply)["container"]["thread_ts"] == ts
    answer = client.chat_postEphemeral(channel=CHANNEL, user=APPROVER, text="x", blocks=CARD)
    told = click(slack, answer["message_ts"])
    assert told["container"]["is_ephemeral"]
    assert "message" not in told


def test_nobody_clicks_what_they_do_not_see(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    slack.channels[CHANNEL].members.remove("U-SECOND")
    seen = client.chat_postEphemeral(channel=CHANNEL, user=APPROVER, text="x", blocks=CARD)
    for person, message, action in (
        (APPROVER, ts, "retry_posting"),
        (APPROVER, "1.000000", "approve_invoice"),
        ("U-SECOND", ts, "approve_invoice"),
        ("U-CLERK", seen["message_ts"], "approve_invoice"),
        (BOT, ts, "approve_invoice"),
        ("U-LEFT", ts, "approve_invoice"),
        ("U-NOBODY", ts, "approve_invoice"),
    ):
        with pytest.raises(ScreenError):
            slack.click(person, CHANNEL, message, action)
