"""Archived contacts carry a mark, by which they are counted and left out of lists.

Tables that were filled before there was such a mark get it once, from what is stored: the source
is not read, and a record's content, hash and sequence stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.content import data_of
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.store.mirror_table import MirrorTable

LAYOUT: Final = 1  # of a state whose records all have the mark


def mark_archived(table: MirrorTable, check_time: Callable[[], None]) -> None:
    """Mark the archived contacts that have no mark yet; `check_time` raises once time is over."""
    if table.kind != "contact":
        return
    for number in table.counts.read():
        check_time()
        unmarked = [
            int(row["sk"])
            for row in table.every([number])
            if "state" not in row and data_of(row).get("active") is False
        ]
        if unmarked:
            table.mark(number, unmarked, {"state": keys.ARCHIVED})
