"""What AWS's own model of a service says is wrong with a request, in AWS's words."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape


@cache
def model(service: str) -> ServiceModel:
    """The model that botocore brings of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def violations(service: str, operation: str, request: dict[str, Any]) -> list[str]:
    """What is missing in a request, too long or too short, or not one of the values there are."""
    shape = model(service).operation_model(operation).input_shape
    return list(_of_structure(shape, request, "")) if shape else []


def _of_structure(shape: StructureShape, value: dict[str, Any], at: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield _sentence(None, _inside(at, name), "not be null")
    for name in value.keys() & shape.members.keys():
        member, inside = shape.members[name], _inside(at, name)
        if isinstance(member, StructureShape):
            yield from _of_structure(member, value[name], inside)
        elif member.type_name == "string":
            yield from _of_text(member, value[name], inside)
            yield from _of_size("length", member, len(value[name]), value[name], inside)
        elif member.type_name == "integer":
            yield from _of_size("value", member, value[name], value[name], inside)


def _of_text(shape: Shape, value: str, at: str) -> Iterator[str]:
    values, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if values and value not in values:
        yield _sentence(value, at, f"satisfy enum value set: [{', '.join(values)}]")
    if pattern and not re.fullmatch(pattern, value):
        yield _sentence(value, at, f"satisfy regular expression pattern: {pattern}")


def _of_size(what: str, shape: Shape, size: int, value: object, at: str) -> Iterator[str]:
    low, high = shape.metadata.get("min", size), shape.metadata.get("max", size)
    if size < low:
        yield _sentence(value, at, f"have {what} greater than or equal to {low}")
    if size > high:
        yield _sentence(value, at, f"have {what} less than or equal to {high}")


def _inside(at: str, name: str) -> str:
    """A member's path as AWS writes it: flexibleTimeWindow.mode."""
    return f"{at}.{name[0].lower()}{name[1:]}".lstrip(".")


def _sentence(value: object, at: str, wanted: str) -> str:
    what = "Value" if value is None else f"Value '{value}'"
    return f"{what} at '{at}' failed to satisfy constraint: Member must {wanted}"
