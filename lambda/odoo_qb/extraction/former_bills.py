"""The bills of a page that version 1.0 stored: as stored, and as 1.0 would read them now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from odoo_qb.bill.digest_v1 import is_former
from odoo_qb.bill.item import bill_of
from odoo_qb.extraction.comparison import DONE
from odoo_qb.extraction.upgrade import FormerBill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.guarding import BadRecords
    from odoo_qb.mapping.batch import BatchPlanner
    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.store.documents import Documents


def former_bills(
    entries: Sequence[OdooDocument],
    bills: Mapping[str, Bill],
    stored: Mapping[str, Item],
    *,
    companies: Mapping[str, Company],
    documents: Documents,
    planner: BatchPlanner,
    bad_records: BadRecords,
) -> dict[str, FormerBill]:
    """The documents that 1.0 stored, by entry_id.

    For bills that may still need approval, posting plans are included.
    """

    def before(entry: OdooDocument) -> dict[str, FormerBill]:
        entry_id = f"odoo-{entry.odoo_id}"
        item, bill = stored.get(entry_id), bills.get(entry_id)
        if item is None or bill is None or entry.former is None:
            return {}
        if not is_former(item["digest"]):
            return {}
        former = replace(entry.former, documents=bill.documents, unreadable=bill.unreadable)
        if item["status"] in DONE or item["company"] not in companies:
            return {entry_id: FormerBill(bill=former)}
        kept = bill_of(item, documents.lines(item))
        return {entry_id: FormerBill(bill=former, stored=kept)}

    each = bad_records.each(entries, before)
    found = {entry_id: b for some in each for entry_id, b in some.items()}
    open_ones = [b for b in found.values() if b.stored]
    as_stored = planner.of([b.stored for b in open_ones if b.stored])
    as_read = planner.of([b.bill for b in open_ones])
    return {
        i: replace(b, stored_plan=as_stored[i], bill_plan=as_read[i]) if b.stored else b
        for i, b in found.items()
    }
