"""Messages: posted, updated, refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.slack.server import BOT, Slack
from tests.support.slack_client import (
    APPROVER,
    CARD,
    CHANNEL,
    Json,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


def test_a_posted_message_stands_in_the_channel(slack: Slack, client: WebClient) -> None:
    answer = client.chat_postMessage(
        channel=CHANNEL,
        text="A bill",
        blocks=CARD,
        metadata={"event_type": "bill", "event_payload": {"entry_id": "odoo-1"}},
        unfurl_links=False,
        unfurl_media=False,
    )
    message = slack.channels[CHANNEL].messages[answer["ts"]]
    assert (message.user, message.text, message.unfurls) == (BOT, "A bill", False)
    assert message.metadata == {"event_type": "bill", "event_payload": {"entry_id": "odoo-1"}}
    assert message.blocks[1] == CARD[1]
    assert answer["message"]["blocks"][0]["block_id"]
    assert slack.calls == {"chat.postMessage": 1}


@pytest.mark.parametrize("form", ["data", "params"])
def test_a_form_says_the_same_as_json(slack: Slack, client: WebClient, form: str) -> None:
    body = {
        "channel": CHANNEL,
        "text": "A bill",
        "blocks": json.dumps(CARD),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    ts = client.api_call("chat.postMessage", **{form: body})["ts"]  # type: ignore[arg-type] # a name picked at run time
    message = slack.channels[CHANNEL].messages[ts]
    assert message.blocks[1] == CARD[1]
    assert not message.unfurls


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[1]", "json_not_object")])
def test_a_body_that_is_no_object_is_refused(slack: Slack, body: str, error: str) -> None:
    headers = {"Authorization": "Bearer xoxb-sandbox", "Content-Type": "application/json"}
    url = f"{slack.public_url}/api/chat.postMessage"
    assert requests.post(url, body, headers=headers, timeout=5).json()["error"] == error


def test_each_message_has_a_time_of_its_own_and_messages_keep_their_order(
    slack: Slack, client: WebClient
) -> None:
    times = [post(client) for _ in range(3)]
    assert list(slack.channels[CHANNEL].messages) == times == sorted(set(times))


def test_a_reply_belongs_to_its_thread(slack: Slack, client: WebClient) -> None:
    ts = post(client)
    reply = post(client, thread_ts=ts, text="Overdue", blocks=None)
    deeper = post(client, thread_ts=reply, text="Still", blocks=None)
    assert [each.ts for each in slack.channels[CHANNEL].thread(ts)] == [reply, deeper]
    assert refusal(post, client, thread_ts="1.000000")["error"] == "thread_not_found"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C-NONE"}, "channel_not_found"),
        ({"channel": "C-SECRET"}, "channel_not_found"),
        ({"channel": "C-PUBLIC"}, "not_in_channel"),
        ({"channel": "C-OLD"}, "is_archived"),
        ({"blocks": None, "text": " "}, "invalid_blocks"),
        ({"blocks": [], "text": ""}, "no_text"),
        ({"blocks": [{"type": "table"}]}, "invalid_blocks"),
        ({"blocks": "[oops"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "markdown", "text": "x" * 13_000}]}, "msg_blocks_too_long"),
        ({"metadata": {"event_type": "bill"}}, "invalid_metadata_format"),
        ({"attachments": [{"fallback": "x"}]}, "invalid_attachments"),
    ],
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")
def test_a_message_slack_would_not_take_is_refused(
    slack: Slack, client: WebClient, arguments: Json, error: str
) -> None:
    slack.add_channel("C-SECRET", "secret", [APPROVER], private=True)
    slack.add_channel("C-PUBLIC", "public", [APPROVER])
    slack.add_channel("C-OLD", "old", [APPROVER, BOT]).archived = True
    assert refusal(post, client, **arguments)["error"] == error
    assert not any(channel.messages for channel in slack.channels.values())


def test_invalid_blocks_are_explained(client: WebClient) -> None:
    told = refusal(post, client, blocks=[{"type": "table"}])
    said = "unsupported type: table [json-pointer:/blocks/0/type]"
    assert told["errors"] == [said]
    assert told["response_metadata"]["messages"] == [f"[ERROR] {said}"]


def test_an_endless_text_is_cut_when_posted_and_refused_when_updated(
    slack: Slack, client: WebClient
) -> None:
    ts = post(client, text="x" * 40_001)
    assert len(slack.channels[CHANNEL].messages[ts].text) == 40_000
    again = refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x" * 4001)
    assert again["error"] == "msg_too_long"


def test_an_update_without_blocks_removes_them_and_keeps_the_metadata(
    slack: Slack, client: WebClient
) -> None:
    metadata = {"event_type": "bill", "event_payload": {"entry_id": "odoo-1"}}
    ts = post(client, metadata=metadata)
    client.chat_update(channel=CHANNEL, ts=ts, text="Approved", blocks=CARD[:1])
    with_blocks = slack.channels[CHANNEL].messages[ts]
    assert (len(with_blocks.blocks), with_blocks.edited) == (1, False)
    client.chat_update(channel=CHANNEL, ts=ts, text="Approved")
    message = slack.channels[CHANNEL].messages[ts]
    assert (message.text, message.blocks, message.edited) == ("Approved", (), True)
    assert message.metadata == metadata
    client.chat_update(channel=CHANNEL, ts=ts, text="Approved", metadata={})
    assert slack.channels[CHANNEL].messages[ts].metadata is None


def test_only_the_apps_own_messages_can_be_changed(slack: Slack, client: WebClient) -> None:
    theirs = slack.say(APPROVER, CHANNEL, "Who knows this vendor?").ts
    for ts, update, delete in (
        (theirs, "cant_update_message", "cant_delete_message"),
        ("1.000000", "message_not_found", "message_not_found"),
    ):
        told = refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x")
        assert told["error"] == update
        told = refusal(client.chat_delete, channel=CHANNEL, ts=ts)
        assert told["error"] == delete
    mine = post(client)
    client.chat_delete(channel=CHANNEL, ts=mine)
    assert list(slack.channels[CHANNEL].messages) == [theirs]


def test_an_ephemeral_message_is_seen_by_one_person(slack: Slack, client: WebClient) -> None:
    client.chat_postEphemeral(channel=CHANNEL, user=APPROVER, text="Not yours to decide")
    channel = slack.channels[CHANNEL]
    assert [each.text for each in channel.ephemerals[APPROVER]] == ["Not yours to decide"]
    assert channel.messages == {}
    ts = channel.ephemerals[APPROVER][0].ts
    told = refusal(client.chat_update, channel=CHANNEL, ts=ts, text="x")
    assert told["error"] == "message_not_found"


def test_an_ephemeral_message_needs_somebody_in_the_channel(
    slack: Slack, client: WebClient
) -> None:
    slack.channels[CHANNEL].members.remove("U-SECOND")
    for user, error in (("U-SECOND", "user_not_in_channel"), ("U-NOBODY", "user_not_found")):
        told = refusal(client.chat_postEphemeral, channel=CHANNEL, user=user, text="x")
        assert told["error"] == error
