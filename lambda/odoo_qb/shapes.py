"""The shape that a JSON value must have to be trusted. No I/O.

A shape is a predicate, a list with the shape of every member, or a dict of shapes for the names
that an object must have; other names are ignored.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

type Shape = Callable[[object], bool] | list[Shape] | Mapping[str, Shape]

_LARGEST: Final = 10**15  # more than any amount in real books
_IDENTIFIER: Final = re.compile(r"[\w.:-]{1,100}", re.ASCII)


def fits(value: object, shape: Shape) -> bool:
    """Whether a value of JSON has a shape."""
    if callable(shape):
        return shape(value)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(member, shape[0]) for member in value)
    return isinstance(value, dict) and all(fits(value.get(n), s) for n, s in shape.items())


def maybe(shape: Shape) -> Shape:
    """The same shape, but the value may be null or missing."""
    return lambda value: value is None or fits(value, shape)


def text(value: object) -> bool:
    """Whether it is text that can be stored, without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def identifier(value: object) -> bool:
    """Whether it is text that may be an id, a currency or a code."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def number(value: object) -> bool:
    """Whether it is a plausible amount; fractions come as Decimal, never as float."""
    is_one = isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return is_one and Decimal(value).is_finite() and abs(value) < _LARGEST  # type: ignore[arg-type]  # asked just now


def whole(value: object) -> bool:
    """Whether it is a plausible whole number."""
    return isinstance(value, int) and number(value)


def flag(value: object) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def without_nulls(value: object) -> object:
    """A JSON value without its nulls, which count as missing."""
    if isinstance(value, dict):
        return {n: without_nulls(v) for n, v in value.items() if v is not None}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value
