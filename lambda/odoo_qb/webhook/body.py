"""What the endpoint is sent of a change: contracted keys, all of them always. No I/O.

Odoo's names differ by version; the mirror serves one name for each, and these are built from that.
An address, an e-mail or a VAT number is a contact's, which may change without its invoices: they
are taken from the mirrored contact when the body is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.exact_json import to_json

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.webhook.message import Message

MODELS: Final = {
    "move": "account.move",
    "payment": "account.payment",
    "contact": "res.partner",
    "order": "sale.order",
    "account": "account.account",
    "transaction": "account.move.line",
}
# The first word of `type`, by kind and by what tells a kind's families apart.
FAMILIES: Final = {
    ("move", "out_invoice"): "invoice",
    ("move", "out_refund"): "credit_note",
    ("move", "out_receipt"): "sales_receipt",
    ("move", "in_invoice"): "vendor_bill",
    ("move", "in_refund"): "vendor_refund",
    ("move", "in_receipt"): "purchase_receipt",
    ("payment", "customer"): "customer_payment",
    ("payment", "supplier"): "vendor_payment",
}
_TELLS_APART: Final = {"move": "move_type", "payment": "partner_type"}

_CURRENCY: Final = ("currency_id", "currency_name", "currency_symbol", "currency_position")
_LINE: Final = (
    *("name", "quantity", "price_unit", "price_subtotal", "price_total"),
    *("product_id", "account_id", "tax_ids", "discount"),
)


def body_of(message: Message, contact: Json | None) -> str:
    """The body of a change: JSON in ASCII, amounts as exact numbers.

    `message` has its content, also where that was too large for the queue. `contact` are the
    served fields of the contact that `partner_of` names, None if it isn't mirrored.
    """
    return to_json(
        {
            "model": MODELS.get(message.kind, message.kind),
            "data": data_of(message, contact),
            "type": type_of(message),
            "connection": message.connection,
            "timestamp": message.happened_at,
            "sequence": message.sequence,
            "changed": message.changed,
            "replayed": bool(message.replay_id),
        }
    )


def partner_of(message: Message) -> int:
    """The contact whose address the body shows; 0 if there is none."""
    return int(message.data.get("partner_id") or 0) if message.kind in _TELLS_APART else 0


def type_of(message: Message) -> str:
    """What happened to what, as "vendor_bill.updated"."""
    told = message.data.get(_TELLS_APART.get(message.kind, ""))
    return f"{FAMILIES.get((message.kind, str(told)), message.kind)}.{message.event}"


def data_of(message: Message, contact: Json | None) -> Json:
    """A document's or a payment's contracted fields; any other kind as it is served."""
    if message.kind == "move":
        return _move(message.data, contact or {})
    if message.kind == "payment":
        return _payment(message.data, contact or {})
    return message.data


def _move(record: Json, contact: Json) -> Json:
    before = "id name state move_type amount_total amount_untaxed amount_tax"
    after = "invoice_date invoice_date_due payment_reference ref"
    return {
        **_fields(record, *before.split()),
        **_partner(record, contact),
        **_fields(record, *after.split(), *_CURRENCY, "payment_state", "narration"),
        "invoice_lines": [_fields(line, *_LINE) for line in record.get("invoice_lines") or ()],
    }


def _payment(record: Json, contact: Json) -> Json:
    method = ("payment_method_name", "payment_method_code")
    journal = ("journal_name", "journal_code", "journal_type")
    return {
        **_fields(record, "id", "name", "state", "payment_type", "amount", "date"),
        **_partner(record, contact),
        **_fields(record, *_CURRENCY, *method, *journal),
    }


def _partner(record: Json, contact: Json) -> Json:
    streets = [contact[name] for name in ("street", "street2") if contact.get(name)]
    return {
        **_fields(record, "partner_id", "partner_name"),
        "partner_email": contact.get("email"),
        "partner_phone": contact.get("phone"),
        "partner_address": ", ".join(streets) or None,
        "partner_city": contact.get("city"),
        "partner_vat": contact.get("vat"),
    }


def _fields(row: Json, *names: str) -> Json:
    return {name: row.get(name) for name in names}
