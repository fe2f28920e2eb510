"""Rate limits, outages and lost answers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING

import pytest
import requests
from slack_sdk.errors import SlackApiError

from sandbox.slack.server import BOT, Slack
from tests.support.slack_client import (
    CHANNEL,
    Clock,
    a_client,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_a_rate_limit_says_when_to_come_back(slack: Slack, client: WebClient) -> None:
    slack.fail("ratelimited", method="chat.postMessage", retry_after=7, times=2)
    client.auth_test()
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            post(client)
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "7"
        assert caught.value.response["error"] == "ratelimited"
    assert post(client) in slack.channels[CHANNEL].messages


def test_a_broken_server_does_nothing(slack: Slack, client: WebClient) -> None:
    slack.fail("http_500")
    with pytest.raises(SlackApiError) as caught:
        post(client)
    assert caught.value.response.status_code == 500
    slack.fail("error", error="edit_window_closed")
    assert refusal(post, client)["error"] == "edit_window_closed"
    assert slack.channels[CHANNEL].messages == {}


def test_a_lost_answer_leaves_the_message_behind(slack: Slack, client: WebClient) -> None:
    slack.fail("lost", method="chat.postMessage")
    with pytest.raises(RemoteDisconnected):
        post(client)
    assert len(slack.channels[CHANNEL].messages) == 1
    assert post(client) in slack.channels[CHANNEL].messages


def test_a_lost_answer_is_lost_at_once_on_a_kept_connection_too(slack: Slack) -> None:
    slack.fail("lost", method="auth.test")
    with requests.Session() as session, pytest.raises(requests.ConnectionError):
        session.post(f"{slack.public_url}/api/auth.test", timeout=5)


def test_a_timeout_does_nothing_and_a_slow_answer_comes_late(slack: Slack) -> None:
    hasty = a_client(slack, timeout=0.1)
    slack.fail("timeout", seconds=0.3, times=2)
    with pytest.raises(TimeoutError):
        post(hasty)
    with pytest.raises(RemoteDisconnected):
        post(a_client(slack))
    assert slack.channels[CHANNEL].messages == {}
    slack.fail("slow", seconds=0.3)
    with pytest.raises(TimeoutError):
        post(hasty)
    slack.fail("slow", seconds=0.1)
    second = post(a_client(slack))
    until = time.monotonic() + 5
    while len(slack.channels[CHANNEL].messages) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(slack.channels[CHANNEL].messages) == 2
    assert second in slack.channels[CHANNEL].messages


def test_real_limits_are_a_message_a_second_for_each_channel(
    slack: Slack, client: WebClient, clock: Clock
) -> None:
    slack.add_channel("C-OTHER", "other", [BOT])
    slack.use_real_limits()
    post(client)
    post(client, channel="C-OTHER")
    clock.now += 0.5
    with pytest.raises(SlackApiError) as caught:
        post(client)
    assert caught.value.response.headers["Retry-After"] == "1"
    clock.now += 0.5
    post(client)


def test_a_time_scale_makes_the_limits_pass_faster(
    slack: Slack, client: WebClient, clock: Clock
) -> None:
    slack.use_real_limits(time_scale=0.1)
    ts = post(client)
    clock.now += 0.1
    post(client)
    for _ in range(50):
        client.chat_update(channel=CHANNEL, ts=ts, text="x")
    with pytest.raises(SlackApiError) as caught:
        client.chat_update(channel=CHANNEL, ts=ts, text="x")
    assert caught.value.response.headers["Retry-After"] == "6"
    clock.now += 6
    client.chat_update(channel=CHANNEL, ts=ts, text="x")


def test_many_threads_post_without_losing_a_message(slack: Slack) -> None:
    with ThreadPoolExecutor(8) as pool:
        times = list(pool.map(lambda _: post(a_client(slack)), range(40)))
    assert len(set(times)) == 40
    assert set(times) == set(slack.channels[CHANNEL].messages)
    assert slack.calls["chat.postMessage"] == 40
