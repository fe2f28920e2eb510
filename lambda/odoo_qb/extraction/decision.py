"""A decision about a bill: what a run reports, and what to write."""

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
    """A bill that is new to the table; `reference_id` is the note to add it to."""

    item: Item
    reference_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """A change of a bill in the table, made only if the bill is still as it was read.

    `later_date` is the bill's date if it is later than when the bill ended: the bill is kept for as
    long as approval might be requested for it.
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
    """A note on a bill in the table that does not change its version."""

    item: Item
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a bill. `content` is the bill whose files must be stored first."""

    outcome: Outcome
    write: NewItem | ItemChange | Remark | None = None
    content: Bill | None = None
