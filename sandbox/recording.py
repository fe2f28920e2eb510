"""Record what passes between the functions and a vendor, simulated or real."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from werkzeug.formparser import parse_form_data
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Exchange = dict[str, Any]

_SECRET_NAMES: Final = {"access_token", "refresh_token", "token", "password", "client_secret"}
_HOP_BY_HOP: Final = {"connection", "content-length", "content-encoding", "transfer-encoding"}


class Recorder:
    """A WSGI application that passes each request on to `vendor` and keeps what passed.

    `secrets` are hidden wherever they occur. With a `trace` file every exchange is a line of
    it at once, so that nothing is missing when somebody stops the run.
    """

    def __init__(
        self, vendor: WSGIApplication, *, secrets: Iterable[str] = (), trace: Path | None = None
    ) -> None:
        self._vendor = vendor
        self._secrets = [s for s in secrets if s]
        self._lock = threading.Lock()
        self._file = trace.open("w", encoding="utf-8") if trace else None
        self.exchanges: list[Exchange] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass one request on and keep it with its answer, also when there was none."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        exchange: Exchange = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": self._hidden(Request(environ).args.to_dict()),
            "body": self._hidden(_content(environ.get("CONTENT_TYPE", ""), body)),
            "status": None,
            "answer": None,
        }
        told: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401 - WSGI's
            told[:] = [status, headers]
            return start_response(status, headers, *rest)

        answer = b""
        try:
            answer = b"".join(self._vendor({**environ, "wsgi.input": BytesIO(body)}, remember))
        finally:
            if told:  # a vendor that hangs up tells nothing
                kind = {k.lower(): v for k, v in told[1]}.get("content-type", "")
                exchange["status"] = int(told[0].split()[0])
                exchange["answer"] = self._hidden(_content(kind, answer))
            self._keep(exchange)
        return [answer]

    def _keep(self, exchange: Exchange) -> None:
        with self._lock:
            self.exchanges.append(exchange)
            if self._file:
                self._file.write(json.dumps(exchange, ensure_ascii=False) + "\n")
                self._file.flush()

    def _hidden(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {
                k: "***" if k in _SECRET_NAMES and isinstance(v, str) else self._shortened(k, v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self._hidden(v) for v in value]
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "***")
        return value

    def _shortened(self, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
        """A file's base64 text, as Odoo sends it, by its length and hash."""
        if name == "datas" and isinstance(value, str):
            try:
                return _bytes(base64.b64decode(value, validate=True))
            except binascii.Error:
                return "not base64"
        return self._hidden(value)


def _content(kind: str, body: bytes) -> Any:  # noqa: ANN401 - JSON
    """A body as JSON can tell it: objects of JSON and forms, other bytes by length and hash."""
    if not body:
        return None
    if "json" in kind:
        try:
            return json.loads(body)
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
        return parts | {n: _part(f.content_type or "", f.read()) for n, f in files.items()}
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


def _bytes(data: bytes) -> dict[str, Any]:
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def forward(base_url: str, *, own_paths: str = "") -> WSGIApplication:
    """A WSGI application that asks the server at `base_url`, as if it were there itself.

    Paths that begin with `own_paths` are answered here, with an empty 200.
    """
    session = requests.Session()
    session.trust_env = False

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if own_paths and request.path.startswith(own_paths):
            return Response("ok")(environ, start_response)
        try:
            answer = session.request(
                request.method,
                base_url.rstrip("/") + request.full_path.removesuffix("?"),
                headers={k: v for k, v in request.headers if k.lower() not in _LOCAL},
                data=request.get_data(),
                timeout=130,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            text = (
                f"The server at {urlsplit(base_url).netloc} did not answer: {type(error).__name__}"
            )
            return Response(text, 502)(environ, start_response)
        headers = [(k, v) for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP]
        return Response(answer.content, answer.status_code, headers)(environ, start_response)

    return application


_LOCAL: Final = _HOP_BY_HOP | {"host", "accept-encoding"}


def matching(exchanges: Iterable[Exchange], wanted: Callable[[Exchange], bool]) -> list[Exchange]:
    """The exchanges that ended well and are wanted."""
    return [e for e in list(exchanges) if e["status"] == 200 and wanted(e)]  # noqa: PLR2004 - HTTP's OK
