"""How often a change was tried in vain: an item for each record whose turn is stuck.

The queue's own count of deliveries can't tell: it also grows each time a change is hidden without
being tried. In a record's group one change is first, so an item for each record is enough. It is
written only after a failure, and deleted once the change is out of the queue.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.store.sorted_table import SortedTable

PARTITION: Final = "webhook#tries"
_KEPT: Final = timedelta(days=15)  # longer than the queue keeps a message


class Tries:
    """The failed tries by record."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def failed(self, group: str, queue_id: str, now: datetime) -> int:
        """Count a failed try of the record's first change; how many it has had.

        `queue_id` is the message's in the queue, where a replay or a change sent again has
        another: it starts anew.
        """
        item = self._table.get(PARTITION, group)
        before = int(item.get("tries", 0)) if item.get("queue_id") == queue_id else 0
        values = {
            "queue_id": queue_id,
            "tries": before + 1,
            "expires_at": int((now + _KEPT).timestamp()),
        }
        self._table.update(self._table.key(PARTITION, group), values, [])
        return before + 1

    def forget(self, group: str) -> None:
        """The record's first change is out of the queue."""
        key = self._table.key(PARTITION, group)
        self._table.ask("delete_item", TableName=self._table.name, Key=key)
