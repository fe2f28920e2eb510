"""Who may call a route: the bearer of a token, or a browser that signed in."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from odoo_qb.api import sessions
from odoo_qb.api.problem import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.api.request import Request
    from odoo_qb.api.tokens import Tokens

_REALM: Final = 'Bearer realm="odoo-api"'
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The check of every request that is not public."""

    tokens: Tokens
    environment: str

    def caller(self, request: Request, now: datetime) -> str:
        """The name of the token behind a request; Problem where there is none."""
        bearer = request.bearer
        if bearer is not None:
            token = self.tokens.owner(bearer) if bearer else None
            if token:
                return token.name
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "This token is not one of this deployment. Check it, and the address.",
                headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'},
            )
        value = request.cookies.get(sessions.COOKIE, "")
        name = sessions.signed_in(value, self.tokens, now, self.environment) if value else ""
        if not name:
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "Send an API token in the header Authorization: Bearer TOKEN.",
                headers={"WWW-Authenticate": _REALM},
            )
        if request.method not in _SAFE:
            refuse_other_sites(request, must_say=True)
        return name


def refuse_other_sites(request: Request, *, must_say: bool) -> None:
    """Problem if a page of another site sent this.

    Browsers send Origin with every POST and DELETE. Without it (`must_say` False) it is no browser.
    """
    origin = request.headers.get("origin")
    if origin is None and not must_say:
        return
    if not origin or _host_of(origin) != request.headers.get("host"):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "This request came from another website. Send it from a page of this one,"
            " or with a token.",
        )


def _host_of(origin: str) -> str:
    """The host in an origin, with its port; "" where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # whoever calls writes what they like
        return ""
