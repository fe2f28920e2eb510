"""Odoo over /jsonrpc: a login, then the user's id and key with every call.

All versions have it until 22:
https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from odoo_qb.errors import Refused
from odoo_qb.odoo.answers import is_id

if TYPE_CHECKING:
    import requests

    from odoo_qb.odoo.connection import Connection
    from odoo_qb.odoo.question import Question
    from odoo_qb.odoo.values import Record


def call_of(params: Record) -> Record:
    """A request in a JSON-RPC envelope."""
    return {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}


def opened(connection: Connection, response: requests.Response) -> Record:
    """The envelope of an answer, always with status 200, and with `result` or `error`."""
    if response.status_code != HTTPStatus.OK:
        raise connection.failures.no_data(response.status_code)
    body = connection.json(response)
    # None of our calls has an empty result.
    if not isinstance(body, dict) or not {"error", "result"} & body.keys():
        raise connection.failures.no_answer()
    return body


class JsonRpc:
    """One user of one database, by API key or password."""

    def __init__(
        self, connection: Connection, *, database: str, username: str, api_key: str
    ) -> None:
        self._connection = connection
        self._database = database
        self._username = username
        self._api_key = api_key
        self._uid: int | None = None

    def sign_out(self) -> None:
        """Sign in again before the next call."""
        self._uid = None

    def sign_in(self) -> None:
        """Get the user's id, once."""
        if self._uid is not None:
            return
        who: list[object] = [self._database, self._username, self._api_key, {}]
        uid = self._result("common", "authenticate", who)
        if uid is False:
            raise self._connection.failures.denied()
        if not is_id(uid):
            raise self._connection.failures.no_answer()
        self._uid = cast("int", uid)

    def ask(self, question: Question) -> object:
        """The result; Refused if Odoo answers with an error."""
        who: list[object] = [self._database, self._uid, self._api_key]
        what = [question.model, question.method, question.arguments, question.named]
        return self._result("object", "execute_kw", who + what)

    def _result(self, service: str, method: str, args: list[object]) -> object:
        request = call_of({"service": service, "method": method, "args": args})
        body = opened(self._connection, self._connection.post("/jsonrpc", request))
        if "error" not in body:
            return body["result"]
        refusal = self._connection.failures.refusal(body["error"])
        if isinstance(refusal, Refused) and refusal.code.endswith("AccessDenied"):
            self.sign_out()  # the key may have been replaced, so log in again next time
        raise refusal
