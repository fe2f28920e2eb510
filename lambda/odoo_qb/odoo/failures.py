"""What went wrong between us and Odoo, as a sentence that says what to do. No I/O."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from odoo_qb.errors import Refused, Unavailable


class Failures:
    """The failures of one user's calls to one database; a sentence never repeats the key."""

    def __init__(self, *, host: str, database: str, username: str, api_key: str) -> None:
        self._host = host
        self._database = database
        self._username = username
        self._api_key = api_key

    def silent(self) -> Unavailable:
        """No answer came in time."""
        return Unavailable(f"Odoo at {self._host} did not answer in time.")

    def unreachable(self) -> Unavailable:
        """No connection came about."""
        return Unavailable(
            f"Odoo at {self._host} cannot be reached: check odoo_api_url, and that the"
            " server is up and open to this network."
        )

    def broken_off(self) -> Unavailable:
        """An answer ended in its middle."""
        return Unavailable(f"Odoo at {self._host} broke off in its answer.")

    def no_data(self, status: int) -> Unavailable:
        """Something answered, but not with JSON."""
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Unavailable(
                f"Odoo at {self._host} sent us on to another address, where nothing is sent (HTTP"
                f" status {status}): check odoo_api_url."
            )
        return Unavailable(
            f"Odoo at {self._host} answered with HTTP status {status} and no data: is it being"
            " restarted, or is odoo_api_url another kind of server?"
        )

    def no_answer(self) -> Unavailable:
        """JSON that is not what Odoo answers."""
        return Unavailable(f"Odoo at {self._host} answered with something else than an answer.")

    def refusal(self, error: Any) -> Refused | Unavailable:  # noqa: ANN401 - Odoo's JSON
        """Odoo's error as a sentence; `data.name` decides, its traceback is never repeated."""
        data = error.get("data") if isinstance(error, dict) else None
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(name, str) or not name:
            return self.no_answer()
        message = str(data.get("message") or error.get("message") or "").strip()
        first = message.splitlines()[0][:200] if message else name
        first = first.replace(self._api_key, "***")
        if name.endswith("AccessDenied"):
            return self.denied(code=name)
        if name.endswith("OperationalError") and "does not exist" in message:
            return Refused(
                f"Odoo at {self._host} has no database {self._database}: check odoo_database.",
                code=name,
            )
        if name.startswith("psycopg2."):
            return Unavailable(f"Odoo's database at {self._host} is not available just now.")
        if name.endswith("AccessError"):
            return Refused(
                f"The Odoo user {self._username} lacks a right ({first}): it needs read access"
                " to accounting in every configured company.",
                code=name,
            )
        return Refused(f"Odoo refused the question: {first}", code=name)

    def denied(self, *, code: str = "") -> Refused:
        """Odoo did not let our user in."""
        return Refused(
            f"Odoo refused the user {self._username} in the database {self._database}: check"
            " odoo_username and odoo_api_key (an ordinary user's key ends after 90 days).",
            code=code,
        )
