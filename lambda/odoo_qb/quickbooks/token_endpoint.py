"""Intuit's token endpoint: intuit-oauth calls it, and its answers are checked here."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import requests
from intuitlib.client import AuthClient
from intuitlib.exceptions import AuthClientError

from odoo_qb.errors import Disconnected, Throttled, Unavailable
from odoo_qb.http_session import HttpSession
from odoo_qb.shapes import fits, maybe

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.shapes import Shape


THROTTLE_SECONDS: Final = 60  # how long Intuit asks to wait after a 429
# What intuit-oauth raises for a malformed answer; we check the answer ourselves.
_NO_TOKENS: Final = (ValueError, TypeError, AttributeError, RecursionError)
_CALL_SECONDS: Final = (3.05, 20.0)
FIVE_YEARS: Final = (
    5 * 365 * 24 * 3600
)  # the longest life of a refresh token, however often renewed
HARD_END: Final = "x_refresh_token_hard_expires_in"


def _token(value: object) -> bool:
    """Whether it is a token that fits into a header."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _seconds(value: object) -> bool:
    """Whether it is a plausible lifetime of a token, in seconds."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 2 * FIVE_YEARS


_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}")
_ANSWER: Final[Shape] = {
    "access_token": _token,
    "refresh_token": _token,
    "expires_in": _seconds,
    "x_refresh_token_expires_in": _seconds,
    HARD_END: maybe(_seconds),
}


class TokenEndpoint:
    """Intuit's token endpoint, called through intuit-oauth."""

    def __init__(self, client_id: str, client_secret: str, oauth_url: str) -> None:
        self._session = HttpSession()
        self._client = (client_id, client_secret)
        self._url = oauth_url

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def renewed(self, refresh_token: str) -> Json:
        """Intuit's answer: the tokens and how many seconds each lasts."""
        answers: list[requests.Response] = []
        try:
            _AuthClient(self._client, self._url, self._session, answers).refresh(refresh_token)
        except (AuthClientError, *_NO_TOKENS, requests.RequestException) as error:
            if not answers:
                raise Unavailable("Intuit did not answer when the token was renewed.") from error
        response = answers[-1]
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response)
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            answer = None
        if not fits(answer, _ANSWER):
            raise Unavailable("Intuit's answer broke off while the token was renewed.")
        return cast("Json", answer)


class _AuthClient(AuthClient):  # type: ignore[misc]  # intuit-oauth has no types
    """intuit-oauth's client for one renewal, without the discovery request of its constructor.

    intuit-oauth sets any attribute that an answer names, even the address of the next call. So each
    renewal has its own client, and we check the answer.
    """

    def __init__(
        self,
        client: tuple[str, str],
        oauth_url: str,
        session: HttpSession,
        answers: list[requests.Response],
    ) -> None:
        requests.Session.__init__(self)
        self.client_id, self.client_secret = client
        self.token_endpoint = oauth_url
        self.refresh_token = None
        self._session = session
        self._answers = answers

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as requests
        """Send a request with a timeout and no redirect; also requests the five-year expiry."""
        extra = {"x-include-refresh-token-hard-expires-in": "true"}
        kwargs["headers"] = {**(kwargs.get("headers") or {}), **extra}
        response = self._session.request(*args, **{"timeout": _CALL_SECONDS, **kwargs})
        self._answers.append(response)
        return response


def _refusal(response: requests.Response) -> Disconnected | Unavailable:
    """The error for a refusal; its text is not repeated, because it may contain a token."""
    status, tid = response.status_code, str(response.headers.get("intuit_tid", ""))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled("Intuit asks us to slow down.", THROTTLE_SECONDS)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Unavailable(
            "Intuit redirected the token renewal to another address. Nothing was sent there."
            " Check quickbooks_oauth_url."
        )
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        answer = None
    is_intuits = isinstance(answer, dict) and status < HTTPStatus.INTERNAL_SERVER_ERROR
    code = answer.get("error") if is_intuits else None
    if code == "invalid_grant":
        return Disconnected(RECONNECT, code="invalid_grant", tid=tid)
    if code == "invalid_client":
        return Disconnected(
            "Intuit does not recognise the app's keys. Check qb_client_id and qb_client_secret.",
            code="invalid_client",
            tid=tid,
        )
    return Unavailable("Intuit could not renew the token right now.")


RECONNECT: Final = (
    "QuickBooks has ended the connection. Connect the company again and apply its new"
    " refresh token (qb_refresh_tokens; raise secrets_version)."
)
NO_ACCESS: Final = (
    "The user who connected this company no longer has access. Connect it again as an"
    " administrator and apply its new refresh token (qb_refresh_tokens; raise"
    " secrets_version)."
)
