"""What a request says, checked by the schemas of the contract; a sentence says what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from odoo_qb.api.problem import Problem
from odoo_qb.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from odoo_qb.api.contract import Operation
    from odoo_qb.api.request import Request
    from odoo_qb.exact_json import Json

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_FORM: Final = "application/x-www-form-urlencoded"
_SHOWN: Final = 40  # characters of a name that somebody made up
Validate = "Callable[[object], object]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a request gives: its parameters, with the defaults of those left out, and its body."""

    values: Mapping[str, Any]
    body: Json


class Checks:
    """Checks of requests. Each schema is compiled once, when it is first needed."""

    def __init__(self) -> None:
        self._compiled: dict[str, Callable[[object], object]] = {}

    def check(self, operation: Operation, request: Request, places: Mapping[str, str]) -> Given:
        """What a request gives; Problem where that does not fit."""
        values = self._parameters(operation, request.parameters(), places)
        return Given(values=values, body=self._body(operation, request))

    def _parameters(
        self, operation: Operation, query: Iterable[tuple[str, str]], places: Mapping[str, str]
    ) -> Json:
        schemas = {**operation.parameters, **operation.places}
        texts: dict[str, str] = {}
        for name, value in query:
            if name not in operation.parameters:
                raise _unfit(_unknown("parameter", name, operation.parameters))
            if name in texts:
                raise _unfit(f"{name} is given more than once. Send it once.")
            texts[name] = value
        texts |= places
        given = {name: _typed(text, schemas[name]) for name, text in texts.items()}
        wanted = {"type": "object", "properties": schemas, "required": sorted(operation.required)}
        self._validate(f"{operation.operation_id} parameters", wanted, given)
        defaults = {n: schema["default"] for n, schema in schemas.items() if "default" in schema}
        return {**defaults, **given}

    def _body(self, operation: Operation, request: Request) -> Json:
        media_type, schema = operation.body
        body = request.body()
        if not media_type:
            return {}
        if request.media_type != media_type:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the body as {media_type}.")
        given = _form(body) if media_type == _FORM else _object(body)
        self._validate(f"{operation.operation_id} body", schema, given)
        return given

    def _validate(self, name: str, schema: Json, given: Json) -> None:
        import fastjsonschema  # noqa: PLC0415 - answers from the mirror without parameters need none

        if name not in self._compiled:
            self._compiled[name] = fastjsonschema.compile(schema, use_default=False)
        try:
            self._compiled[name](given)
        except fastjsonschema.JsonSchemaValueException as error:
            raise _unfit(_sentence(schema, given, error.path[1:])) from None


def _unfit(sentence: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)


def _typed(text: str, schema: Json) -> object:
    """A text as what its schema wants, if it can be read so."""
    if schema.get("type") == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


def _object(body: bytes) -> Json:
    try:
        given = json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
        json.dumps(given, ensure_ascii=False, default=str).encode()  # no half of a character
    except (ValueError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "The body is not JSON. Send an object.") from None
    if not isinstance(given, dict):
        raise _unfit("The body must be a JSON object.")
    return given


def _no_number(name: str) -> object:
    raise ValueError(name)


def _form(body: bytes) -> Json:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "The form cannot be read. Send it anew.") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise _unfit("A field of the form is given more than once. Send it once.")
    return given


def _sentence(schema: Json, given: Json, path: list[str]) -> str:
    """What is wrong with the value at a path, or with the names at the top."""
    properties: Json = schema.get("properties", {})
    if path and path[0] in properties:
        return f"{path[0]} must be {expected(properties[path[0]])}."
    missing = [name for name in schema.get("required", ()) if name not in given]
    if missing:
        return f"{missing[0]} is missing. It must be {expected(properties[missing[0]])}."
    unknown = next((name for name in given if name not in properties), "")
    return _unknown("field", unknown, properties)


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    there = f"This route takes {', '.join(known)}." if known else f"This route takes no {what}s."
    return f"There is no {what} {one_line(name, _SHOWN)!r} here. {there}"


def expected(schema: Json) -> str:
    """What a value must be, in words."""
    if "x-expects" in schema:
        return str(schema["x-expects"])
    if "enum" in schema:
        return f"{', '.join(schema['enum'][:-1])} or {schema['enum'][-1]}".removeprefix(" or ")
    if schema["type"] == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "boolean":
        return "true or false"
    return f"text of up to {schema['maxLength']} characters"
