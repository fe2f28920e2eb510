"""A vendor's last bills that were approved and posted.

They are in the vendor's note (see `vendor_notes`) beside its QuickBooks ids. The notifier writes
them when it shows a bill as posted, because no one waits for that. A missing or outdated entry does
no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.bill.status import IN_QUICKBOOKS

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json

KEPT: Final = 7  # later bills are compared with them; more would take a second kilobyte
_SHOWN: Final = 3


def earlier_bills(note: Json, item: Item) -> list[Json]:
    """The vendor's last bills without this one, newest first, as many as a card shows."""
    return [r for r in note.get("recent", ()) if r["entry_id"] != item["entry_id"]][:_SHOWN]


def as_read(note: Json) -> tuple[str, Json]:
    """The condition, with its values, that the list has not changed since it was read.

    Two runs may show two bills of a vendor as posted at the same time.
    """
    if "recent" in note:
        return "recent = :was", {"was": note["recent"]}
    return "attribute_not_exists(recent)", {}


def with_bill(note: Json, item: Item) -> list[Json] | None:
    """The list with a posted bill added; None if there is nothing to write."""
    before = list(note.get("recent", ()))
    if item["status"] not in IN_QUICKBOOKS or any(
        r["entry_id"] == item["entry_id"] for r in before
    ):
        return None
    bill: Json = {
        "entry_id": item["entry_id"],
        "name": item["odoo_name"],
        "move_type": item["move_type"],
        "date": item["bill_date"],
        "total": item["amount_total"],
        "currency": item["currency"],
    }
    return [bill, *before][:KEPT]
