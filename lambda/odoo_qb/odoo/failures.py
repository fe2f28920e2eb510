"""Errors of calls to Odoo, each with a sentence that says what to do. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from odoo_qb.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingNames:
    """The names of the settings that a sentence asks a person to check."""

    url: str = "odoo_api_url"
    database: str = "odoo_database"
    username: str = "odoo_username"
    api_key: str = "odoo_api_key"
    password: str = "its password"  # noqa: S105 - what it is called


class Failures:
    """The errors of one user's calls to one database. No sentence contains a secret."""

    def __init__(
        self,
        *,
        host: str,
        database: str,
        username: str,
        secrets: Collection[str],
        names: SettingNames,
    ) -> None:
        self._host = host
        self._database = database
        self._username = username
        self._secrets = {secret for secret in secrets if secret}
        self._names = names

    def hide(self, secret: str) -> None:
        """Keep another secret out of every sentence."""
        self._secrets.add(secret)

    def silent(self) -> Unavailable:
        """Odoo did not answer in time."""
        return Unavailable(f"Odoo at {self._host} did not answer in time.")

    def unreachable(self) -> Unavailable:
        """No connection could be opened."""
        return Unavailable(
            f"Odoo at {self._host} cannot be reached: check {self._names.url}, and that the"
            " server is up and open to this network."
        )

    def broken_off(self) -> Unavailable:
        """The connection closed in the middle of an answer."""
        return Unavailable(f"Odoo at {self._host} broke off in its answer.")

    def no_data(self, status: int) -> Unavailable:
        """The answer was not JSON."""
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Unavailable(
                f"Odoo at {self._host} redirected us to another address, where nothing was sent"
                f" (HTTP status {status}): check {self._names.url}."
            )
        return Unavailable(
            f"Odoo at {self._host} answered with HTTP status {status} and no data: is it being"
            f" restarted, or is {self._names.url} another kind of server?"
        )

    def no_answer(self) -> Unavailable:
        """The answer was JSON, but not of the shape that Odoo documents."""
        return Unavailable(f"Odoo at {self._host} sent an unexpected response.")

    def refusal(self, error: Any) -> Refused | Unavailable:  # noqa: ANN401 - Odoo's JSON
        """Odoo's error as a sentence, chosen by its `data.name`; its traceback is left out."""
        data = error.get("data") if isinstance(error, dict) else None
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(name, str) or not name:
            return self.no_answer()
        message = str(data.get("message") or error.get("message") or "").strip()
        first = message.splitlines()[0][:200] if message else name
        for secret in self._secrets:
            first = first.replace(secret, "***")
        if name.endswith("AccessDenied"):
            return self.denied(code=name)
        if name.endswith("OperationalError") and "does not exist" in message:
            return self.no_database(code=name)
        if name.startswith("psycopg2."):
            return Unavailable(f"Odoo's database at {self._host} is not available just now.")
        if name.endswith("AccessError"):
            return Refused(
                f"The Odoo user {self._username} lacks a right ({first}): it needs read access"
                " to accounting in every configured company.",
                code=name,
            )
        return Refused(f"Odoo refused the request: {first}", code=name)

    def denied(self, *, code: str = "") -> Refused:
        """Odoo refused the user's credentials."""
        return Refused(
            f"Odoo refused the user {self._username} in the database {self._database}: check"
            f" {self._names.username} and {self._names.api_key} (an ordinary user's key ends after"
            " 90 days).",
            code=code,
        )

    def no_database(self, *, code: str) -> Refused:
        """The server has no such database."""
        return Refused(
            f"Odoo at {self._host} has no database {self._database}: check {self._names.database}.",
            code=code,
        )

    def no_session(self, error: Any) -> Refused | Unavailable:  # noqa: ANN401 - Odoo's JSON
        """A password did not open a session."""
        refusal = self.refusal(error)
        if isinstance(refusal, Refused) and "Database not found" in str(refusal):
            return self.no_database(code=refusal.code)
        if not isinstance(refusal, Refused) or not refusal.code.endswith("AccessDenied"):
            return refusal
        return Refused(
            f"Odoo refused the user {self._username} in the database {self._database}: check"
            f" {self._names.username} and {self._names.password}. A session needs the user's"
            " password; an API key opens none. If this user may not sign in with a password, use"
            " an API key as the way to sign in.",
            code=refusal.code,
        )

    def second_factor(self) -> Refused:
        """The password is right, but the user must also give a second factor."""
        return Refused(
            f"Odoo asks the user {self._username} for a second factor, which a session cannot"
            " give: use a user without two-factor authentication, or an API key.",
            code="second factor",
        )

    def session_not_kept(self) -> Refused:
        """Odoo closed a session right after opening it."""
        return Refused(
            f"Odoo at {self._host} ended a new session of the user {self._username} at once: check"
            f" that {self._names.url} leads to a single server, or use an API key.",
            code="session",
        )
