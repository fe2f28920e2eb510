"""Groups of records and their sums, as each version of the sandbox's Odoo answers them.

`read_group` is answered by all versions, `formatted_read_group` and `formatted_read_grouping_sets`
by 19: https://www.odoo.com/documentation/19.0/developer/reference/backend/orm.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.aggregates import aggregated
from sandbox.odoo.domains import and_of
from sandbox.odoo.errors import V16, V18, V19
from sandbox.odoo.ordering import rank
from sandbox.odoo.periods import period_of
from sandbox.odoo.specs import Aggregate, Grouping, aggregate_of, grouping_of, numbers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.odoo.query import Record
    from sandbox.odoo.reading import Reader
    from sandbox.odoo.view import Json

type _Keys = tuple[Any, ...]
_LAST: Final = (True, 0)  # where a group without a value sorts


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which of the groups are answered, in which order ("balance desc")."""

    order: str
    offset: int
    limit: int | None


@dataclass(frozen=True)
class Groups:
    """The records of a model in groups, and how their rows are written."""

    reader: Reader
    model: str
    groupings: Sequence[Grouping]
    aggregates: Sequence[Aggregate]

    def rows(self, records: list[Record], page: Page) -> list[tuple[_Keys, Json]]:
        """Each group's keys and aggregates, in order; without groupings there is always one."""
        groups: dict[_Keys, list[Record]] = {} if self.groupings else {(): []}
        for record in records:
            for keys in self._keys(record):
                groups.setdefault(keys, []).append(record)
        rows = [(keys, self._aggregates(members)) for keys, members in groups.items()]
        rows.sort(key=lambda row: [self._place(n, key) for n, key in enumerate(row[0])])
        for term in reversed([term for term in page.order.split(",") if term.strip()]):
            name, *direction = term.split()
            rows.sort(key=lambda row: self._ordered_by(name, *row), reverse=direction == ["desc"])
        return rows[page.offset :][: page.limit or None]

    def _keys(self, record: Record) -> list[_Keys]:
        """The groups a record is in: several where a field of it has several values."""
        values = [self._value(grouping, record) for grouping in self.groupings]
        several = [(v or [False]) if isinstance(v, list) else (v,) for v in values]
        return list(product(*several))

    def _value(self, grouping: Grouping, record: Record) -> Any:  # noqa: ANN401 - any field's
        view = self.reader.view
        value = view.value(self.model, record, grouping.field)
        if grouping.through:
            owner = view.rows(grouping.relation).get(value or 0)
            return view.value(grouping.relation, owner, grouping.through) if owner else False
        if grouping.granularity and value:
            return period_of(value, grouping.granularity)
        return value

    def _aggregates(self, members: list[Record]) -> Json:
        view = self.reader.view
        answer: Json = {}
        for one in self.aggregates:
            if one.field == "__count":
                answer[one.key] = len(members)
                continue
            values = [view.value(self.model, record, one.field) for record in members]
            answer[one.key] = False if self._is_mixed(one) else aggregated(one.function, values)
        return answer

    def _is_mixed(self, aggregate: Aggregate) -> bool:
        """18 sums up amounts in currencies only by currency; the others add them together."""
        is_amount = (self.model, aggregate.field) == ("account.move.line", "amount_currency")
        by_currency = any(grouping.field == "currency_id" for grouping in self.groupings)
        return self.reader.version == V18 and is_amount and not by_currency

    @cached_property
    def _ranks(self) -> list[dict[int, int]]:
        """By grouping, where a record stands that the group is called after."""
        return [rank(self.reader.view, g.relation) if g.is_many2one else {} for g in self.groupings]

    def _place(self, number: int, key: Any) -> tuple[bool, Any]:  # noqa: ANN401 - any field's
        if key is False and not self.groupings[number].is_boolean:
            return _LAST
        return (False, self._ranks[number].get(key, key) if self._ranks[number] else key)

    def _ordered_by(self, name: str, keys: _Keys, aggregates: Json) -> Any:  # noqa: ANN401 - any field's
        for number, grouping in enumerate(self.groupings):
            if name in (grouping.spec, grouping.field):
                return self._place(number, keys[number])
        value = aggregates.get(name, aggregates.get(name.partition(":")[0]))
        return _LAST if value is False else (False, value)

    def shown(self, number: int, key: Any, *, formatted: bool = False) -> Any:  # noqa: ANN401 - any field's
        """A group's key as it is answered: a pair for a relation, the label of a period.

        19's formatted groups have a period's first day before its label.
        """
        grouping = self.groupings[number]
        if grouping.granularity and key:
            return [key.first, key.label] if formatted else key.label
        if grouping.is_many2one and key:
            return [key, self.reader.view.name_of(grouping.relation, key)]
        return key

    def condition(self, number: int, key: Any) -> list[Any]:  # noqa: ANN401 - any field's
        """The domain of the records of a group, as far as this grouping goes."""
        grouping = self.groupings[number]
        if grouping.granularity and key:
            first, last = [grouping.field, ">=", key.first], [grouping.field, "<", key.last]
            return ["&", first, last]
        if not grouping.through:
            return [[grouping.field, "=", key]]
        inner = [grouping.field, "any", [[grouping.through, "=", key]]]
        return [inner] if key else ["|", [grouping.field, "not any", []], inner]


