"""What was decided about a bill: what a run reports of it, and what is to be written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.extraction.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A bill that the table does not have yet; `reference_id` is the note that is to name it."""

    item: Item
    reference_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """What is to change in a bill of the table, if it still is as it was read.

    `later_date` is the bill's date where it moved on since the bill came to its end: the bill is
    kept for as long as approval might be requested for it.
    """

    item: Item
    note: str
    to: Status | None = None
    values: Mapping[str, object]
    remove: Sequence[str] = ()
    reference_id: str = ""
    later_date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What is noted on a bill of the table without being a change of it."""

    item: Item
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a bill. `content` is the bill whose files are to be stored before."""

    outcome: Outcome
    write: NewItem | ItemChange | Remark | None = None
    content: Bill | None = None
