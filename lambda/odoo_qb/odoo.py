"""Talk to Odoo 16-19 over /jsonrpc with an API key; every failure is one clear sentence."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from odoo_qb.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 60.0  # Odoo's own limit is 120
_PAUSES: Final = (1.0, 3.0)  # before a second and a third try of a read

Record = dict[str, Any]


class Odoo:
    """One database on one Odoo server, as one user.

    `call` raises Unavailable when a later try may work, Refused when a person must act. Calls
    only read, so a lost answer is asked for again.
    """

    def __init__(
        self,
        *,
        url: str,
        database: str,
        username: str,
        api_key: str,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self.database = database
        self._base = url.rstrip("/").removesuffix("/jsonrpc")
        self._username = username
        self._api_key = api_key
        self._session = session or requests.Session()
        self._sleep = sleep
        self._timeout = (_CONNECT_SECONDS, answer_seconds)
        self._uid: int | None = None
        self.calls = 0

    def call(self, model: str, method: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Call a model's method; logs in first where this process has not yet."""
        if self._uid is None:
            self._uid = self._authenticate()
        who = [self.database, self._uid, self._api_key]
        return self._rpc("object", "execute_kw", [*who, model, method, list(args), kwargs])

    def _authenticate(self) -> int:
        who: list[object] = [self.database, self._username, self._api_key, {}]
        uid = self._rpc("common", "authenticate", who)
        if not isinstance(uid, int) or isinstance(uid, bool):
            raise Refused(self._denied())
        return uid

    def _rpc(self, service: str, method: str, args: list[object]) -> Any:  # noqa: ANN401 - Odoo's JSON
        params = {"service": service, "method": method, "args": args}
        request = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        for pause in (*_PAUSES, None):
            try:
                return self._answer(self._post(request))
            except Unavailable as error:
                # Who did not answer for a minute is not asked again: the run's time is short.
                if pause is None or isinstance(error.__cause__, requests.Timeout):
                    raise
                self._sleep(pause)
        raise AssertionError  # the last pause is None

    def _post(self, request: Record) -> requests.Response:
        self.calls += 1
        try:
            # A redirect would carry the key to wherever it points.
            return self._session.post(
                f"{self._base}/jsonrpc", json=request, timeout=self._timeout, allow_redirects=False
            )
        except requests.Timeout as error:
            raise Unavailable(f"Odoo at {self._host} did not answer in time.") from error
        except requests.RequestException as error:
            raise Unavailable(
                f"Odoo at {self._host} cannot be reached: check odoo_api_url, and that the"
                " server is up and open to this network."
            ) from error

    def _answer(self, response: requests.Response) -> Any:  # noqa: ANN401 - Odoo's JSON
        kind = response.headers.get("Content-Type", "")
        if response.status_code != requests.codes.ok or "json" not in kind:
            raise Unavailable(
                f"Odoo at {self._host} answered with HTTP status {response.status_code} and"
                " no data: is it being restarted, or is odoo_api_url another kind of server?"
            )
        try:
            body = json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            raise Unavailable(f"Odoo at {self._host} broke off in its answer.") from error
        if not isinstance(body, dict):
            raise Unavailable(f"Odoo at {self._host} answered with something else than an answer.")
        if "error" in body:
            raise self._refusal(body["error"])
        return body.get("result")

    def _refusal(self, error: Any) -> Refused | Unavailable:  # noqa: ANN401 - Odoo's JSON
        """Odoo's error as a sentence; `data.name` decides, its traceback is never repeated."""
        error = error if isinstance(error, dict) else {"message": str(error)}
        data = error.get("data") or {}
        name = str(data.get("name") or "")
        message = str(data.get("message") or error.get("message") or "").strip()
        first = message.splitlines()[0][:200] if message else name
        first = first.replace(self._api_key, "***")
        if name.endswith("AccessDenied"):
            self._uid = None  # a key may have been replaced: log in again next time
            return Refused(self._denied(), code=name)
        if name.endswith("OperationalError") and "does not exist" in message:
            return Refused(
                f"Odoo at {self._host} has no database {self.database}: check odoo_database.",
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

    def _denied(self) -> str:
        return (
            f"Odoo refused the user {self._username} in the database {self.database}: check"
            " odoo_username and odoo_api_key (an ordinary user's key ends after 90 days)."
        )

    @property
    def _host(self) -> str:
        return urlsplit(self._base).netloc.rpartition("@")[2]  # no password of a proxy
