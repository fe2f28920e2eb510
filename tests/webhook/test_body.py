"""What the endpoint gets of each kind of record, from Odoo 16 to 19.

The golden files hold a body a line, as it is sent. UPDATE_GOLDEN=1 writes them anew: read the diff.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.webhook.body import FAMILIES, MODELS, body_of, partner_of, type_of
from odoo_qb.webhook.message import Message, from_body
from tests.support.odoo_clients import VERSIONS
from tests.support.odoo_sources import SOME_DOORS, records_of

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind

GOLDEN: Final = Path(__file__).parent / "golden"
# As the endpoint's contract lists them.
CURRENCY: Final = {"currency_id", "currency_name", "currency_symbol", "currency_position"}
LOOKED_UP: Final = {
    "partner_email", "partner_phone", "partner_address", "partner_city", "partner_vat",
}  # fmt: skip
PARTNER: Final = {"partner_id", "partner_name"} | LOOKED_UP
MOVE: Final = PARTNER | CURRENCY | {
    "id", "name", "state", "move_type", "amount_total", "amount_untaxed", "amount_tax",
    "invoice_date", "invoice_date_due", "payment_reference", "ref", "payment_state", "narration",
    "invoice_lines",
}  # fmt: skip
LINE: Final = {
    "name", "quantity", "price_unit", "price_subtotal", "price_total", "product_id", "account_id",
    "tax_ids", "discount",
}  # fmt: skip
PAYMENT: Final = PARTNER | CURRENCY | {
    "id", "name", "state", "payment_type", "amount", "date", "payment_method_name",
    "payment_method_code", "journal_name", "journal_code", "journal_type",
}  # fmt: skip
BESIDE: Final = {
    "model", "data", "type", "connection", "timestamp", "sequence", "changed", "replayed",
}  # fmt: skip
# Records of the ledger with the same ids in every version: one a family, and what is unusual.
SHOWN: Final[tuple[tuple[Kind, int], ...]] = (
    ("move", 306),  # a customer invoice
    ("move", 345),  # one with a section and a note
    ("move", 311),  # one in another currency
    ("move", 428),  # a credit note
    ("payment", 1),  # a customer's payment
    ("move", 444),  # a vendor bill
    ("move", 550),  # a draft of one
    ("move", 541),  # a vendor refund
    ("payment", 2),  # a payment to a vendor
    ("payment", 182),  # a draft of one: from Odoo 18 on it has no move
)


def a_message(kind: Kind, data: Json, **given: Any) -> Message:
    usual: Json = {
        "connection": "odoo",
        "kind": kind,
        "source_id": int(data.get("id", 1)),
        "event": "updated",
        "sequence": 2,
        "happened_at": "2026-11-28T10:00:00.000Z",
        "changed": ("payment_state",),
        "data": data,
    }
    return Message(**usual | given)


def sent(kind: Kind, data: Json, contact: Json | None = None, **given: Any) -> Json:
    """A body as the endpoint reads it, numbers exact."""
    message = from_body(a_message(kind, data, **given).to_body())  # after its way through the queue
    body: Json = json.loads(body_of(message, contact), parse_float=Decimal)
    return body


@pytest.mark.parametrize("version", VERSIONS)
def test_the_bodies_are_as_they_were(version: int) -> None:
    way = dict(SOME_DOORS)[version]
    contacts = records_of(version, way, "contact")
    lines = []
    for kind, source_id in SHOWN:
        message = a_message(kind, records_of(version, way, kind)[source_id])
        lines.append(body_of(message, contacts[partner_of(message)]) + "\n")
    golden = GOLDEN / f"odoo-{version}.jsonl"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text("".join(lines))
    assert "".join(lines) == golden.read_text()


@pytest.mark.parametrize("version", VERSIONS)
def test_every_record_has_every_key_of_the_contract_and_no_other(version: int) -> None:
    way = dict(SOME_DOORS)[version]
    for record in records_of(version, way, "move").values():
        body = sent("move", record)
        assert body.keys() == BESIDE
        assert body["model"] == "account.move"
        assert body["data"].keys() == MOVE
        assert len(body["data"]["invoice_lines"]) == len(record["invoice_lines"]) > 0
        assert all(line.keys() == LINE for line in body["data"]["invoice_lines"])
    for record in records_of(version, way, "payment").values():
        body = sent("payment", record)
        assert (body["model"], body["data"].keys()) == ("account.payment", PAYMENT)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["move", "payment"])
def test_what_is_sent_is_what_odoo_has(version: int, kind: Kind) -> None:
    """Only a partner's address is looked up: it is the contact's."""
    for record in records_of(version, dict(SOME_DOORS)[version], kind).values():
        data = sent(kind, record)["data"]
        lines = [{n: line[n] for n in LINE} for line in record.get("invoice_lines", ())]
        assert data.pop("invoice_lines", []) == lines
        own = {name: record[name] for name in data.keys() - LOOKED_UP}
        assert data == own | dict.fromkeys(LOOKED_UP)


def test_the_partners_address_is_the_contacts_as_it_is_mirrored_now() -> None:
    contact = {
        "email": "ap@example.com", "phone": "+1 555 0100", "mobile": "+1 555 0199",
        "street": "1 Main St", "street2": "Suite 4", "city": "Portland", "vat": "US123",
        "name": "Another name",
    }  # fmt: skip
    data = sent("move", {"id": 1, "partner_id": 7, "partner_name": "Harbor"}, contact)["data"]
    assert {name: data[name] for name in PARTNER} == {
        "partner_id": 7,
        "partner_name": "Harbor",
        "partner_email": "ap@example.com",
        "partner_phone": "+1 555 0100",
        "partner_address": "1 Main St, Suite 4",
        "partner_city": "Portland",
        "partner_vat": "US123",
    }
    assert sent("payment", {"id": 1}, contact | {"street2": None})["data"]["partner_address"] == (
        "1 Main St"
    )


def test_a_document_without_a_partner_has_nulls_and_no_contact_to_look_up() -> None:
    bill = {"id": 5, "move_type": "in_invoice", "partner_id": None, "partner_name": None}
    data = sent("move", bill)["data"]
    assert {data[name] for name in PARTNER} == {None}
    assert partner_of(a_message("move", bill)) == 0
    assert partner_of(a_message("payment", {"partner_id": 7})) == 7
    assert partner_of(a_message("order", {"partner_id": 7})) == 0, "orders are sent as served"


def test_an_empty_document_has_every_key_too() -> None:
    data = sent("move", {"id": 5, "invoice_lines": []})["data"]
    assert data.keys() == MOVE
    assert (data["invoice_lines"], data["amount_total"]) == ([], None)


@pytest.mark.parametrize("kind", ["contact", "order", "account", "transaction"])
def test_other_kinds_are_sent_as_they_are_served(kind: Kind) -> None:
    record = next(iter(records_of(18, "session", kind).values()))
    body = sent(kind, record)
    assert body["data"] == record
    assert body["type"] == f"{kind}.updated"
    assert body["model"] == MODELS[kind]


def test_the_type_says_what_happened_to_what() -> None:
    told = {
        (kind, value): type_of(
            a_message(kind, {"move_type": value, "partner_type": value}, event="created")  # type: ignore[arg-type]
        )
        for kind, value in FAMILIES
    }
    assert told == {
        ("move", "out_invoice"): "invoice.created",
        ("move", "out_refund"): "credit_note.created",
        ("move", "out_receipt"): "sales_receipt.created",
        ("move", "in_invoice"): "vendor_bill.created",
        ("move", "in_refund"): "vendor_refund.created",
        ("move", "in_receipt"): "purchase_receipt.created",
        ("payment", "customer"): "customer_payment.created",
        ("payment", "supplier"): "vendor_payment.created",
    }
    assert type_of(a_message("payment", {}, event="deleted")) == "payment.deleted"


def test_beside_the_data_stand_when_how_often_and_whether_again() -> None:
    body = sent("move", {"id": 5})
    assert (body["timestamp"], body["sequence"], body["changed"], body["replayed"]) == (
        "2026-11-28T10:00:00.000Z",
        2,
        ["payment_state"],
        False,
    )
    assert sent("move", {"id": 5}, replay_id="r1")["replayed"] is True


def test_two_odoos_documents_with_the_same_id_are_told_apart() -> None:
    assert sent("move", {"id": 5})["connection"] == "odoo"
    assert sent("move", {"id": 5}, connection="ledger")["connection"] == "ledger"


@settings(deadline=None)
@given(
    amount=st.decimals(allow_nan=False, allow_infinity=False, places=6)
    | st.integers(-(10**15), 10**15)
)
def test_an_amount_is_a_number_and_loses_no_digit(amount: Decimal | int) -> None:
    assert sent("move", {"id": 1, "amount_total": amount})["data"]["amount_total"] == amount
