"""Talking to Slack: signatures, errors said as what to do, answers that go to Slack alone."""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.cards.card import approval_card
from odoo_qb.cards.modals import rejection_modal
from odoo_qb.errors import BadSignature, Refused, Throttled, Unavailable
from odoo_qb.slack.client import SlackClient
from odoo_qb.slack.signature import may_be_signed, verify
from sandbox.http_server import serve
from sandbox.slack.server import Slack as Workspace
from tests.support.builders import an_item

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNEL, APPROVER = "C-SANDBOX", "U-APPROVER"
CARD = approval_card(an_item())

# https://docs.slack.dev/authentication/verifying-requests-from-slack, its worked example.
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SIGNED_AT = datetime.fromtimestamp(1531420618, UTC)
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    workspace = Workspace()
    with serve(workspace) as server:
        workspace.public_url = server.url
        yield workspace


@pytest.fixture
def slack(workspace: Workspace) -> SlackClient:
    return SlackClient("xoxb-sandbox", f"{workspace.public_url}/api/", seconds=0.5)


def clicked(workspace: Workspace, slack: SlackClient) -> dict[str, Any]:
    """The payload of a click on a card just posted."""
    ts = slack.post(CHANNEL, CARD)
    workspace.click(APPROVER, CHANNEL, ts, "approve_invoice")
    token = next(reversed(workspace._response_urls))
    return {"ts": ts, "response_url": f"{workspace.public_url}/response/{token}"}


def test_slacks_published_example_is_genuine() -> None:
    verify(SECRET, HEADERS, BODY, SIGNED_AT)


@pytest.mark.parametrize("name", [str.lower, str.upper, str.title])
def test_headers_are_found_however_they_are_spelt(name: Any) -> None:
    verify(SECRET, {name(k): v for k, v in HEADERS.items()}, BODY, SIGNED_AT)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_within_the_window(seconds: int) -> None:
    verify(SECRET, HEADERS, BODY, SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_more_than_five_minutes_either_way_is_refused(seconds: int) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, HEADERS, BODY, SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("place", [0, 50, len(BODY) - 1])
def test_a_single_changed_byte_is_refused(place: int) -> None:
    changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
    with pytest.raises(BadSignature):
        verify(SECRET, HEADERS, changed, SIGNED_AT)


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(SECRET[::-1], HEADERS, BODY, SIGNED_AT)


@pytest.mark.parametrize("secret", ["", "   "])
def test_an_empty_signing_secret_lets_nobody_in(secret: str) -> None:
    base = b"v0:1531420618:" + BODY
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    with pytest.raises(BadSignature):
        verify(secret, HEADERS | {"X-Slack-Signature": signature}, BODY, SIGNED_AT)


@pytest.mark.parametrize("timestamp", ["", "now", "1531420618.0", "١٥٣١٤٢٠٦١٨", "-1", "9" * 5000])
@pytest.mark.parametrize("signature", ["", "v0=", "v0=é", "v0=" + "0" * 5000, "a2114d57"])
def test_junk_headers_are_a_bad_signature_and_nothing_worse(timestamp: str, signature: str) -> None:
    for headers in (
        {},
        HEADERS | {"X-Slack-Request-Timestamp": timestamp},
        HEADERS | {"X-Slack-Signature": signature},
        {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature},
    ):
        with pytest.raises(BadSignature):
            verify(SECRET, headers, BODY, SIGNED_AT)


def test_junk_is_told_from_a_request_without_the_secret() -> None:
    assert may_be_signed(HEADERS, SIGNED_AT)
    assert not may_be_signed(HEADERS, SIGNED_AT + timedelta(seconds=301))
    assert not may_be_signed({"X-Slack-Request-Timestamp": "1531420618"}, SIGNED_AT)


def test_a_message_is_posted_quietly_and_updated_in_place(
    workspace: Workspace, slack: SlackClient
) -> None:
    ts = slack.post(CHANNEL, CARD)
    message = workspace.channels[CHANNEL].messages[ts]
    assert (message.text, list(message.metadata or {})) == (
        CARD.text,
        ["event_type", "event_payload"],
    )
    assert not message.unfurls
    slack.update(CHANNEL, ts, approval_card(an_item(status="POSTING")))
    assert workspace.channels[CHANNEL].messages[ts].text.startswith("Being posted")
    reply = slack.post(CHANNEL, CARD, thread_ts=ts)
    assert [m.ts for m in workspace.channels[CHANNEL].thread(ts)] == [reply]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("invalid_auth", "Slack rejected the bot token. Check slack_bot_token."),
        ("missing_scope", "The Slack app lacks a scope. Install it again from the manifest."),
        ("not_in_channel", "The app is not in the channel. Invite it there."),
        ("cant_do_that", "Slack refused chat.postMessage: cant_do_that."),
    ],
)
def test_a_refusal_says_what_a_person_can_do(
    workspace: Workspace, slack: SlackClient, code: str, sentence: str
) -> None:
    workspace.fail("error", error=code)
    with pytest.raises(Refused) as refusal:
        slack.post(CHANNEL, CARD)
    assert (str(refusal.value), refusal.value.code) == (sentence, code)


