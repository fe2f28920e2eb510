"""People, user groups and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.server import BOT, Slack
from tests.support.slack_client import (
    APPROVER,
    CHANNEL,
    post,
    refusal,
)

if TYPE_CHECKING:
    from slack_sdk import WebClient


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
