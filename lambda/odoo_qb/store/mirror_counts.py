"""How many records each partition of a mirror holds: of all, by type, by state and by both."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

_TRANSACTION: Final = 100  # DynamoDB's limit


class MirrorCounts:
    """The counts of one connection's kind: an item a count, in it an attribute a partition.

    They change in one transaction with the end of the writing that they count.
    """

    def __init__(self, table: SortedTable, home: str) -> None:
        self._table = table
        self._home = home

    def read(self, name: str = keys.ALL) -> dict[int, int]:
        """The records in each partition, by its number, ascending."""
        return keys.counted(self._table.get(self._home, name))

    def change(self, changes: Mapping[str, Mapping[int, int]]) -> None:
        """Add to the counts, by name and partition; the writing is over."""
        self._at_once("ADD", changes)

    def replace(self, records: Mapping[int, Sequence[Sequence[str]]]) -> None:
        """Replace the counts of partitions: `records` names the counts that each record is in."""
        exact: dict[str, dict[int, int]] = defaultdict(dict)
        for item in self._table.query(
            "pk = :pk AND begins_with(sk, :counts)", {":pk": self._home, ":counts": keys.COUNTS}
        ):
            exact[item["sk"]] = dict.fromkeys(records, 0)
        for number, every in records.items():
            for name, count in Counter(name for names in every for name in names).items():
                exact[name][number] = count
        self._at_once("SET", exact)

    def _at_once(self, how: Literal["ADD", "SET"], counts: Mapping[str, Mapping[int, int]]) -> None:
        told = {
            name: {number: n for number, n in by_partition.items() if n or how == "SET"}
            for name, by_partition in counts.items()
        }
        updates = [self._update(name, how, some) for name, some in told.items() if some]
        if len(updates) >= _TRANSACTION:
            raise ValueError("A transaction cannot hold this many counts.")
        done = {
            "Update": {
                "TableName": self._table.name,
                "Key": self._table.key(self._home, keys.STATE),
                "UpdateExpression": "REMOVE writing",
            }
        }
        self._table.ask("transact_write_items", TransactItems=[*updates, done])

    def _update(self, name: str, how: str, counts: Mapping[int, int]) -> Json:
        sign = " = " if how == "SET" else " "
        told = ", ".join(f"#n{number}{sign}:n{number}" for number in counts)
        values = {f":n{number}": {"N": str(count)} for number, count in counts.items()}
        return {
            "Update": {
                "TableName": self._table.name,
                "Key": self._table.key(self._home, name),
                "UpdateExpression": f"{how} {told}",
                "ExpressionAttributeNames": {f"#n{n}": keys.attribute(n) for n in counts},
                "ExpressionAttributeValues": values,
            }
        }
