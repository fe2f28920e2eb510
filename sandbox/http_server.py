"""Serve a WSGI application on a loopback port, from a thread of this process, or hang up."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Final, NoReturn, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from wsgiref.types import WSGIApplication, WSGIEnvironment

_PORTS: Final = 65_536


class _Quiet(WSGIRequestHandler):
    """HTTP/1.1 with one request per connection (werkzeug closes it), and no log."""

    protocol_version = "HTTP/1.1"

    def send_header(self, keyword: str, value: str) -> None:
        """Keep an application's own Date header: its clock may differ from this machine's."""
        if keyword == "Date":
            buffer: list[bytes] = getattr(self, "_headers_buffer", [])
            buffer[:] = [line for line in buffer if not line.startswith(b"Date:")]
        super().send_header(keyword, value)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Log nothing; the recorder does that."""


class Server:
    """A running server: `url` is where it listens; `close` (or leaving `with`) stops it."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        """Answer until `close` wakes us: serve_forever would look for that only now and then."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            selector.register(self._stopped, selectors.EVENT_READ)
            while not any(key.fileobj is self._stopped for key, _ in selector.select()):
                self._server.handle_request()

    def close(self) -> None:
        """Stop listening and free the port."""
        self._stop.close()
        self._thread.join()
        self._stopped.close()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def refused(port: int) -> str:
    """Why no server can listen on this loopback port; empty if one can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "is for administrators only"
        except OSError:
            return "is taken by another program"
    return ""


class Ports:
    """The ports of the last run, by name, in a file; an unreadable file is ignored."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def last(self, name: str) -> int:
        """The port of last time; 0 if there was none."""
        port = self._read().get(name)
        return port if isinstance(port, int) and 0 < port < _PORTS else 0

    def free(self, name: str) -> int:
        """The port of last time if it is free, else 0."""
        port = self.last(name)
        return 0 if refused(port) else port

    def remember(self, name: str, port: int) -> None:
        """Keep a port, whole or not at all."""
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._read() | {name: port}))
        new.replace(self._file)

    def _read(self) -> dict[str, object]:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}


def serve(application: WSGIApplication, port: int = 0) -> Server:
    """Listen on 127.0.0.1 (`port` 0: any free one) with a thread for each connection."""
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
    server.timeout = 0.1  # if a caller hung up before the answer
    return Server(server)


def hang_up(environ: WSGIEnvironment) -> NoReturn:
    """Close the connection without an answer, as werkzeug's server allows."""
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("no answer is given")


def say_garbage(environ: WSGIEnvironment) -> NoReturn:
    """Answer with bytes that are no HTTP, as a broken proxy may, and close the connection."""
    connection = environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16 no HTTP at all\r\n\r\n")
    hang_up(environ)


class Hold:
    """A wait planned for a server: it lasts `seconds`, or until `let_go`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone = threading.Event()
        self.lasts = True

    def wait(self) -> None:
        """Wait, as the server."""
        self._gone.wait(self._seconds)
        self.lasts = False

    def let_go(self) -> None:
        """End the wait."""
        self._gone.set()
