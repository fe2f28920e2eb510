"""HTTP requests that end in time, however slowly the other side sends what it sends.

The time-outs of requests count from one byte to the next, so a server that sends a byte every few
seconds would hold a caller for as long as it likes.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from odoo_qb.public_http import PublicSession

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from urllib3.connection import HTTPConnection

    from odoo_qb.public_http import Network


class Deadline:
    """Shuts the connection of a request after so many seconds; `passed` says that it has."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._connection: HTTPConnection | None = None
        self._socket: Any = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connection: HTTPConnection) -> None:
        """A request is about to be sent on this connection, or its answer to be read."""
        if self.passed:
            raise TimeoutError("The connection took too long.")
        self._connection = connection
        # The connection forgets its socket as soon as it knows that no second answer will follow.
        self._socket = connection.sock

    def cancel(self) -> None:
        """The request is over."""
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        open_socket: Any = self._socket or (self._connection and self._connection.sock)
        if open_socket is not None:
            with suppress(OSError):
                # Not an SSL socket's own shutdown: it takes away what the reader is reading with.
                socket.socket.shutdown(open_socket, socket.SHUT_RDWR)


class BoundedSession:
    """A session to public addresses whose requests can be limited as a whole.

    It keeps no cookies. May be used by several threads at once.
    """

    def __init__(self, allowed: Collection[Network]) -> None:
        self._mine = threading.local()
        self.session = PublicSession(allowed, on_use=self._on_use)
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    @contextmanager
    def within(self, seconds: float) -> Iterator[Deadline]:
        """What this thread sends in this block ends after so many seconds."""
        deadline = self._mine.deadline = Deadline(seconds)
        try:
            yield deadline
        finally:
            deadline.cancel()
            self._mine.deadline = None

    def _on_use(self, connection: HTTPConnection) -> None:
        deadline: Deadline | None = getattr(self._mine, "deadline", None)
        if deadline is not None:
            deadline.watch(connection)
