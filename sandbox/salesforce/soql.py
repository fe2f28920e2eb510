"""The SOQL that the sandbox's Salesforce understands, and the errors it gives for what it doesn't.

SELECT of fields, of fields of a related record, or of COUNT and MAX; WHERE with conditions joined
by AND; ORDER BY. https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox.salesforce.org import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.salesforce.org import Org, Record

_QUERY: Final = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY (?P<order>\w+))?"
)
_AGGREGATE: Final = re.compile(r"(COUNT|MAX)\((\w+)\)(?: (\w+))?")
_IN: Final = re.compile(r"(\w+) IN \(('\w+'(?:,'\w+')*)\)")
_COMPARISON: Final = re.compile(r"(\w+) (>=|=) (\S+)")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LONGEST: Final = 100_000  # characters of a query


class QueryError(Exception):
    """An error of Salesforce's: its code and its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was understood."""

    object: str
    fields: tuple[str, ...]
    where: str
    order: str

    @property
    def is_aggregate(self) -> bool:
        """Whether it answers one row of sums."""
        return "(" in self.fields[0]


def run(org: Org, text: str, *, deleted: bool) -> list[Record]:
    """The rows of a query as Salesforce writes them; QueryError if it refuses it."""
    query = _parsed(text)
    if query.object not in OBJECTS or query.object in org.hidden:
        raise QueryError(
            "INVALID_TYPE",
            f"\nFROM {query.object}\n     ^\nERROR at Row:1:Column:1\nsObject type"
            f" '{query.object}' is not supported. If you are attempting to use a custom object, be"
            " sure to append the '__c' after the entity name.",
        )
    test = _test(org, query)
    rows = [
        row
        for row in org.objects[query.object].values()
        if (deleted or not row["IsDeleted"]) and test(row)
    ]
    if query.order:
        rows.sort(key=lambda row: str(row[query.order]))
    if query.is_aggregate:
        return [_aggregate(query, rows)]
    for path in query.fields:
        _check(org, query.object, path)
    return [_shown(org, query, row) for row in rows]


def _parsed(text: str) -> Query:
    found = _QUERY.fullmatch(text.strip())
    if not found or len(text) > _LONGEST:
        raise QueryError("MALFORMED_QUERY", f"unexpected token: '{text[:20]}'")
    return Query(
        object=found["object"],
        fields=tuple(field.strip() for field in found["fields"].split(",")),
        where=found["where"] or "",
        order=found["order"] or "",
    )


def _test(org: Org, query: Query) -> Callable[[Record], bool]:
    tests = [_condition(org, query, part) for part in query.where.split(" AND ") if part]
    return lambda row: all(test(row) for test in tests)


def _condition(org: Org, query: Query, text: str) -> Callable[[Record], bool]:
    if listed := _IN.fullmatch(text):
        named, wanted = listed[1], set(listed[2].replace("'", "").split(","))
        _check(org, query.object, named)
        return lambda row: row[named] in wanted
    found = _COMPARISON.fullmatch(text)
    if not found:
        raise QueryError("MALFORMED_QUERY", f"unexpected token: {text[:40]}")
    name, sign, value = found.groups()
    _check(org, query.object, name)
    if sign == "=" and value in ("true", "false"):
        return lambda row: row[name] is (value == "true")
    if sign == ">=" and _INSTANT.fullmatch(value):
        least = datetime.fromisoformat(value)
        return lambda row: row[name].replace(microsecond=0) >= least
    raise QueryError("INVALID_FIELD", f"value of filter criterion for field '{name}' must be valid")


def _check(org: Org, name: str, path: str) -> None:
    """Follow a path such as Account__r.Name to the end."""
    first, _, rest = path.partition(".")
    fields = org.fields(name)
    if not rest:
        if first not in fields or f"{name}.{first}" in org.hidden:
            raise _no_column(first, name)
        return
    target = fields.get(_reference(first))
    if target not in OBJECTS:
        raise QueryError(
            "INVALID_FIELD",
            f"Didn't understand relationship '{first}' in field path. If you are attempting to use"
            " a custom relationship, be sure to append the '__r' after the custom relationship"
            " name.",
        )
    _check(org, target, rest)


def _no_column(field: str, name: str) -> QueryError:
    return QueryError(
        "INVALID_FIELD",
        f"\nSELECT {field} FROM {name}\n       ^\nERROR at Row:1:Column:8\nNo such column"
        f" '{field}' on entity '{name}'. If you are attempting to use a custom field, be sure to"
        " append the '__c' after the custom field name. Please reference your WSDL or the describe"
        " call for the appropriate names.",
    )


def _reference(relationship: str) -> str:
    return f"{relationship[:-1]}c" if relationship.endswith("__r") else f"{relationship}Id"


def _aggregate(query: Query, rows: list[Record]) -> Record:
    answer: Record = {"attributes": {"type": "AggregateResult"}}
    for number, text in enumerate(query.fields):
        found = _AGGREGATE.fullmatch(text)
        if not found:
            raise QueryError("MALFORMED_QUERY", "Field must be grouped or aggregated")
        values = [row[found[2]] for row in rows if row.get(found[2]) is not None]
        value = len(values) if found[1] == "COUNT" else max(values, default=None)
        answer[found[3] or f"expr{number}"] = _value(value)
    return answer


def _shown(org: Org, query: Query, row: Record) -> Record:
    answer: Record = {"attributes": _attributes(query.object, row)}
    for path in query.fields:
        _place(org, query.object, row, path, answer)
    return answer


def _place(org: Org, name: str, row: Record, path: str, answer: Record) -> None:
    first, _, rest = path.partition(".")
    if not rest:
        answer[first] = _value(row[first])
        return
    reference = _reference(first)
    target = org.fields(name)[reference]
    related = org.objects[target].get(row[reference] or "")
    if related is None:
        answer[first] = None
        return
    inner = answer.setdefault(first, {"attributes": _attributes(target, related)})
    _place(org, target, related, rest, inner)


def _attributes(name: str, row: Record) -> Record:
    return {"type": name, "url": f"/services/data/v62.0/sobjects/{name}/{row['Id']}"}


def _value(value: Any) -> Any:  # noqa: ANN401 - any field's
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000+0000"
    return value
