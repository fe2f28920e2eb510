"""Link a bill that was not posted to the QuickBooks document that a person named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo_qb import table_keys
from odoo_qb.bill.item import link_of
from odoo_qb.bill.open_attempt import existing_document
from odoo_qb.errors import Conflict, Disconnected, Refused, Unavailable
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.posting import payload
from odoo_qb.posting.attempts import closed, places
from odoo_qb.posting.lookup import is_total
from odoo_qb.quickbooks.error_codes import GONE

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.posting.context import PostingContext
    from odoo_qb.quickbooks.client import QuickBooksClient


def link_as_asked(context: PostingContext, item: Item) -> Status:
    """Link a POST_FAILED bill to the document a person named; returns its status afterwards.

    If that is not possible, the reason becomes the bill's error, with the same buttons as before.
    Raises Unavailable if the message must come again, Disconnected if linking must wait until the
    company is connected.
    """
    asked = link_of(item)
    if not asked:
        return item["status"]
    try:
        return link(context, item["entry_id"], str(asked["id"]), str(asked["by"]))
    except Conflict as error:
        raise Unavailable("The bill changed while it was being linked.") from error
    except Disconnected:
        raise
    except Refused as refusal:
        return _refuse(context, item, refusal)


def link(context: PostingContext, entry_id: str, document_id: str, actor: str) -> Status:
    """Make a POST_FAILED bill ALREADY_IN_QB, as the QuickBooks document with this id.

    Refused unless vendor, currency, total and date agree, the document belongs to no other bill,
    and the bill has no other document. Nothing is changed in QuickBooks. Conflict if the bill
    changed since it was read.
    """
    item = context.table.get(entry_id)
    if item is None or item["status"] != "POST_FAILED":
        raise Refused("Only a bill that could not be posted can be linked.", code="status")
    company = context.companies.get(item["company"])
    if company is None:
        raise Refused(
            f"The company {item['company']} is no longer configured. Tell the operator.",
            code="company",
        )
    quickbooks = context.quickbooks(company.key)
    bill = context.bill(item)
    entity = payload.entity(bill)
    found = _read(quickbooks, entity, document_id)
    snapshot = context.snapshot(company, quickbooks)
    plan = plan_posting(bill, company, snapshot, context.note_of(bill))
    differences = _differences(bill, plan, found)
    if differences:
        raise Refused(
            f"{entity} {document_id} in QuickBooks differs in {', '.join(differences)}.",
            remedy="Correct it there, or choose another one.",
            code="different",
        )
    _refuse_second(item, bill, found, quickbooks)
    note_id = table_keys.linked(quickbooks.realm_id, entity, str(found["Id"]))
    _reserve(context, note_id, entry_id)
    values: Json = {
        "quickbooks": {
            **context.shown(entity, found, quickbooks.realm_id),
            "attachments": [],
            "not_attached": [],
        },
        "attempts": closed(item.get("attempts", ()), "linked"),
    }
    note = f"linked to {entity} {document_id}"
    try:
        context.table.change(
            item, to="ALREADY_IN_QB", actor=actor, now=context.clock(), values=values, note=note
        )
    except Conflict:
        by_now = context.table.get(entry_id)
        if (
            by_now is None or by_now["status"] != "ALREADY_IN_QB"
        ):  # linked by a simultaneous delivery
            context.table.write_note(note_id, {}, remove=["linked_to"])
        raise
    return "ALREADY_IN_QB"


def _read(quickbooks: QuickBooksClient, entity: str, document_id: str) -> Json:
    found: Json = {}
    try:
        if document_id.isdecimal():
            found = quickbooks.read(entity, document_id)
    except Refused as refusal:
        if refusal.code not in GONE:
            raise
    if not found:
        raise Refused(f"QuickBooks has no {entity} {document_id}.", code="610")
    return found


def _differences(bill: Bill, plan: PostingPlan, found: Json) -> list[str]:
    """How a QuickBooks document differs from the bill, in words."""
    vendor = found.get("VendorRef", {})
    name = str(vendor.get("name", "")).casefold()
    is_named = not plan.vendor_id and name == plan.vendor_name.casefold()
    marked = payload.entry_id_of(found)
    agreeing = {
        "vendor": is_named or str(vendor.get("value")) == plan.vendor_id,
        "currency": found.get("CurrencyRef", {}).get("value", bill.currency) == bill.currency,
        "total": is_total(found, plan.total_of(bill)),
        "date": str(found.get("TxnDate")) == str(bill.bill_date),
        "Odoo number": marked in {"", bill.entry_id},
    }
    return [what for what, agrees in agreeing.items() if not agrees]


def _refuse_second(item: Item, bill: Bill, found: Json, quickbooks: QuickBooksClient) -> None:
    """Raise Refused if QuickBooks also has a document that we posted for this bill."""
    here = (payload.entity(bill), payload.doc_number(bill), str(bill.bill_date))
    for entity, number, day in sorted({here, *places(item.get("attempts", ()))}):
        for row in quickbooks.find_by_doc_number(entity, number, day):
            is_ours = payload.entry_id_of(row) == bill.entry_id
            if is_ours and (entity, row["Id"]) != (payload.entity(bill), found["Id"]):
                document = f"{entity} {row['Id']}"
                raise Refused(
                    f"QuickBooks already has {document}, which was posted for this bill.",
                    remedy="Correct that one and retry, or delete it there and link again.",
                    code="different",
                    document=document,
                )


def _reserve(context: PostingContext, note_id: str, entry_id: str) -> None:
    """Record that a document belongs to this bill; Refused if it belongs to another."""
    try:
        context.table.write_note(
            note_id,
            {"linked_to": entry_id},
            condition="attribute_not_exists(linked_to) OR linked_to = :bill",
            condition_values={"bill": entry_id},
        )
    except Conflict as conflict:
        holder = str(context.table.read_note(note_id).get("linked_to", ""))
        other = context.table.get(holder) if holder else None
        _, _, entity, document_id = note_id.split("#")
        raise Refused(
            f"{entity} {document_id} in QuickBooks is already linked to"
            f" {other['odoo_name'] if other else 'another bill'}.",
            remedy="Choose another one.",
            code="different",
        ) from conflict


def _refuse(context: PostingContext, item: Item, refusal: Refused) -> Status:
    """Store why it cannot be linked, unless someone changed the bill meanwhile."""
    error = refusal.as_error()
    if not refusal.document and existing_document(item):
        error["document"] = existing_document(item)  # it exists, whichever document was named
    try:
        context.table.change(
            item,
            actor="poster",
            now=context.clock(),
            values={"error": error},
            remove=["link"],
            note=str(refusal),
        )
    except Conflict as conflict:
        raise Unavailable("The bill changed while it was being linked.") from conflict
    return item["status"]
