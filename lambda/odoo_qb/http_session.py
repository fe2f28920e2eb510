"""HTTP for Odoo and QuickBooks: redirects are not followed.

A redirect would carry a key, a token or a bill to another address, and its answer back.
"""

from __future__ import annotations

from typing import Any

import requests


class HttpSession(requests.Session):
    """A session of requests that never follows a redirect, whatever its caller asks for."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as requests
        """Send a request, without following a redirect."""
        return super().request(*args, **{**kwargs, "allow_redirects": False})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would parse the address even where it must not follow it."""
