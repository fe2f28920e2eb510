"""openapi.json as the API runs by it: its routes, and what each of them takes.

What is not in that file is not there: the router, the checks, the public routes and the shapes of
records are all read from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.api import assets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json

_METHODS: Final = ("get", "post", "put", "patch", "delete")


def asset(name: str) -> str:
    """The text of a file beside the contract."""
    return (files(assets) / name).read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a route.

    `parameters` are the schemas of its query by name, `places` those in its path. `body` is the
    media type and schema of its body, ("", {}) if it takes none. Public ones need no token, and
    from a page a browser is sent to sign in.
    """

    operation_id: str
    parameters: Mapping[str, Json]
    places: Mapping[str, Json]
    required: frozenset[str]
    body: tuple[str, Json]
    is_public: bool
    is_page: bool


class Contract:
    """The document, and what is looked up in it."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._operations: dict[tuple[str, str], Operation] = {}

    @property
    def version(self) -> str:
        """The version of what is served."""
        return str(self.document["info"]["version"])

    @cached_property
    def _routes(self) -> list[tuple[tuple[str, ...], str]]:
        """Each path in parts; those without placeholders come first."""
        paths = sorted(self.document["paths"], key=lambda path: "{" in path)
        return [(tuple(path[1:].split("/")), path) for path in paths]

    def find(self, path: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """The route of a path, and what stands in its placeholders; "" if there is none."""
        for parts, route in self._routes:
            if len(parts) == len(path):
                pairs = list(zip(parts, path, strict=True))
                if all(part == given or (part[0] == "{" and given) for part, given in pairs):
                    return route, {p[1:-1]: given for p, given in pairs if p.startswith("{")}
        return "", {}

    def methods(self, route: str) -> str:
        """What the Allow header says of a route: GET, HEAD, OPTIONS."""
        there = [m.upper() for m in _METHODS if m in self.document["paths"][route]]
        return ", ".join([*there, *["HEAD"] * ("GET" in there), "OPTIONS"])

    def operation(self, route: str, method: str) -> Operation | None:
        """A route's method; None where the route does not have it."""
        name = "get" if method == "HEAD" else method.lower()
        if name not in _METHODS or name not in self.document["paths"].get(route, {}):
            return None
        if (route, name) not in self._operations:
            self._operations[route, name] = self._read(self.document["paths"][route][name])
        return self._operations[route, name]

    def resolved(self, schema: object) -> Any:  # noqa: ANN401 - any part of a JSON document
        """A part of the document with its references followed."""
        if isinstance(schema, dict):
            if "$ref" in schema:
                found: Any = self.document
                for part in str(schema["$ref"])[2:].split("/"):
                    found = found[part]
                return self.resolved(found)
            return {key: self.resolved(value) for key, value in schema.items()}
        return [self.resolved(one) for one in schema] if isinstance(schema, list) else schema

    def _read(self, raw: Json) -> Operation:
        given = [self.resolved(one) for one in raw.get("parameters", ())]
        bodies = self.resolved(raw.get("requestBody", {"content": {}}))["content"]
        media_type, body = next(iter(bodies.items()), ("", {"schema": {}}))
        return Operation(
            operation_id=raw["operationId"],
            parameters={one["name"]: one["schema"] for one in given if one["in"] == "query"},
            places={one["name"]: one["schema"] for one in given if one["in"] == "path"},
            required=frozenset(one["name"] for one in given if one.get("required")),
            body=(media_type, body["schema"]),
            is_public=raw.get("security") == [],
            is_page=bool(raw.get("x-page")),
        )

    def schema(self, name: str) -> Json:
        """A schema of the components."""
        return cast("Json", self.resolved(self.document["components"]["schemas"][name]))


def load_contract() -> Contract:
    """The contract that is served."""
    return Contract(json.loads(asset("openapi.json")))