def test_being_throttled_says_how_long_to_wait(workspace: Workspace, slack: SlackClient) -> None:
    workspace.fail("ratelimited", retry_after=17)
    with pytest.raises(Throttled) as throttled:
        slack.post(CHANNEL, CARD)
    assert throttled.value.wait_seconds == 17


@pytest.mark.parametrize("kind", ["http_500", "timeout", "lost", "error"])
def test_what_may_work_later_is_unavailable_and_is_not_tried_blindly_again(
    workspace: Workspace, slack: SlackClient, kind: Any
) -> None:
    workspace.fail(kind)
    with pytest.raises(Unavailable):
        slack.post(CHANNEL, CARD)
    assert workspace.calls["chat.postMessage"] == 1


def test_a_slow_slack_is_given_up_in_time(workspace: Workspace, slack: SlackClient) -> None:
    hold = workspace.fail("slow", seconds=600.0)
    with pytest.raises(Unavailable):
        slack.post(CHANNEL, CARD)
    assert hold.lasts  # nobody waited for its end
    hold.let_go()


def test_a_page_instead_of_an_answer_is_neither_told_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def proxy(_: Any, start_response: Any) -> list[bytes]:
        start_response("407 Proxy", [("Content-Type", "text/html")])
        return [b"<html>who are you?</html>"]

    caplog.set_level(logging.DEBUG)
    with serve(proxy) as server, pytest.raises(Unavailable) as unavailable:
        SlackClient("xoxb-sandbox", f"{server.url}/api/").post(CHANNEL, CARD)
    assert str(unavailable.value) == (
        "Slack sent an unexpected response to chat.postMessage (HTTP status 407)."
    )
    assert "who are you" not in caplog.text
    assert "xoxb-sandbox" not in caplog.text


def test_an_unreachable_slack_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        SlackClient("xoxb-sandbox", "http://127.0.0.1:9/api/").post(CHANNEL, CARD)


def test_an_answer_is_seen_by_nobody_but_the_person(
    workspace: Workspace, slack: SlackClient
) -> None:
    click = clicked(workspace, slack)
    slack.respond(click["response_url"], "Approved.")
    place = workspace.channels[CHANNEL]
    assert [m.text for m in place.ephemerals[APPROVER]] == ["Approved."]
    assert list(place.messages) == [click["ts"]]


def test_the_clicked_card_can_be_replaced(workspace: Workspace, slack: SlackClient) -> None:
    click = clicked(workspace, slack)
    slack.replace(click["response_url"], approval_card(an_item(status="POSTING")))
    message = workspace.channels[CHANNEL].messages[click["ts"]]
    assert message.text.startswith("Being posted")


def test_a_used_up_answer_address_is_said_to_be_so(
    workspace: Workspace, slack: SlackClient
) -> None:
    with pytest.raises(Unavailable):
        slack.respond(f"{workspace.public_url}/response/unknown", "Approved.")


@pytest.mark.parametrize(
    "url",
    [
        *("", "None", "http://[", "https://evil.example/", "http://hooks.slack.com/x"),
        *(
            "https://slack.com.evil.example/",
            "https://slack.com@evil.example/",
            "file:///etc/hosts",
        ),
    ],
)
def test_an_answer_goes_to_slacks_hosts_only(slack: SlackClient, url: str) -> None:
    with pytest.raises(Refused):
        slack.respond(url, "Approved.")


def test_a_modal_opens_for_who_clicked(workspace: Workspace, slack: SlackClient) -> None:
    clicked(workspace, slack)
    trigger = next(reversed(workspace._triggers))
    slack.open_modal(trigger, rejection_modal(an_item()))
    assert [v.person for v in workspace.views.values()] == [APPROVER]
    with pytest.raises(Refused):
        slack.open_modal(trigger, rejection_modal(an_item()))


def test_members_of_groups_and_channels_are_read_to_the_last_page(
    workspace: Workspace, slack: SlackClient
) -> None:
    crowd = {f"U-{n}" for n in range(1500)}
    workspace.add_channel("C-CROWD", "crowd", crowd)
    assert set(slack.channel_members("C-CROWD")) == crowd
    assert slack.group_members("S-APPROVERS") == ["U-APPROVER", "U-SECOND"]


@pytest.mark.parametrize(
    ("person", "email"),
    [
        (APPROVER, "ada@example.com"),
        *((person, None) for person in ("U-GUEST", "U-BOT", "U-LEFT", "U-STRANGER", "U-X")),
    ],
)
def test_only_full_members_are_colleagues(
    slack: SlackClient, person: str, email: str | None
) -> None:
    assert slack.colleague_email(person) == email


def test_an_address_that_slack_does_not_tell_is_empty(
    workspace: Workspace, slack: SlackClient
) -> None:
    workspace.scopes.remove("users:read.email")
    assert slack.colleague_email(APPROVER) == ""


def test_a_reply_is_seen_in_the_channel_only_where_that_is_wanted(
    workspace: Workspace, slack: SlackClient
) -> None:
    ts = slack.post(CHANNEL, CARD, in_channel=True)
    slack.post(CHANNEL, CARD, thread_ts=ts)
    slack.post(CHANNEL, CARD, thread_ts=ts, in_channel=True)
    asked = [r["arguments"].get("reply_broadcast", False) for r in workspace.requests]
    assert asked == [False, False, True]
