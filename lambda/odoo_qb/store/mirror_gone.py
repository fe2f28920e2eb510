"""What is left of a mirror's removed records: how often each had changed, its removal included."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING

from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.attributes import attributes
from odoo_qb.store.sorted_table import GET

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from odoo_qb.store.sorted_table import SortedTable


class MirrorGone:
    """A small item a record, kept for good: one that comes back must not begin at 1 again."""

    def __init__(self, table: SortedTable, home: str) -> None:
        self._table = table
        self._home = home

    def sequences(self, ids: Collection[int]) -> dict[int, int]:
        """The last sequence of those of these records that were removed at some time."""
        found: dict[int, int] = {}
        for some in batched(sorted(ids), GET):
            wanted = [(self._home, keys.gone(i)) for i in some]
            rows = self._table.get_many(wanted, ("sk", "sequence"))
            found |= {int(row["sk"].removeprefix(keys.GONE)): int(row["sequence"]) for row in rows}
        return found

    def keep(self, sequences: Mapping[int, int]) -> None:
        """Note the last sequence of records; it counts only once the record is removed."""
        items = (
            attributes({"pk": self._home, "sk": keys.gone(i), "sequence": sequence})
            for i, sequence in sequences.items()
        )
        self._table.write_all([{"PutRequest": {"Item": item}} for item in items])
