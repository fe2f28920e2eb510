"""Slack on one machine: a channel to post bills into, people who click, and every way to refuse.

`Slack` is a WSGI application for https://docs.slack.dev/reference/methods as far as an approval
needs them. A person's side is `click`, `submit` and `apply_submit_answer`; what they see is in
`channels` and `views`. What Slack would refuse is refused in its words; besides that, a message
with a problem of `blocks.problems` is `invalid_blocks` even where Slack would let it pass.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from sandbox.blocks import MOST_SERIALISED, MOST_VIEW_BYTES, problems, serialised_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

type Json = dict[str, Any]
type Failure = Literal["ratelimited", "error", "http_500", "timeout", "lost", "slow"]

BOT = "U-BOT"
BOT_ID = "B-SANDBOX"
TRIGGER_SECONDS = 3.0
ANSWER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0
RESPONSE_URL_USES = 5
MOST_VIEWS = 3
TRUNCATED_AT = 40_000
MOST_UPDATED_TEXT = 4_000

# The scope each method needs; one that names {} needs it for the kind of channel it looks at.
SCOPES = {
    "auth.test": None,
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "views.open": None,
    "views.update": None,
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
    "usergroups.users.list": "usergroups:read",
    "conversations.members": "{}:read",
    "conversations.info": "{}:read",
    "conversations.history": "{}:history",
}
GRANTED = "chat:write users:read users:read.email usergroups:read channels:read groups:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account; `team` is empty for ours, else they come by Slack Connect."""

    id: str
    name: str
    email: str = ""
    team: str = ""
    is_bot: bool = False
    is_restricted: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group, such as everybody who may approve."""

    id: str
    handle: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What stands in a channel. `person` is who alone sees it, if it is ephemeral."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many calls in any window of so many seconds."""

    calls: int
    seconds: float


# https://docs.slack.dev/apis/web-api/rate-limits and each method's tier, at its lower bound.
REAL_LIMITS = {
    "chat.postMessage": Limit(calls=1, seconds=1),  # for each channel
    "chat.update": Limit(calls=50, seconds=60),
    "chat.delete": Limit(calls=50, seconds=60),
    "chat.postEphemeral": Limit(calls=100, seconds=60),
    "views.open": Limit(calls=100, seconds=60),
    "views.update": Limit(calls=100, seconds=60),
    "users.info": Limit(calls=100, seconds=60),
    "users.lookupByEmail": Limit(calls=50, seconds=60),
    "usergroups.users.list": Limit(calls=20, seconds=60),
    "conversations.info": Limit(calls=50, seconds=60),
    "conversations.members": Limit(calls=100, seconds=60),
    "conversations.history": Limit(calls=50, seconds=60),
}


class ScreenError(Exception):
    """A person cannot do this: there is no such button, or Slack's own client would stop them."""


class _RefusalError(Exception):
    """The answer is `{"ok": false, "error": code}` with `more`; `status` unless it is 200."""

    def __init__(
        self, code: str, more: Json | None = None, *, status: int = 200, retry_after: int = 0
    ) -> None:
        super().__init__(code)
        self.answer: Json = {"ok": False, "error": code, **(more or {})}
        self.status = status
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}


@dataclass(slots=True, kw_only=True)
class _Fault:
    kind: Failure
    method: str
    times: int
    seconds: float
    retry_after: int
    error: str


@dataclass(slots=True, kw_only=True)
class _ResponseUrl:
    channel: str
    message: Message
    person: str
    until: float
    uses: int = 0


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
    told = {
        name: button[name] for name in ("action_id", "text", "value", "style") if name in button
    }
    return {
        "type": "block_actions",
        **_envelope(person, team, app),
        "container": container | thread,
        "trigger_id": trigger_id,
        "channel": channel,
        # Slack does not repeat what only one person saw.
        **({} if ephemeral else {"message": message}),
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [
            {
                **told,
                "type": "button",
                "block_id": block["block_id"],
                "action_ts": f"{at:.6f}",
            }
        ],
    }


