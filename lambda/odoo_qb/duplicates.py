"""Which earlier bill has the same vendor and number: asked of the table, a page at a time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.checks import Earlier, normalised_reference
from odoo_qb.guarding import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.item import Item, Raw
    from odoo_qb.store import Table

_NUMBER_BYTES: Final = 1000  # a key of the table takes 2,048


def reference_id(bill: Bill) -> str:
    """The note under which bills of one company, vendor and reference meet; "" without one."""
    if bill.vendor is None:
        return ""
    return _reference_id(bill.company, bill.vendor.odoo_id, bill.bill_reference)


def _reference_id(company: str, vendor: int, reference: str) -> str:
    number = normalised_reference(reference)
    if len(number.encode()) > _NUMBER_BYTES:
        number = hashlib.sha256(number.encode()).hexdigest()
    return f"reference#{company}#{vendor}#{number}" if number else ""


def earlier_bills(
    table: Table, bills: Sequence[Bill], faults: Faults | None = None
) -> dict[str, list[Earlier]]:
    """Other bills of the same company, vendor and reference met before each bill.

    One whose record in the table is damaged is named in `faults` and not compared.
    """
    faults = faults or Faults()
    numbered = [b for b in bills if reference_id(b)]
    notes = cast("Mapping[str, Raw]", table.get_many(reference_id(b) for b in numbered))
    holders = {note_id: sorted(note.get("bills", ())) for note_id, note in notes.items()}
    known = {i for b in numbered for i in holders.get(reference_id(b), ()) if i != b.entry_id}
    items = faults.where(table.get_many(sorted(known)).values(), _counts)
    told = faults.each(items, lambda i: (i["entry_id"], (_reference_of(i), _earlier(i))))
    seen = dict(told)
    found: dict[str, list[Earlier]] = {}
    for bill in numbered:
        number = reference_id(bill)
        holding = holders.setdefault(number, [])
        before = list(holding)
        if bill.entry_id in holding:  # met before: later ones were warned of this one
            before = [i for i in holding if _odoo_id(i) < bill.odoo_id]
        else:
            holding.append(bill.entry_id)
        # A note also names bills that had the number once.
        twins = [seen[i] for i in before if i in seen and i != bill.entry_id]
        found[bill.entry_id] = [twin for its_number, twin in twins if its_number == number]
        seen[bill.entry_id] = (
            number,
            Earlier(
                entry_id=bill.entry_id,
                odoo_name=bill.odoo_name,
                amount_total=bill.amount_total,
                currency=bill.currency,
            ),
        )
    return found


def _counts(item: Item) -> bool:
    """Whether a bill can be doubled: one taken back in Odoo cannot."""
    return item["status"] != "WITHDRAWN"


def _reference_of(item: Item) -> str:
    vendor = item["vendor"]
    if not vendor:
        return ""
    return _reference_id(item["company"], int(vendor["odoo_id"]), item["bill_reference"])


def _earlier(item: Item) -> Earlier:
    return Earlier(
        entry_id=item["entry_id"],
        odoo_name=item["odoo_name"],
        amount_total=item["amount_total"],
        currency=item["currency"],
    )


def _odoo_id(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))
