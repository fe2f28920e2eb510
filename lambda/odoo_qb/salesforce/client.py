"""Talk to Salesforce's REST API as an external client app; every failure is one clear sentence.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests

from odoo_qb.errors import Unavailable
from odoo_qb.http_session import HttpSession
from odoo_qb.salesforce.failures import EXPIRED, Failures, OutOfCalls, SettingNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Record = dict[str, Any]

API: Final = "/services/data/v62.0"
_TOKEN: Final = "/services/oauth2/token"  # noqa: S105 - where tokens are made
_USAGE: Final = re.compile(r"api-usage=(\d{1,12})/(\d{1,12})")
_SOUND: Final = re.compile(r"[\x21-\x7e]{8,4000}")  # anything else could inject a header
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 60.0
_USED: Final = 0.95  # of the org's calls, by whatever app: the rest is not ours to use
_PAUSES: Final = (1.0, 3.0)  # before a second and a third try


class SalesforceClient:
    """One org, as the user that the app runs as. It only reads.

    `query` raises Unavailable when a later try may work, Refused when a person must act. A token is
    kept in memory, and made anew once when Salesforce says that it has ended. Nothing is ever sent
    to another host than that of `url`, the org's My Domain.
    """

    def __init__(
        self,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        session: HttpSession | None = None,
        sleep: Callable[[float], None] = time.sleep,
        answer_seconds: float = _ANSWER_SECONDS,
        setting_names: SettingNames | None = None,
    ) -> None:
        self._base = url.rstrip("/")
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._session = session or HttpSession()
        self._sleep = sleep
        self._timeout = (_CONNECT_SECONDS, answer_seconds)
        self._token = ""
        self._failures = Failures(
            host=urlsplit(self._base).netloc.rpartition("@")[2],
            secrets=(client_secret,),
            names=setting_names or SettingNames(),
        )
        self.calls = 0
        self.clock: datetime | None = None
        self.usage: tuple[int, int] | None = None

    def refresh(self) -> None:
        """Ask Salesforce anew how many calls are left; call it when a run begins."""
        self.usage = None

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[list[Record]]:
        """The records that a SOQL query finds, page by page; with `deleted`, those in the bin too.

        https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm
        """
        resource = "queryAll" if deleted else "query"
        page = self.get(f"{API}/{resource}", {"q": soql})
        while True:
            records = self._records(page)
            if records:
                yield records
            if page["done"]:
                return
            page = self.get(self._next(page))

    def get(self, path: str, params: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - Salesforce's JSON
        """What a resource of the API answers."""
        return self._with_retry(lambda: self._got(path, params))

    def _got(self, path: str, params: dict[str, str] | None) -> Any:  # noqa: ANN401 - Salesforce's JSON
        if self.usage and self.usage[0] >= self.usage[1] * _USED:
            raise self._failures.nearly_used_up(*self.usage)
        for is_last in (False, True):
            if not self._token:
                self._sign_in()
            headers = {"Authorization": f"Bearer {self._token}"}
            response = self._ask("GET", path, params=params, headers=headers)
            body = self._json(response)
            self._note_usage(response)
            if response.status_code == HTTPStatus.OK:
                return body
            if not is_last and response.status_code == HTTPStatus.UNAUTHORIZED and _ended(body):
                self._token = ""
                continue
            raise self._failures.refusal(response.status_code, body)
        raise AssertionError  # the last round returns or raises

    def _sign_in(self) -> None:
        form = {"grant_type": "client_credentials", **self._credentials}
        response = self._ask("POST", _TOKEN, data=form)
        body = self._json(response)
        token = body.get("access_token") if isinstance(body, dict) else None
        if response.status_code != HTTPStatus.OK:
            raise self._failures.no_token(body)
        if not isinstance(token, str) or not _SOUND.fullmatch(token):
            raise self._failures.no_answer()
        self._token = token
        self._failures.hide(token)

    def _ask(self, method: str, path: str, **given: Any) -> requests.Response:  # noqa: ANN401 - as requests
        self.calls += 1
        try:
            response = self._session.request(
                method, f"{self._base}{path}", timeout=self._timeout, **given
            )
        except requests.Timeout as error:
            raise self._failures.silent() from error
        except ValueError:  # an invalid address or header, which the message would repeat
            raise self._failures.unreachable() from None
        except requests.RequestException as error:
            raise self._failures.unreachable() from error
        with suppress(ValueError):
            date = parsedate_to_datetime(response.headers.get("Date", ""))
            self.clock = date if date.tzinfo else date.replace(tzinfo=UTC)
        return response

    def _json(self, response: requests.Response) -> Any:  # noqa: ANN401 - Salesforce's JSON
        if "json" not in response.headers.get("Content-Type", ""):
            raise self._failures.no_data(response.status_code)
        try:
            return json.loads(response.content, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise self._failures.broken_off() from error

    def _note_usage(self, response: requests.Response) -> None:
        """How many of the org's calls of 24 hours are used, all its apps together."""
        if found := _USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
            self.usage = int(found[1]), int(found[2])

    def _records(self, page: Any) -> list[Record]:  # noqa: ANN401 - Salesforce's JSON
        records = page.get("records") if isinstance(page, dict) else None
        is_sound = isinstance(records, list) and all(isinstance(row, dict) for row in records)
        if not is_sound or not isinstance(page.get("done"), bool):
            raise self._failures.no_answer()
        found: list[Record] = page["records"]
        return found

    def _next(self, page: Record) -> str:
        """Where the next page is: a path of the API's, never another host."""
        path = page.get("nextRecordsUrl")
        if not isinstance(path, str) or not re.fullmatch(r"/services/data/[\w./-]+", path):
            raise self._failures.no_answer()
        return path

    def _with_retry[T](self, ask: Callable[[], T]) -> T:
        for pause in (*_PAUSES, None):
            try:
                return ask()
            except Unavailable as error:
                # Who did not answer for a minute is not asked again: the run's time is short.
                is_silent = isinstance(error.__cause__, requests.Timeout)
                if pause is None or is_silent or isinstance(error, OutOfCalls):
                    raise
                self._sleep(pause)
        raise AssertionError  # the last pause is None


def _ended(body: Any) -> bool:  # noqa: ANN401 - Salesforce's JSON
    return isinstance(body, list) and any(
        isinstance(error, dict) and error.get("errorCode") == EXPIRED for error in body
    )
