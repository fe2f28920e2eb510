"""What a vendor billed before: the last bills of it that were approved and posted.

They are kept in the note of the vendor (`remembered`) beside its ids in QuickBooks. The notifier
writes them when it shows a bill as posted, where nobody waits for it; a bill that is missing there,
or an older one, harms nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.bill.status import IN_QUICKBOOKS

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json

KEPT: Final = 7  # a later bill is compared with them; with more a note takes a second kilobyte
_SHOWN: Final = 3


def earlier_bills(note: Json, item: Item) -> list[Json]:
    """The vendor's last bills but this one, the newest first, as many as a card shows."""
    return [r for r in note.get("recent", ()) if r["entry_id"] != item["entry_id"]][:_SHOWN]


def as_read(note: Json) -> tuple[str, Json]:
    """The condition, with its values, that nobody changed the list since it was read.

    Two runs may show two of a vendor's bills as posted at the same moment.
    """
    if "recent" in note:
        return "recent = :was", {"was": note["recent"]}
    return "attribute_not_exists(recent)", {}


def with_bill(note: Json, item: Item) -> list[Json] | None:
    """The list with a bill that was posted; None where there is nothing to write."""
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
