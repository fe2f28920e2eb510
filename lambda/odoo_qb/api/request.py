"""A request as an HTTP API of API Gateway hands it over, read once.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from odoo_qb.api.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 1_000_000  # bytes of a body
_PARAMETERS: Final = 50
_UNREADABLE: Final = "The address cannot be read. Encode special characters as %XX of UTF-8."


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request. Header names are in lower case, `path` is split at its slashes and decoded."""

    method: str
    path: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    source_ip: str
    raw_body: str
    is_base64: bool

    def parameters(self) -> list[tuple[str, str]]:
        """The query's names and values in order; Problem where it cannot be read."""
        try:
            return parse_qsl(
                self.query, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS
            )
        except UnicodeDecodeError:
            raise Problem(HTTPStatus.BAD_REQUEST, _UNREADABLE) from None
        except ValueError:
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                f"The address has more than {_PARAMETERS} parameters. Send fewer.",
            ) from None

    def body(self) -> bytes:
        """The body; Problem if it is larger than 1 MB."""
        try:
            body = (
                base64.b64decode(self.raw_body, validate=True)
                if self.is_base64
                else self.raw_body.encode()
            )
        except (binascii.Error, UnicodeEncodeError):
            raise Problem(
                HTTPStatus.BAD_REQUEST, "The body cannot be read. Send it anew."
            ) from None
        if len(body) > LARGEST:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "The body is larger than 1 MB. Send a smaller one.",
            )
        return body

    @property
    def media_type(self) -> str:
        """The body's type without its parameters: "application/json"."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def wants_page(self) -> bool:
        """Whether a browser shows the answer to a person."""
        return self.method in {"GET", "HEAD"} and "text/html" in self.headers.get("accept", "")

    @property
    def bearer(self) -> str | None:
        """The token in the Authorization header; None if there is no such header."""
        given = self.headers.get("authorization")
        if given is None:
            return None
        scheme, _, token = given.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


def to_request(event: object) -> Request:
    """An event of version 2.0; Problem where it is none."""
    try:
        return _to_request(event)
    except (LookupError, TypeError, AttributeError):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "This function takes requests of an HTTP API, in payload format 2.0.",
        ) from None


def _to_request(event: Any) -> Request:  # noqa: ANN401 - whatever somebody invokes it with
    http = event["requestContext"]["http"]
    headers = {str(k).lower(): str(v) for k, v in (event.get("headers") or {}).items()}
    cookies = event.get("cookies") or headers.get("cookie", "").split(";")
    try:
        path = tuple(unquote(p, errors="strict") for p in str(event["rawPath"])[1:].split("/"))
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, _UNREADABLE) from None
    return Request(
        method=str(http["method"]).upper(),
        path=path,
        query=str(event.get("rawQueryString") or ""),
        headers=headers,
        cookies=dict(_cookie(str(cookie)) for cookie in cookies if "=" in str(cookie)),
        source_ip=str(http.get("sourceIp") or ""),
        raw_body=str(event.get("body") or ""),
        is_base64=bool(event.get("isBase64Encoded")),
    )


def _cookie(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
