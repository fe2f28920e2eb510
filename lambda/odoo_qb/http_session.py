"""HTTP as Odoo and QuickBooks are spoken to: a redirect is an answer, and not followed.

It would carry a key, a token or a bill to wherever it points, and bring back an answer from there.
"""

from __future__ import annotations

from typing import Any

import requests


class HttpSession(requests.Session):
    """requests' own, which goes nowhere but where it was sent, whoever asks for it."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as requests
        """As requests."""
        return super().request(*args, **{**kwargs, "allow_redirects": False})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: requests would even look at an address that it is not to follow."""
