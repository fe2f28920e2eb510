"""The Slack simulator, called as the product calls Slack: with slack_sdk over HTTP."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from sandbox.http_server import serve
from sandbox.slack.server import BOT, ScreenError, SignedRequest, Slack, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Json = dict[str, Any]

CHANNEL, APPROVER = "C-SANDBOX", "U-APPROVER"
CARD: list[Json] = [
    {"type": "section", "text": {"type": "plain_text", "text": "Acme"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve_invoice",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "odoo-1|abc",
                "style": "primary",
            },
            {
                "type": "button",
                "action_id": "reject_invoice",
                "text": {"type": "plain_text", "text": "Reject"},
                "value": "odoo-1|abc",
            },
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "reject_reason",
    "private_metadata": "odoo-1|abc",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        },
        {
            "type": "input",
            "block_id": "kind",
            "optional": True,
            "label": {"type": "plain_text", "text": "Kind"},
            "element": {
                "type": "static_select",
                "action_id": "choice",
                "options": [{"text": {"type": "plain_text", "text": "Twice"}, "value": "twice"}],
            },
        },
    ],
}


NOTE: Json = {"type": "modal", "title": MODAL["title"], "blocks": CARD[:1]}


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[Slack]:
    slack = Slack(clock=clock)
    with serve(slack) as server:
        slack.public_url = server.url
        yield slack


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return a_client(slack)


def a_client(slack: Slack, **more: Any) -> WebClient:
    arguments: Json = {"token": "xoxb-sandbox", "timeout": 5, "retry_handlers": []} | more
    return WebClient(base_url=f"{slack.public_url}/api/", **arguments)


def refusal(call: Callable[..., object], *names: object, **arguments: object) -> Json:
    """The answer with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        call(*names, **arguments)
    answer: Json = caught.value.response.data
    assert answer["ok"] is False
    return answer


def post(client: WebClient, **more: Any) -> str:
    arguments = {"channel": CHANNEL, "text": "A bill", "blocks": CARD} | more
    return str(client.chat_postMessage(**arguments)["ts"])


def payload(request: SignedRequest) -> Json:
    told: Json = json.loads(parse_qs(request.body.decode(), strict_parsing=True)["payload"][0])
    return told


def click(slack: Slack, ts: str, action: str = "approve_invoice", person: str = APPROVER) -> Json:
    return payload(slack.click(person, CHANNEL, ts, action))


def open_modal(slack: Slack, client: WebClient, modal: Json = MODAL) -> str:
    answer = client.views_open(trigger_id=a_trigger(slack, client), view=modal)
    return str(answer["view"]["id"])


def a_trigger(slack: Slack, client: WebClient) -> str:
    return str(click(slack, post(client), "reject_invoice")["trigger_id"])


# Who calls


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


# Messages


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


# People and channels


def test_people_are_described_as_slack_does(slack: Slack, client: WebClient) -> None:
    ada = client.users_info(user=APPROVER)["user"]
    assert (ada["team_id"], ada["profile"]["email"]) == ("T-SANDBOX", "ada@example.com")
    assert client.users_info(user="U-GUEST")["user"]["is_restricted"]
    assert client.users_info(user="U-LEFT")["user"]["deleted"]
    assert client.users_info(user=BOT)["user"]["is_bot"]
    stranger = client.users_info(user="U-STRANGER")["user"]
    assert stranger["team_id"] == "T-OTHER"
    assert "email" not in stranger["profile"]
    slack.scopes.remove("users:read.email")
    assert "email" not in client.users_info(user=APPROVER)["user"]["profile"]
    assert refusal(client.users_info, user="U-NOBODY")["error"] == "user_not_found"


def test_people_are_found_by_their_e_mail(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="admin@example.com")["user"]["id"] == "U-CLERK"
    for email in ("stella@other.example", "lou@example.com", "nobody@example.com"):
        told = refusal(client.users_lookupByEmail, email=email)
        assert told["error"] == "users_not_found"


def test_a_group_lists_its_members(client: WebClient) -> None:
    assert client.usergroups_users_list(usergroup="S-APPROVERS")["users"] == [APPROVER, "U-SECOND"]
    told = refusal(client.usergroups_users_list, usergroup="S-NONE")
    assert told["error"] == "no_such_subteam"


def test_members_come_page_by_page(slack: Slack, client: WebClient) -> None:
    pages = [page["members"] for page in client.conversations_members(channel=CHANNEL, limit=3)]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert {each for page in pages for each in page} == set(slack.people)


def test_a_channel_says_whether_the_app_is_in_it(slack: Slack, client: WebClient) -> None:
    slack.add_channel("C-PUBLIC", "public", [APPROVER])
    slack.add_channel("C-PRIVATE", "private", [APPROVER, BOT], private=True)
    told = client.conversations_info(channel=CHANNEL, include_num_members=True)["channel"]
    assert (told["name"], told["is_member"], told["num_members"]) == ("bill-approvals", True, 8)
    assert not client.conversations_info(channel="C-PUBLIC")["channel"]["is_member"]
    assert client.conversations_info(channel="C-PRIVATE")["channel"]["is_private"]
    slack.scopes.remove("groups:read")
    told = refusal(client.conversations_info, channel="C-PRIVATE")
    assert told["needed"] == "groups:read"


def test_history_shows_metadata_only_when_asked(slack: Slack, client: WebClient) -> None:
    slack.scopes.add("channels:history")
    slack.add_channel("C-PUBLIC", "public", [APPROVER])
    told = refusal(client.conversations_history, channel="C-PUBLIC")
    assert told["error"] == "not_in_channel"
    metadata = {"event_type": "bill", "event_payload": {"entry_id": "odoo-1"}}
    first, last = post(client, metadata=metadata), post(client)
    post(client, thread_ts=first)
    plain = client.conversations_history(channel=CHANNEL)["messages"]
    assert [each["ts"] for each in plain] == [last, first]
    assert not any("metadata" in each for each in plain)
    (told,) = client.conversations_history(
        channel=CHANNEL,
        include_all_metadata=True,
        oldest=first,
        latest=last,
        inclusive=True,
        limit=1,
    )["messages"]
    assert told["ts"] == last
    found = client.conversations_history(channel=CHANNEL, include_all_metadata=True, latest=last)
    assert [each["metadata"] for each in found["messages"]] == [metadata]


# Clicks


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


# Response URLs


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


# Modals


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


# What goes wrong


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


# Control


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
