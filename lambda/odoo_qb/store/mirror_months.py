"""The mirror's index by month: which records were written when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.sources import Kind
    from odoo_qb.store.sorted_table import SortedTable


class Place(NamedTuple):
    """Where a record stands: `written` is its time of writing and its id, which sorts as text."""

    connection: str
    kind: Kind
    written: str  # "2026-11-27 23:05:59#0000000306"

    @property
    def source_id(self) -> int:
        """The record's id."""
        return int(self.written.rpartition("#")[2])


def written_in(
    table: SortedTable, connection: str, kind: Kind, month: str, start: str, end: str
) -> Iterator[Place]:
    """The records of a month ("2026-11") written from `start` to `end`, the oldest first.

    `start` and `end` are UTC as the source writes it, both included; `start` may be a place's
    `written` and a "!", which is what comes after that record. The index is a second behind.
    """
    rows = table.query(
        "#month = :month AND written BETWEEN :start AND :end",
        {
            ":month": keys.month(connection, kind, month),
            ":start": start,
            ":end": f"{end}#~",  # behind every id
        },
        index=keys.BY_MONTH,
        names={"#month": "month"},
    )
    return (Place(connection, kind, str(row["written"])) for row in rows)
