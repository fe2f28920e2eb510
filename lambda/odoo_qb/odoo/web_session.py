"""Odoo as its web client uses it: a password opens a session, identified by a cookie.

For plans without the external API. Sessions last 7 days, 90 in Odoo 16, and end when the password
changes or an administrator ends them.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from odoo_qb.odoo.answers import is_id
from odoo_qb.odoo.jsonrpc import call_of, opened

if TYPE_CHECKING:
    import requests

    from odoo_qb.odoo.connection import Connection
    from odoo_qb.odoo.question import Question
    from odoo_qb.odoo.values import Record

_EXPIRED: Final = 100  # Odoo's error code, in every version
_COOKIE: Final = "session_id"
_SOUND: Final = re.compile(r"[\w.-]{8,512}", re.ASCII)  # anything else could inject a header


class SessionStore(Protocol):
    """Stores a session's cookie between processes; it gives access like a password."""

    def load(self) -> str:
        """The last saved cookie; "" if none."""

    def save(self, cookie: str) -> None:
        """Replace the saved cookie."""


class _Ended(Exception):  # noqa: N818 - never leaves this module
    """Odoo does not know this session, or it has ended."""


class WebSession:
    """One user's session, opened if there is none, and again once if it has ended."""

    def __init__(
        self,
        connection: Connection,
        *,
        database: str,
        username: str,
        password: str,
        store: SessionStore | None,
    ) -> None:
        self._connection = connection
        self._who = {"db": database, "login": username, "password": password}
        self._store = store
        self._cookie = ""

    def sign_in(self) -> None:
        """Use the saved session, or open one."""
        if not self._cookie and self._store:
            kept = self._store.load()
            if _SOUND.fullmatch(kept):
                self._use(kept)
        if not self._cookie:
            self._open()

    def ask(self, question: Question) -> object:
        """The result; a session that has ended is opened again, once."""
        try:
            return self._result(question)
        except _Ended:
            self._open()
        try:
            return self._result(question)
        except _Ended:
            raise self._connection.failures.session_not_kept() from None

    def _open(self) -> None:
        failures = self._connection.failures
        self._cookie = ""
        response = self._connection.post("/web/session/authenticate", call_of(self._who))
        body = opened(self._connection, response)
        if "error" in body:
            raise failures.no_session(body["error"])
        who = body["result"]
        if not isinstance(who, dict) or "uid" not in who:
            raise failures.no_answer()
        if who["uid"] is None or who["uid"] is False:
            raise failures.second_factor()
        self._keep_cookie(response)
        if not is_id(who["uid"]) or not self._cookie:
            raise failures.no_answer()

    def _result(self, question: Question) -> object:
        path = f"/web/dataset/call_kw/{question.model}/{question.method}"
        params: Record = {
            "model": question.model,
            "method": question.method,
            "args": question.arguments,
            "kwargs": question.named,
        }
        headers = {"Cookie": f"{_COOKIE}={self._cookie}"}
        response = self._connection.post(path, call_of(params), headers)
        # A server with several databases has this path only within a session.
        is_page = "json" not in response.headers.get("Content-Type", "")
        if response.status_code == HTTPStatus.NOT_FOUND and is_page:
            raise _Ended
        body = opened(self._connection, response)
        if "error" not in body:
            self._keep_cookie(response)
            return body["result"]
        error = body["error"]
        if isinstance(error, dict) and error.get("code") == _EXPIRED:
            raise _Ended
        raise self._connection.failures.refusal(error)

    def _keep_cookie(self, response: requests.Response) -> None:
        """Save Odoo's new cookie, which comes at sign-in and sometimes with an answer."""
        cookie = response.cookies.get(_COOKIE) or ""
        if cookie == self._cookie or not _SOUND.fullmatch(cookie):
            return
        self._use(cookie)
        if self._store:
            self._store.save(cookie)

    def _use(self, cookie: str) -> None:
        self._cookie = cookie
        self._connection.failures.hide(cookie)
