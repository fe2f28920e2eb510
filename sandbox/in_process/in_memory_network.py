"""A network in memory: a simulator answers in its caller's thread.

Calls happen in the same order every time, and need no socket and no thread. No other host can be
reached.
"""

from __future__ import annotations

import io
import socket
from contextlib import contextmanager
from http.client import parse_headers
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from urllib3.util import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

    import pytest

Json = dict[str, Any]
_PORT: Final = 80


class InMemoryNetwork:
    """Applications by host. `on_request` is called for each request, to do or fail it.

    It gets host, method, path and a function that does the work. Instead of returning the answer it
    may raise OSError, before or after doing the work.
    """

    def __init__(self) -> None:
        self._listening: dict[tuple[str, int], WSGIApplication] = {}
        self.on_request: Callable[[str, str, str, Callable[[], bytes]], bytes] = (
            lambda _host, _method, _path, work: work()
        )

    @contextmanager
    def serve(
        self, application: WSGIApplication, *, host: str = "", port: int = _PORT
    ) -> Iterator[_Address]:
        """Let an application answer at its own address, or at a `host` and `port` given."""
        host = host or f"{type(application).__name__.lower()}.test"
        self._listening[host, port] = application
        try:
            yield _Address(f"http://{host}" + (f":{port}" if port != _PORT else ""))
        finally:
            del self._listening[host, port]

    def connect(self, address: tuple[str, int], *_: object, **__: object) -> _Line:
        """Replace a TCP connection."""
        host, port = address
        if (host, port) not in self._listening:
            raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
        return _Line(host, port, self._listening[host, port], self)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the only network, for urllib3 and for the standard library."""
        monkeypatch.setattr(connection, "create_connection", self.connect)
        monkeypatch.setattr(socket, "create_connection", self.connect)


class _Address:
    def __init__(self, url: str) -> None:
        self.url = url


class _Line:
    """The part of a socket that http.client uses, for one request and its answer."""

    def __init__(
        self, host: str, port: int, application: WSGIApplication, network: InMemoryNetwork
    ) -> None:
        self._host, self._port, self._application = host, port, application
        self._network = network
        self._sent = bytearray()

    def sendall(self, data: bytes) -> None:
        self._sent += data

    def makefile(self, *_: object, **__: object) -> io.BufferedIOBase:
        """The answer; the request is handled when it is read."""
        request = io.BytesIO(bytes(self._sent))
        method, target = request.readline().decode("ascii").split()[:2]
        headers = parse_headers(request)
        body = request.read()

        def work() -> bytes:
            environ = _environ(self._host, self._port, method, target, headers, body)
            return _answered(self._application, environ)

        path = target.partition("?")[0]
        return io.BytesIO(self._network.on_request(self._host, method, path, work))

    def getpeername(self) -> tuple[str, int]:
        """Everything is on this machine."""
        return "127.0.0.1", self._port

    def settimeout(self, _seconds: float | None) -> None: ...

    def setsockopt(self, *_: object) -> None: ...

    def shutdown(self, _how: int) -> None: ...

    def close(self) -> None: ...


def _environ(host: str, port: int, method: str, target: str, headers: Any, body: bytes) -> Json:
    path, _, query = target.partition("?")
    environ: Json = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        if name.lower() not in {"content-type", "content-length"}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return environ


def _answered(application: WSGIApplication, environ: Json) -> bytes:
    head: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        head.append(f"HTTP/1.1 {status}")
        head.extend(f"{name}: {value}" for name, value in headers)

    content = b"".join(application(environ, start_response))
    names = {line.partition(":")[0].lower() for line in head}
    if "content-length" not in names:
        head.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1") + content
