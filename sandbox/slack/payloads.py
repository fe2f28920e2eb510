"""What a simulated Slack contains, and the signed requests for a person's clicks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable

type Json = dict[str, Any]

BOT = "U-BOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person with an account; `team` is empty for ours, otherwise they use Slack Connect.

    Or they come from a sister workspace of our organisation (Enterprise Grid): then `teams` has all
    their workspaces.
    """

    id: str
    name: str
    email: str = ""
    team: str = ""
    teams: tuple[str, ...] = ()
    is_bot: bool = False
    is_restricted: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group, such as all approvers."""

    id: str
    handle: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in a channel. If it is ephemeral, only `person` sees it."""

    ts: str
    user: str
    text: str
    blocks: tuple[Json, ...] = ()
    metadata: Json | None = None
    thread_ts: str | None = None
    unfurls: bool = True
    edited: bool = False
    person: str | None = None


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel: its messages (thread replies among them) in order, ephemerals per person."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    ephemerals: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def thread(self, ts: str) -> list[Message]:
        """The replies under a message."""
        return [each for each in self.messages.values() if each.thread_ts == ts]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An open modal. `errors` stand under its fields; `trouble` is Slack's "try again" banner."""

    id: str
    person: str
    content: Json
    hash: str
    root: str
    previous: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    trouble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What Slack POSTs to the app: send `body` with `headers` to its request URL."""

    headers: dict[str, str]
    body: bytes


class ScreenError(Exception):
    """A person cannot do this: there is no such button, or Slack's own client would stop them."""


def signed(payload: Json, *, secret: str, at: float) -> SignedRequest:
    """An interaction as Slack sends it: a form with one field, signed with `v0`.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    body = urlencode({"payload": json.dumps(payload, separators=(",", ":"))}).encode()
    timestamp = str(int(at))
    base = b"v0:" + timestamp.encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature,
    }
    return SignedRequest(headers=headers, body=body)


def block_actions(
    *,
    person: Json,
    team: str,
    app: str,
    organisation: str = "",
    channel: Json,
    message: Json,
    action_id: str,
    trigger_id: str,
    response_url: str,
    at: float,
    ephemeral: bool = False,
) -> Json:
    """The payload of a click on the button `action_id` of a message, as the Web API returns it.

    `person` is `{"id", "username", "team_id"}`, `channel` is `{"id", "name"}`. ScreenError if the
    message has no such button. https://docs.slack.dev/reference/interaction-payloads
    """
    block, button = _button(message.get("blocks", []), action_id)
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel["id"],
        "is_ephemeral": ephemeral,
    }
    thread = {"thread_ts": message["thread_ts"]} if message.get("thread_ts") else {}
    shown = {
        name: button[name] for name in ("action_id", "text", "value", "style") if name in button
    }
    return {
        "type": "block_actions",
        **envelope(person, team, app, organisation),
        "container": container | thread,
        "trigger_id": trigger_id,
        "channel": channel,
        # Slack does not send ephemeral messages again.
        **({} if ephemeral else {"message": message}),
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [
            {
                **shown,
                "type": "button",
                "block_id": block["block_id"],
                "action_ts": f"{at:.6f}",
            }
        ],
    }


def envelope(person: Json, team: str, app: str, organisation: str = "") -> Json:
    """What every interaction says of who did it, and where the app is installed."""
    return {
        "user": person | {"name": person["username"]},
        "api_app_id": app,
        "token": "deprecated",
        "team": {"id": team, "domain": "sandbox"},
        "enterprise": {"id": organisation, "name": "Group"} if organisation else None,
        "is_enterprise_install": False,
    }


def _button(blocks: Iterable[Json], action_id: str) -> tuple[Json, Json]:
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("type") == "button" and element.get("action_id") == action_id:
                return block, element
    raise ScreenError(f"this message has no button {action_id}")


def filled(block: Json, given: dict[str, str | None]) -> Json:
    """One input's part of `state.values`, if Slack's client would let it through."""
    element = block["element"]
    name, kind = element["action_id"], element["type"]
    if given.keys() - {name}:
        raise ScreenError(f"the field {block['block_id']} has only {name}")
    value = given.get(name, element.get("initial_value"))
    if not value:
        if not block.get("optional", False):
            raise ScreenError(f"{block['label']['text']} must be filled in")
        value = None
    if kind == "plain_text_input":
        if value and not element.get("min_length", 0) <= len(value) <= element.get(
            "max_length", 3000
        ):
            raise ScreenError(f"{block['label']['text']} is too short or too long")
        return {name: {"type": kind, "value": value}}
    if kind not in {"static_select", "radio_buttons"}:
        raise ScreenError(f"a {kind} cannot be filled in here")
    chosen = [option for option in element["options"] if option["value"] == value]
    if value and not chosen:
        raise ScreenError(f"{block['label']['text']} has no option {value}")
    return {name: {"type": kind, "selected_option": chosen[0] if chosen else None}}


def first_people() -> list[Person]:
    """The first people in the workspace, one of each kind that matters."""
    return [
        Person(id="U-APPROVER", name="Ada Approver", email="ada@example.com"),
        Person(id="U-SECOND", name="Sam Second", email="sam@example.com"),
        Person(id="U-CONTROLLER", name="Cora Controller", email="cora@example.com"),
        # Odoo's administrator, who enters the bills.
        Person(id="U-CLERK", name="Cleo Clerk", email="admin@example.com"),
        Person(id="U-GUEST", name="Gus Guest", email="gus@example.org", is_restricted=True),
        Person(
            id="U-STRANGER", name="Stella Stranger", email="stella@other.example", team="T-OTHER"
        ),
        Person(id="U-LEFT", name="Lou Left", email="lou@example.com", deleted=True),
        Person(id=BOT, name="Bill Approvals", is_bot=True),
    ]
