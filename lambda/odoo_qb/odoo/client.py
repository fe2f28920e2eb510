"""Call Odoo 16 or later with an API key or a session; each error is one clear sentence."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import requests

from odoo_qb.errors import Unavailable
from odoo_qb.odoo.answers import checked
from odoo_qb.odoo.connection import ANSWER_SECONDS, Connection
from odoo_qb.odoo.failures import Failures, SettingNames
from odoo_qb.odoo.json2 import Json2, Json2Unsupported
from odoo_qb.odoo.jsonrpc import JsonRpc, call_of, opened
from odoo_qb.odoo.question import Question
from odoo_qb.odoo.web_session import WebSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.http_session import HttpSession
    from odoo_qb.odoo.question import Transport
    from odoo_qb.odoo.web_session import SessionStore

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow
_PAUSES: Final = (1.0, 3.0)  # before a second and a third try of a read

Auth = Literal["api_key", "session"]
Protocol = Literal["json-2", "json-rpc", "session"]
JSON_2: Final = "json-2"
JSON_RPC: Final = "json-rpc"
SESSION: Final = "session"


class OdooClient:
    """One user's access to one database of an Odoo server.

    `call` raises Unavailable if a later attempt may succeed, Refused if a person must act. Calls
    only read, so one whose answer was lost is repeated.

    `auth` says whether the user signs in with an API key or opens a session with `password`; the
    session's cookie is stored in `sessions`, if given. `protocol` is the one that the server last
    answered. Until it is known, a user with a key tries /json/2 first, which needs no login. Odoo
    has it since 19 and removes /jsonrpc in 22:
    https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
    """

    def __init__(
        self,
        *,
        url: str,
        database: str,
        username: str,
        api_key: str = "",
        auth: Auth = "api_key",
        password: str = "",
        sessions: SessionStore | None = None,
        session: HttpSession | None = None,
        sleep: Callable[[float], None] = time.sleep,
        answer_seconds: float = ANSWER_SECONDS,
        setting_names: SettingNames | None = None,
    ) -> None:
        self.database = database
        self.username = username
        self.protocol: Protocol | None = None
        base = url.rstrip("/").removesuffix("/jsonrpc")
        self._failures = Failures(
            host=urlsplit(base).netloc.rpartition("@")[2],  # no password of a proxy
            database=database,
            username=username,
            secrets=(api_key, password),
            names=setting_names or SettingNames(),
        )
        self._connection = Connection(
            url=base, failures=self._failures, session=session, answer_seconds=answer_seconds
        )
        self._session = self._connection.session
        self._sleep = sleep
        who = {"database": database, "username": username}
        self._json_2 = Json2(self._connection, database=database, api_key=api_key)
        self._json_rpc = JsonRpc(self._connection, **who, api_key=api_key)
        self._web_session = (
            WebSession(self._connection, **who, password=password, store=sessions)
            if auth == "session"
            else None
        )

    @property
    def calls(self) -> int:
        """How many requests were sent, answered or not."""
        return self._connection.calls

    @property
    def clock(self) -> datetime | None:
        """The server's time at its last answer; None if it sent none."""
        return self._connection.clock

    def start_over(self) -> None:
        """Detect the protocol again and sign in again, which shows whether the key is still valid.

        Odoo 17 and 18 keep accepting a revoked key from a cache; only a login is refused.
        """
        self.protocol = None
        self._json_rpc.sign_out()

    def call(self, model: str, method: str, subject: object = None, **named: object) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Call a method that only reads, with its named arguments, `context` among them.

        `subject` is the method's first argument: the ids for `read`, the domain for a search, the
        names of the fields for `fields_get`.

        Raises Unavailable if the answer does not have the shape that Odoo documents.
        """
        question = Question(model=model, method=method, subject=subject, named=named)
        if self._web_session:
            return self._answered(self._web_session, SESSION, question)
        if self.protocol != JSON_RPC:
            with suppress(Json2Unsupported):
                return self._answered(self._json_2, JSON_2, question)
        return self._answered(self._json_rpc, JSON_RPC, question)

    def version(self) -> str:
        """The version that the server states, such as "18.0-20250421"; this needs no login."""

        def ask() -> object:
            response = self._connection.post("/web/webclient/version_info", call_of({}))
            result = opened(self._connection, response).get("result")
            return result.get("server_version") if isinstance(result, dict) else None

        version = self._with_retry(ask)
        if not isinstance(version, str) or not version:
            raise self._failures.no_answer()
        return version

    def _answered(self, way: Transport, protocol: Protocol, question: Question) -> object:
        def ask() -> object:
            return checked(way.ask(question), question, self._failures)

        if protocol == JSON_2 and self.protocol is None:
            answer = self._only_try(ask)
        else:
            self._with_retry(way.sign_in)
            answer = self._with_retry(ask)
        self.protocol = protocol
        return answer

    def _only_try(self, ask: Callable[[], object]) -> object:
        """Try /json/2 once on a server whose protocol is not known yet."""
        try:
            return ask()
        except Unavailable as error:
            if isinstance(error.__cause__, requests.Timeout):
                raise
            raise Json2Unsupported from error

    def _with_retry[T](self, ask: Callable[[], T]) -> T:
        for pause in (*_PAUSES, None):
            try:
                return ask()
            except Unavailable as error:
                # After a minute without an answer there is no time left in the run for another.
                if pause is None or isinstance(error.__cause__, requests.Timeout):
                    raise
                self._sleep(pause)
        raise AssertionError  # the last pause is None
