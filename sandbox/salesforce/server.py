"""Salesforce on one machine: `Salesforce` answers over HTTP as its REST reference says.

Tokens by client credentials, query and queryAll with pages, the versions, who the user is, limits:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_list.htm
"""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request, Response

from sandbox.http_server import hang_up
from sandbox.salesforce.org import Org
from sandbox.salesforce.soql import QueryError, run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

CLIENT_ID: Final = "3MVG9sandbox"
CLIENT_SECRET: Final = "sandbox-salesforce-secret"  # noqa: S105 - the sandbox's own
USER: Final = "integration@northwind.example"
PAGE: Final = 2_000
_VERSIONS: Final = (("Winter '25", "62.0"), ("Spring '25", "63.0"))


class Salesforce(Org):
    """A WSGI application: an org, who may sign in, what was asked in `calls`.

    `calls` holds "token", "query", "queryAll", "more" and so on. `fail` plans what goes wrong.
    """

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - as Org takes them
        super().__init__(**{"clock": lambda: datetime.now(UTC)} | given)
        self.calls: list[str] = []
        self.latency_seconds = 0.0
        self.page = PAGE
        self.limit = 15_000
        self.used = 0
        self.tokens: set[str] = set()
        self.token_error: tuple[str, str] | None = None
        self._faults: list[tuple[str, str]] = []
        self._pages: dict[str, list[Any]] = {}

    def fail(self, kind: str, *, call: str = "*", times: int = 1) -> None:
        """Plan a failure of the next calls: reset, cut, bad_gateway, html, redirect, server_error.

        Any other word is the errorCode of an answer with status 400.
        """
        with self.lock:
            self._faults += [(kind, call)] * times

    def end_sessions(self) -> None:
        """Let every token end, as after the time that the org has set."""
        with self.lock:
            self.tokens.clear()

    def forget_lists(self) -> None:
        """Let the lists end that are being read page by page."""
        with self.lock:
            self._pages.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        with self.lock:
            response = self._answer(request)
        time.sleep(self.latency_seconds)
        response.date = self.clock()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.path
        call = _called(path)
        self.calls.append(call)
        fault = self._next_fault(call)
        match fault:
            case "reset":
                hang_up(request.environ)
            case "bad_gateway":
                return Response("<h1>502 Bad Gateway</h1>", 502, content_type="text/html")
            case "html":
                return Response("<h1>Maintenance</h1>", 200, content_type="text/html")
            case "redirect":
                return Response("", 302, headers={"Location": "https://elsewhere.example/"})
            case "server_error":
                return _error(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")
        response = self._routed(request, call) if fault in ("", "cut") else _error(400, fault, "no")
        if fault == "cut":
            body = response.get_data()
            response = Response(body[: len(body) // 2], content_type="application/json")
        return response

    def _next_fault(self, call: str) -> str:
        for fault in self._faults:
            if fault[1] in ("*", call):
                self._faults.remove(fault)
                return fault[0]
        return ""

    def _routed(self, request: Request, call: str) -> Response:
        if call == "token":
            return self._token(request)
        if call == "versions":
            return _json(
                [
                    {"label": label, "url": f"/services/data/v{number}", "version": number}
                    for label, number in _VERSIONS
                ]
            )
        _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
        if token not in self.tokens:
            return _error(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if call == "userinfo":
            return _json({"name": "Integration User", "preferred_username": USER})
        if self.used >= self.limit:
            return _error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.used += 1
        response = self._queried(request, call)
        response.headers["Sforce-Limit-Info"] = f"api-usage={self.used}/{self.limit}"
        return response

    def _token(self, request: Request) -> Response:
        form = request.form
        if self.token_error:
            error, description = self.token_error
            return _json({"error": error, "error_description": description}, 400)
        if form.get("grant_type") != "client_credentials":
            said = {
                "error": "unsupported_grant_type",
                "error_description": "grant type not supported",
            }
            return _json(said, 400)
        if form.get("client_id") != CLIENT_ID:
            said = {"error": "invalid_client_id", "error_description": "client identifier invalid"}
            return _json(said, 400)
        if form.get("client_secret") != CLIENT_SECRET:
            said = {"error": "invalid_client", "error_description": "invalid client credentials"}
            return _json(said, 400)
        token = f"00DgL0000000001!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        return _json(
            {
                "access_token": token,
                "instance_url": request.host_url.rstrip("/"),
                "id": f"{request.host_url}id/00DgL0000000001/005gL0000000001",
                "token_type": "Bearer",
                "scope": "api",
                "issued_at": str(int(self.clock().timestamp() * 1000)),
                "signature": "c2FuZGJveA==",
            }
        )

    def _queried(self, request: Request, call: str) -> Response:
        if call == "more":
            locator = request.path.rpartition("/")[2]
            if locator not in self._pages:
                return _error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            return self._paged(self._pages.pop(locator), locator)
        if call not in ("query", "queryAll"):
            return _error(404, "NOT_FOUND", "The requested resource does not exist")
        if len(request.environ.get("QUERY_STRING", "")) > 16_000:  # noqa: PLR2004 - Salesforce's
            return _error(414, "REQUEST_URI_TOO_LONG", "URI Too Long")
        try:
            rows = run(self, request.args.get("q", ""), deleted=call == "queryAll")
        except QueryError as error:
            return _error(400, error.code, error.message)
        return self._paged(rows, "01ggL0000000001AAA-0")

    def _paged(self, rows: list[Any], locator: str) -> Response:
        first, rest = rows[: self.page], rows[self.page :]
        answer: dict[str, Any] = {"totalSize": len(rows), "done": not rest, "records": first}
        if rest:
            name, _, place = locator.rpartition("-")
            following = f"{name}{secrets.token_hex(3)}-{int(place) + len(first)}"
            self._pages[following] = rest
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/{following}"
        return _json(answer)


def _called(path: str) -> str:
    """What is called, as `calls` and `fail` have it."""
    parts = path.strip("/").split("/")
    match parts:
        case ["services", "oauth2", what]:
            return what
        case ["services", "data"]:
            return "versions"
        case ["services", "data", _, "query", _]:
            return "more"
        case ["services", "data", _, what]:
            return what
    return "unknown"


def _error(status: int, code: str, message: str) -> Response:
    return _json([{"message": message, "errorCode": code}], status)


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json;charset=UTF-8")
