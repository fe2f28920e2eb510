"""Talk to Slack: post and update messages, open modals, answer a click, ask who is who."""

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
_PAGE: Final = 1000  # the most members Slack names at once
# What a stand-in for Slack says that knows no members or guests; Slack itself never does.
_NO_SUCH_METHOD: Final = {"unknown_method", NO_PAGE}

# What a broken connection raises through the SDK.
_NO_CONNECTION: Final = (URLError, OSError, HTTPException, ValueError)


class SlackClient:
    """A workspace, as our app. Every call raises Unavailable, Throttled or Refused."""

    def __init__(self, token: str, api_url: str, *, seconds: float = CALL_SECONDS) -> None:
        # The SDK logs what it was answered; what a log may say is ours to choose.
        self._silence = logging.getLogger(f"{__name__}.sdk")
        self._silence.setLevel(logging.CRITICAL)
        # No retry handler: after a reset nobody knows whether the message was posted, and a
        # blind second try would double it.
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
        """Post a message; returns its `ts`, by which it is updated.

        With `thread_ts` it is a reply, which the channel itself shows only if `in_channel`.
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
        """Tell the person who clicked, and nobody else; `blocks` are shown in the text's place."""
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
        """Put another message in the place of the one that was clicked."""
        self._answer(response_url, replace_original=True, **message.content())

    def lacks(self, refusal: Refused) -> bool:
        """Whether a stand-in for Slack has no such method; Slack itself has them all."""
        return refusal.code in _NO_SUCH_METHOD and not _is_slacks(self._client.base_url)

    def home(self) -> Workspace:
        """Where the app is installed; asked once."""
        return home_of(self._installation())

    def app(self) -> str:
        """Our app's id, which every click on a card of ours names; asked once.

        Empty where a stand-in for Slack does not say. auth.test names the bot alone:
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
        """What a method answers; nothing where a stand-in for Slack does not have it."""
        try:
            answer: Mapping[str, Any] = self._read(method, **arguments)
        except Refused as refusal:
            if not self.lacks(refusal):
                raise
            return {}
        return answer

    def group_members(self, group: str) -> list[str]:
        """The ids of a user group's people; Slack lets no guest into a group."""
        return [str(user) for user in self._read("usergroups.users.list", usergroup=group)["users"]]

    def channel_members(self, channel: str) -> list[str]:
        """The ids of everybody in a channel: guests, bots and people of other workspaces too."""
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
        """A colleague's e-mail address, "" where Slack does not tell it.

        None for whoever is no full member of our workspace: a guest, stranger or bot.
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
        # Methods that only read take a form, no JSON: https://docs.slack.dev/apis/web-api
        return self._call(method, params=arguments)

    def _call(self, method: str, **arguments: Any) -> Any:  # noqa: ANN401 - Slack's JSON
        try:
            return self._client.api_call(method, **arguments).data
        except _NO_CONNECTION as error:
            raise Unavailable(f"Slack did not answer {method}.") from error

    def _answer(self, response_url: str, **message: Any) -> None:  # noqa: ANN401 - the SDK's
        """Use an address for answers; it came in a signed request, but must be Slack's still."""
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
    """The SDK's client, on a way to Slack of our own: no redirects, and documented answers only."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        status, headers, body = _carried(req, self.timeout)
        checked(url.rpartition("/")[2], status, headers, body, is_slacks=_is_slacks(url))
        return {"status": status, "headers": headers, "body": body}


class _Webhook(WebhookClient):
    """The SDK's client for an address for answers, on the same way."""

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        status, headers, body = _carried(req, self.timeout)
        return WebhookResponse(url=url, status_code=status, body=body, headers=headers)


def _carried(request: Request, seconds: float) -> tuple[int, dict[str, str], str]:
    """Status, headers (their names in small letters) and body of the answer to a request."""
    with _opener().open(request, timeout=seconds) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers, response.read().decode("utf-8", errors="replace")


@cache
def _opener() -> OpenerDirector:
    """What carries a request, and brings back whatever answer comes, a redirect as one of them.

    Python's own follows redirects, with the token, and opens files.
    """
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    return opener


def _is_slacks(url: str) -> bool:
    """Whether an address is Slack's own, and no stand-in's."""
    host = urlsplit(url).hostname or ""
    return host in {"slack.com", "slack-gov.com"} or host.endswith((".slack.com", ".slack-gov.com"))
