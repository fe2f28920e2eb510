"""The numbers that a source's records get where its own ids are no numbers, as Salesforce's.

A mirror's partitions and lists need small numbers. Each id gets the next number of its kind when it
is first seen. An id and its number are written together, so that two runs that see an id at the
same time agree, and neither is ever changed.
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Unavailable
from odoo_qb.store.sorted_table import GET

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from odoo_qb.store.sorted_table import SortedTable

_LAST: Final = "last"
_NUMBER: Final = "number"
_THOUSAND: Final = 1_000
_PAIRS: Final = 50  # a transaction holds a hundred writes
_TRIES: Final = 5
_DENSE: Final = 40  # so many of a thousand are read by one query rather than by their keys
_MANY: Final = 2_000  # ids, for which all of a kind are read a thousand at a time


class SourceNumbers:
    """The numbers of one connection's records.

    Partitions: numbers#CONNECTION#KIND counts, …#ID holds an id's number, and …#0000001 the ids of
    a thousand numbers. No item has a hash: a record is known by that.
    """

    def __init__(self, table: SortedTable, connection: str, *, many: int = _MANY) -> None:
        self._table = table
        self._connection = connection
        self._many = many

    def numbers(self, kind: Kind, ids: Collection[str]) -> dict[str, int]:
        """The number of each id; those that had none get the next ones, in this order."""
        wanted = list(dict.fromkeys(ids))
        known = self._known(kind, wanted)
        free: list[int] = []
        for _ in range(_TRIES):
            missing = [name for name in wanted if name not in known]
            if not missing:
                return {name: known[name] for name in wanted}
            if len(free) < len(missing):
                free += self._reserve(kind, len(missing) - len(free))
            for names in batched(missing, _PAIRS):
                given, free = free[: len(names)], free[len(names) :]
                if self._give(kind, names, given):
                    known |= zip(names, given, strict=True)
                else:  # another run gave some of them a number just now
                    free = given + free
            known |= self._looked_up(kind, [name for name in missing if name not in known])
        raise Unavailable("Another run is numbering the same records. The next run continues.")

    def ids(self, kind: Kind, numbers: Collection[int]) -> dict[int, str]:
        """The ids that these numbers were given to, those that were given."""
        groups: dict[int, list[int]] = {}
        for number in sorted({*numbers}):
            groups.setdefault(number // _THOUSAND, []).append(number)
        found: dict[int, str] = {}
        sparse: list[int] = []
        for thousand, group in groups.items():
            if len(group) < _DENSE:
                sparse += group
            else:
                every = self._of_thousand(kind, thousand)
                found |= {number: every[number] for number in group if number in every}
        for some in batched(sparse, GET):
            rows = self._table.get_many([self._given(kind, number) for number in some])
            found |= {int(row[_NUMBER]): str(row["id"]) for row in rows}
        return found

    def _known(self, kind: Kind, wanted: Sequence[str]) -> dict[str, int]:
        if len(wanted) <= self._many:
            return self._looked_up(kind, wanted)
        last = int(self._table.get(self._home(kind), _LAST).get(_LAST, 0))
        found: dict[str, int] = {}
        for thousand in range(last // _THOUSAND + 1):
            found |= {name: number for number, name in self._of_thousand(kind, thousand).items()}
        return found

    def _looked_up(self, kind: Kind, names: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in batched(names, GET):
            rows = self._table.get_many([self._name(kind, name) for name in some])
            found |= {str(row["id"]): int(row[_NUMBER]) for row in rows}
        return found

    def _of_thousand(self, kind: Kind, thousand: int) -> dict[int, str]:
        partition = f"{self._home(kind)}#{thousand:07d}"
        rows = self._table.query("pk = :pk", {":pk": partition})
        return {int(row[_NUMBER]): str(row["id"]) for row in rows}

    def _reserve(self, kind: Kind, count: int) -> list[int]:
        """The next numbers, which nobody else gets; some may stay unused after a crash."""
        answer = self._table.ask(
            "update_item",
            TableName=self._table.name,
            Key=self._table.key(self._home(kind), _LAST),
            UpdateExpression="ADD #last :count",
            ExpressionAttributeNames={"#last": _LAST},
            ExpressionAttributeValues={":count": {"N": str(count)}},
            ReturnValues="UPDATED_NEW",
        )
        last = int(answer["Attributes"][_LAST]["N"])
        return list(range(last - count + 1, last + 1))

    def _give(self, kind: Kind, names: Sequence[str], numbers: Sequence[int]) -> bool:
        """Write ids with their numbers, all or none; whether none of them had a number."""
        updates: list[Json] = []
        for name, number in zip(names, numbers, strict=True):
            for key in (self._name(kind, name), self._given(kind, number)):
                values = {":id": {"S": name}, ":number": {"N": str(number)}}
                update = {
                    "TableName": self._table.name,
                    "Key": self._table.key(*key),
                    "UpdateExpression": "SET #id = :id, #number = :number",
                    "ConditionExpression": "attribute_not_exists(pk)",
                    "ExpressionAttributeNames": {"#id": "id", "#number": _NUMBER},
                    "ExpressionAttributeValues": values,
                }
                updates.append({"Update": update})
        return self._table.all_or_none(updates)

    def _home(self, kind: Kind) -> str:
        return f"numbers#{self._connection}#{kind}"

    def _name(self, kind: Kind, name: str) -> tuple[str, str]:
        return f"{self._home(kind)}#{name}", _NUMBER

    def _given(self, kind: Kind, number: int) -> tuple[str, str]:
        return f"{self._home(kind)}#{number // _THOUSAND:07d}", f"n{number:010d}"
