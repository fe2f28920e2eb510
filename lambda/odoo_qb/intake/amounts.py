"""Exact numbers from JSON that went through JSONata, which keeps numbers as doubles. No I/O.

A double tells every decimal number of up to 15 digits from the next, and none of more: 0.1 + 0.2
comes as 0.30000000000000004. So a number is taken as it is written, if it has no more digits than
that. Text, such as "1500.00", is not touched on the way.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS: Final = 15
CENT: Final = Decimal("0.01")
# Enough for the sum of products of DIGITS digits each; Decimal's usual 28 would not be.
_EXACT: Final = Context(prec=6 * DIGITS)
_TEXT: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


class Inexact(ValueError):  # noqa: N818 - a reason, not an error of the program
    """The value is no number of the wanted form; the message is a sentence for its sender."""


def exact(value: object, *, decimals: int) -> Decimal:
    """The number that was written; Inexact if it is none, too long or too fine."""
    number = _number(value)
    written = f"{number.copy_abs().normalize():f}"
    if len(written.replace(".", "").lstrip("0")) > DIGITS:
        raise Inexact(f"It can have up to {DIGITS} digits: longer numbers get rounded on the way.")
    fine = _decimals(value) if isinstance(value, str) else _decimals(written)
    if fine > decimals:
        raise Inexact(f"It can have up to {decimals} decimals.")
    return number


def sums(parts: Iterable[tuple[Decimal, Decimal]]) -> set[Decimal]:
    """What (quantity, rate) pairs add up to: rounded to the cent line by line, and at the end.

    Invoicing programs do the one or the other.
    """
    with localcontext(_EXACT):
        products = [quantity * rate for quantity, rate in parts]
        by_line = sum(map(to_cents, products), Decimal(0))
        return {by_line, to_cents(sum(products, Decimal(0)))}


def to_cents(amount: Decimal) -> Decimal:
    """The amount with two decimals, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def _number(value: object) -> Decimal:
    if isinstance(value, str) and _TEXT.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))  # the shortest text that is this double: as it was written
    else:
        raise Inexact('Give a number, such as 1500.00, or the same as text: "1500.00".')
    if not number.is_finite():
        raise Inexact('Give a number, such as 1500.00, or the same as text: "1500.00".')
    return number


def _decimals(written: str) -> int:
    return len(written.partition(".")[2])
