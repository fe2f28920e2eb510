"""A person says which document in QuickBooks a bill is: believed only if everything agrees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.approval.policy import RULES, objection
from odoo_qb.bill.history import verify_history
from odoo_qb.cards.card import approval_card
from odoo_qb.errors import Conflict, Disconnected, Refused, Unavailable
from odoo_qb.posting.linking import link, link_as_asked
from tests.support.builders import a_bill, a_total
from tests.support.posting_fixture import a_desk, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from tests.support.posting_fixture import Desk


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
    assert stored["quickbooks"]["url"] == (
        f"https://qbo.intuit.com/app/login?pagereq=bill%3FtxnId%3D{typed['Id']}"
        f"&deeplinkcompanyid={desk.realm.id}"
    )
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
    with pytest.raises(Refused, match=f"differs in {word}. Correct it there"):
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


def test_a_document_is_linked_to_one_bill_only(desk: Desk) -> None:
    twin = desk.approve(a_bill(odoo_id=43, odoo_name="BILL/2026/11/0043"))
    assert desk.post(twin, "m3") == "POST_FAILED"
    typed = typed_of(desk)
    assert link(desk.poster(), "odoo-43", typed["Id"], "U-ANA") == "ALREADY_IN_QB"
    with pytest.raises(Refused, match=r"is already linked to BILL/2026/11/0043. Choose another"):
        link(desk.poster(), "odoo-42", typed["Id"], "U-ANA")
    assert desk.stored()["status"] == "POST_FAILED"


def test_a_bill_of_ours_with_a_wrong_total_must_go_before_another_one_is_linked() -> None:
    with a_desk() as desk:
        desk.quickbooks.inject("wrong_total", path="/bill")
        assert desk.post(desk.approve()) == "POST_FAILED"
        [ours] = desk.realm.bills.values()
        typed = {**ours, "Id": "777", "TotalAmt": Decimal("108.25"), "PrivateNote": ""}
        desk.realm.bills["777"] = typed
        with pytest.raises(
            Refused, match=f"already has Bill {ours['Id']}, which was posted for this bill"
        ):
            link(desk.poster(), "odoo-42", "777", "U-ANA")
        asked = {"id": "999", "by": "U-ANA", "at": "x", "digest": desk.stored()["digest"]}
        desk.table.change(desk.stored(), actor="U-ANA", now=desk.now, values={"link": asked})
        assert link_as_asked(desk.poster(), desk.stored()) == "POST_FAILED"
        error = desk.stored()["error"]
        assert error["message"] == "QuickBooks has no Bill 999."
        assert error["document"] == f"Bill {ours['Id']}", "whoever closes it is told to delete it"
        del desk.realm.bills[ours["Id"]]
        assert link(desk.poster(), "odoo-42", "777", "U-ANA") == "ALREADY_IN_QB"


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
    desk.post(desk.approve(a_bill(odoo_id=43)), "m4")
    assert link(desk.poster(), "odoo-43", typed_of(desk)["Id"], "U-ANA") == "ALREADY_IN_QB"


def test_a_company_that_is_configured_no_more_is_said(desk: Desk) -> None:
    with pytest.raises(Refused, match="no longer configured"):
        link(replace(desk.poster(), companies={}), "odoo-42", "1", "U-ANA")


# -- as a person asked for it on the card -------------------------------------------------------


def asked(desk: Desk, document: str, digest: str = "") -> Item:
    """The bill after a person handed in the modal."""
    item = desk.stored()
    wish = {"id": document, "by": "U-SECOND", "at": "2026-11-21T09:40:00.000Z"}
    return desk.table.change(
        item,
        actor="U-SECOND",
        now=desk.now,
        values={"link": {**wish, "digest": digest or item["digest"]}},
    )


def test_the_document_that_was_named_is_linked_in_the_persons_name(desk: Desk) -> None:
    typed = typed_of(desk)
    assert link_as_asked(desk.poster(), asked(desk, str(typed["Id"]))) == "ALREADY_IN_QB"
    item = desk.stored()
    assert item["history"][-1]["actor"] == "U-SECOND"
    assert "Linked by <@U-SECOND>" in str(approval_card(item).blocks)


def test_another_document_is_refused_on_the_card_which_keeps_its_remedies(desk: Desk) -> None:
    assert link_as_asked(desk.poster(), asked(desk, "999")) == "POST_FAILED"
    item = desk.stored()
    assert item["error"]["message"] == "QuickBooks has no Bill 999."
    assert "link" not in item
    assert item["card_due"] == item["version"]
    for remedy in ("retry_posting", "link_existing", "close_invoice"):
        assert RULES[remedy].before == item["status"]
        assert objection(remedy, item, desk.company, "U-SECOND", "") == ""


def test_a_link_to_other_content_or_none_does_nothing(desk: Desk) -> None:
    before = desk.stored()
    assert link_as_asked(desk.poster(), before) == "POST_FAILED"
    stale = asked(desk, "1", digest="0" * 64)
    assert link_as_asked(desk.poster(), stale) == "POST_FAILED"
    assert desk.stored() == stale


def test_a_bill_that_changed_meanwhile_is_looked_at_again(desk: Desk) -> None:
    item = asked(desk, "999")
    desk.table.change(item, actor="U-ANA", now=desk.now)
    with pytest.raises(Unavailable):
        link_as_asked(desk.poster(), item)
    assert "QuickBooks has no" not in desk.stored()["error"]["message"]


def test_the_same_message_twice_links_once(desk: Desk) -> None:
    item = asked(desk, str(typed_of(desk)["Id"]))
    link_as_asked(desk.poster(), item)
    before = desk.stored()
    with pytest.raises(Unavailable):
        link_as_asked(desk.poster(), item)
    assert desk.stored() == before


def test_while_the_company_is_not_connected_the_wish_waits_and_costs_nothing(desk: Desk) -> None:
    item = asked(desk, str(typed_of(desk)["Id"]))
    desk.quickbooks.inject("unauthorized", path="/bill", times=2)
    assert desk.post(item, "m3") == "WAITING"
    assert len(desk.alarms) == 1
    assert desk.stored() == item
    desk.connection().note_broken(Disconnected(desk.alarms[0]))
    calls = desk.quickbooks.calls.total()
    assert desk.post(item, "m4") == "WAITING"
    assert desk.quickbooks.calls.total() == calls
    desk.reconnect()
    assert desk.post(item, "m5") == "ALREADY_IN_QB"
