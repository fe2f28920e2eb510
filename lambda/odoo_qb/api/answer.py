"""An answer, and its form for an HTTP API of API Gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.api.problem import MEDIA_TYPE
from odoo_qb.exact_json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.api.problem import Problem
    from odoo_qb.exact_json import Json

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
# Pages run only scripts that are served from here; styles are files too. Swagger UI draws its icons
# from data: addresses.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a text and headers; `cookies` are set in the browser."""

    text: str = ""
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def as_response(self, *, with_body: bool = True) -> dict[str, Any]:
        """In Lambda's format; `with_body` is False for HEAD."""
        headers = {**_ALWAYS, **self.headers}
        if self.text or self.status == HTTPStatus.OK:
            headers["Content-Type"] = self.media_type
        response: dict[str, Any] = {
            "statusCode": int(self.status),
            "headers": headers,
            "body": self.text if with_body else "",
            "isBase64Encoded": False,
        }
        if self.cookies:
            response["cookies"] = list(self.cookies)
        return response


def as_json(
    content: Json | list[Json],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An answer with a JSON body; amounts keep their decimals."""
    return Answer(text=to_json(content), status=status, headers=headers or {})


def as_problem(problem: Problem) -> Answer:
    """What is wrong, as problem+json."""
    return Answer(
        text=to_json(problem.as_answer()),
        status=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def see_other(location: str, *cookies: str) -> Answer:
    """On to another page, by GET."""
    return Answer(status=HTTPStatus.SEE_OTHER, headers={"Location": location}, cookies=cookies)
