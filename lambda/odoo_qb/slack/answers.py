"""Slack's answers: trusted only in their documented shape, and what refusals mean. No I/O.

https://docs.slack.dev/apis/web-api#responses and the page of each method.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.errors import Refused, Throttled, Unavailable
from odoo_qb.shapes import fits, flag, identifier, maybe, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.shapes import Shape

NO_PAGE: Final = "HTTP status 404"  # a simulator's answer to a method it does not have
_RETRY_AFTER: Final = 30  # seconds, if Slack throttles without saying how long
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_OPERATOR_ERRORS: Final = {
    "invalid_auth": "Slack rejected the bot token. Check slack_bot_token.",
    "not_authed": "Slack rejected the bot token. Check slack_bot_token.",
    "account_inactive": "The Slack app was removed. Install it again.",
    "token_revoked": "The Slack app's token was revoked. Install the app again.",
    "missing_scope": "The Slack app lacks a scope. Install it again from the manifest.",
    "channel_not_found": "Slack has no such channel, or the app is not in it. Invite the app.",
    "not_in_channel": "The app is not in the channel. Invite it there.",
    "is_archived": "The channel is archived. Choose another one.",
    "no_such_subteam": "Slack has no such user group. Check the approvers in company_settings.",
}
_BUSY: Final = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_CODE: Final = re.compile(r"[a-z0-9_]{1,60}")
_APART: Final = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
# The parts of each method's answer that we read.
_SHAPES: Final[dict[str, Shape]] = {
    "auth.test": {
        "team_id": identifier,
        "enterprise_id": maybe(identifier),
        "is_enterprise_install": maybe(flag),
        "bot_id": maybe(identifier),
    },
    "bots.info": {"bot": {"app_id": identifier}},
    "chat.postMessage": {"ts": identifier},
    "chat.update": {"ts": identifier},
    "views.open": {"view": {"id": identifier}},
    "usergroups.users.list": {"users": [identifier]},
    "conversations.members": {
        "members": [identifier],
        "response_metadata": maybe({"next_cursor": maybe(text)}),
    },
    "users.info": {
        "user": {
            "id": identifier,
            "team_id": maybe(identifier),
            "profile": maybe({"email": maybe(text)}),
            "enterprise_user": maybe(
                {"enterprise_id": maybe(identifier), "teams": maybe([identifier])}
            ),
            **{name: maybe(flag) for name in _APART},
        }
    },
}


def checked(
    method: str, status: int, headers: Mapping[str, str], body: str, *, is_slacks: bool
) -> dict[str, Any]:
    """A method's answer; Unavailable, Throttled or Refused if it is not a success.

    Header names are in lower case. `is_slacks` is false for a simulator of Slack, which may lack a
    method and answer with a page.
    """
    answer = _object(body)
    is_ok, code = answer.get("ok"), answer.get("error")
    if status == HTTPStatus.OK and is_ok is True:
        if not fits(answer, _SHAPES[method]):
            raise _no_answer(method, status)
        return answer
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "ratelimited":
        wait = str(headers.get("retry-after") or "")
        seconds = int(wait) if _SECONDS.fullmatch(wait) else _RETRY_AFTER
        raise Throttled("Slack asks us to slow down.", seconds)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Unavailable(
            f"Slack redirected {method} to another address. Nothing was sent there. Check"
            " slack_api_url."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _BUSY:
        raise Unavailable(f"Slack could not process {method} right now.")
    if is_ok is not False or not isinstance(code, str) or not _CODE.fullmatch(code):
        if status == HTTPStatus.NOT_FOUND and not is_slacks:
            raise Refused(f"Slack refused {method}: {NO_PAGE}.", code=NO_PAGE)
        raise _no_answer(method, status)
    raise Refused(_OPERATOR_ERRORS.get(code, f"Slack refused {method}: {code}."), code=code)


def is_taken(status: int, body: str) -> bool:
    """Whether a response URL accepted a reply: it says `ok` in one form or another."""
    is_ok = body.strip() == "ok" or _object(body).get("ok") is True
    return status == HTTPStatus.OK and is_ok


def _no_answer(method: str, status: int) -> Unavailable:
    return Unavailable(f"Slack sent an unexpected response to {method} (HTTP status {status}).")


def _object(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
