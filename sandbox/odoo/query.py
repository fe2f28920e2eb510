"""Odoo's domains and orders: which records a search finds, and in which order."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time
from typing import Any, Final, Literal, Protocol

from sandbox.odoo.errors import (
    V17,
    V19,
    bad_operator,
    bad_term,
    malformed_domain,
    no_domain,
    no_instant,
    unknown_field_in_domain,
    value_error,
)

type Record = dict[str, Any]
type Field = dict[str, Any]
type Test = Callable[[Record], bool]

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_LIKES: Final = frozenset({"like", "ilike", "not like", "not ilike", "=like", "=ilike"})
_TREES: Final = frozenset({"child_of", "parent_of"})
_INNER: Final = frozenset({"any", "not any"})  # from 17 on
_OPERATORS: Final = frozenset({"=", "!=", "=?", "in", "not in", *_COMPARISONS, *_LIKES, *_TREES})
# Up to 18 these are joined to their records, so that a row without one has NULLs to compare.
_JOINED: Final = frozenset({("account.move.line", "account_id")})
# Computed on the fly by Odoo and not searchable: up to 18 such a condition is silently dropped.
_UNSEARCHABLE: Final = frozenset(
    {
        "amount_signed",
        "cumulated_balance",
        "current_balance",
        "datas",
        "duplicated_ref_ids",
        "invoice_payments_widget",
        "raw",
        "reconciled_bill_ids",
        "reconciled_invoice_ids",
        "tax_totals",
    }
)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?)(Z|[+-]\d\d:?\d\d)?)?"
)
_LAST_SECOND: Final = time(23, 59, 59, tzinfo=UTC)


class View(Protocol):
    """The records as one user sees them in one context."""

    version: int

    def field(self, model: str, name: str) -> Field | None:
        """The field's description, or None if this version has no such field."""
        ...

    def value(self, model: str, record: Record, name: str) -> Any:  # noqa: ANN401 - any field's
        """The value: ids for relations, datetimes with their microseconds, False if empty."""
        ...

    def rows(self, model: str) -> dict[int, Record]:
        """All records of a model, whoever may see them."""
        ...

    def name_of(self, model: str, number: int) -> str:
        """The display name of a record."""
        ...


def domain_test(view: View, model: str, domain: object) -> Test:
    """The domain (prefix notation, & where nothing is said) as a question to one record."""
    if not isinstance(domain, list):
        raise no_domain(view.version, domain)
    stack: list[Test] = []
    for term in reversed(domain):
        if term not in ("&", "|", "!"):
            stack.append(_condition(view, model, term))
        elif len(stack) < (1 if term == "!" else 2):
            raise malformed_domain(view.version, domain)
        elif term == "!":
            stack.append(_not_if(True, stack.pop()))
        else:
            stack.append(_joined(term, stack.pop(), stack.pop()))
    tests = tuple(reversed(stack))

    def found(record: Record) -> bool:
        for test in tests:  # noqa: SIM110 - `all` is slower for a hundred thousand records
            if not test(record):
                return False
        return True

    return found


def mentions(domain: object, field: str) -> bool:
    """Whether a condition of the domain is about this very field."""
    terms = domain if isinstance(domain, list) else []
    return any(isinstance(term, list) and term[:1] == [field] for term in terms)


def _not_if(negated: bool, test: Test) -> Test:
    return (lambda record: not test(record)) if negated else test


def _joined(sign: str, left: Test, right: Test) -> Test:
    if sign == "&":
        return lambda record: left(record) and right(record)
    return lambda record: left(record) or right(record)


def _condition(view: View, model: str, term: object) -> Test:
    if not isinstance(term, list) or len(term) != 3:  # noqa: PLR2004 - field, operator, value
        raise bad_term(view.version, term)
    path, sign, value = term
    if path in (0, 1):  # [1, "=", 1] is Odoo's "always", [0, "=", 1] its "never"
        return lambda _: bool(path)
    leaf = (path, sign, value)
    if sign not in _OPERATORS and not (sign in _INNER and view.version >= V17):
        raise bad_operator(view.version, leaf)
    name, _, rest = str(path).partition(".")
    if view.field(model, name) is None:
        raise unknown_field_in_domain(view.version, f"{model}.{name}", leaf)
    if name in _UNSEARCHABLE:
        if view.version >= V19:
            raise value_error(f"Cannot convert {model}.{name} to SQL because it is not stored")
        return lambda _: True
    if sign == "=?" and value in (False, None):  # "if anything is given"
        return lambda _: True
    return _field_test(view, model, name, rest, "=" if sign == "=?" else sign, value)


def _field_test(view: View, model: str, name: str, rest: str, sign: str, value: Any) -> Test:  # noqa: ANN401 - a client's
    if rest:
        return _through(view, model, name, [[rest, sign, value]])
    if sign in _INNER:
        return _not_if(sign == "not any", _through(view, model, name, value))
    if sign in _TREES:
        return _tree_test(view, model, name, sign, value)
    if "relation" in (view.field(model, name) or {}):
        return _relation_test(view, model, name, sign, value)
    return _scalar_test(view, model, name, sign, value)


