"""What went wrong between us and Salesforce, as a sentence that says what to do. No I/O.

Errors of the REST API are a list of {message, errorCode}, those of the token an object of {error,
error_description}:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from collections.abc import Collection

NO_PASSWORDS: Final = (
    "Salesforce ends its username-password flow on 20 February 2027, so a username, password and"
    " security token are not accepted here. Create an external client app with the client"
    " credentials flow in Salesforce, and give its client id and client secret."
)
EXPIRED: Final = "INVALID_SESSION_ID"
_LIMIT: Final = "REQUEST_LIMIT_EXCEEDED"
# Of the moment: the same request may work later.
_PASSING: Final = frozenset(
    {
        "INVALID_QUERY_LOCATOR",  # a list was left for longer than Salesforce keeps it
        "QUERY_TIMEOUT",
        "SERVER_UNAVAILABLE",
        "UNABLE_TO_LOCK_ROW",
        "UNKNOWN_EXCEPTION",
    }
)
_FIELD: Final = re.compile(r"No such column '([^']+)' on entity '([^']+)'")
_OBJECT: Final = re.compile(r"sObject type '([^']+)' is not supported")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingNames:
    """The settings that a sentence tells a person to check, as that person knows them."""

    url: str = "the address"
    client_id: str = "the client id"
    client_secret: str = "the client secret"  # noqa: S105 - what it is called
    mapping: str = "the mapping"


class OutOfCalls(Unavailable):
    """The org has no API calls left, or too few: trying again at once uses up more."""


class Failures:
    """The failures of one app's calls to one org; a sentence never repeats a secret."""

    def __init__(self, *, host: str, secrets: Collection[str], names: SettingNames) -> None:
        self._host = host
        self._secrets = {secret for secret in secrets if secret}
        self._names = names

    def hide(self, secret: str) -> None:
        """Repeat this in no sentence either."""
        self._secrets.add(secret)

    def silent(self) -> Unavailable:
        """No answer came in time."""
        return Unavailable(f"Salesforce at {self._host} did not answer in time.")

    def unreachable(self) -> Unavailable:
        """No connection came about."""
        return Unavailable(
            f"Salesforce at {self._host} cannot be reached: check {self._names.url}, which is the"
            " org's My Domain, such as https://example.my.salesforce.com."
        )

    def broken_off(self) -> Unavailable:
        """An answer ended in its middle."""
        return Unavailable(f"Salesforce at {self._host} broke off in its answer.")

    def no_answer(self) -> Unavailable:
        """JSON that is not what Salesforce answers."""
        return Unavailable(f"Salesforce at {self._host} sent an unexpected response.")

    def no_data(self, status: int) -> Unavailable:
        """Something answered, but not with JSON."""
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Unavailable(
                f"Salesforce at {self._host} redirected us to another address, where nothing was"
                f" sent (HTTP status {status}): check that {self._names.url} is the org's My"
                " Domain."
            )
        return Unavailable(
            f"Salesforce at {self._host} answered with HTTP status {status} and no data: it may be"
            f" down for maintenance, or {self._names.url} is another kind of server."
        )

    def nearly_used_up(self, used: int, limit: int) -> OutOfCalls:
        """What is left of the org's calls is left to its other apps."""
        return OutOfCalls(
            f"Salesforce counts {used} of the {limit} API calls that the org has in 24 hours. The"
            " rest is left to other apps. Raise the org's limit, or read less often."
        )

    def no_token(self, body: Any) -> Refused | Unavailable:  # noqa: ANN401 - Salesforce's JSON
        """Why there is no token."""
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, str):
            return self.no_answer()
        said = self._said(body.get("error_description"))
        names = self._names
        if error == "rate_limit_exceeded":
            return Unavailable(f"Salesforce at {self._host} accepts no more sign-ins just now.")
        if error in ("invalid_client_id", "invalid_client"):
            why = f"refused the client: check {names.client_id} and {names.client_secret}."
        elif "user" in said.lower():
            why = (
                "has no user for this client: choose one under Run As in the client credentials"
                " flow of the external client app."
            )
        elif "domain" in said.lower() or error == "unsupported_grant_type":
            why = (
                f"does not accept client credentials here: check that {names.url} is the org's My"
                " Domain, and that the external client app has the client credentials flow."
            )
        else:
            why = f"refused to sign us in: {said or error}."
        return Refused(f"Salesforce at {self._host} {why}", code=error)

    def refusal(self, status: int, body: Any) -> Refused | Unavailable:  # noqa: ANN401 - Salesforce's JSON
        """An answer's error as a sentence; its code decides."""
        first = body[0] if isinstance(body, list) and body else None
        code = first.get("errorCode") if isinstance(first, dict) else None
        if not isinstance(first, dict) or not isinstance(code, str):
            return self.no_answer()
        if code == _LIMIT:
            return OutOfCalls(
                "Salesforce's API calls of the last 24 hours are used up. Reading goes on when"
                " there are calls again. Raise the org's limit, or read less often."
            )
        if code in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unavailable(f"Salesforce at {self._host} is not available just now ({code}).")
        return Refused(self._reason(code, self._said(first.get("message"))), code=code)

    def _reason(self, code: str, said: str) -> str:
        mapping = self._names.mapping
        if code == "INVALID_FIELD" and (found := _FIELD.search(said)):
            return (
                f"Salesforce's {found[2]} has no field {found[1]} that the app's user may see:"
                f" correct {mapping}, or give the user access to the field."
            )
        if code == "INVALID_TYPE":
            what = found[1] if (found := _OBJECT.search(said)) else "the object"
            return (
                f"Salesforce has no {what} that the app's user may see: correct {mapping}, or give"
                " the user read access to the object."
            )
        if code in ("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"):
            return (
                "Salesforce's API is not open to the app's user: it needs the permission API"
                " Enabled, and an edition of Salesforce with the API."
            )
        if code == EXPIRED:
            return (
                f"Salesforce at {self._host} ended a new session at once: check the network access"
                " of the user and the API access control in Salesforce."
            )
        if code.startswith("INSUFFICIENT_ACCESS"):
            return "Salesforce's user lacks a right: give it read access to the mirrored objects."
        return f"Salesforce refused the request: {said or code}"

    def _said(self, message: object) -> str:
        """Salesforce's words in one line, without a secret."""
        text = str(message or "")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return one_line(text, 2 * NAME)
