"""Our marker in QuickBooks' memos: where it counts, and what else must agree.

The memo's beginning is ours. What stands behind it, a vendor's reference say, may be anything.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.posting.payload import entry_id_of, is_numbered_as_made
from tests.support.builders import a_bill, a_total
from tests.support.posting_fixture import a_desk, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.model import Bill
    from tests.support.posting_fixture import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk(duplicate_warning=False) as made:
        yield made


def copied(desk: Desk, document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A bookkeeper makes a Copy of a document in QuickBooks, memo and all."""
    kept = {k: v for k, v in document.items() if k not in {"Id", "SyncToken", "MetaData"}}
    kind = "Bill" if document["Id"] in desk.realm.bills else "VendorCredit"
    return desk.realm.add(kind, kept | changes, desk.now)


@pytest.mark.parametrize(
    ("memo", "entry_id"),
    [
        ("[odoo-42] BILL/2026/11/0042 INV-1001", "odoo-42"),  # as of 1.0, too
        ("[odoo-42]", "odoo-42"),
        ("[odoo-7] BILL/7 CN-1 [odoo-42]", "odoo-7"),
        ("CN-1 [odoo-42]", ""),
        (" [odoo-42]", ""),
        ("See PO 7\n[odoo-42] BILL/2026/11/0042", ""),
        ("[odoo-٤٢] BILL", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_marker_counts_at_the_very_beginning_of_the_memo(
    memo: str | None, entry_id: str
) -> None:
    assert entry_id_of({"PrivateNote": memo}) == entry_id


@pytest.mark.parametrize("memo", ["INV-7 [odoo-7] INV-7", "typed [odoo-7] BILL/7 INV-7"])
def test_a_marker_in_the_middle_makes_no_document_ours(memo: str) -> None:
    assert not is_numbered_as_made({"DocNumber": "INV-7", "PrivateNote": memo})


FORGED = "CN-1001 [odoo-42]"


@pytest.mark.parametrize("move_type", ["in_refund", "in_invoice"])
@pytest.mark.parametrize("numbered", [True, False], ids=["our numbers", "QuickBooks' numbers"])
@pytest.mark.parametrize(
    "forged", [{"bill_reference": FORGED}, {"bill_reference": "CN-1", "odoo_name": FORGED}]
)
def test_a_reference_that_names_another_bill_keeps_that_one_from_nothing(
    forged: dict[str, str], numbered: bool, move_type: Any
) -> None:
    with a_desk(custom_txn_numbers=numbered, duplicate_warning=False) as desk:
        credit = a_total("30.00", odoo_id=7, move_type=move_type, documents=(), **forged)
        assert desk.post(desk.approve(credit)) == "POSTED"
        other = a_total("30.00", move_type=move_type, bill_reference="CN-1001", documents=())
        assert desk.post(desk.approve(other), "m2") == "POSTED"
        ours = {entry_id_of(d) for d in documents(desk)}
        assert ours == {"odoo-7", "odoo-42"}


def test_a_reference_that_names_another_bill_stands_against_no_link(desk: Desk) -> None:
    bill = replace(a_bill(odoo_id=7), bill_reference=FORGED, documents=())
    assert desk.post(desk.approve(bill)) == "POSTED"
    [made] = documents(desk)
    typed = copied(desk, desk.realm.bills[made["Id"]], DocNumber="INV-1001", PrivateNote="typed")
    assert desk.post(desk.approve(), "m2") == "POST_FAILED"
    item = desk.stored()
    link = {"id": typed["Id"], "by": "U", "at": "x", "digest": item["digest"]}
    asked = desk.table.change(item, actor="U", now=desk.now, values={"link": link})
    assert desk.post(asked, "m3") == "ALREADY_IN_QB"


def restored(desk: Desk, bill: Bill | None = None) -> str:
    """Post a bill of which the table, restored from before, knows no attempt."""
    return desk.post(desk.approve(bill), "after the restore")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"VendorRef": {"value": "999"}}, "a different vendor"),
        ({"TotalAmt": Decimal("99.00")}, "a total of 99.00 USD instead of 108.25 USD"),
        ({"TxnDate": "2026-11-03"}, "a different date"),
    ],
)
def test_a_document_with_our_marker_that_is_not_the_bill_is_for_a_person(
    change: dict[str, Any], says: str, desk: Desk
) -> None:
    assert desk.post(desk.approve()) == "POSTED"
    [document] = desk.realm.bills.values()
    document |= change
    assert restored(desk) == "POST_FAILED"
    error = desk.stored()["error"]
    assert says in error["message"]
    assert error["document"] == f"Bill {document['Id']}"
    assert error["remedy"] == "Correct it there by hand, then retry."
    assert len(documents(desk)) == 1


