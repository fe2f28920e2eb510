"""What tests in other processes see and set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests
from slack_sdk.errors import SlackApiError

from sandbox.slack.server import BOT, Slack
from tests.support.slack_client import (
    APPROVER,
    CHANNEL,
    open_modal,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_the_state_can_be_read_and_reset_over_http(slack: Slack, client: WebClient) -> None:
    open_modal(slack, client)
    client.chat_postEphemeral(channel=CHANNEL, user=APPROVER, text="psst")
    slack.add_channel("C-OTHER", "other", [BOT])
    state = requests.get(f"{slack.public_url}/_sim/state", timeout=5).json()
    sandbox, _ = state["channels"]
    assert [each["text"] for each in sandbox["messages"]] == ["A bill"]
    assert [each["text"] for each in sandbox["ephemerals"][APPROVER]] == ["psst"]
    assert [each["person"] for each in state["views"]] == [APPROVER]
    assert state["calls"] == {"chat.postMessage": 1, "views.open": 1, "chat.postEphemeral": 1}
    emptied = requests.post(f"{slack.public_url}/_sim/reset", timeout=5).json()
    assert [each["messages"] for each in emptied["channels"]] == [[], []]
    assert (emptied["views"], emptied["calls"]) == ([], {})
    assert slack.channels["C-OTHER"].messages == {}
    assert requests.get(f"{slack.public_url}/_sim/other", timeout=5).status_code == 404


def test_a_failure_can_be_planned_over_http(slack: Slack, client: WebClient) -> None:
    plan = {"kind": "error", "method": "auth.test", "error": "account_inactive"}
    requests.post(f"{slack.public_url}/_sim/fail", json=plan, timeout=5)
    assert refusal(client.auth_test)["error"] == "account_inactive"


def test_a_planned_failure_can_be_ended(slack: Slack, client: WebClient) -> None:
    slack.fail("error", method="auth.test", error="fatal_error", times=1000)
    with pytest.raises(SlackApiError, match="fatal_error"):
        client.auth_test()

    slack.fail("error", method="auth.test", times=0)

    assert client.auth_test()["ok"]


def test_the_log_shows_calls_and_answers_but_no_token(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    client.api_call("auth.test", params={"token": "xoxb-sandbox"})
    requests.post(f"{slack.public_url}/api/auth.test", data={"token": "xoxb-sandbox"}, timeout=5)
    entry = slack.requests[0]
    assert (entry["method"], entry["arguments"]["channel"]) == ("chat.postMessage", CHANNEL)
    assert (entry["status"], entry["answer"]["ts"]) == (200, ts)
    assert slack.requests[2]["answer"]["ok"]
    assert "xoxb" not in json.dumps(slack.requests)
