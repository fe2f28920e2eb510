"""A client of the API as its contract alone describes it: an address and a token."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from odoo_qb.http_session import HttpSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import Response

Json = dict[str, Any]

_SECONDS: Final = 60  # the emulator starts a function within that
PAGE: Final = 1000  # records, the most the API gives at once


class ApiClient:
    """Sends requests to the API at `url`, with a token unless another is given or None.

    `verify` is the certificate to trust, where it is the emulator's own.
    """

    def __init__(self, url: str, token: str, *, verify: str | bool = True) -> None:
        self._session = HttpSession()
        self._session.trust_env = False  # neither proxies nor certificates of this machine
        self._session.verify = verify
        self._url = url.rstrip("/")
        self._token = token

    @property
    def origin(self) -> str:
        """What a browser calls the API's site."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}"

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "",
        body: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One request; an answer of any status is returned."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token or self._token}"
        self._session.cookies.clear()  # a browser's session must not open what a token should
        return self._session.request(
            method,
            f"{self._url}{path}",
            json=body,
            data=form,
            headers=sent,
            timeout=_SECONDS,
        )

    def create(self, body: Json) -> Json:
        """Make a schedule."""
        made: Json = parsed(self.call("POST", "/schedule-task", body=body), 201)
        return made

    def schedules(self) -> dict[str, Json]:
        """All schedules by name."""
        rows = parsed(self.call("GET", "/scheduled-tasks"), 200)
        return {row["task_name"]: row for row in rows}

    def delete(self, task_name: str) -> Json:
        """Delete a schedule."""
        deleted: Json = parsed(self.call("DELETE", f"/scheduled-tasks/{task_name}"), 200)
        return deleted

    def every(self, path: str, **query: str) -> Iterator[Json]:
        """All records of a list, page by page; the list's own count must be right."""
        skip = 0
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        while True:
            answer = self.call("GET", f"{path}?skip={skip}&limit={PAGE}&{asked}")
            rows: list[Json] = parsed(answer, 200)
            yield from rows
            skip += len(rows)
            total = int(answer.headers["X-Total-Count"])
            if not rows or skip >= total:
                if skip != total:
                    raise ApiError(f"{path} counts {total} records and lists {skip}.")
                return


class ApiError(RuntimeError):
    """The API answered other than its contract says."""


def parsed(answer: Response, status: int) -> Any:  # noqa: ANN401 - any JSON
    """The JSON of an answer that must have this status."""
    if answer.status_code != status:
        said = answer.text[:300]
        raise ApiError(f"{answer.request.method} {answer.url}: {answer.status_code} {said}")
    return answer.json(parse_float=Decimal)
