"""Talk to Odoo from 16 on with an API key; every failure is one clear sentence."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlsplit

import requests

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.http_session import HttpSession
from odoo_qb.odoo.answers import Misshapen, is_answer, is_id, whole_records
from odoo_qb.odoo.failures import Failures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from odoo_qb.odoo.values import Record

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 60.0  # Odoo's own limit is 120
_PAUSES: Final = (1.0, 3.0)  # before a second and a third try of a read

_BUSY: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

Protocol = Literal["json-2", "json-rpc"]
JSON_2: Final = "json-2"
JSON_RPC: Final = "json-rpc"


class _NotSpoken(Exception):  # noqa: N818 - never leaves this module
    """The server gave no answer of /json/2: it has none, or takes no key there."""


class OdooClient:
    """One database on one Odoo server, as one user.

    `call` raises Unavailable when a later try may work, Refused when a person must act. Calls
    only read, so a lost answer is asked for again.

    `protocol` is the one by which the server last answered. Where it is not known, /json/2
    is tried first: it needs no login. Odoo has it from 19 on, and loses /jsonrpc in 22:
    https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
    """

    def __init__(
        self,
        *,
        url: str,
        database: str,
        username: str,
        api_key: str,
        session: HttpSession | None = None,
        sleep: Callable[[float], None] = time.sleep,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self.database = database
        self._base = url.rstrip("/").removesuffix("/jsonrpc")
        self._username = username
        self._api_key = api_key
        self._failures = Failures(
            host=urlsplit(self._base).netloc.rpartition("@")[2],  # no password of a proxy
            database=database,
            username=username,
            api_key=api_key,
        )
        self._session = session or HttpSession()
        self._sleep = sleep
        self._timeout = (_CONNECT_SECONDS, answer_seconds)
        self._uid: int | None = None
        self.calls = 0  # requests that were sent, answered or not
        self.clock: datetime | None = None  # Odoo's own, as of its last answer; None if untold
        self.protocol: Protocol | None = None

    def start_over(self) -> None:
        """Find out anew which protocol is spoken, and that our key is still good.

        Odoo 17 and 18 go on answering a revoked key from a cache: only a login is refused.
        """
        self.protocol = None
        self._uid = None

    def call(self, model: str, method: str, subject: object, **named: object) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Call a method that reads: `subject` is the ids of `read`, the domain of a search.

        The answer has the shape that Odoo documents for the method, or it is Unavailable.
        """

        def checked(answer: object) -> object:
            fields = cast("Collection[str]", named.get("fields", ()))
            whole = whole_records(answer, fields) if method != "search" else None
            if whole is not None and len(whole) < len(cast("list[object]", answer)):
                raise Misshapen(str(self._failures.no_answer()), whole)
            if not is_answer(answer, method, subject):
                raise self._failures.no_answer()
            return answer

        if self.protocol != JSON_RPC:
            try:
                body = {_subject(method): subject, **named}
                answer = self._json_2(model, method, body, checked)
            except _NotSpoken:
                pass
            else:
                self.protocol = JSON_2
                return answer
        if self._uid is None:
            self._uid = self._authenticate()
        who = [self.database, self._uid, self._api_key]
        args = [*who, model, method, [subject], named]
        answer = self._rpc("object", "execute_kw", args, checked)
        self.protocol = JSON_RPC
        return answer

    def _json_2(
        self, model: str, method: str, body: Record, checked: Callable[[object], object]
    ) -> object:
        """Ask over /json/2; a server of which nothing is known yet gets one chance there."""
        headers = {"Authorization": f"bearer {self._api_key}", "X-Odoo-Database": self.database}
        path = f"/json/2/{model}/{method}"
        if self.protocol == JSON_2:
            return self._with_retry(
                lambda: checked(self._bare_answer(self._post(path, body, headers)))
            )
        try:
            return checked(self._bare_answer(self._post(path, body, headers)))
        except Unavailable as error:
            if isinstance(error.__cause__, requests.Timeout):
                raise
            raise _NotSpoken from error

    def _authenticate(self) -> int:
        who: list[object] = [self.database, self._username, self._api_key, {}]

        def checked(uid: object) -> int:
            if uid is False:
                raise self._failures.denied()
            if not is_id(uid):
                raise self._failures.no_answer()
            return cast("int", uid)

        return self._rpc("common", "authenticate", who, checked)

    def _rpc[T](
        self, service: str, method: str, args: list[object], checked: Callable[[object], T]
    ) -> T:
        params = {"service": service, "method": method, "args": args}
        request = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        return self._with_retry(lambda: checked(self._answer(self._post("/jsonrpc", request))))

    def _with_retry[T](self, ask: Callable[[], T]) -> T:
        for pause in (*_PAUSES, None):
            try:
                return ask()
            except Unavailable as error:
                # Who did not answer for a minute is not asked again: the run's time is short.
                if pause is None or isinstance(error.__cause__, requests.Timeout):
                    raise
                self._sleep(pause)
        raise AssertionError  # the last pause is None

    def _post(
        self, path: str, body: Record, headers: dict[str, str] | None = None
    ) -> requests.Response:
        self.calls += 1
        try:
            response = self._session.post(
                f"{self._base}{path}", json=body, headers=headers, timeout=self._timeout
            )
        except requests.Timeout as error:
            raise self._failures.silent() from error
        except requests.RequestException as error:
            raise self._failures.unreachable() from error
        self.clock = _date_of(response)
        return response

    def _bare_answer(self, response: requests.Response) -> object:
        """What /json/2 answers: the bare result, or an error that its status tells from it."""
        status = response.status_code
        if status == HTTPStatus.OK:
            answer = self._json(response)
            if isinstance(answer, dict) and "error" in answer:
                raise self._refusal(answer["error"])
            return answer
        try:
            error = self._json(response)
        except Unavailable:
            error = None
        # Before 19 there is a page, a gateway writes its own JSON. Of a key that is refused here
        # /jsonrpc has the last word: it also takes a password, and sees no other Authorization.
        if status == HTTPStatus.UNAUTHORIZED or not isinstance(error, dict) or "name" not in error:
            if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise self._failures.no_data(status)
            raise _NotSpoken
        raise self._refusal({"data": error})

    def _answer(self, response: requests.Response) -> object:
        """What /jsonrpc answers, always with status 200: {"result": …} or {"error": …}."""
        if response.status_code != HTTPStatus.OK:
            raise self._failures.no_data(response.status_code)
        body = self._json(response)
        if isinstance(body, dict) and "error" in body:
            raise self._refusal(body["error"])
        # Nothing that is asked here is answered with nothing.
        if not isinstance(body, dict) or "result" not in body:
            raise self._failures.no_answer()
        return body["result"]

    def _refusal(self, error: object) -> Refused | Unavailable:
        refusal = self._failures.refusal(error)
        if isinstance(refusal, Refused) and refusal.code.endswith("AccessDenied"):
            self._uid = None  # a key may have been replaced: log in again next time
        return refusal

    def _json(self, response: requests.Response) -> Any:  # noqa: ANN401 - Odoo's JSON
        if "json" not in response.headers.get("Content-Type", ""):
            raise self._failures.no_data(response.status_code)
        try:
            return json.loads(response.content, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise self._failures.broken_off() from error


def _date_of(response: requests.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _subject(method: str) -> str:
    """What /json/2 calls that which a method is about."""
    return "ids" if method == "read" else "domain"