def _envelope(person: Json, team: str, app: str) -> Json:
    return {
        "user": person | {"name": person["username"]},
        "api_app_id": app,
        "token": "deprecated",
        "team": {"id": team, "domain": "sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _button(blocks: Iterable[Json], action_id: str) -> tuple[Json, Json]:
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            if element.get("type") == "button" and element.get("action_id") == action_id:
                return block, element
    raise ScreenError(f"this message has no button {action_id}")


def _people() -> list[Person]:
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


class Slack:
    """A workspace with the app installed in it; safe to call from many threads."""

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - the sandbox's, open to read
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - the sandbox's, open to read
        team: str = "T-SANDBOX",
        app: str = "A-SANDBOX",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token, self.signing_secret = bot_token, signing_secret
        self.team, self.app = team, app
        self.public_url = "http://slack.invalid"
        self.people = {person.id: person for person in _people()}
        self.groups = {
            group.id: group
            for group in (
                Group(id="S-APPROVERS", handle="approvers", users=("U-APPROVER", "U-SECOND")),
                Group(id="S-CONTROLLERS", handle="controllers", users=("U-CONTROLLER",)),
            )
        }
        self.channels: dict[str, Channel] = {}
        self.scopes = set(GRANTED.split())
        self.limits: dict[str, Limit] = {}
        self._clock = clock
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._last_ts = 0
        self._methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_ephemeral,
            "views.open": self._views_open,
            "views.update": self._views_update,
            "users.info": self._users_info,
            "users.lookupByEmail": self._users_lookup,
            "usergroups.users.list": self._group_users,
            "conversations.members": self._members,
            "conversations.info": self._channel_info,
            "conversations.history": self._history,
        }
        self.reset()
        self.add_channel("C-SANDBOX", "bill-approvals", self.people)

    def reset(self) -> None:
        """Forget what was said, opened, called and planned to fail; people and channels stay."""
        with self._lock:
            self.views: dict[str, View] = {}
            self.calls: Counter[str] = Counter()
            self.requests: list[Json] = []
            self._faults: list[_Fault] = []
            self._called: dict[tuple[str, str], deque[float]] = defaultdict(deque)
            self._triggers: dict[str, tuple[str, float]] = {}
            self._used_triggers: set[str] = set()
            self._response_urls: dict[str, _ResponseUrl] = {}
            for channel in self.channels.values():
                channel.messages.clear()
                channel.ephemerals.clear()

    def add_channel(
        self,
        id: str,  # noqa: A002 - as Slack calls it
        name: str,
        members: Iterable[str],
        *,
        private: bool = False,
    ) -> Channel:
        """Open a channel; the app posts there only if `members` has its bot, `U-BOT`."""
        channel = Channel(id=id, name=name, members=set(members), private=private)
        self.channels[id] = channel
        return channel

    def say(self, person: str, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Let a person write a message."""
        with self._lock:
            return self._put(
                channel, Message(ts=self._ts(), user=person, text=text, thread_ts=thread_ts)
            )

    # What goes wrong

    def fail(
        self,
        kind: Failure,
        *,
        method: str = "*",
        times: int = 1,
        seconds: float = 0.0,
        retry_after: int = 1,
        error: str = "internal_error",
    ) -> None:
        """Plan a failure for the next `times` calls of a method (`response_url` is one, `*` any).

        ratelimited: 429 with Retry-After. error: HTTP 200 and `error`. http_500: nothing done, no
        JSON. timeout: nothing done, no answer, the connection closes after `seconds`. lost: done,
        but the connection closes without the answer. slow: done and answered after `seconds`.
        """
        fault = _Fault(
            kind=kind,
            method=method,
            times=times,
            seconds=seconds,
            retry_after=retry_after,
            error=error,
        )
        with self._lock:
            self._faults.append(fault)

    def use_real_limits(self, time_scale: float = 1.0) -> None:
        """Refuse what comes faster than Slack allows; a scale of 0.1 makes a minute six seconds."""
        self.limits = {
            method: replace(limit, seconds=limit.seconds * time_scale)
            for method, limit in REAL_LIMITS.items()
        }

    # What people do

    def click(self, person: str, channel: str, ts: str, action_id: str) -> SignedRequest:
        """The request Slack sends when a person clicks a button; ScreenError if they cannot."""
        with self._lock:
            clicker, message = self._person_here(person, channel), self._seen(person, channel, ts)
            now = self._clock()
            url = _ResponseUrl(
                channel=channel, message=message, person=person, until=now + RESPONSE_URL_SECONDS
            )
            payload = block_actions(
                person=self._user(clicker),
                team=self.team,
                app=self.app,
                channel={"id": channel, "name": self.channels[channel].name},
                message=self._message_json(message),
                action_id=action_id,
                trigger_id=self._trigger(person),
                response_url=self._response_url(url),
                at=now,
                ephemeral=message.person is not None,
            )
            return signed(payload, secret=self.signing_secret, at=now)

    def submit(
        self, person: str, view_id: str, values: dict[str, dict[str, str | None]]
    ) -> SignedRequest:
        """The request Slack sends when a person submits a modal, `values` by block and action id.

        ScreenError for what Slack's client stops: somebody else's modal, an unknown field, a
        mandatory one left empty, a text too short or too long, no such option.
        """
        with self._lock:
            view, now = self._open_view(person, view_id), self._clock()
            inputs = {
                block["block_id"]: block
                for block in view.content["blocks"]
                if block["type"] == "input"
            }
            if unknown := values.keys() - inputs.keys():
                raise ScreenError(f"the modal has no field {', '.join(sorted(unknown))}")
            filled = {name: _filled(block, values.get(name, {})) for name, block in inputs.items()}
            payload = {
                "type": "view_submission",
                **_envelope(self._user(self.people[person]), self.team, self.app),
                "trigger_id": self._trigger(person),
                "view": self._view_json(view) | {"state": {"values": filled}},
                "response_urls": [],
            }
            return signed(payload, secret=self.signing_secret, at=now)

    def apply_submit_answer(
        self, view_id: str, status: int, body: bytes, *, seconds: float = 0.0
    ) -> View | None:
        """Do with a modal what the app answered to its submission after so many `seconds`.

        Returns the modal now in front of the person: None once it is closed, with `errors` if some
        were answered, with `trouble` if the answer was late, not 200, or not one Slack understands.
        https://docs.slack.dev/surfaces/modals#response_actions
        """
        with self._lock:
            view = self.views[view_id]
            try:
                answer = json.loads(body) if body.strip() else {}
                if status != 200 or seconds > ANSWER_SECONDS:  # noqa: PLR2004 - HTTP's OK
                    return self._show(replace(view, errors={}, trouble=True))
                return self._respond(view, answer)
            except (ValueError, KeyError, TypeError, AttributeError, _RefusalError):
                return self._show(replace(view, errors={}, trouble=True))

    def _respond(self, view: View, answer: Json) -> View | None:
        action = answer.get("response_action")
        if action == "errors":
            fields = {each.get("block_id") for each in view.content["blocks"]}
            if not answer["errors"] or not answer["errors"].keys() <= fields:
                raise ValueError("errors must name input blocks of the view")
            return self._show(replace(view, errors=dict(answer["errors"]), trouble=False))
        if action == "update":
            return self._show(self._changed(view, answer["view"]))
        if action == "push":
            return self._show(self._new_view(view.person, answer["view"], previous=view))
        if action == "clear":
            self.views = {name: each for name, each in self.views.items() if each.root != view.root}
            return None
        if answer:
            raise ValueError("no such response_action")
        del self.views[view.id]
        return self.views.get(view.previous or "")

    # HTTP

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the Web API under /api, response URLs under /response, control under /_sim."""
        request = Request(environ)
        kind, _, name = request.path.lstrip("/").partition("/")
        if kind == "_sim":
            return self._control(name, request)(environ, start_response)
        method = name if kind == "api" else "response_url"
        with self._lock:
            self.calls[method] += 1
            fault = self._take_fault(method)
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        if fault and fault.kind == "timeout":
            _hang_up(environ)
        response = self._answer(method, name, request, fault)
        if fault and fault.kind == "lost":
            _hang_up(environ)
        return response(environ, start_response)

    def _answer(self, method: str, name: str, request: Request, fault: _Fault | None) -> Response:
        arguments: Json = {}
        status, headers = 200, {}
        with self._lock:
            try:
                arguments = _arguments(request)
                token = arguments.pop("token", None)
                self._refuse_as_planned(fault)
                if method == "response_url":
                    answer = self._respond_to_url(name, arguments)
                else:
                    self._authenticate(method, request.authorization, token)
                    self._limit(method, arguments)
                    answer = {"ok": True, **self._methods[method](arguments)}
            except _RefusalError as refusal:
                status, headers, answer = refusal.status, refusal.headers, refusal.answer
            self.requests.append(
                {
                    "at": self._clock(),
                    "method": method,
                    "arguments": arguments,
                    "status": status,
                    "answer": answer,
                }
            )
        if fault and fault.kind == "http_500":
            return Response("Internal Server Error", status, headers, mimetype="text/html")
        content = json.dumps(answer)
        return Response(content, status, headers, content_type="application/json; charset=utf-8")

    def _control(self, name: str, request: Request) -> Response:
        """GET /_sim/state; POST /_sim/reset; POST /_sim/fail with the arguments of `fail`."""
        if name == "reset" and request.method == "POST":
            self.reset()
        elif name == "fail" and request.method == "POST":
            self.fail(**request.get_json())
        elif name != "state":
            return Response(status=404)
        return Response(json.dumps(self.state()), mimetype="application/json")

    def state(self) -> Json:
        """All there is to see, as JSON."""
        with self._lock:
            return {
                "people": [asdict(person) for person in self.people.values()],
                "groups": [asdict(group) for group in self.groups.values()],
                "channels": [
                    asdict(channel)
                    | {
                        "members": sorted(channel.members),
                        "messages": [asdict(message) for message in channel.messages.values()],
                    }
                    for channel in self.channels.values()
                ],
                "views": [asdict(view) for view in self.views.values()],
                "calls": dict(self.calls),
            }

    def _take_fault(self, method: str) -> _Fault | None:
        for fault in self._faults:
            if fault.method in {"*", method}:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _refuse_as_planned(self, fault: _Fault | None) -> None:
        if fault and fault.kind == "ratelimited":
            raise _RefusalError("ratelimited", status=429, retry_after=fault.retry_after)
        if fault and fault.kind == "http_500":
            raise _RefusalError("internal_error", status=500)
        if fault and fault.kind == "error":
            raise _RefusalError(fault.error)

    def _authenticate(self, method: str, authorization: Any, argument: object) -> None:  # noqa: ANN401 - werkzeug keeps its type to itself
        token = authorization.token if authorization else argument
        if not token:
            raise _RefusalError("not_authed")
        if token != self.bot_token:
            raise _RefusalError("invalid_auth")
        if method not in self._methods:
            raise _RefusalError("unknown_method", {"req_method": method})
        scope = SCOPES[method]
        if scope and "{}" not in scope:
            self._need(scope)

    def _need(self, scope: str) -> None:
        if scope not in self.scopes:
            provided = ",".join(sorted(self.scopes))
            raise _RefusalError("missing_scope", {"needed": scope, "provided": provided})

    def _limit(self, method: str, arguments: Json) -> None:
        limit = self.limits.get(method)
        if limit is None:
            return
        where = str(arguments.get("channel")) if method == "chat.postMessage" else ""
        now, calls = self._clock(), self._called[method, where]
        while calls and calls[0] <= now - limit.seconds:
            calls.popleft()
        if len(calls) >= limit.calls:
            wait = max(1, ceil(calls[0] + limit.seconds - now))
            raise _RefusalError("ratelimited", status=429, retry_after=wait)
        calls.append(now)

    # The methods

    def _auth_test(self, _: Json) -> Json:
        return {
            "url": "https://sandbox.slack.com/",
            "team": "Sandbox",
            "user": "bill_approvals",
            "team_id": self.team,
            "user_id": BOT,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _post_message(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        message = self._put(channel.id, self._composed(arguments, self._thread(channel, arguments)))
        return {
            "channel": channel.id,
            "ts": message.ts,
            "message": self._message_json(message, metadata=True),
        }

    def _update(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        old = self._own(channel, arguments, "cant_update_message")
        if len(str(arguments.get("text") or "")) > MOST_UPDATED_TEXT:
            raise _RefusalError("msg_too_long")
        message = self._rewritten(old, arguments)
        channel.messages[old.ts] = message
        return {
            "channel": channel.id,
            "ts": old.ts,
            "text": message.text,
            "message": self._message_json(message, metadata=True),
        }

    def _delete(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        message = self._own(channel, arguments, "cant_delete_message")
        del channel.messages[message.ts]
        return {"channel": channel.id, "ts": message.ts}

    def _post_ephemeral(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        if arguments.get("user") not in self.people:
            raise _RefusalError("user_not_found")
        if arguments["user"] not in channel.members:
            raise _RefusalError("user_not_in_channel")
        composed = self._composed(arguments, self._thread(channel, arguments))
        message = self._put(channel.id, replace(composed, person=arguments["user"]))
        return {"message_ts": message.ts}

    def _views_open(self, arguments: Json) -> Json:
        trigger = str(arguments.get("trigger_id"))
        if trigger in self._used_triggers:
            raise _RefusalError("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise _RefusalError("invalid_trigger_id")
        person, until = self._triggers[trigger]
        if self._clock() > until:
            raise _RefusalError("expired_trigger_id")
        view = self._new_view(person, arguments.get("view"))
        self._used_triggers.add(trigger)
        return {"view": self._view_json(self._show(view))}

    def _views_update(self, arguments: Json) -> Json:
        named = (
            view
            for view in self.views.values()
            if view.id == arguments.get("view_id")
            or (arguments.get("external_id") or "-") == view.content.get("external_id")
        )
        view = next(named, None)
        if view is None:
            raise _RefusalError("not_found")
        if arguments.get("hash") not in {None, "", view.hash}:
            raise _RefusalError("hash_conflict")
        return {"view": self._view_json(self._show(self._changed(view, arguments.get("view"))))}

    def _users_info(self, arguments: Json) -> Json:
        person = self.people.get(str(arguments.get("user")))
        if person is None:
            raise _RefusalError("user_not_found")
        return {"user": self._person_json(person)}

    def _users_lookup(self, arguments: Json) -> Json:
        for person in self.people.values():
            ours = not person.team and not person.deleted
            if ours and person.email and person.email == arguments.get("email"):
                return {"user": self._person_json(person)}
        raise _RefusalError("users_not_found")

    def _group_users(self, arguments: Json) -> Json:
        group = self.groups.get(str(arguments.get("usergroup")))
        if group is None:
            raise _RefusalError("no_such_subteam")
        return {"users": list(group.users)}

    def _members(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="read")
        page, cursor = _page(sorted(channel.members), arguments, most=1000)
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def _channel_info(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="read")
        about: Json = {
            "id": channel.id,
            "name": channel.name,
            "is_channel": not channel.private,
            "is_group": channel.private,
            "is_private": channel.private,
            "is_archived": channel.archived,
            "is_member": BOT in channel.members,
            "is_im": False,
            "context_team_id": self.team,
        }
        if _truth(arguments.get("include_num_members")):
            about["num_members"] = len(channel.members)
        return {"channel": about}

    def _history(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="history")
        if BOT not in channel.members:
            raise _RefusalError("not_in_channel")
        oldest, latest = arguments.get("oldest") or "0", arguments.get("latest") or "inf"
        edges = _truth(arguments.get("inclusive"))
        newest_first = [
            self._message_json(message, metadata=_truth(arguments.get("include_all_metadata")))
            for message in reversed(channel.messages.values())
            if message.thread_ts is None
            and (
                float(oldest) < float(message.ts) < float(latest)
                or (edges and message.ts in {oldest, latest})
            )
        ]
        page, cursor = _page(newest_first, arguments, most=999)
        return {
            "messages": page,
            "has_more": bool(cursor),
            "response_metadata": {"next_cursor": cursor},
        }

    def _respond_to_url(self, token: str, arguments: Json) -> Json:
        """See https://docs.slack.dev/interactivity/handling-user-interaction#message_responses ."""
        url = self._response_urls.get(token)
        if url is None or self._clock() > url.until:
            raise _RefusalError("expired_url", status=404)
        if url.uses >= RESPONSE_URL_USES:
            raise _RefusalError("used_url", status=404)
        original = self._current(url)
        if _truth(arguments.get("delete_original")):
            if original:
                self._remove(url.channel, original)
        elif _truth(arguments.get("replace_original")):
            if original is None:
                raise _RefusalError("message_not_found", status=404)
            self._overwrite(url.channel, self._rewritten(original, arguments))
        else:
            # A reply in a thread needs both of them, as the page above says.
            threaded = arguments.get("replace_original") in (False, "false", "0")
            thread_ts = arguments.get("thread_ts") if threaded else None
            message = self._composed(arguments, thread_ts)
            if arguments.get("response_type") != "in_channel":
                message = replace(message, person=url.person)
            self._put(url.channel, message)
        url.uses += 1
        return {"ok": True}

    # Messages

    def _composed(self, arguments: Json, thread_ts: str | None) -> Message:
        text, blocks = self._content(arguments)
        return Message(
            ts=self._ts(),
            user=BOT,
            text=text,
            blocks=blocks,
            metadata=_metadata(arguments),
            thread_ts=thread_ts,
            unfurls=_truth(arguments.get("unfurl_links", True))
            or _truth(arguments.get("unfurl_media", True)),
        )

    def _rewritten(self, old: Message, arguments: Json) -> Message:
        text, blocks = self._content(arguments)
        kept = "metadata" not in arguments
        return replace(
            old,
            text=text,
            blocks=blocks,
            metadata=old.metadata if kept else _metadata(arguments),
            edited=old.edited or not blocks,
        )

    def _content(self, arguments: Json) -> tuple[str, tuple[Json, ...]]:
        text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
        if arguments.get("attachments"):
            raise _RefusalError("invalid_attachments")
        if not text and not blocks:
            raise _RefusalError("no_text")
        if serialised_length(blocks) > MOST_SERIALISED:
            raise _RefusalError("msg_blocks_too_long")
        _refuse_problems(problems({"text": text, "blocks": blocks}), "invalid_blocks")
        return text[:TRUNCATED_AT], tuple(self._named(blocks))

    def _named(self, blocks: list[Json]) -> list[Json]:
        """The blocks with the ids that Slack makes up where the app gave none."""
        named = []
        for block in blocks:
            copy = {"block_id": f"block-{next(self._numbers)}", **block}
            if "elements" in block and block["type"] == "actions":
                copy["elements"] = [
                    {"action_id": f"action-{next(self._numbers)}", **element}
                    for element in block["elements"]
                ]
            named.append(copy)
        return named

    def _put(self, channel_id: str, message: Message) -> Message:
        channel = self.channels[channel_id]
        if message.person:
            channel.ephemerals[message.person].append(message)
        else:
            channel.messages[message.ts] = message
        return message

    def _remove(self, channel_id: str, message: Message) -> None:
        channel = self.channels[channel_id]
        if message.person:
            channel.ephemerals[message.person].remove(message)
        else:
            del channel.messages[message.ts]

    def _overwrite(self, channel_id: str, message: Message) -> None:
        channel = self.channels[channel_id]
        if message.person:
            mine = channel.ephemerals[message.person]
            mine[:] = [message if each.ts == message.ts else each for each in mine]
        else:
            channel.messages[message.ts] = message

    def _current(self, url: _ResponseUrl) -> Message | None:
        """The message a response URL came from, as it stands now."""
        channel, ts = self.channels[url.channel], url.message.ts
        if url.message.person is None:
            return channel.messages.get(ts)
        return next((each for each in channel.ephemerals[url.person] if each.ts == ts), None)

    def _own(self, channel: Channel, arguments: Json, otherwise: str) -> Message:
        message = channel.messages.get(str(arguments.get("ts")))
        if message is None:
            raise _RefusalError("message_not_found")
        if message.user != BOT:
            raise _RefusalError(otherwise)
        return message

    def _channel(self, arguments: Json, *, writing: bool = False, needs: str = "") -> Channel:
        channel = self.channels.get(str(arguments.get("channel")))
        if channel is None or (channel.private and BOT not in channel.members):
            raise _RefusalError("channel_not_found")
        if needs:
            self._need(f"{'groups' if channel.private else 'channels'}:{needs}")
        if writing and BOT not in channel.members:
            raise _RefusalError("not_in_channel")
        if writing and channel.archived:
            raise _RefusalError("is_archived")
        return channel

    def _thread(self, channel: Channel, arguments: Json) -> str | None:
        """The first message of the thread to post in; a reply's own ts leads to it as well."""
        ts = arguments.get("thread_ts")
        if not ts:
            return None
        if ts not in channel.messages:
            raise _RefusalError("thread_not_found")
        return channel.messages[ts].thread_ts or str(ts)

    def _message_json(self, message: Message, *, metadata: bool = False) -> Json:
        answer: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": self.team,
        }
        if message.user == BOT:
            answer |= {"bot_id": BOT_ID, "app_id": self.app}
        if message.blocks:
            answer["blocks"] = list(message.blocks)
        if message.thread_ts:
            answer["thread_ts"] = message.thread_ts
        if message.edited:
            answer["edited"] = {"user": message.user, "ts": message.ts}
        if metadata and message.metadata:
            answer["metadata"] = message.metadata
        return answer

    # People and modals

    def _person_here(self, person: str, channel: str) -> Person:
        somebody = self.people.get(person)
        if somebody is None or somebody.is_bot or somebody.deleted:
            raise ScreenError(f"{person} is nobody who can click")
        if channel not in self.channels or person not in self.channels[channel].members:
            raise ScreenError(f"{person} is not in {channel}")
        return somebody

    def _seen(self, person: str, channel: str, ts: str) -> Message:
        place = self.channels[channel]
        everything = [*place.messages.values(), *place.ephemerals[person]]
        for message in everything:
            if message.ts == ts:
                return message
        raise ScreenError(f"{person} sees no message {ts} in {channel}")

    def _user(self, person: Person) -> Json:
        username = person.name.lower().replace(" ", ".")
        return {"id": person.id, "username": username, "team_id": person.team or self.team}

    def _person_json(self, person: Person) -> Json:
        profile = {"real_name": person.name, "display_name": person.name.split()[0]}
        if person.email and not person.team and "users:read.email" in self.scopes:
            profile["email"] = person.email
        return {
            "id": person.id,
            "team_id": person.team or self.team,
            "name": self._user(person)["username"],
            "real_name": person.name,
            "deleted": person.deleted,
            "is_bot": person.is_bot,
            "is_restricted": person.is_restricted,
            "is_ultra_restricted": False,
            "profile": profile,
        }

    def _new_view(self, person: str, content: object, previous: View | None = None) -> View:
        stack = [view for view in self.views.values() if previous and view.root == previous.root]
        if len(stack) >= MOST_VIEWS:
            raise _RefusalError("push_limit_reached")
        name = f"V-{next(self._numbers)}"
        return View(
            id=name,
            person=person,
            content=self._view_content(content, name),
            hash=self._hash(),
            root=previous.root if previous else name,
            previous=previous.id if previous else None,
        )

    def _changed(self, view: View, content: object) -> View:
        return replace(
            view,
            content=self._view_content(content, view.id),
            hash=self._hash(),
            errors={},
            trouble=False,
        )

    def _view_content(self, content: object, view_id: str) -> Json:
        if not isinstance(content, dict):
            raise _RefusalError("invalid_arguments", _told(["missing required field: view"]))
        if len(json.dumps(content, ensure_ascii=False).encode()) > MOST_VIEW_BYTES:
            raise _RefusalError("view_too_large")
        _refuse_problems(problems({"title": None, **content}), "invalid_arguments")
        external = content.get("external_id")
        others = (view for view in self.views.values() if view.id != view_id)
        if external and any(view.content.get("external_id") == external for view in others):
            raise _RefusalError("duplicate_external_id")
        return content | {"blocks": self._named(content["blocks"])}

    def _show(self, view: View) -> View:
        self.views[view.id] = view
        return view

    def _open_view(self, person: str, view_id: str) -> View:
        view = self.views.get(view_id)
        if view is None or view.person != person:
            raise ScreenError(f"{person} has no open modal {view_id}")
        if "submit" not in view.content:
            raise ScreenError("this modal has no submit button")
        if any(other.previous == view_id for other in self.views.values()):
            raise ScreenError("another modal is on top of this one")
        return view

    def _view_json(self, view: View) -> Json:
        defaults = {
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
        }
        return {
            **defaults,
            **view.content,
            "id": view.id,
            "team_id": self.team,
            "app_id": self.app,
            "app_installed_team_id": self.team,
            "bot_id": BOT_ID,
            "state": {"values": {}},
            "hash": view.hash,
            "root_view_id": view.root,
            "previous_view_id": view.previous,
        }

    # Numbers that must not repeat

    def _ts(self) -> str:
        self._last_ts = max(int(self._clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def _hash(self) -> str:
        return f"{int(self._clock())}.{secrets.token_hex(4)}"

    def _trigger(self, person: str) -> str:
        trigger = f"{next(self._numbers)}.1.{secrets.token_hex(16)}"
        self._triggers[trigger] = person, self._clock() + TRIGGER_SECONDS
        return trigger

    def _response_url(self, url: _ResponseUrl) -> str:
        token = secrets.token_urlsafe(24)
        self._response_urls[token] = url
        return f"{self.public_url}/response/{token}"


def _arguments(request: Request) -> Json:
    """A call's arguments, however they were sent; slack_sdk sends JSON, a form or a multipart."""
    arguments: Json = {**request.args.to_dict(), **request.form.to_dict()}
    if request.is_json and request.content_length:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise _RefusalError("invalid_json" if body is None else "json_not_object")
        arguments |= body
    for name, code in (
        ("blocks", "invalid_blocks_format"),
        ("view", "invalid_arguments"),
        ("metadata", "invalid_metadata_format"),
    ):
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError as error:
                raise _RefusalError(code) from error
    return arguments


def _hang_up(environ: WSGIEnvironment) -> NoReturn:
    """Close the connection under the client's feet, as werkzeug's server lets us."""
    if "werkzeug.socket" in environ:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the answer never arrives")


def _filled(block: Json, given: dict[str, str | None]) -> Json:
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
        raise ScreenError(f"nobody here can fill in a {kind}")
    chosen = [option for option in element["options"] if option["value"] == value]
    if value and not chosen:
        raise ScreenError(f"{block['label']['text']} has no option {value}")
    return {name: {"type": kind, "selected_option": chosen[0] if chosen else None}}


def _metadata(arguments: Json) -> Json | None:
    metadata = arguments.get("metadata") or None
    if metadata is None:
        return None
    kind = metadata.get("event_type") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not isinstance(metadata.get("event_payload"), dict):
        raise _RefusalError("invalid_metadata_format")
    return dict(metadata)


def _refuse_problems(found: list[str], code: str) -> None:
    if found:
        raise _RefusalError(code, _told(found))


def _told(found: list[str]) -> Json:
    messages = [f"[ERROR] {problem}" for problem in found]
    return {"errors": found, "response_metadata": {"messages": messages}}


def _page[T](items: list[T], arguments: Json, *, most: int) -> tuple[list[T], str]:
    """One page and the cursor of the next; Slack's default is 100."""
    start = int(arguments.get("cursor") or 0)
    end = start + min(int(arguments.get("limit") or 100), most)
    return items[start:end], str(end) if end < len(items) else ""


def _truth(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")
