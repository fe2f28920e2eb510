"""Odoo 19 and later over /json/2: an API key on every request, no sign-in.

https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Unavailable

if TYPE_CHECKING:
    import requests

    from odoo_qb.odoo.connection import Connection
    from odoo_qb.odoo.question import Question

_BUSY: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class Json2Unsupported(Exception):  # noqa: N818 - never leaves the client
    """The server did not answer /json/2: it lacks it, or does not accept keys there."""


class Json2:
    """One user's key for one database."""

    def __init__(self, connection: Connection, *, database: str, api_key: str) -> None:
        self._connection = connection
        self._database = database
        self._api_key = api_key

    def sign_in(self) -> None:
        """Nothing to do: each request carries the key."""

    def ask(self, question: Question) -> object:
        """The result; Json2Unsupported if the answer is not from /json/2."""
        headers = {"Authorization": f"bearer {self._api_key}", "X-Odoo-Database": self._database}
        path = f"/json/2/{question.model}/{question.method}"
        return self._result(self._connection.post(path, question.body, headers))

    def _result(self, response: requests.Response) -> object:
        """The result, or an error, depending on the status."""
        failures = self._connection.failures
        status = response.status_code
        if status == HTTPStatus.OK:
            answer = self._connection.json(response)
            if isinstance(answer, dict) and "error" in answer:
                raise failures.refusal(answer["error"])
            return answer
        try:
            error = self._connection.json(response)
        except Unavailable:
            error = None
        # Before 19 there is a page, a gateway writes its own JSON. Of a key that is refused here
        # /jsonrpc has the last word: it also takes a password, and sees no other Authorization.
        if status == HTTPStatus.UNAUTHORIZED or not isinstance(error, dict) or "name" not in error:
            if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise failures.no_data(status)
            raise Json2Unsupported
        raise failures.refusal({"data": error})
