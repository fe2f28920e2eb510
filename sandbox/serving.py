"""Serve a WSGI application on a loopback port, from a thread of this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from types import TracebackType
    from wsgiref.types import WSGIApplication


class _Quiet(WSGIRequestHandler):
    """Speaks HTTP/1.1, one request a connection (werkzeug closes it), and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: what passes is the recorder's to tell."""


class Server:
    """A running server: `url` is where it listens; `close` (or leaving `with`) stops it."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and free the port."""
        self._server.shutdown()
        self._thread.join()
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


def serve(application: WSGIApplication, port: int = 0) -> Server:
    """Listen on 127.0.0.1 (`port` 0: any free one) with a thread for each connection."""
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Quiet)
    return Server(server)
