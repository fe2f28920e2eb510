"""Talk to Slack: post and update messages, open modals, answer a click, ask who is who."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from odoo_qb.errors import Refused, Throttled, Unavailable
from odoo_qb.home import Home, home_of, lives_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.card import Message

CALL_SECONDS: Final = 10  # the longest a call may take
_RETRY_AFTER: Final = 30  # seconds, where Slack throttles without saying how long
_PAGE: Final = 1000  # the most members Slack names at once
_OPERATOR_ERRORS: Final = {
    "invalid_auth": "Slack does not accept the bot token: check slack_bot_token.",
    "not_authed": "Slack does not accept the bot token: check slack_bot_token.",
    "account_inactive": "The Slack app was removed: install it again.",
    "token_revoked": "The Slack app's token was revoked: install it again.",
    "missing_scope": "The Slack app lacks a scope: install it from the manifest again.",
    "channel_not_found": "Slack knows no such channel, or the app is not in it: invite the app.",
    "not_in_channel": "The app is not in the channel: invite it there.",
    "is_archived": "The channel is archived: choose another one.",
    "no_such_subteam": "Slack knows no such user group: check the approvers of company_settings.",
}
_BUSY: Final = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_CODE: Final = re.compile(r"[a-z0-9_]{1,60}")
# What a stand-in for Slack says that knows no members or guests; Slack itself never does.
_NO_SUCH_METHOD: Final = {"unknown_method", "HTTP status 404"}

# What a broken connection or an answer that is no JSON raises through the SDK.
_NO_ANSWER: Final = (URLError, OSError, HTTPException, ValueError)


class Slack:
    """A workspace, as our app. Every call raises Unavailable, Throttled or Refused."""

    def __init__(self, token: str, api_url: str, *, seconds: float = CALL_SECONDS) -> None:
        # The SDK logs what it was answered; what a log may say is ours to choose.
        self._silence = logging.getLogger(f"{__name__}.sdk")
        self._silence.setLevel(logging.CRITICAL)
        # No retry handler: after a reset nobody knows whether the message was posted, and a
        # blind second try would double it.
        self._client = WebClient(
            token=token,
            base_url=api_url,
            timeout=seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
            logger=self._silence,
        )
        self._seconds = seconds
        self._host = urlsplit(api_url).netloc
        self._home: Home | None = None

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

    def respond(self, response_url: str, text: str) -> None:
        """Tell the person who clicked, and nobody else."""
        self._answer(
            response_url,
            text=text,
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
        name = urlsplit(f"//{self._host}").hostname or ""
        is_slacks = name.endswith(("slack.com", "slack-gov.com"))
        return refusal.code in _NO_SUCH_METHOD and not is_slacks

    def home(self) -> Home:
        """Where the app is installed; asked once."""
        if self._home is None:
            try:
                self._home = home_of(self._read("auth.test"))
            except Refused as refusal:
                if not self.lacks(refusal):
                    raise
                self._home = Home()
        return self._home

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
        if any(user.get(name) for name in apart) or not lives_here(user, self.home()):
            return None
        return str((user.get("profile") or {}).get("email") or "")

    def _write(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        return self._call(method, json=arguments)

    def _read(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        # Methods that only read take a form, no JSON: https://docs.slack.dev/apis/web-api
        return self._call(method, params=arguments)

    def _call(self, method: str, **arguments: Any) -> Any:  # noqa: ANN401 - Slack's JSON
        try:
            return self._client.api_call(method, **arguments)
        except SlackApiError as error:
            raise _refusal(method, error) from error
        except _NO_ANSWER as error:
            raise Unavailable(f"Slack did not answer {method}.") from error

    def _answer(self, response_url: str, **message: Any) -> None:  # noqa: ANN401 - the SDK's
        """Use an address for answers; it came in a signed request, but must be Slack's still."""
        if not self._is_slacks(response_url):
            raise Refused("The address for the answer is not Slack's.")
        webhook = WebhookClient(
            response_url,
            timeout=self._seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
            logger=self._silence,
        )
        try:
            answer = webhook.send(**message)
        except _NO_ANSWER as error:
            raise Unavailable("Slack did not take the answer.") from error
        if answer.status_code != HTTPStatus.OK:
            raise Unavailable(f"Slack did not take the answer: HTTP status {answer.status_code}.")

    def _is_slacks(self, url: str) -> bool:
        try:
            address = urlsplit(url)
        except ValueError:
            return False
        return address.netloc == self._host or (
            address.scheme == "https" and address.netloc in {"hooks.slack.com", "slack.com"}
        )


def _refusal(method: str, error: SlackApiError) -> Refused | Unavailable:
    response = error.response
    status = int(response.status_code)
    said = str(response.get("error") or "")
    if said == "ratelimited" or status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = str(response.headers.get("Retry-After") or _RETRY_AFTER)
        return Throttled(
            "Slack asks us to slow down.", int(wait) if wait.isdigit() else _RETRY_AFTER
        )
    if said in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"Slack could not do {method} just now.")
    # Where the answer was no JSON, the SDK puts all of it into `error`.
    code = said if _CODE.fullmatch(said) else f"HTTP status {status}"
    sentence = _OPERATOR_ERRORS.get(code, f"Slack refused {method}: {code}.")
    return Refused(sentence, code=code)
