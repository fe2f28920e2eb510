"""Replies to a click by its response URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slack_sdk.webhook import WebhookClient

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

    from sandbox.slack.server import Slack


def test_a_response_url_answers_one_person_by_default(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    webhook = WebhookClient(click(slack, ts)["response_url"])
    assert webhook.send(text="Here is the PDF").status_code == 200
    channel = slack.channels[CHANNEL]
    assert [each.text for each in channel.ephemerals[APPROVER]] == ["Here is the PDF"]
    assert list(channel.messages) == [ts]
    assert slack.calls["response_url"] == 1


def test_a_response_url_replaces_deletes_and_speaks_up(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    webhook = WebhookClient(click(slack, ts)["response_url"])
    messages = slack.channels[CHANNEL].messages
    webhook.send(replace_original=True, text="Approved", blocks=CARD[:1])
    assert (messages[ts].text, len(messages[ts].blocks)) == ("Approved", 1)
    webhook.send_dict({"text": "All see this", "response_type": "in_channel"})
    loose = {"text": "Not in the thread", "response_type": "in_channel", "thread_ts": ts}
    webhook.send_dict(loose)
    webhook.send_dict({**loose, "text": "In the thread", "replace_original": False})
    assert [each.text for each in slack.channels[CHANNEL].thread(ts)] == ["In the thread"]
    webhook.send(delete_original=True)
    assert ts not in messages
    other = WebhookClient(click(slack, post(client))["response_url"])
    assert other.send(delete_original=True).status_code == 200
    assert other.send(replace_original=True, text="Approved").status_code == 404
    assert len(messages) == 3


def test_a_response_url_rewrites_an_ephemeral_message_too(slack: Slack, client: WebClient) -> None:
    sent = client.chat_postEphemeral(channel=CHANNEL, user=APPROVER, text="Sure?", blocks=CARD)
    webhook = WebhookClient(click(slack, sent["message_ts"])["response_url"])
    mine = slack.channels[CHANNEL].ephemerals[APPROVER]
    webhook.send(replace_original=True, text="Done")
    assert [each.text for each in mine] == ["Done"]
    webhook.send(delete_original=True)
    assert mine == []


def test_a_response_url_works_five_times_in_half_an_hour(
    slack: Slack, client: WebClient, clock: Clock
) -> None:
    ts = post(client)
    used, old = (WebhookClient(click(slack, ts)["response_url"]) for _ in range(2))
    assert [used.send(text="x").status_code for _ in range(6)] == [200] * 5 + [404]
    clock.now += 1800
    assert old.send(text="x").status_code == 200
    clock.now += 1
    assert old.send(text="x").status_code == 404
    assert WebhookClient(f"{slack.public_url}/response/guess").send(text="x").status_code == 404
