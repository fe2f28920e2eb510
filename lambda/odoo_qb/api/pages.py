"""The pages for a browser: signing in and out, the documentation, and their files."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.api import sessions
from odoo_qb.api.access import refuse_other_sites
from odoo_qb.api.answer import HTML, JSON, Answer, see_other
from odoo_qb.api.contract import asset

if TYPE_CHECKING:
    from odoo_qb.api.routing import Call, Handler
    from odoo_qb.api.tokens import Tokens
    from odoo_qb.store.sign_in_attempts import SignInAttempts

logger = Logger(child=True)

ATTEMPTS: Final = 10  # to sign in, of an address in a quarter of an hour
_NEXT: Final = re.compile(r"[a-z][a-z0-9_-]*(/[a-z0-9_-]+)*(\.json)?")
_HOME: Final = "docs"
_KEPT: Final = {"Cache-Control": "private, max-age=86400"}
_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_SWAGGER: Final = "event_handler/openapi/swagger_ui"  # Powertools' wheel brings it


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoutes:
    """Pages, and who may sign in to them."""

    tokens: Tokens
    attempts: SignInAttempts
    environment: str

    def handlers(self) -> dict[str, Handler]:
        """What answers, by the contract's operation."""
        return {
            "getContract": lambda _: Answer(text=asset("openapi.json"), media_type=JSON),
            "getDocs": lambda _: Answer(text=asset("docs.html"), media_type=HTML),
            "getSignIn": lambda call: _form(call.values["next"]),
            "signIn": self._sign_in,
            "signOut": lambda _: see_other("sign-in", sessions.no_cookie()),
            "getSignInStyle": lambda _: _file("sign-in.css"),
            "getAsset": lambda call: _file(call.values["name"]),
        }

    def _sign_in(self, call: Call) -> Answer:
        refuse_other_sites(call.request, must_say=False)
        then = call.body.get("next", _HOME)
        source = call.request.source_ip
        if self.attempts.count(source, call.now) > ATTEMPTS:
            wait = self.attempts.seconds_left(call.now)
            minutes = -(-wait // 60)
            logger.warning("too many attempts to sign in", source_ip=source)
            return _form(
                then,
                f"Too many attempts. Try again in {minutes} minute{'s' * (minutes > 1)}.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
                wait=wait,
            )
        token = self.tokens.owner(call.body["token"].strip())
        if token is None:
            logger.warning("a wrong token was used to sign in", source_ip=source)
            return _form(
                then, "This token isn't one of ours. Check it.", status=HTTPStatus.UNAUTHORIZED
            )
        logger.info("signed in", token=token.name, source_ip=source)
        return see_other(
            then if _NEXT.fullmatch(then) else _HOME,
            sessions.cookie(token, call.now, self.environment),
        )


def _form(
    then: str, message: str = "", *, status: HTTPStatus = HTTPStatus.OK, wait: int = 0
) -> Answer:
    page = asset("sign-in.html").replace("{next}", html.escape(then, quote=True))
    headers = {"Retry-After": str(wait)} if wait else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="odoo-api"'
    text = page.replace("{message}", html.escape(message))
    return Answer(text=text, status=status, media_type=HTML, headers=headers)


def _file(name: str) -> Answer:
    media_type = _TYPES[name.rpartition(".")[2]]
    return Answer(text=_text(name), media_type=media_type, headers=_KEPT)


@cache
def _text(name: str) -> str:
    if name.startswith("swagger-ui"):
        return (files("aws_lambda_powertools") / _SWAGGER / name).read_text("utf-8")
    return asset(name)
