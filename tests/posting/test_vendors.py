"""The vendor in QuickBooks: existing, mapped or created; remembered; never guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill.model import Vendor
from odoo_qb.quickbooks.sync import sync
from sandbox.quickbooks.server import Modes
from tests.support.builders import ACME, a_bill
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from tests.support.posting_fixture import Desk

CASES = Path(__file__).parents[1] / "quickbooks/data"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def add(desk: Desk, name: str, entity: str = "Vendor", **fields: Any) -> str:
    record = {"DisplayName": name, "Active": True, "CurrencyRef": {"value": "USD"}} | fields
    return str(desk.realm.add(entity, record, desk.now)["Id"])


def a_bill_of(desk: Desk, number: int, vendor: Vendor = ACME, **fields: Any) -> Item:
    bill = a_bill(
        odoo_id=number, bill_reference=f"I-{number}", vendor=vendor, documents=(), **fields
    )
    return desk.approve(bill)


def payee(desk: Desk, item: Item) -> str:
    found = desk.stored(item["entry_id"])["quickbooks"]["id"]
    return str(desk.realm.bills[found]["VendorRef"]["value"])


def names(desk: Desk) -> list[str]:
    return sorted(v["DisplayName"] for v in desk.realm.vendors.values())


def error(desk: Desk, item: Item) -> str:
    return str(desk.stored(item["entry_id"])["error"]["message"])


def test_a_vendor_of_exactly_that_name_is_used_whatever_the_case(desk: Desk) -> None:
    add(desk, "Acme Botanicals")
    vendor_id = add(desk, "ACME BOTANICALS LLC")
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POSTED"
    assert payee(desk, item) == vendor_id
    assert desk.quickbooks.calls["vendor"] == 0


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "  "])
def test_a_vendor_is_the_same_whichever_space_stands_in_its_name(space: str, desk: Desk) -> None:
    there, here = ACME.name.replace(" ", space, 1), ACME.name.replace(" ", space)
    vendor_id = add(desk, there)
    item = a_bill_of(desk, 1, replace(ACME, name=here))
    assert desk.post(item) == "POSTED"
    assert payee(desk, item) == vendor_id
    assert names(desk) == [there]


def test_a_new_vendor_is_created_once_for_all_its_bills(desk: Desk) -> None:
    items = [a_bill_of(desk, n) for n in (1, 2, 3)]
    assert [desk.post(i) for i in items] == ["POSTED"] * 3
    assert len({payee(desk, i) for i in items}) == desk.quickbooks.calls["vendor"] == 1
    [vendor] = desk.realm.vendors.values()
    assert vendor["DisplayName"] == ACME.name
    assert vendor["PrimaryEmailAddr"] == {"Address": "ar@acme.example"}
    assert desk.quickbooks.violations == []


@pytest.mark.parametrize(
    "email",
    [
        "",
        "none",
        "a@b",
        "x" * 100 + "@acme.example",
        "Zeta <ar@zeta.example>; ap@zeta.example",
        "ar@zeta.example ap@zeta.example",
        "ar@zeta..example",
    ],
)
def test_an_address_quickbooks_would_not_take_is_left_out(email: str, desk: Desk) -> None:
    item = a_bill_of(desk, 1, Vendor(odoo_id=8, name="Zeta", email=email))
    assert desk.post(item) == "POSTED"
    [vendor] = desk.realm.vendors.values()
    assert "PrimaryEmailAddr" not in vendor


def test_no_bill_waits_for_an_address_that_quickbooks_does_not_like(desk: Desk) -> None:
    desk.quickbooks.inject("fault", path="/vendor", code="2210", status=400)
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POSTED"
    [vendor] = desk.realm.vendors.values()
    assert "PrimaryEmailAddr" not in vendor
    assert desk.quickbooks.violations == []


def test_what_else_quickbooks_has_against_a_vendor_is_said(desk: Desk) -> None:
    desk.quickbooks.inject("fault", path="/vendor", code="6000", status=400, times=2)
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POST_FAILED"
    assert "(QuickBooks error 6000)" in error(desk, item)


def test_a_vendor_that_was_used_stays_the_same_when_it_is_renamed_on_either_side(
    desk: Desk,
) -> None:
    vendor_id = add(desk, ACME.name)
    desk.post(a_bill_of(desk, 1))
    desk.realm.vendors[vendor_id]["DisplayName"] = "Acme Holding"
    sync(desk.api(), desk.documents, "north", desk.now)
    in_quickbooks = a_bill_of(desk, 2)
    assert desk.post(in_quickbooks) == "POSTED"
    in_odoo = a_bill_of(desk, 3, Vendor(odoo_id=ACME.odoo_id, name="Acme Group"))
    assert desk.post(in_odoo) == "POSTED"
    assert payee(desk, in_quickbooks) == payee(desk, in_odoo) == vendor_id
    assert names(desk) == ["Acme Holding"]


def test_each_currency_has_its_own_vendor(desk: Desk) -> None:
    items = [a_bill_of(desk, n, currency=c) for n, c in ((1, "USD"), (2, "EUR"), (3, "EUR"))]
    assert [desk.post(i) for i in items] == ["POSTED"] * 3
    assert names(desk) == [ACME.name, f"{ACME.name} (EUR)"]


def test_a_foreign_vendor_is_displayed_with_its_currency_and_paid_under_its_plain_name(
    desk: Desk,
) -> None:
    case = json.loads((CASES / "vendor_create_foreign.json").read_text())
    name = case["odoo"]["name"]
    taken = add(desk, name)
    item = a_bill_of(desk, 1, Vendor(odoo_id=8, name=name), currency=case["currency"])
    assert desk.post(item) == "POSTED"
    vendor = desk.realm.vendors[payee(desk, item)]
    assert vendor["Id"] != taken
    assert {k: vendor[k] for k in case["expected"]} == case["expected"]
    assert desk.quickbooks.violations == []


@pytest.mark.parametrize("name", ["Ä" * 104, "Rob:Barnett\tInc", ("x" * 99) + " y z"])
def test_the_name_on_cheques_is_one_that_quickbooks_takes(name: str, desk: Desk) -> None:
    item = a_bill_of(desk, 1, Vendor(odoo_id=8, name=name))
    assert desk.post(item) == "POSTED"
    [vendor] = desk.realm.vendors.values()
    assert vendor["PrintOnCheckName"] == vendor["CompanyName"]
    assert vendor["DisplayName"].startswith(vendor["PrintOnCheckName"])
    assert len(vendor["PrintOnCheckName"]) <= 100
    assert vendor["PrintOnCheckName"] == vendor["PrintOnCheckName"].strip()
    assert desk.quickbooks.violations == []


def test_a_name_that_a_customer_has_is_still_plain_on_cheques(desk: Desk) -> None:
    add(desk, ACME.name, "Customer")
    assert desk.post(a_bill_of(desk, 1)) == "POSTED"
    [vendor] = desk.realm.vendors.values()
    assert vendor["DisplayName"] == f"{ACME.name} (vendor)"
    assert vendor["PrintOnCheckName"] == ACME.name


def an_inactive(desk: Desk) -> tuple[str, Vendor]:
    """An inactive vendor as QuickBooks may show it, and the vendor of Odoo that it is."""
    case = json.loads((CASES / "inactive_vendor_suffix.json").read_text())
    stored = case["stored_inactive"]
    vendor_id = add(desk, stored["DisplayName"], Active=stored["Active"])
    return vendor_id, Vendor(odoo_id=8, name=case["odoo_vendor"])


def test_an_inactive_vendor_shown_as_deleted_is_to_be_made_active_again(desk: Desk) -> None:
    vendor_id, vendor = an_inactive(desk)
    item = a_bill_of(desk, 1, vendor)
    assert desk.post(item) == "POST_FAILED"
    assert "is inactive in QuickBooks. Make it active again there" in error(desk, item)
    assert desk.quickbooks.calls["vendor"] == 0
    desk.realm.vendors[vendor_id] |= {"Active": True, "DisplayName": vendor.name}
    desk.now += timedelta(minutes=5)
    desk.table.change(desk.stored("odoo-1"), to="APPROVED", actor="U", now=desk.now)
    assert desk.post(desk.stored("odoo-1"), "m2") == "POSTED"
    assert payee(desk, item) == vendor_id
    assert len(desk.realm.vendors) == 1


def test_a_taken_name_is_looked_for_among_the_deleted_ones_too(desk: Desk) -> None:
    sync(desk.api(), desk.documents, "north", desk.now)
    _, vendor = an_inactive(desk)
    desk.quickbooks.inject("fault", path="/vendor", code="6240", detail="exists")
    item = a_bill_of(desk, 1, vendor)
    assert desk.post(item) == "POST_FAILED"
    assert desk.stored("odoo-1")["error"] | {"tid": ""} == {
        "code": "610",
        "message": "The vendor Harbour Paper (deleted) is inactive in QuickBooks. Make that vendor"
        " active again in QuickBooks, then retry.",
        "reason": "The vendor Harbour Paper (deleted) is inactive in QuickBooks.",
        "remedy": "Make that vendor active again in QuickBooks, then retry.",
        "tid": "",
    }
    assert len(desk.realm.vendors) == 1


def test_a_name_said_to_be_an_inactive_vendors_is_to_be_made_active_again(desk: Desk) -> None:
    desk.quickbooks.inject("fault", path="/vendor", code="6240", detail="used by an inactive one")
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POST_FAILED"
    assert "Make that vendor active again in QuickBooks, then retry." in error(desk, item)
    assert not desk.realm.vendors


def test_a_mapped_vendor_is_used_and_forgotten_when_the_mapping_goes() -> None:
    with a_desk(company={"vendors": {ACME.name: "Zeta"}}) as desk:
        vendor_id = add(desk, "zeta")
        item = a_bill_of(desk, 1)
        desk.post(item)
        assert payee(desk, item) == vendor_id
        assert desk.table.read_note("vendor#north#7") == {}


@pytest.mark.parametrize(
    "modes",
    [
        Modes(inactive_name="kept"),
        Modes(inactive_name="marked_deleted"),
        Modes(inactive_name="marked_deleted", deleted_suffix=" (Deleted)", deleted_name="taken"),
    ],
)
def test_a_used_vendor_made_inactive_fails_with_what_to_do(modes: Modes) -> None:
    with a_desk(modes) as desk:
        desk.post(a_bill_of(desk, 1))
        [vendor] = desk.realm.vendors.values()
        vendor["Active"] = False
        if modes.inactive_name == "marked_deleted":
            vendor["DisplayName"] += modes.deleted_suffix
        sync(desk.api(), desk.documents, "north", desk.now)
        item = a_bill_of(desk, 2)
        assert desk.post(item) == "POST_FAILED"
        assert "is inactive in QuickBooks. Make it active again" in error(desk, item)
        vendor["Active"] = True
        desk.now += timedelta(minutes=5)
        desk.table.change(desk.stored("odoo-2"), to="APPROVED", actor="U", now=desk.now)
        assert desk.post(desk.stored("odoo-2"), "m2") == "POSTED"
        assert len(desk.realm.vendors) == 1


def test_a_vendor_that_was_merged_away_is_not_used_any_more(desk: Desk) -> None:
    desk.post(a_bill_of(desk, 1))
    desk.realm.vendors.clear()
    desk.now += timedelta(minutes=5)
    sync(desk.api(), desk.documents, "north", desk.now)
    item = a_bill_of(desk, 2)
    assert desk.post(item) == "POSTED"
    assert payee(desk, item) in desk.realm.vendors


@pytest.mark.parametrize("holder", ["Customer", "Employee"])
def test_a_name_that_a_customer_or_employee_has_gets_a_suffix(holder: str, desk: Desk) -> None:
    add(desk, ACME.name.upper(), holder)
    items = [a_bill_of(desk, n) for n in (1, 2)]
    assert [desk.post(i) for i in items] == ["POSTED"] * 2
    assert names(desk) == [f"{ACME.name} (vendor)"]


def test_a_suffixed_vendor_that_exists_already_is_used(desk: Desk) -> None:
    add(desk, ACME.name, "Customer")
    vendor_id = add(desk, f"{ACME.name} (vendor)")
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POSTED"
    assert payee(desk, item) == vendor_id


def test_a_vendor_that_somebody_makes_in_this_very_moment_is_used(desk: Desk) -> None:
    desk.quickbooks.inject("rival", path="/vendor")
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POSTED"
    assert names(desk) == [ACME.name]


def test_a_name_whose_holder_cannot_be_seen_is_for_a_person(desk: Desk) -> None:
    desk.quickbooks.inject("fault", path="/vendor", code="6240", detail="exists")
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POST_FAILED"
    assert "create the vendor there by hand, map it" in error(desk, item)


@pytest.mark.parametrize("request_id", ["replay_all", "replay_success_only"])
def test_a_refused_vendor_is_made_on_retry_when_the_reason_has_gone(request_id: Any) -> None:
    with a_desk(Modes(request_id=request_id)) as desk:
        sync(desk.api(), desk.documents, "north", desk.now)
        holder = add(desk, ACME.name, Active=False)
        item = a_bill_of(desk, 1)
        assert desk.post(item) == "POST_FAILED"
        del desk.realm.vendors[holder]
        desk.now += timedelta(minutes=5)
        desk.table.change(desk.stored("odoo-1"), to="APPROVED", actor="U", now=desk.now)
        assert desk.post(desk.stored("odoo-1"), "m2") == "POSTED"


def test_a_vendor_made_since_in_another_currency_is_for_a_person(desk: Desk) -> None:
    sync(desk.api(), desk.documents, "north", desk.now)
    add(desk, ACME.name, CurrencyRef={"value": "EUR"})
    item = a_bill_of(desk, 1)
    assert desk.post(item) == "POST_FAILED"
    assert "is paid in EUR" in error(desk, item)
    assert not desk.realm.bills


@pytest.mark.parametrize(
    "modes",
    [Modes(), Modes(backslash="literal"), Modes(query_charset="iso-8859-1")],
)
@pytest.mark.parametrize(
    "name", ['O\'Neil "& Sons"', "back\\slash", "x' OR Active = true", "Größe 100%", "日本素材"]
)
def test_any_name_is_found_again_and_made_only_once(name: str, modes: Modes) -> None:
    with a_desk(modes) as desk:
        sync(desk.api(), desk.documents, "north", desk.now)
        add(desk, f"{name} Inc")
        first = a_bill_of(desk, 1, Vendor(odoo_id=8, name=name))
        assert desk.post(first) == "POSTED"
        assert desk.realm.vendors[payee(desk, first)]["DisplayName"] == name
        # Another partner of the same name, and a snapshot from before: found, not made again.
        second = a_bill_of(desk, 2, Vendor(odoo_id=9, name=name))
        assert desk.post(second) == "POSTED"
        assert payee(desk, second) == payee(desk, first)


@pytest.mark.parametrize("kind", ["reset", "html", "system_fault", "throttle"])
def test_a_failing_search_creates_nobody(kind: Any, desk: Desk) -> None:
    sync(desk.api(), desk.documents, "north", desk.now)
    add(desk, ACME.name)
    desk.quickbooks.inject(kind, path="/query", status=503)
    item = a_bill_of(desk, 1)
    assert desk.post(item).startswith("AGAIN")
    assert desk.post(item) == "POSTED"
    assert names(desk) == [ACME.name]


def test_a_vendor_whose_making_was_not_answered_is_found_by_the_next_delivery(desk: Desk) -> None:
    desk.quickbooks.inject("reset", path="/vendor", committed=True)
    item = a_bill_of(desk, 1)
    assert desk.post(item).startswith("AGAIN")
    assert desk.post(item) == "POSTED"
    assert names(desk) == [ACME.name]
