"""A bill in one sentence. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.bill.model import amount_text
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item


_KIND: Final = {"in_invoice": "Bill", "in_refund": "Credit note", "in_receipt": "Receipt"}


def summary(item: Item) -> str:
    """The bill in a few plain words, for notifications, replies and e-mails."""
    number, name, vendor = (
        one_line(text, NAME)
        for text in (item["bill_reference"], item["odoo_name"], vendor_of(item))
    )
    reference = f", reference {number}" if number else ""
    amount = amount_text(item["amount_total"], item["currency"])
    return f"{_KIND[item['move_type']]} {name} of {vendor}, {amount}{reference} ({item['company']})"


def vendor_of(item: Item) -> str:
    """The vendor's name, or "(no vendor)"."""
    vendor = item["vendor"]
    return str(vendor["name"]) if vendor else "(no vendor)"