def test_a_document_with_our_marker_under_another_number_is_for_a_person() -> None:
    with a_desk(duplicate_warning=False) as desk:
        bill = a_bill(bill_reference="A\\1")  # looked for by its day, as it cannot be asked for
        assert desk.post(desk.approve(bill)) == "POSTED"
        [document] = desk.realm.bills.values()
        document["DocNumber"] = "A-2"
        assert restored(desk, bill) == "POST_FAILED"
        assert "with a different number" in desk.stored()["error"]["message"]


def test_beside_copies_that_people_made_of_it_our_document_is_found(desk: Desk) -> None:
    credit = a_total("30.00", move_type="in_refund", documents=())
    assert desk.post(desk.approve(credit)) == "POSTED"
    [made] = desk.realm.vendor_credits.values()
    earlier = copied(desk, made, TotalAmt=Decimal("12.00"))
    earlier["Id"], desk.realm.vendor_credits["0"] = "0", earlier
    copied(desk, made)
    assert restored(desk, credit) == "ALREADY_IN_QB"
    assert desk.stored()["quickbooks"]["id"] == made["Id"]


@pytest.mark.parametrize("agrees", [True, False])
def test_a_credit_that_quickbooks_numbered_is_ours_by_vendor_day_and_total(agrees: bool) -> None:
    with a_desk(custom_txn_numbers=False) as desk:
        credit = a_total("30.00", move_type="in_refund", documents=())
        assert desk.post(desk.approve(credit)) == "POSTED"
        [made] = desk.realm.vendor_credits.values()
        assert made["DocNumber"] != "INV-1001"
        if not agrees:
            made["TotalAmt"] = Decimal("31.00")
        assert restored(desk, credit) == ("ALREADY_IN_QB" if agrees else "POST_FAILED")
        assert len(documents(desk)) == 1


def test_a_document_whose_memo_a_person_edited_is_somebody_elses_until_it_is_linked(
    desk: Desk,
) -> None:
    assert desk.post(desk.approve()) == "POSTED"
    [document] = desk.realm.bills.values()
    document["PrivateNote"] = f"Paid late. {document['PrivateNote']}"
    assert restored(desk) == "POST_FAILED"
    error = desk.stored()["error"]
    assert "entered by someone else" in error["message"]
    assert error["remedy"] == "Link it if it is this bill; otherwise correct the reference in Odoo."
    document["PrivateNote"] = "[odoo-42] paid late"
    assert desk.post(desk.retry(), "m3") == "ALREADY_IN_QB"
    assert len(documents(desk)) == 1


def test_what_arrived_of_an_earlier_content_is_not_taken_for_a_later_one(desk: Desk) -> None:
    """Each decision had an attempt: the document of the first has its number and date alone."""
    assert desk.post(desk.approve()) == "POSTED"
    first = {**desk.stored()["attempts"][0], "outcome": "absent"}
    amended = a_bill(bill_reference="INV-1001-B", due_date=date(2026, 12, 9))
    second = {**first, "number": 2, "outcome": "6000", "doc_number": "INV-1001-B"}
    desk.approve(amended, revision=2, attempts=[first, second])
    assert desk.post(desk.stored(), "m2") == "POST_FAILED"
    error = desk.stored()["error"]
    assert "with a different number, due date." in error["message"]
    assert len(documents(desk)) == 1
