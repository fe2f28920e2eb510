"""A vendor that is down for a while, in the middle of what somebody does with it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

from sandbox.http_server import hang_up
from sandbox.odoo.http import page

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Outage:
    """A WSGI application that passes each request on to `vendor`, except during a planned outage.

    While that lasts it answers as a proxy does (bad_gateway: 502) or not at all (reset).
    """

    def __init__(self, vendor: WSGIApplication, kind: Literal["bad_gateway", "reset"]) -> None:
        self._vendor = vendor
        self._kind = kind
        self._lock = threading.Lock()
        self._before = self._left = 0
        self.refused = 0  # requests that met the outage

    def plan(self, *, after: int, requests: int) -> None:
        """Pass on so many requests first, then refuse so many."""
        with self._lock:
            self._before, self._left, self.refused = after, requests, 0

    def end(self) -> None:
        """Be up again, whatever was planned."""
        self.plan(after=0, requests=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._lock:
            is_down = self._left > 0 and self._before == 0
            self._before = max(0, self._before - 1)
            self._left -= is_down
            self.refused += is_down
        if not is_down:
            return self._vendor(environ, start_response)
        if self._kind == "reset":
            hang_up(environ)
        return page("<h1>502 Bad Gateway</h1>", 502)(environ, start_response)
