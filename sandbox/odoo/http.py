"""Pieces of HTTP that the sandbox's Odoo is served with: what was called, what goes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from werkzeug.wrappers import Response

from sandbox.odoo.errors import V19, OdooError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from sandbox.http_server import Hold
    from sandbox.odoo.view import Json

type Failure = Literal[
    "reset", "cut", "bad_gateway", "html", "slow", "denied", "no_right", "expired", "database"
]


@dataclass(slots=True, kw_only=True)
class Fault:
    """A failure that is planned for the next `times` calls of a method ("*": of any)."""

    kind: Failure
    method: str = "*"
    times: int = 1
    hold: Hold


def json_body(request: Request) -> Any:  # noqa: ANN401 - a client's JSON
    """The body, or None where it is none."""
    try:
        return json.loads(request.get_data())
    except ValueError:
        return None


def called(path: str, body: Json, version: int) -> str:
    """What is called, as `calls` and `fail` have it; "json.2" where there is no /json/2 yet."""
    params = body.get("params") or {}
    if path == "/jsonrpc":
        args = params.get("args") or []
        if params.get("method") == "execute_kw":
            return ".".join(map(str, args[3:5]))
        return f"{params.get('service')}.{params.get('method')}"
    if path.startswith("/web/dataset/call_kw"):
        return f"{params.get('model')}.{params.get('method')}"
    if path.startswith("/json/2/"):
        return path.removeprefix("/json/2/").replace("/", ".") if version >= V19 else "json.2"
    return ".".join(part for part in path.split("/") if part and not part.isdecimal())


def error_body(error: OdooError) -> Json:
    """An error as Odoo sends it, with a traceback that no client may repeat."""
    return {
        "name": error.name,
        "message": error.message,
        "arguments": [error.message],
        "context": {},
        "debug": f'Traceback (most recent call last):\n  File "/srv/odoo/http.py"\n{error.name}\n',
    }


def not_found(message: str) -> OdooError:
    """What /json/2 says of a path it does not know."""
    return OdooError("werkzeug.exceptions.NotFound", message)


def envelope(number: object, result: object) -> Response:
    """A success; a method that returns nothing answers without `result`."""
    answer = {"jsonrpc": "2.0", "id": number}
    return json_response(answer if result is None else answer | {"result": result})


def json_response(body: object, status: int = 200) -> Response:
    """JSON as Odoo labels it."""
    return Response(json.dumps(body), status, content_type="application/json; charset=utf-8")


def page(text: str, status: int) -> Response:
    """A page where a client hopes for data."""
    return Response(text, status, content_type="text/html; charset=utf-8")
