"""What bookkeepers do to the lists of the QuickBooks simulator, and what documents it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from odoo_qb.errors import Refused
from sandbox.quickbooks import tidying
from sandbox.quickbooks.store import to_json
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.quickbooks.store import Json
    from tests.support.posting_fixture import Desk


def account_of(line: Json) -> str:
    return str(line["AccountBasedExpenseLineDetail"]["AccountRef"]["value"])


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk that posted one bill."""
    with a_desk() as made:
        made.poster().synced(made.company, made.api())
        made.post(made.approve())
        yield made


def test_an_inactive_vendor_is_shown_as_deleted_and_takes_no_bill_until_it_is_active(
    desk: Desk,
) -> None:
    (bill,) = desk.realm.bills.values()
    vendor = bill["VendorRef"]["value"]
    name = desk.realm.vendors[vendor]["DisplayName"]
    tidying.deactivate(desk.realm, "Vendor", vendor, desk.now, marked=True)
    assert desk.api().find_by_name("Vendor", f"{name} (deleted)")[0]["Active"] is False
    body = {name: bill[name] for name in ("VendorRef", "Line", "CurrencyRef")}
    with pytest.raises(Refused, match="made inactive"):
        desk.api().create("Bill", to_json(body), "r1")
    tidying.activate(desk.realm, "Vendor", vendor, desk.now)
    assert desk.realm.vendors[vendor]["DisplayName"] == name
    assert desk.api().create("Bill", to_json(body), "r2")["Id"]


@pytest.mark.parametrize("stays", [True, False])
def test_the_documents_of_a_merged_vendor_are_the_other_ones(desk: Desk, *, stays: bool) -> None:
    (bill,) = desk.realm.bills.values()
    gone = bill["VendorRef"]["value"]
    other = {"DisplayName": "Other", "CurrencyRef": {"value": "USD"}, "Active": True}
    into = desk.realm.add("Vendor", other, desk.now)["Id"]
    tidying.merge(desk.realm, "Vendor", gone, into, desk.now, stays=stays)
    (moved,) = desk.realm.bills.values()
    assert moved["VendorRef"]["value"] == into
    assert tidying.as_booked(desk.realm, moved)["VendorRef"]["value"] == gone
    assert (gone in desk.realm.vendors) == stays


def test_the_lines_of_a_merged_account_are_on_the_other_one(desk: Desk) -> None:
    (bill,) = desk.realm.bills.values()
    before = [account_of(line) for line in bill["Line"]]
    into = desk.realm.id_of("Account", "Rent")
    tidying.merge(desk.realm, "Account", before[0], into, desk.now, stays=True)
    (moved,) = desk.realm.bills.values()
    assert account_of(moved["Line"][0]) == into
    booked = tidying.as_booked(desk.realm, moved)
    assert [account_of(line) for line in booked["Line"]] == before
    assert desk.realm.accounts[before[0]]["Active"] is False
