"""A simulated Slack's people, channels, messages and modals, and what may be posted."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from sandbox.slack.arguments import metadata_of, truth
from sandbox.slack.block_kit import MOST_SERIALISED, MOST_VIEW_BYTES, problems, serialised_length
from sandbox.slack.payloads import (
    BOT,
    Channel,
    Group,
    Json,
    Message,
    View,
    first_people,
)
from sandbox.slack.refusals import RefusalError, explained, refuse_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BOT_ID = "B-SANDBOX"
TRIGGER_SECONDS = 3.0
MOST_VIEWS = 3
TRUNCATED_AT = 40_000

GRANTED = "chat:write users:read users:read.email usergroups:read channels:read groups:read"


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """A click's response URL: until when it works, and how often it was used."""

    channel: str
    message: Message
    person: str
    until: float
    uses: int = 0


class Workspace:
    """A workspace with the app installed: its contents, and the rules for posting."""

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - the sandbox's, open to read
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - the sandbox's, open to read
        team: str = "T-SANDBOX",
        app: str = "A-SANDBOX",
        organisation: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.bot_token, self.signing_secret = bot_token, signing_secret
        self.team, self.app, self.organisation = team, app, organisation
        self.public_url = "http://slack.invalid"
        self.people = {person.id: person for person in first_people()}
        self.groups = {
            group.id: group
            for group in (
                Group(id="S-APPROVERS", handle="approvers", users=("U-APPROVER", "U-SECOND")),
                Group(id="S-CONTROLLERS", handle="controllers", users=("U-CONTROLLER",)),
            )
        }
        self.channels: dict[str, Channel] = {}
        self.scopes = set(GRANTED.split())
        self._clock = clock
        self.trigger_seconds = TRIGGER_SECONDS
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._last_ts = 0
        self.reset()
        self.add_channel("C-SANDBOX", "bill-approvals", self.people)

    def reset(self) -> None:
        """Forget messages and modals; people and channels stay."""
        with self._lock:
            self.views: dict[str, View] = {}
            self._triggers: dict[str, tuple[str, float]] = {}
            self._used_triggers: set[str] = set()
            self._response_urls: dict[str, ResponseUrl] = {}
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

    # Messages

    def _composed(self, arguments: Json, thread_ts: str | None) -> Message:
        text, blocks = self._content(arguments)
        return Message(
            ts=self._ts(),
            user=BOT,
            text=text,
            blocks=blocks,
            metadata=metadata_of(arguments),
            thread_ts=thread_ts,
            unfurls=truth(arguments.get("unfurl_links", True))
            or truth(arguments.get("unfurl_media", True)),
        )

    def _rewritten(self, old: Message, arguments: Json) -> Message:
        text, blocks = self._content(arguments)
        kept = "metadata" not in arguments
        return replace(
            old,
            text=text,
            blocks=blocks,
            metadata=old.metadata if kept else metadata_of(arguments),
            edited=old.edited or not blocks,
        )

    def _content(self, arguments: Json) -> tuple[str, tuple[Json, ...]]:
        text, blocks = arguments.get("text") or "", arguments.get("blocks") or []
        if arguments.get("attachments"):
            raise RefusalError("invalid_attachments")
        if not text and not blocks:
            raise RefusalError("no_text")
        if serialised_length(blocks) > MOST_SERIALISED:
            raise RefusalError("msg_blocks_too_long")
        refuse_problems(problems({"text": text, "blocks": blocks}), "invalid_blocks")
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

    def _current(self, url: ResponseUrl) -> Message | None:
        """The message a response URL came from, as it stands now."""
        channel, ts = self.channels[url.channel], url.message.ts
        if url.message.person is None:
            return channel.messages.get(ts)
        return next((each for each in channel.ephemerals[url.person] if each.ts == ts), None)

    # Modals

    def _new_view(self, person: str, content: object, previous: View | None = None) -> View:
        stack = [view for view in self.views.values() if previous and view.root == previous.root]
        if len(stack) >= MOST_VIEWS:
            raise RefusalError("push_limit_reached")
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
            raise RefusalError("invalid_arguments", explained(["missing required field: view"]))
        if len(json.dumps(content, ensure_ascii=False).encode()) > MOST_VIEW_BYTES:
            raise RefusalError("view_too_large")
        refuse_problems(problems({"title": None, **content}), "invalid_arguments")
        external = content.get("external_id")
        others = (view for view in self.views.values() if view.id != view_id)
        if external and any(view.content.get("external_id") == external for view in others):
            raise RefusalError("duplicate_external_id")
        return content | {"blocks": self._named(content["blocks"])}

    def _show(self, view: View) -> View:
        self.views[view.id] = view
        return view

    # Numbers that must not repeat

    def _ts(self) -> str:
        self._last_ts = max(int(self._clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def _hash(self) -> str:
        return f"{int(self._clock())}.{secrets.token_hex(4)}"

    def _trigger(self, person: str) -> str:
        trigger = f"{next(self._numbers)}.1.{secrets.token_hex(16)}"
        self._triggers[trigger] = person, self._clock() + self.trigger_seconds
        return trigger

    def _response_url(self, url: ResponseUrl) -> str:
        token = secrets.token_urlsafe(24)
        self._response_urls[token] = url
        return f"{self.public_url}/response/{token}"
