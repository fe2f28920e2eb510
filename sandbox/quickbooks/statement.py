"""A statement of QuickBooks' query language, parsed; what may not be asked is refused.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
Which fields may stand in a WHERE is in data/qbo.filterable.json.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.errors import FaultError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.quickbooks.modes import Modes

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<word>[A-Za-z_][\w.]*|\*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign><=|>=|=|<|>|\(|\)|,)|(?P<end>\s*$))",
    re.DOTALL,
)
_SIGNS: Final = frozenset({"=", "<", ">", "<=", ">=", "like"})


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


def parse(statement: str, modes: Modes) -> Query:
    """The statement's parts; FaultError 4000 where it does not parse, 4001 where it is refused."""
    return _Parser(statement, modes).query()


def invalid(why: str) -> FaultError:
    """A statement that parses and may not be asked."""
    return FaultError("4001", f"QueryValidationError: {why}")


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
        raise invalid(f"Invalid context declaration: {word}")

    def _condition(self, allowed: dict[str, str]) -> Condition:
        name = _allow(self._next("word"), allowed)
        if self._take("in"):
            return Condition(name=name, sign="in", values=self._several())
        sign = "like" if self._take("like") else self._next("sign")
        if sign not in _SIGNS:
            raise self._wrong()
        if name == "Id" and sign != "=":
            raise invalid("property 'Id' supports only = and IN")
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
            raise invalid(f"{number} is not a position or a page size")
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
        raise invalid(f"property '{name}' is not queryable")
    return allowed[name.lower()]
