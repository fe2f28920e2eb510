"""The answers to QuickBooks' query language: which records a statement finds, in which order."""

from __future__ import annotations

import copy
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.statement import Condition, Query, invalid, parse
from sandbox.quickbooks.store import TABLES, Json, Realm, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sandbox.quickbooks.modes import Modes

_NAME_LISTS: Final = frozenset(TABLES) - {"Bill", "VendorCredit", "Attachable"}
_COMPARE: Final[dict[str, Callable[[int], bool]]] = {
    "=": lambda order: order == 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}


def answer(realm: Realm, statement: str, modes: Modes) -> Json:
    """The QueryResponse of a statement; FaultError 4000 or 4001 where it may not be asked."""
    query = parse(statement, modes)
    found = [r for r in _records(realm, query) if all(_holds(r, c) for c in query.conditions)]
    if query.count:
        return {"totalCount": len(found)}
    for name, descending in reversed(query.order):
        found.sort(key=lambda record: _sortable(next(_values(record, name), None)))
        if descending:
            found.reverse()
    page = found[query.start - 1 : query.start - 1 + query.most]
    if not page:
        return {}
    shown = [copy.deepcopy(_only(record, query.columns)) for record in page]
    return {query.entity: shown, "startPosition": query.start, "maxResults": len(page)}


def _records(realm: Realm, query: Query) -> list[Json]:
    if query.entity == "CompanyInfo":
        return [realm.company_info()]
    if query.entity == "Preferences":
        return [realm.preferences()]
    records = list(realm.table(query.entity).values())
    if query.entity in _NAME_LISTS and not any(c.name == "Active" for c in query.conditions):
        return [record for record in records if record.get("Active", True)]
    return records


def _only(record: Json, columns: list[str]) -> Json:
    if not columns or "*" in columns:
        return record
    wanted = {column.lower() for column in columns} | {"domain", "sparse", "id"}
    return {name: value for name, value in record.items() if name.lower() in wanted}


def _values(record: object, path: str) -> Iterator[object]:
    """What stands at a path; several things where the path goes through a list."""
    if isinstance(record, list):
        for item in record:
            yield from _values(item, path)
    elif not path:
        yield record.get("value") if isinstance(record, dict) else record
    elif isinstance(record, dict):
        head, _, rest = path.partition(".")
        for name, value in record.items():
            if name.lower() == head.lower():
                yield from _values(value, rest)


def _holds(record: Json, condition: Condition) -> bool:
    values = list(_values(record, condition.name)) or [None]
    if condition.sign == "in":
        return any(_order(v, wanted) == 0 for v in values for wanted in condition.values)
    wanted = condition.values[0]
    if condition.sign == "like":
        pattern = ".*".join(map(re.escape, wanted.split("%")))
        flags = re.IGNORECASE | re.DOTALL
        return any(re.fullmatch(pattern, _text(v), flags) for v in values)
    return any(_COMPARE[condition.sign](_order(v, wanted)) for v in values)


def _order(value: object, wanted: str) -> int:
    """Below, at or above zero as the value is below, equal to or above what is asked for."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        try:
            return _sign(Decimal(value), Decimal(wanted))
        except InvalidOperation as error:
            raise invalid(f"{wanted!r} is not a number") from error
    text = _text(value)
    if re.match(r"\d{4}-\d\d-\d\dT", text):
        try:
            return _sign(instant(text), instant(wanted))
        except ValueError as error:
            raise invalid(f"{wanted!r} is not a time") from error
    return _sign(text.casefold(), wanted.strip().casefold() and wanted.casefold())


def _sign[T: (str, Decimal, datetime)](left: T, right: T) -> int:
    return (left > right) - (left < right)


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _sortable(value: object) -> tuple[bool, Decimal, str]:
    if isinstance(value, Decimal | int):
        return True, Decimal(value), ""
    return value is not None, Decimal(0), _text(value).casefold()
