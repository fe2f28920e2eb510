"""Vendors in the QuickBooks simulator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    US,
    Client,
    account,
    code,
    known,
)


def test_a_vendors_cheques_are_made_out_to_what_is_said_else_to_its_name(client: Client) -> None:
    foreign = known("vendor_create_foreign")["expected"]
    vendor = client.post("vendor", foreign).json()["Vendor"]
    assert {name: vendor[name] for name in foreign} == foreign
    unsaid = {name: foreign[name] for name in ("CompanyName", "CurrencyRef")}
    vendor = client.post("vendor", {**unsaid, "DisplayName": "Other (EUR)"}).json()["Vendor"]
    assert vendor["PrintOnCheckName"] == "Other (EUR)"


def test_a_vendor_gets_its_names_and_currency(client: Client) -> None:
    answer = client.post(
        "vendor", {"GivenName": "Ada", "FamilyName": "Byron", "TaxIdentifier": "123456789"}
    )
    vendor = answer.json()["Vendor"]
    assert (vendor["DisplayName"], vendor["PrintOnCheckName"]) == ("Ada Byron", "Ada Byron")
    assert (vendor["Active"], vendor["CurrencyRef"]) == (True, {"value": "USD"})
    assert vendor["TaxIdentifier"] == "XXXXX6789"
    assert client.get(f"vendor/{vendor['Id']}").json()["Vendor"] == vendor


@pytest.mark.parametrize(
    ("vendor", "expected"),
    [
        ({}, "6080"),
        ({"DisplayName": "a:b"}, "2050"),
        ({"DisplayName": "a\tb"}, "2050"),
        ({"DisplayName": "x" * 501}, "2050"),
        ({"DisplayName": "a", "CompanyName": "x" * 101}, "2050"),
        ({"DisplayName": "a", "Balance": 1}, "2010"),
        ({"DisplayName": "a", "TermRef": {"value": "999"}}, "2500"),
        ({"DisplayName": "a", "PrimaryEmailAddr": {"Address": "A <a@b.example>"}}, "2210"),
    ],
)
def test_a_wrong_vendor_is_refused(client: Client, vendor: dict[str, Any], expected: str) -> None:
    assert code(client.post("vendor", vendor)) == expected


@pytest.mark.parametrize("entity", ["Vendor", "Customer", "Employee"])
def test_a_name_is_unique_over_people_even_inactive_ones(client: Client, entity: str) -> None:
    person = {"DisplayName": "Acme", "Active": False}
    client.app.realms[US].add(entity, person, datetime.now(UTC))
    answer = client.post("vendor", {"DisplayName": "ACME"})
    assert code(answer) == "6240"
    assert answer.json()["Fault"]["Error"][0]["Message"] == "Duplicate Name Exists Error"


def test_a_vendors_currency_never_changes(client: Client) -> None:
    keys = {"Id": client.vendor(), "SyncToken": "0", "sparse": True}
    assert code(client.post("vendor", {**keys, "CurrencyRef": {"value": "EUR"}})) == "6000"
    changed = client.post("vendor", {**keys, "AcctNum": "odoo-7"}).json()["Vendor"]
    assert (changed["DisplayName"], changed["AcctNum"]) == ("ACME", "odoo-7")


def test_a_vendor_is_made_inactive_not_deleted(client: Client) -> None:
    keys = {"Id": client.vendor(), "SyncToken": "0", "sparse": True}
    assert code(client.post("vendor", keys, operation="delete")) == "500"
    gone = client.post("vendor", {**keys, "Active": False}).json()["Vendor"]
    assert (gone["DisplayName"], gone["Active"]) == ("ACME", False)


@pytest.mark.parametrize("name", ["free", "taken"])
@pytest.mark.parametrize("suffix", [" (deleted)", " (Deleted)"])
def test_an_inactive_vendor_may_be_marked_as_deleted(
    client: Client, suffix: Any, name: Any
) -> None:
    client.app.modes = Modes(
        inactive_name="marked_deleted", deleted_suffix=suffix, deleted_name=name
    )
    case = known("inactive_vendor_suffix")
    keys = {"Id": client.vendor(case["odoo_vendor"]), "SyncToken": "0", "sparse": True}
    gone = client.post("vendor", {**keys, "Active": False}).json()["Vendor"]
    assert gone["DisplayName"] == f"{case['odoo_vendor']}{suffix}"
    assert gone["Active"] == case["stored_inactive"]["Active"]
    assert gone["DisplayName"].lower() == case["stored_inactive"]["DisplayName"].lower()
    if name == "taken":
        assert code(client.post("vendor", {"DisplayName": case["odoo_vendor"].upper()})) == "6240"
    else:
        assert client.vendor(case["odoo_vendor"]) != keys["Id"]


def test_a_vendor_made_active_again_gets_its_name_back(client: Client) -> None:
    client.app.modes = Modes(inactive_name="marked_deleted")
    keys = {"Id": client.vendor(), "sparse": True}
    client.post("vendor", {**keys, "SyncToken": "0", "Active": False})
    back = client.post("vendor", {**keys, "SyncToken": "1", "Active": True}).json()["Vendor"]
    assert (back["DisplayName"], back["Active"]) == ("ACME", True)


def test_a_foreign_vendor_opens_a_payable_account(client: Client) -> None:
    client.vendor("ACME (CAD)", CurrencyRef={"value": "CAD"})
    assert account(client, "Accounts Payable (A/P) - CAD")
