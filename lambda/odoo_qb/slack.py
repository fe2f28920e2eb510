"""Talk to Slack: post and update messages, open modals, answer a click, verify a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.webhook import WebhookClient

from odoo_qb.errors import BadSignature, Refused, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.card import Message

_CALL_SECONDS: Final = 10
_RETRY_AFTER: Final = 30  # seconds, where Slack throttles without saying how long
_OPERATOR_ERRORS: Final = {
    "invalid_auth": "Slack does not accept the bot token: check slack_bot_token.",
    "not_authed": "Slack does not accept the bot token: check slack_bot_token.",
    "account_inactive": "The Slack app was removed: install it again.",
    "token_revoked": "The Slack app's token was revoked: install it again.",
    "missing_scope": "The Slack app lacks a scope: install it from the manifest again.",
    "channel_not_found": "Slack knows no such channel, or the app is not in it: invite the app.",
    "not_in_channel": "The app is not in the channel: invite it there.",
    "is_archived": "The channel is archived: choose another one.",
}


class Slack:
    """A workspace, as our app. Every call raises Unavailable, Throttled or Refused."""

    def __init__(self, token: str, api_url: str, *, seconds: float = _CALL_SECONDS) -> None:
        # No retry handler: after a reset nobody knows whether the message was posted, and a
        # blind second try would double it.
        self._client = WebClient(
            token=token,
            base_url=api_url,
            timeout=seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
        )
        self._seconds = seconds
        self._host = urlsplit(api_url).netloc

    def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> str:
        """Post a message; returns its `ts`, by which it is updated."""
        answer = self._call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread_ts,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": "bill", "event_payload": message.ids},
            **message.content(),
        )
        return str(answer["ts"])

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace a message of ours."""
        self._call("chat.update", channel=channel, ts=ts, **message.content())

    def open_modal(self, trigger_id: str, view: Mapping[str, Any]) -> None:
        """Open a modal for the person who clicked within the last three seconds."""
        self._call("views.open", trigger_id=trigger_id, view=view)

    def respond(self, response_url: str, text: str) -> None:
        """Tell the person who clicked, and nobody else.

        The address came in a signed request, but is still only called on Slack's host.
        """
        address = urlsplit(response_url)
        known = address.netloc == self._host or (
            address.scheme == "https" and address.netloc in {"hooks.slack.com", "slack.com"}
        )
        if not known:
            raise Refused("The address for the answer is not Slack's.")
        webhook = WebhookClient(
            response_url,
            timeout=self._seconds,  # type: ignore[arg-type]  # urllib takes fractions
            retry_handlers=[],
        )
        try:
            webhook.send(text=text, response_type="ephemeral", replace_original=False)
        except (URLError, OSError) as error:
            raise Unavailable("Slack did not answer.") from error

    def _call(self, method: str, **arguments: object) -> Any:  # noqa: ANN401 - Slack's JSON
        given = {k: v for k, v in arguments.items() if v is not None}
        try:
            return self._client.api_call(method, json=given)
        except SlackApiError as error:
            raise _refusal(method, error) from error
        except (URLError, OSError) as error:
            raise Unavailable(f"Slack did not answer {method}.") from error


def _refusal(method: str, error: SlackApiError) -> Refused | Unavailable:
    response = error.response
    code = str(response.get("error") or response.status_code)
    if code == "ratelimited" or response.status_code == 429:  # noqa: PLR2004 - HTTP's number
        wait = str(response.headers.get("Retry-After") or _RETRY_AFTER)
        return Throttled("Slack asks us to slow down.", int(wait) if wait.isdigit() else 1)
    if code in {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}:
        return Unavailable(f"Slack could not do {method} just now.")
    sentence = _OPERATOR_ERRORS.get(code, f"Slack refused {method}: {code}.")
    return Refused(sentence, code=code)


@dataclass(slots=True)
class _At(Clock):
    """slack_sdk asks a clock; ours was read by whoever called us."""

    instant: datetime

    def now(self) -> float:
        """Seconds since 1970."""
        return self.instant.timestamp()


def verify(signing_secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise BadSignature unless Slack signed these raw bytes in the last five minutes.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    lower = {k.lower(): v for k, v in headers.items()}
    try:
        genuine = SignatureVerifier(signing_secret, clock=_At(now)).is_valid(
            body=body,
            timestamp=lower.get("x-slack-request-timestamp", ""),
            signature=lower.get("x-slack-signature", ""),
        )
    except (ValueError, TypeError, OverflowError):
        # The SDK raises on a timestamp that is no number and a signature that is not ASCII.
        genuine = False
    if not genuine:
        raise BadSignature("The request was not signed by Slack in the last five minutes.")
