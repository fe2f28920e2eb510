"""What QuickBooks refuses for its shape: the schema finds it, and the fault says it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator

from sandbox.quickbooks.errors import FaultError, missing, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError

    from sandbox.quickbooks.store import Json

NAMES: Final = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
_LINES: Final = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")
# Unknown properties are reported before missing ones, and those before wrong values.
_RANKS: Final = {"additionalProperties": 0, "required": 1, "minItems": 2}


def check_shape(definition: str, payload: object) -> None:
    """Refuse what the schema's definition rejects, as QuickBooks would say it."""
    errors = [
        leaf for error in _validator(definition).iter_errors(payload) for leaf in _leaf(error)
    ]
    if errors:
        raise _fault(min(errors, key=lambda error: _RANKS.get(str(error.validator), 3)))


@cache
def _schema() -> Json:
    path = Path(__file__).parent / "data" / "qbo.schema.json"
    schema: Json = json.loads(path.read_text("utf-8"))
    return schema


@cache
def _validator(definition: str) -> Draft202012Validator:
    whole = _schema()
    return Draft202012Validator(
        {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{definition}"}
    )


def _leaf(error: ValidationError) -> Iterator[ValidationError]:
    """The errors at the bottom: of a line, those of the kind of line it claims to be."""
    if error.validator != "oneOf" or not error.context or not isinstance(error.instance, dict):
        yield error
        return
    kind = error.instance.get("DetailType")
    branch = _LINES.index(kind) if kind in _LINES else 0
    for inner in error.context:
        if inner.schema_path[0] == branch:
            yield from _leaf(inner)


def _fault(error: ValidationError) -> FaultError:
    path = [str(step) for step in error.absolute_path if not isinstance(step, int)]
    element = path[-1] if path else ""
    instance: Any = error.instance
    rule: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            schema: Any = error.schema
            element = next(name for name in instance if name not in schema["properties"])
            what = f'Unrecognized field "{element}"'
            fault = unsupported(f"{what} specified is unsupported or invalid", element)
        case "required":
            fault = missing(next(name for name in rule if name not in instance))
        case "minItems":
            fault = missing(element)
        case "anyOf":
            sentence = f"One of DisplayName, {', '.join(NAMES)} must be given"
            fault = FaultError("6080", sentence)
        case "maxLength":
            fault = _too_long(element, rule, len(instance))
        case _:
            code = _wrong_value(error, element)
            fault = FaultError(code, f"{element}: {error.message}", element=element)
    return fault


def _wrong_value(error: ValidationError, element: str) -> str:
    if error.validator in {"enum", "const"}:
        return "2170"
    if element in {"value", "Id"}:
        return "2030"
    if "number" in str(error.validator_value) or "Minimum" in str(error.validator):
        return "2040"
    return "2050"


def _too_long(element: str, most: int, supplied: int) -> FaultError:
    return FaultError(
        "2050",
        "String length specified does not match the supported length. "
        f"Min:0 Max:{most} supported. Supplied length:{supplied}",
        message="String length is either shorter or longer than supported by specification",
        element=element,
    )
