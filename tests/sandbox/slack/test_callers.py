"""Tokens, scopes and signatures: who may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.slack.server import BOT, Slack
from tests.support.slack_client import (
    CHANNEL,
    a_client,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_the_token_says_who_the_app_is(client: WebClient) -> None:
    told = client.auth_test()
    assert (told["team_id"], told["user_id"], told["bot_id"]) == ("T-SANDBOX", BOT, "B-SANDBOX")


@pytest.mark.parametrize(("token", "error"), [(None, "not_authed"), ("xoxb-other", "invalid_auth")])
def test_a_wrong_token_is_refused(slack: Slack, token: str | None, error: str) -> None:
    assert refusal(a_client(slack, token=token).auth_test)["error"] == error
    assert refusal(post, a_client(slack, token=token))["error"] == error
    assert slack.channels[CHANNEL].messages == {}


def test_an_unknown_method_is_refused(client: WebClient) -> None:
    assert refusal(client.api_call, "chat.shout")["error"] == "unknown_method"


def test_a_method_needs_its_scope(slack: Slack, client: WebClient) -> None:
    told = refusal(client.conversations_history, channel=CHANNEL)
    assert (told["error"], told["needed"]) == ("missing_scope", "channels:history")
    slack.scopes.add("channels:history")
    assert client.conversations_history(channel=CHANNEL)["messages"] == []
