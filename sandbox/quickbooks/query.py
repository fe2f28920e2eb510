"""QuickBooks' query language: what may be asked, and what the answer is.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
Which fields may stand in a WHERE is in data/qbo.filterable.json.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.store import TABLES, Json, Modes, Realm, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z_][\w.]*|\*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign><=|>=|=|<|>|\(|\)|,)|(?P<end>\s*$))",
    re.DOTALL,
)
_NAME_LISTS: Final = frozenset(TABLES) - {"Bill", "VendorCredit", "Attachable"}
_COMPARE: Final[dict[str, Callable[[int], bool]]] = {
    "=": lambda order: order == 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison of a WHERE: `values` has several for IN only."""

    name: str
    sign: str
    values: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Query:
    """A parsed statement."""

    entity: str = ""
    count: bool = False
    columns: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)  # (field, descending)
    start: int = 1
    most: int = DEFAULT_PAGE


def answer(realm: Realm, statement: str, modes: Modes) -> Json:
    """The QueryResponse of a statement; FaultError 4000 or 4001 where it may not be asked."""
    query = _Parser(statement, modes).query()
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


class _Parser:
    """Reads one statement from left to right."""

    def __init__(self, statement: str, modes: Modes) -> None:
        self._modes = modes
        self._statement = statement
        self._at = 0
        self._tokens: list[tuple[str, str]] = []
        self._tokens.extend(self._split())

    def query(self) -> Query:
        query = Query()
        self._need("select")
        self._select(query)
        self._need("from")
        query.entity = self._entity()
        allowed = _allowed(query.entity, self._modes)
        query.columns = [column.split(".")[0] for column in query.columns]
        if self._take("where"):
            query.conditions.append(self._condition(allowed))
            while self._take("and"):
                query.conditions.append(self._condition(allowed))
        if self._take("orderby") or (self._take("order") and self._need("by")):
            query.order.append(self._direction(allowed))
            while self._take(","):
                query.order.append(self._direction(allowed))
        if self._take("startposition"):
            query.start = self._positive()
        if self._take("maxresults"):
            query.most = min(self._positive(), LARGEST_PAGE)
        if self._at < len(self._tokens):
            raise self._wrong()
        return query

    def _split(self) -> Iterator[tuple[str, str]]:
        at = 0
        while at < len(self._statement):
            match = _TOKEN.match(self._statement, at)
            if not match:
                raise self._wrong(self._statement[at : at + 20])
            if match.lastgroup != "end":
                kind = match.lastgroup or ""
                yield kind, match[kind]
            at = match.end()

    def _wrong(self, at: str = "") -> FaultError:
        left = self._tokens[self._at :]
        near = at or (left[0][1] if left else "<EOF>")
        return FaultError("4000", f"QueryParserError: Encountered {near!r}")

    def _peek(self) -> str:
        if self._at >= len(self._tokens):
            return ""
        kind, text = self._tokens[self._at]
        return "" if kind == "text" else text.lower()

    def _take(self, word: str) -> bool:
        taken = self._peek() == word
        self._at += taken
        return taken

    def _need(self, word: str) -> bool:
        if not self._take(word):
            raise self._wrong()
        return True

    def _next(self, *kinds: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] not in kinds:
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _select(self, query: Query) -> None:
        word = self._next("word")
        if word.lower() == "count" and self._take("("):
            query.count = self._need("*") and self._need(")")
        elif word != "*":
            query.columns.append(word)
            while self._take(","):
                query.columns.append(self._next("word"))

    def _entity(self) -> str:
        word = self._next("word")
        for entity in _filterable():
            if entity.lower() == word.lower():
                return entity
        raise _invalid(f"Invalid context declaration: {word}")

    def _condition(self, allowed: dict[str, str]) -> Condition:
        name = _allow(self._next("word"), allowed)
        if self._take("in"):
            return Condition(name=name, sign="in", values=self._several())
        sign = "like" if self._take("like") else self._next("sign")
        if sign not in {*_COMPARE, "like"}:
            raise self._wrong()
        if name == "Id" and sign != "=":
            raise _invalid("property 'Id' supports only = and IN")
        return Condition(name=name, sign=sign, values=(self._literal(),))

    def _several(self) -> tuple[str, ...]:
        self._need("(")
        values = [self._literal()]
        while self._take(","):
            values.append(self._literal())
        self._need(")")
        return tuple(values)

    def _literal(self) -> str:
        text = self._next("text", "number", "word")
        if not text.startswith("'"):
            if text[0].isalpha() and text.lower() not in {"true", "false"}:
                raise self._wrong(text)
            return text.lower()
        escaped = r"\\(')" if self._modes.backslash == "literal" else r"\\(.)"
        return re.sub(escaped, r"\1", text[1:-1], flags=re.DOTALL)

    def _direction(self, allowed: dict[str, str]) -> tuple[str, bool]:
        name = _allow(self._next("word"), allowed)
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return name, descending

    def _positive(self) -> int:
        number = self._next("number")
        if not number.isdigit() or number == "0":
            raise _invalid(f"{number} is not a position or a page size")
        return int(number)


@cache
def _filterable() -> dict[str, list[str]]:
    path = Path(__file__).parent / "data" / "qbo.filterable.json"
    fields: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    return fields


def _allowed(entity: str, modes: Modes) -> dict[str, str]:
    fields = list(_filterable()[entity])
    if entity == "VendorCredit" and modes.vendor_ref_on_vendor_credit == "allowed":
        fields.append("VendorRef")
    return {name.lower(): name for name in fields}


def _allow(name: str, allowed: dict[str, str]) -> str:
    if name.lower() not in allowed:
        raise _invalid(f"property '{name}' is not queryable")
    return allowed[name.lower()]


def _invalid(why: str) -> FaultError:
    return FaultError("4001", f"QueryValidationError: {why}")


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
            raise _invalid(f"{wanted!r} is not a number") from error
    text = _text(value)
    if re.match(r"\d{4}-\d\d-\d\dT", text):
        try:
            return _sign(instant(text), instant(wanted))
        except ValueError as error:
            raise _invalid(f"{wanted!r} is not a time") from error
    return _sign(text.casefold(), wanted.strip().casefold() and wanted.casefold())


def _sign[T: (str, Decimal, datetime)](left: T, right: T) -> int:
    return (left > right) - (left < right)


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _sortable(value: object) -> tuple[bool, Decimal, str]:
    if isinstance(value, Decimal | int):
        return True, Decimal(value), ""
    return value is not None, Decimal(0), _text(value).casefold()
