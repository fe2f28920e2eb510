"""Single values of Odoo's records, each checked for its type. No I/O."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.bill.model import money
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

Record = dict[str, Any]

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class MalformedValueError(ValueError):
    """A value of the wrong type; the message says which one, in one line."""

    def __init__(self, what: str) -> None:
        super().__init__(one_line(what, NAME))


def text_of(value: object) -> str:
    """Text, "" for Odoo's false. Lone surrogates, which cannot be stored, are replaced."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def name_of(value: object) -> str:
    """The name in a many2one, which is [id, name] or false; "" for false."""
    return text_of(value[1]) if isinstance(value, list) else ""


def moment_of(value: object) -> str:
    """Odoo's text of an instant; "" if it is not one."""
    return value if isinstance(value, str) and _MOMENT.fullmatch(value) else ""


def positive(value: object) -> int:
    """A record's id; MalformedValueError if it is not one."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise MalformedValueError(f"{value!s:.40} is not a record's id")
    return value


def id_of(row: object, name: str) -> int:
    """The id in a row's field; MalformedValueError if there is none."""
    return positive(row.get(name) if isinstance(row, dict) else None)


def related_id(row: Record, field: str) -> int:
    """The id in a many2one, 0 for false; MalformedValueError if it is neither."""
    return related(row, field, field)[0]


def related(row: Record, field: str, what: str) -> tuple[int, str]:
    """The id and name in a many2one, which is [id, name] or false; (0, "") for false."""
    value = row[field]
    if value is False or value is None:
        return 0, ""
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - number and name
        raise MalformedValueError(f"its {what} is {value!s:.40}")
    return positive(value[0]), text_of(value[1])


def amount_of(row: Record, name: str) -> Decimal:
    """The amount in a row's field; MalformedValueError if there is none."""
    try:
        return money(row[name])
    except (TypeError, ValueError, ArithmeticError):
        raise MalformedValueError(f"{name} is {row[name]!s:.40}") from None


def date_of(row: Record, name: str) -> date | None:
    """The date in a row's field, None for false; MalformedValueError if it is neither."""
    value = row.get(name)
    if value is False or value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise MalformedValueError(f"{name} is {value!s:.40}") from None


def by_id(rows: Iterable[object]) -> dict[int, Record]:
    """The rows by id, without those that have none."""
    found: dict[int, Record] = {}
    for row in rows:
        with suppress(MalformedValueError):
            found[id_of(row, "id")] = cast("Record", row)
    return found
