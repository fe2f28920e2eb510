"""Sums and other aggregates over records, exact as PostgreSQL's numbers are."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.records import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

type Values = list[Any]


def _total(values: Values) -> Decimal:
    return sum((Decimal(str(value)) for value in values), Decimal(0))


def _number(total: Decimal, values: Values) -> float | int:
    """A sum of whole numbers stays one."""
    return int(total) if all(isinstance(value, int) for value in values) else float(total)


_OVER: Final[dict[str, Callable[[Values], Any]]] = {
    "sum": lambda values: _number(_total(values), values),
    "avg": lambda values: float(_total(values) / len(values)),
    "min": min,
    "max": max,
    "bool_and": all,
    "bool_or": any,
    "array_agg": list,
}
AGGREGATES: Final = frozenset({*_OVER, "count", "count_distinct"})


def aggregated(function: str, values: Values) -> Any:  # noqa: ANN401 - any field's
    """The aggregate of a field's values (False is SQL's NULL, unless all are booleans).

    Counts of nothing are 0; every other aggregate of nothing is False, as Odoo shows NULL.
    """
    if not all(isinstance(value, bool) for value in values):
        values = [value for value in values if value is not False]
    elif function not in ("bool_and", "bool_or", "array_agg"):
        values = [value for value in values if value]
    match function:
        case "count":
            return len(values)
        case "count_distinct":
            return len(set(values))
    return as_text(_OVER[function](values)) if values else False
