"""A person says which document in QuickBooks a bill is: believed only if everything agrees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from builders import a_bill, a_total
from desk import a_desk, documents
from odoo_qb.errors import Conflict, Refused
from odoo_qb.linking import link
from odoo_qb.store import verify_history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Somebody typed the bill into QuickBooks before it was approved: it could not be posted."""
    with a_desk() as made:
        made.post(made.approve(replace(a_bill(odoo_id=7), documents=())))
        [typed] = made.realm.bills.values()
        del typed["PrivateNote"]
        assert made.post(made.approve(), "m2") == "POST_FAILED"
        yield made


def typed_of(desk: Desk) -> dict[str, Any]:
    [typed] = desk.realm.bills.values()
    return typed


def test_a_document_that_agrees_is_linked_and_left_as_it_is(desk: Desk) -> None:
    before = documents(desk)
    typed = typed_of(desk)
    assert link(desk.poster(), "odoo-42", typed["Id"], "U-ANA") == "ALREADY_IN_QB"
    stored = desk.stored()
    assert stored["status"] == "ALREADY_IN_QB"
    assert stored["quickbooks"]["id"] == typed["Id"]
    assert stored["quickbooks"]["url"].endswith(f"/app/bill?txnId={typed['Id']}")
    assert stored["history"][-1]["actor"] == "U-ANA"
    assert verify_history(stored["history"])
    assert documents(desk) == before
    assert desk.post(stored, "m3") == "ALREADY_IN_QB"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"VendorRef": {"value": "999", "name": "Zeta"}}, "vendor"),
        ({"CurrencyRef": {"value": "EUR"}}, "currency"),
        ({"TotalAmt": Decimal("108.26")}, "total"),
        ({"TxnDate": "2026-11-03"}, "date"),
        ({"PrivateNote": "[odoo-43] BILL/2026/11/0043"}, "Odoo number"),
    ],
)
def test_a_document_that_differs_is_not_and_the_difference_is_named(
    change: dict[str, Any], word: str, desk: Desk
) -> None:
    typed = typed_of(desk)
    typed |= change
    with pytest.raises(Refused, match=f"does not agree in {word}: correct it there"):
        link(desk.poster(), "odoo-42", typed["Id"], "U-ANA")
    assert desk.stored()["status"] == "POST_FAILED"


@pytest.mark.parametrize("number", ["999", "", "1 or 1=1", "../vendor/1"])
def test_a_document_that_is_not_there_is_said(number: str, desk: Desk) -> None:
    with pytest.raises(Refused, match="QuickBooks has no Bill"):
        link(desk.poster(), "odoo-42", number, "U-ANA")


def test_a_credit_is_looked_for_among_the_credits(desk: Desk) -> None:
    item = desk.approve(a_total("30.00", odoo_id=9, move_type="in_refund"), status="POST_FAILED")
    with pytest.raises(Refused, match="QuickBooks has no VendorCredit"):
        link(desk.poster(), item["entry_id"], typed_of(desk)["Id"], "U-ANA")


def test_only_a_failed_bill_can_be_linked(desk: Desk) -> None:
    with pytest.raises(Refused, match="Only a bill that could not be posted"):
        link(desk.poster(), "odoo-7", typed_of(desk)["Id"], "U-ANA")
    with pytest.raises(Refused, match="Only a bill that could not be posted"):
        link(desk.poster(), "odoo-unknown", "1", "U-ANA")


def test_a_vendor_that_was_to_be_created_is_known_by_its_name(desk: Desk) -> None:
    desk.clients["dynamodb"].delete_item(
        TableName="bills", Key={"entry_id": {"S": "vendor#north#7"}}
    )
    typed = typed_of(desk)
    assert link(desk.poster(), "odoo-42", typed["Id"], "U-ANA") == "ALREADY_IN_QB"


def test_a_bill_that_changed_meanwhile_is_not_linked(desk: Desk) -> None:
    poster = desk.poster()
    read = poster.quickbooks("north").read

    def read_while_somebody_retries(entity: str, document_id: str) -> dict[str, Any]:
        desk.table.change(desk.stored(), to="APPROVED", actor="U", now=desk.now)
        return read(entity, document_id)

    poster.quickbooks("north").read = read_while_somebody_retries  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        link(poster, "odoo-42", typed_of(desk)["Id"], "U-ANA")
    assert desk.stored()["status"] == "APPROVED"


def test_a_company_that_is_configured_no_more_is_said(desk: Desk) -> None:
    with pytest.raises(Refused, match="no longer configured"):
        link(replace(desk.poster(), companies={}), "odoo-42", "1", "U-ANA")