def _through(view: View, model: str, name: str, domain: Any) -> Test:  # noqa: ANN401 - a client's
    """A dotted path: any of the records on its other end satisfies the domain."""
    field = view.field(model, name) or {}
    if "relation" not in field:
        path = f"{model}.{name}.{domain[0][0]}"
        raise unknown_field_in_domain(view.version, path, tuple(domain[0]))
    test = domain_test(view, field["relation"], domain)
    found = {i for i, row in view.rows(field["relation"]).items() if test(row)}
    if (
        view.version < V19
        and (model, name) in _JOINED
        and str(domain[0][1]).startswith(("!", "not"))
    ):
        found.add(0)  # no record at all is not in any list either
    return lambda record: not found.isdisjoint(_ids(view.value(model, record, name)) or [0])


def _tree_test(view: View, model: str, name: str, sign: str, value: Any) -> Test:  # noqa: ANN401 - a client's
    """The records below (child_of) or above (parent_of) some, themselves included."""
    comodel = model if name == "id" else (view.field(model, name) or {})["relation"]
    rows = view.rows(comodel)
    named = _text_test("ilike", value) if isinstance(value, str) else None
    wanted = {i for i in rows if named(view.name_of(comodel, i))} if named else {*_listed(value)}

    def above(number: int) -> set[int]:
        found = set()
        while number in rows and number not in found:
            found.add(number)
            number = rows[number].get("parent_id") or 0
        return found

    if sign == "child_of":
        family = {number for number in rows if not wanted.isdisjoint(above(number))}
    else:
        family = set().union(*(above(number) for number in wanted))
    return lambda record: not family.isdisjoint(_ids(view.value(model, record, name)))


def _ids(value: object) -> list[int]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, int) and value else []


def _relation_test(view: View, model: str, name: str, sign: str, value: Any) -> Test:  # noqa: ANN401 - a client's
    comodel = (view.field(model, name) or {})["relation"]
    if sign in _LIKES or isinstance(value, str):
        text = _text_test(sign if sign in _LIKES else "=like", value)

        def named(record: Record) -> bool:
            return any(
                text(view.name_of(comodel, i)) for i in _ids(view.value(model, record, name))
            )

        return _not_if(sign.startswith(("not", "!")), named)
    wanted = _wanted(value)

    def related(record: Record) -> bool:
        own = view.value(model, record, name)
        if not isinstance(own, list):
            return own in wanted
        return any(i in wanted for i in own) or (not own and False in wanted)

    return _not_if(sign in ("!=", "not in"), related)


def _wanted(value: object) -> Collection[object]:
    return {False if item is None else item for item in _listed(value)}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _scalar_test(view: View, model: str, name: str, sign: str, value: Any) -> Test:  # noqa: ANN401 - a client's
    if sign in _LIKES:
        matches = _text_test(sign, value)

        def found(record: Record) -> bool:
            return matches(str(view.value(model, record, name) or ""))

        return _not_if(sign.startswith("not"), found)
    is_instant = (view.field(model, name) or {})["type"] == "datetime"
    whole_seconds = is_instant and view.version >= V19
    if is_instant:
        listed = [_instant(view.version, i, sign) for i in _listed(value)]
        value = listed if isinstance(value, list) else listed[0]

    def current(record: Record) -> Any:  # noqa: ANN401 - any field's
        own = view.value(model, record, name)
        # 19 compares whole seconds, and drops a fraction that it is given.
        return own.replace(microsecond=0) if whole_seconds and own else own

    if sign not in _COMPARISONS:
        wanted = _wanted(value)
        return _not_if(sign in ("!=", "not in"), lambda record: current(record) in wanted)
    compare = _COMPARISONS[sign]

    def compared(record: Record) -> bool:
        own = current(record)
        # As NULL in SQL, nothing is neither more nor less than anything.
        return own is not False and value is not False and compare(own, value)

    return compared


def _text_test(sign: str, value: object) -> Callable[[str], bool]:
    pattern = str(value) if sign.startswith("=") else f"%{value}%"
    wildcards = {"%": ".*", "_": "."}
    expression = "".join(wildcards.get(letter, re.escape(letter)) for letter in pattern)
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in sign else re.NOFLAG)
    return lambda text: re.fullmatch(expression, text, flags) is not None


def _instant(version: int, value: object, sign: str) -> datetime | Literal[False]:
    """An instant as Odoo reads it: UTC, a zone refused (19) or ignored (before).

    A bare date is its midnight, except after > and <=, where it is its last second.
    """
    if value is False or value is None:
        return False
    text = str(value)
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise no_instant(version, text)
    day, clock, zone = match.groups()
    if zone and version >= V19:
        raise value_error(f"expecting only datetimes with no timezone: {text!r}")
    if clock:
        moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
        return moment.replace(microsecond=0) if version >= V19 else moment
    midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    return datetime.combine(midnight, _LAST_SECOND) if sign in (">", "<=") else midnight
