"""A person says which document in QuickBooks a bill that was not posted is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from odoo_qb import ledger
from odoo_qb.creation import closed, is_total
from odoo_qb.errors import Refused
from odoo_qb.item import bill_of
from odoo_qb.preflight import preflight
from odoo_qb.vendors import note_id

if TYPE_CHECKING:
    from odoo_qb.bill import Bill
    from odoo_qb.item import Raw, Status
    from odoo_qb.posting import Poster
    from odoo_qb.preflight import Preflight
    from odoo_qb.quickbooks import QuickBooksCompany

_GONE: Final = frozenset({"610", "2500"})
_ANY_MARKER: Final = re.compile(r"\[odoo-\d+\]")


def link(poster: Poster, entry_id: str, document_id: str, actor: str) -> Status:
    """Make a POST_FAILED bill ALREADY_IN_QB, as QuickBooks' document of this id.

    Refused unless vendor, currency, total and date agree and it is no other bill's. Nothing is
    changed in QuickBooks. Conflict when the bill is no longer as it was read.
    """
    item = poster.table.get(entry_id)
    if item is None or item["status"] != "POST_FAILED":
        raise Refused("Only a bill that could not be posted can be linked.", code="status")
    company = poster.companies.get(item["company"])
    if company is None:
        raise Refused(f"The company {item['company']} is no longer configured.", code="company")
    quickbooks = poster.quickbooks(company.key)
    bill = bill_of(item, poster.documents.lines(item))
    entity = ledger.entity(bill)
    found = _read(quickbooks, entity, document_id)
    snapshot = poster.snapshot(company, quickbooks)
    flight = preflight(bill, company, snapshot, poster.table.read_note(note_id(bill)))
    differences = _differences(bill, flight, found)
    if differences:
        raise Refused(
            f"{entity} {document_id} in QuickBooks does not agree in {', '.join(differences)}:"
            " correct it there, or choose another one.",
            code="different",
        )
    values: Raw = {
        "quickbooks": {**poster.shown(entity, found), "attachments": [], "not_attached": []},
        "attempts": closed(item.get("attempts", ()), "linked"),
    }
    note = f"linked to {entity} {document_id}"
    poster.table.change(
        item, to="ALREADY_IN_QB", actor=actor, now=poster.clock(), values=values, note=note
    )
    return "ALREADY_IN_QB"


def _read(quickbooks: QuickBooksCompany, entity: str, document_id: str) -> Raw:
    found: Raw = {}
    try:
        if document_id.isdecimal():
            found = quickbooks.read(entity, document_id)
    except Refused as refusal:
        if refusal.code not in _GONE:
            raise
    if not found:
        raise Refused(f"QuickBooks has no {entity} {document_id}.", code="610")
    return found


def _differences(bill: Bill, flight: Preflight, found: Raw) -> list[str]:
    """What of a document in QuickBooks is not the bill's, in words."""
    vendor = found.get("VendorRef", {})
    name = str(vendor.get("name", "")).casefold()
    is_named = not flight.vendor_id and name == flight.vendor_name.casefold()
    markers = _ANY_MARKER.findall(str(found.get("PrivateNote", "")))
    agreeing = {
        "vendor": is_named or str(vendor.get("value")) == flight.vendor_id,
        "currency": found.get("CurrencyRef", {}).get("value", bill.currency) == bill.currency,
        "total": is_total(found, bill),
        "date": str(found.get("TxnDate")) == str(bill.bill_date),
        "Odoo number": not markers or ledger.marker(bill.entry_id) in markers,
    }
    return [what for what, agrees in agreeing.items() if not agrees]