def read_group(
    reader: Reader,
    model: str,
    domain: object,
    fields: Sequence[str],
    groupby: str | Sequence[str],
    page: Page,
    *,
    lazy: bool,
) -> list[Json]:
    """A row for each group that has records; without `groupby` one row, also for no record."""
    records = reader.found(model, domain, 0, None, "id")
    specs = [groupby] if isinstance(groupby, str) else list(groupby)
    asked = specs[:1] if lazy else specs
    groupings = [grouping_of(reader, model, spec) for spec in asked]
    by = {grouping.field for grouping in groupings}
    wanted = [one for one in fields or numbers_of(reader, model) if one not in by]
    aggregates = [one for text in wanted if (one := aggregate_of(reader, model, text))]
    groups = Groups(reader, model, groupings, aggregates)
    count = f"{groupings[0].field}_count" if lazy and groupings else "__count"
    rows = []
    counted = Groups(reader, model, groupings, [*aggregates, _COUNT])
    for keys, sums in counted.rows(records, page):
        row = {count if name == "__count" else name: value for name, value in sums.items()}
        row |= {g.spec: groups.shown(n, keys[n]) for n, g in enumerate(groupings)}
        _describe(row, groups, keys, domain)
        if len(asked) < len(specs):
            row["__context"] = {"group_by": specs[1:]}
        rows.append(row if reader.version > V16 else _as_in_16(row, groupings, records))
    return rows


_COUNT: Final = Aggregate(key="__count", field="__count", function="count")


def _describe(row: Json, groups: Groups, keys: _Keys, domain: object) -> None:
    """The domain that a group's records have, and the range of a period."""
    conditions = [groups.condition(n, key) for n, key in enumerate(keys)]
    row["__domain"] = and_of(groups.reader.version, domain, conditions)
    ranges = {
        grouping.spec: {"from": keys[n].first, "to": keys[n].last} if keys[n] else False
        for n, grouping in enumerate(groups.groupings)
        if grouping.granularity
    }
    if ranges:
        row["__range"] = ranges


def _as_in_16(row: Json, groupings: Sequence[Grouping], records: list[Record]) -> Json:
    """16 answers nothing about ids but, where all is one group, the first; nothing is null."""
    row.pop("id", None)
    if groupings:
        return row
    row.pop("__domain")
    row["id"] = min((record["id"] for record in records), default=None)
    return row if records else {k: None if v is False else v for k, v in row.items()}


def formatted(
    reader: Reader,
    model: str,
    domain: object,
    grouping_sets: Sequence[Sequence[str]],
    aggregates: Sequence[str],
    page: Page,
) -> list[list[Json]]:
    """The groups of each set as 19 has them: sums under their own spelling, a count if asked."""
    records = reader.found(model, domain, 0, None, "id")
    sums = [
        _COUNT if text == "__count" else aggregate_of(reader, model, text, key=text)
        for text in aggregates
    ]
    answer = []
    for specs in grouping_sets:
        groupings = [grouping_of(reader, model, spec, formatted=True) for spec in specs]
        groups = Groups(reader, model, groupings, [one for one in sums if one])
        answer.append(
            [
                {g.spec: groups.shown(n, keys[n], formatted=True) for n, g in enumerate(groupings)}
                | {"__extra_domain": _extra(groups, keys)}
                | sums_of_group
                for keys, sums_of_group in groups.rows(records, page)
            ]
        )
    return answer


def _extra(groups: Groups, keys: _Keys) -> list[Any]:
    conditions = [groups.condition(n, key) for n, key in enumerate(keys)]
    return and_of(V19, [], conditions) or [[1, "=", 1]]
