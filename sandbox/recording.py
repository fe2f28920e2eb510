"""Record what passes between the functions and a vendor, simulated or real."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import requests
from werkzeug.formparser import parse_form_data
from werkzeug.wrappers import Request, Response

from sandbox.http_server import hang_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Exchange = dict[str, Any]

_SECRET_NAMES: Final = {
    *("access_token", "refresh_token", "token", "password", "client_secret", "session_id")
}
_SHORT: Final = 8  # shorter secrets may be part of any word, so they are hidden only as whole words
# Addresses that anyone who knows them can use: a document's link, a click's answer.
_LINK_SECRETS: Final = re.compile(
    r"(X-Amz-(?:Signature|Security-Token|Credential)=|^/response/)[^&|>\s\"]+"
)
_HOP_BY_HOP: Final = {"connection", "content-length", "content-encoding", "transfer-encoding"}


class Recorder:
    """A WSGI application that passes each request on to `vendor` and keeps what passed.

    Every exchange is written at once as a line of the `trace` file, if there is one, so that
    nothing is missing if the run is stopped. `secrets` and fields with a secret's name are hidden.
    """

    def __init__(
        self, vendor: WSGIApplication, *, secrets: Iterable[str] = (), trace: Path | None = None
    ) -> None:
        self._vendor = vendor
        self._hide = _Hide(secrets)
        self._lock = threading.Lock()
        self._file = trace.open("w", encoding="utf-8") if trace else None
        self.exchanges: list[Exchange] = []
        self.under_way = 0  # requests without an answer so far

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass one request on and record it with its answer, even if there was none."""
        request = Request(environ)
        body = request.get_data(cache=False)
        exchange: Exchange = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "method": request.method,
            "path": environ["PATH_INFO"],
            "query": request.args.to_dict(),
            "body": _content(environ.get("CONTENT_TYPE", ""), body),
            "status": None,
            "answer": None,
        }
        started: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401 - WSGI's
            started[:] = [status, headers]
            return start_response(status, headers, *rest)

        passed_on = {k: v for k, v in environ.items() if k not in _CHUNKED}
        passed_on |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = b""
        with self._lock:
            self.under_way += 1
        try:
            answer = b"".join(self._vendor(passed_on, remember))
        finally:
            if started:  # a vendor that hangs up sends nothing
                kind = {k.lower(): v for k, v in started[1]}.get("content-type", "")
                exchange["status"] = int(started[0].split()[0])
                exchange["answer"] = _content(kind, answer)
            self._keep(exchange)
        return [answer]

    def close(self) -> None:
        """End the trace."""
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None

    def _keep(self, exchange: Exchange) -> None:
        with self._lock:
            self.under_way -= 1
            self.exchanges.append(exchange)
            if self._file:
                self._file.write(json.dumps(self._hide(exchange), ensure_ascii=False) + "\n")
                self._file.flush()


class _Hide:
    """JSON with `***` in place of secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first, or a secret that is part of another would leave the rest of it.
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)

    def __call__(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {
                k: "***" if k in _SECRET_NAMES and isinstance(v, str) else self(v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self(v) for v in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            if text == secret:
                return "***"
            if len(secret) >= _SHORT:
                text = text.replace(secret, "***")
        return _LINK_SECRETS.sub(r"\1***", text)


_CHUNKED: Final = {"HTTP_TRANSFER_ENCODING", "wsgi.input_terminated"}


def _content(kind: str, body: bytes) -> Any:  # noqa: ANN401 - JSON
    """A body as JSON: objects of JSON and forms, other bytes by length and hash."""
    if not body:
        return None
    if "json" in kind or (not kind and body[:1] in {b"{", b"["}):
        try:
            return _without_files(json.loads(body))
        except ValueError:
            return _bytes(body)
    if "form" in kind:
        environ = {
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        _, form, files = parse_form_data(environ)
        parts = {name: _part("", value.encode()) for name, value in form.items()}
        for name, file in files.items():
            parts[name] = _part(file.content_type or "", file.read())
            file.close()
        return parts
    if kind.startswith(("text/", "application/text")):
        return body.decode(errors="replace")
    return _bytes(body)


def _part(kind: str, data: bytes) -> Any:  # noqa: ANN401 - JSON
    if kind in {"", "text/plain"} or "json" in kind:
        text = data.decode(errors="replace")
        if not text.startswith(("{", "[")):
            return text
        try:
            return json.loads(text)
        except ValueError:
            return text
    return _bytes(data)


def _without_files(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Files' base64 text, as Odoo sends it in `datas`, by length and hash."""
    if isinstance(value, list):
        return [_without_files(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: _file(v) if k == "datas" else _without_files(v) for k, v in value.items()}


def _file(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return value
    try:
        return _bytes(base64.b64decode(value, validate=True))
    except ValueError:
        return "not base64"


def _bytes(data: bytes) -> dict[str, Any]:
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def forward(base_url: str, *, own_paths: str = "") -> WSGIApplication:
    """A WSGI application that forwards requests to the server at `base_url`.

    If that server hangs up or cannot be reached, the connection is closed. Paths that begin with
    `own_paths` get an empty 200 from here.
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if own_paths and request.path.startswith(own_paths):
            return Response()(environ, start_response)
        # The original path: decoding and encoding it again may change it.
        target = environ.get("REQUEST_URI") or request.full_path.removesuffix("?")
        headers = {k: v for k, v in request.headers if k.lower() not in _LOCAL}
        try:
            # A new connection each: one kept alive may be closed while the next request is sent.
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    request.method,
                    base_url.rstrip("/") + target,
                    headers=headers | {"Connection": "close"},
                    data=request.get_data(),
                    timeout=_FORWARD_SECONDS,
                    allow_redirects=False,
                )
        except requests.RequestException:
            hang_up(environ)
        kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP]
        response = Response(answer.content, answer.status_code, kept)
        if "Content-Type" not in answer.headers:
            response.headers.remove("Content-Type")  # the framework's guess, not the server's
        return response(environ, start_response)

    return application


_LOCAL: Final = _HOP_BY_HOP | {"host", "accept-encoding"}
_FORWARD_SECONDS: Final = 130  # longer than any function waits


def matching(exchanges: Iterable[Exchange], wanted: Callable[[Exchange], bool]) -> list[Exchange]:
    """The successful exchanges for which `wanted` is true."""
    return [e for e in list(exchanges) if e["status"] == 200 and wanted(e)]  # noqa: PLR2004 - HTTP's OK
