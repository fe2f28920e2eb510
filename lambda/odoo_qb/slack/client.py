"""Slack's API: post and update messages, open modals, reply to clicks, look up people."""

from __future__ import annotations

import logging
from functools import cache
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.slack.answers import NO_PAGE, checked, is_taken
from odoo_qb.slack.workspace import Workspace, home_of, is_member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.slack.blocks import Block
    from odoo_qb.slack.message import Message

CALL_SECONDS: Final = 10  # the longest a call may take
_PAGE: Final = 1000  # the most members Slack lists at once
# A simulator without members or guests says this; Slack itself never does.
_NO_SUCH_METHOD: Final = {"unknown_method", NO_PAGE}

# What the SDK raises if a connection breaks.
_NO_CONNECTION: Final = (URLError, OSError, HTTPException, ValueError)


class SlackClient:
    """The workspace, seen by our app. Every call may raise Unavailable, Throttled or Refused."""

    def __init__(self, token: str, api_url: str, *, seconds: float = CALL_SECONDS) -> None:
        # The SDK would log Slack's answers; we decide what the log may contain.
        self._silence = logging.getLogger(f"{__name__}.sdk")
        self._silence.setLevel(logging.CRITICAL)
        # No retry handler: after a reset it is unknown whether the message was posted, and a retry
        # could post it twice.
        self._client = _Client(
            token=token,
            base_url=api_url,
            timeout=seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
            logger=self._silence,
        )
        self._seconds = seconds
        self._origin = urlsplit(api_url)[:2]
        self._installed: Mapping[str, Any] | None = None
        self._app: str | None = None

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        in_channel: bool = False,
    ) -> str:
        """Post a message; returns its `ts`, needed to update it.

        With `thread_ts` it is a reply, which also appears in the channel if `in_channel`.
        """
        given: dict[str, object] = {"thread_ts": thread_ts} if thread_ts else {}
        if thread_ts and in_channel:
            given["reply_broadcast"] = True
        answer = self._write(
            "chat.postMessage",
            channel=channel,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": "bill", "event_payload": message.ids},
            **given,
            **message.content(),
        )
        return str(answer["ts"])

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace a message of ours."""
        self._write("chat.update", channel=channel, ts=ts, **message.content())

    def open_modal(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Open a modal for the person who clicked within the last three seconds."""
        self._write("views.open", trigger_id=trigger_id, view=view)

    def respond(self, response_url: str, text: str, blocks: Sequence[Block] = ()) -> None:
        """Reply visibly only to the person who clicked; `blocks` replace the text."""
        self._answer(
            response_url,
            text=text,
            **({"blocks": list(blocks)} if blocks else {}),
            response_type="ephemeral",
            replace_original=False,
            unfurl_links=False,
            unfurl_media=False,
        )

    def replace(self, response_url: str, message: Message) -> None:
        """Replace the message that was clicked."""
        self._answer(response_url, replace_original=True, **message.content())

    def lacks(self, refusal: Refused) -> bool:
        """Whether the simulator of Slack lacks this method; Slack itself has them all."""
        return refusal.code in _NO_SUCH_METHOD and not _is_slacks(self._client.base_url)

    def home(self) -> Workspace:
        """Where the app is installed; read once."""
        return home_of(self._installation())

    def app(self) -> str:
        """Our app's id, which every click on one of our cards carries; read once.

        Empty if a simulator of Slack does not say. auth.test returns only the bot's id:
        https://docs.slack.dev/reference/methods/bots.info
        """
        if self._app is None:
            bot = self._installation().get("bot_id")
            found = self._read_if_there("bots.info", bot=bot) if bot else {}
            self._app = str(found.get("bot", {}).get("app_id", ""))
        return self._app

    def _installation(self) -> Mapping[str, Any]:
        if self._installed is None:
            self._installed = self._read_if_there("auth.test")
        return self._installed

    def _read_if_there(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """A method's answer; nothing if a simulator of Slack lacks the method."""
        try:
            answer: Mapping[str, Any] = self._read(method, **arguments)
        except Refused as refusal:
            if not self.lacks(refusal):
                raise
            return {}
        return answer

    def group_members(self, group: str) -> list[str]:
        """The ids of a user group's members; Slack admits no guests to groups."""
        return [str(user) for user in self._read("usergroups.users.list", usergroup=group)["users"]]

    def channel_members(self, channel: str) -> list[str]:
        """The ids of all members of a channel: also guests, bots and people of other workspaces."""
        found: list[str] = []
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self._read("conversations.members", channel=channel, limit=_PAGE, **more)
            found += map(str, answer["members"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    def colleague_email(self, person: str) -> str | None:
        """A colleague's e-mail address, "" if Slack does not show it.

        None for anyone who is not a full member of our workspace: a guest, stranger or bot.
        """
        try:
            user = self._read("users.info", user=person)["user"]
        except Refused as refusal:
            if refusal.code in {"user_not_found", "user_not_visible"}:
                return None
            raise
        apart = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
        if any(user.get(name) for name in apart) or not is_member(user, self.home()):
            return None
        return str((user.get("profile") or {}).get("email") or "")

    def _write(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        return self._call(method, json=arguments)

    def _read(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        # Methods that only read take a form, not JSON: https://docs.slack.dev/apis/web-api
        return self._call(method, params=arguments)

    def _call(self, method: str, **arguments: Any) -> Any:  # noqa: ANN401 - Slack's JSON
        try:
            return self._client.api_call(method, **arguments).data
        except _NO_CONNECTION as error:
            raise Unavailable(f"Slack did not answer {method}.") from error

    def _answer(self, response_url: str, **message: Any) -> None:  # noqa: ANN401 - the SDK's
        """Post to a response URL: it came in a signed request, but must still be Slack's."""
        if not self._is_slacks(response_url):
            raise Refused("The response address is not Slack's.")
        webhook = _Webhook(
            response_url,
            timeout=self._seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
            logger=self._silence,
        )
        try:
            answer = webhook.send(**message)
        except _NO_CONNECTION as error:
            raise Unavailable("Slack did not accept the reply.") from error
        if not is_taken(answer.status_code, answer.body):
            raise Unavailable(f"Slack did not accept the reply: HTTP status {answer.status_code}.")

    def _is_slacks(self, url: str) -> bool:
        try:
            address = urlsplit(url)
        except ValueError:
            return False
        return address[:2] == self._origin or (
            address.scheme == "https" and address.netloc in {"hooks.slack.com", "slack.com"}
        )


class _Client(WebClient):
    """The SDK's client, without redirects and with documented answers only."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        status, headers, body = _carried(req, self.timeout)
        checked(url.rpartition("/")[2], status, headers, body, is_slacks=_is_slacks(url))
        return {"status": status, "headers": headers, "body": body}


class _Webhook(WebhookClient):
    """The SDK's client for response URLs, without redirects."""

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        status, headers, body = _carried(req, self.timeout)
        return WebhookResponse(url=url, status_code=status, body=body, headers=headers)


def _carried(request: Request, seconds: float) -> tuple[int, dict[str, str], str]:
    """Status, headers (names in lower case) and body of the answer to a request."""
    with _opener().open(request, timeout=seconds) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers, response.read().decode("utf-8", errors="replace")


@cache
def _opener() -> OpenerDirector:
    """An opener of requests that returns every answer, also a redirect.

    Python's own opener follows redirects with the token, and opens files.
    """
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    return opener


def _is_slacks(url: str) -> bool:
    """Whether an address is Slack's own, not a simulator's."""
    host = urlsplit(url).hostname or ""
    return host in {"slack.com", "slack-gov.com"} or host.endswith((".slack.com", ".slack-gov.com"))
