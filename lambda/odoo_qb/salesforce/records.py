"""One record of Salesforce's as the fields that are served of it. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.salesforce.mapping import EMPTY, TYPES
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.exact_json import Json
    from odoo_qb.salesforce.mapping import MappedField, MappedKind, Type
    from odoo_qb.sources import Kind

Record = dict[str, Any]

ALWAYS: Final = ("Id", "SystemModstamp", "CreatedDate")
MOVE_TYPES: Final = frozenset(
    {"out_invoice", "out_refund", "out_receipt", "in_invoice", "in_refund", "in_receipt"}
)
_ID: Final = re.compile(r"[A-Za-z0-9]{18}", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_LARGEST: Final = 10**15
_ONE: Final = Decimal(1)
_FLAGS: Final = {"true": True, "false": False}


class MalformedRecordError(ValueError):
    """A value that cannot be served; the message says which one, in one line."""

    def __init__(self, what: str) -> None:
        super().__init__(one_line(what, NAME))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A record of another kind that one refers to, by its id in Salesforce."""

    kind: Kind
    id: str


def id_of(row: Record) -> str:
    """A record's id of 18 characters; MalformedRecordError if it has none."""
    return _id("Id", row.get("Id"))


def moment_of(value: object) -> str:
    """An instant such as 2026-01-28T10:00:00.000+0000 as "2026-01-28 10:00:00", UTC; "" else."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return ""
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3]}").astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def served(kind: Kind, mapped: MappedKind, row: Record) -> Json:
    """The served fields of a record, references as Reference; MalformedRecordError if invalid.

    All names are there, None where Salesforce has nothing or nothing is mapped.
    """
    found: Json = {"salesforce_id": id_of(row)}
    for name, type_ in TYPES[kind].items():
        field = mapped.fields.get(name)
        value = _raw(field, row) if field else None
        found[name] = None if value in (None, "") else _VALUES[type_](name, value)
    for name, path in (("write_date", "SystemModstamp"), ("create_date", "CreatedDate")):
        found[name] = moment_of(row.get(path)) or None
    if kind == "contact":
        found["display_name"] = found["display_name"] or found["name"]
    if kind == "move" and found["move_type"] not in MOVE_TYPES:
        raise MalformedRecordError(f"its move_type is {found['move_type']!s:.40}")
    return {**found, **EMPTY[kind]}


def _raw(field: MappedField, row: Record) -> object:
    if field.constant:
        return field.constant
    value: object = row
    for part in field.path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return field.values.get(value, value) if isinstance(value, str) else value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise MalformedRecordError(f"its {name} is {value!s:.40}")
    return value.encode(errors="replace").decode()


def _amount(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise MalformedRecordError(f"its {name} is {value!s:.40}")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        raise MalformedRecordError(f"its {name} is {value!s:.40}")
    return amount.quantize(_ONE) if amount == amount.to_integral_value() else amount.normalize()


def _flag(name: str, value: object) -> bool:
    if isinstance(value, str) and value in _FLAGS:
        return _FLAGS[value]
    if not isinstance(value, bool):
        raise MalformedRecordError(f"its {name} is {value!s:.40}")
    return value


def _day(name: str, value: object) -> str:
    """A date, or the date of an instant."""
    text = _text(name, value)
    try:
        return date.fromisoformat(moment_of(text)[:10] or text).isoformat()
    except ValueError:
        raise MalformedRecordError(f"its {name} is {text:.40}") from None


def _instant(name: str, value: object) -> str:
    """An instant, or the midnight of a date."""
    text = _text(name, value)
    return moment_of(text) or f"{_day(name, text)} 00:00:00"


def _id(name: str, value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedRecordError(f"its {name} is {value!s:.40}")
    return value


def _contact(name: str, value: object) -> Reference:
    return Reference(kind="contact", id=_id(name, value))


def _move(name: str, value: object) -> Reference:
    return Reference(kind="move", id=_id(name, value))


_VALUES: Final[dict[Type, Callable[[str, object], object]]] = {
    "text": _text,
    "amount": _amount,
    "flag": _flag,
    "day": _day,
    "instant": _instant,
    "contact": _contact,
    "move": _move,
}
