"""The snapshot of a QuickBooks company: read in few calls, kept in S3, found by every function."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from odoo_qb.quickbooks.sync import load, sync
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.quickbooks.snapshot import Snapshot
    from tests.support.posting_fixture import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def synced(desk: Desk) -> Snapshot:
    return sync(desk.api(), desk.documents, "north", desk.now)


def test_a_us_company_takes_five_metered_reads_and_another_seven() -> None:
    for country, reads in (("US", 5), ("GB", 7)):
        with a_desk(country=country) as desk:
            synced(desk)
            assert desk.quickbooks.core_plus_calls == reads


def test_the_snapshot_says_what_the_company_is_and_allows(desk: Desk) -> None:
    desk.realm.book_close_date = date(2026, 10, 31)
    snapshot = synced(desk)
    assert snapshot.company_name == "North Ltd"
    assert snapshot.in_us
    assert snapshot.home_currency == "USD"
    assert snapshot.multicurrency
    assert snapshot.book_close_date == "2026-10-31"
    assert snapshot.taken_at == "2026-11-21T09:30:00.000Z"
    rent = snapshot.by_number("612000")
    assert rent
    assert rent.name == "Rent"
    freight = snapshot.by_name("cost of goods sold:freight in")
    assert freight
    assert freight.kind == "Cost of Goods Sold"
    assert [a.name for a in snapshot.payables("EUR")] == ["Accounts Payable (A/P) - EUR"]
    assert snapshot.term("net 30")
    assert snapshot.tax_codes == ()


def test_outside_the_us_it_has_the_purchase_rates_of_every_tax_code() -> None:
    with a_desk(country="GB") as desk:
        snapshot = synced(desk)
        code = snapshot.tax_code("20.0% s")
        assert code
        assert [rate.percent_on("2026-11-02") for rate in code.rates] == [Decimal("20.0")]
        assert not snapshot.in_us
        assert snapshot.home_currency == "GBP"


def test_classes_and_departments_are_read_where_they_are_tracked(desk: Desk) -> None:
    garden = {"Name": "Garden", "FullyQualifiedName": "Garden", "Active": True}
    tools = {"Name": "Tools", "FullyQualifiedName": "Garden:Tools", "Active": True}
    for row in (garden, tools):
        desk.realm.add("Class", row, desk.now)
    desk.realm.add("Department", garden, desk.now)
    assert synced(desk).classes == synced(desk).departments == ()
    desk.realm.class_tracking = desk.realm.department_tracking = True
    before = desk.quickbooks.core_plus_calls
    snapshot = synced(desk)
    assert desk.quickbooks.core_plus_calls - before == 7
    assert [c.name for c in snapshot.classes] == ["Garden", "Garden:Tools"]
    assert snapshot.class_named("garden:tools")
    assert snapshot.department("garden")
    assert load(desk.documents, desk.company) == snapshot


def test_abroad_a_company_without_tax_is_asked_for_no_tax_codes() -> None:
    with a_desk(country="GB", using_sales_tax=False) as desk:
        assert synced(desk).tax_codes == ()
        assert not synced(desk).taxes_purchases


def test_inactive_accounts_are_not_used_and_inactive_vendors_are_known(desk: Desk) -> None:
    realm = desk.realm
    realm.accounts[realm.id_of("Account", "612000")]["Active"] = False
    vendor = {"DisplayName": "Acme", "Active": False, "CurrencyRef": {"value": "USD"}}
    realm.add("Vendor", vendor, desk.now)
    snapshot = synced(desk)
    assert snapshot.account("612000") is None
    assert [v.active for v in snapshot.vendors_named("ACME")] == [False]


def test_more_than_a_thousand_vendors_are_read_page_by_page(desk: Desk) -> None:
    for number in range(2001):
        vendor = {"DisplayName": f"V{number}", "Active": True, "CurrencyRef": {"value": "USD"}}
        desk.realm.add("Vendor", vendor, desk.now)
    assert len({v.id for v in synced(desk).vendors}) == 2001
    assert desk.quickbooks.core_plus_calls == 7


def test_what_was_kept_is_what_is_loaded() -> None:
    with a_desk(country="GB") as british:
        assert load(british.documents, british.company) is None
        assert synced(british) == load(british.documents, british.company)


def test_a_snapshot_of_an_older_release_counts_as_none(desk: Desk) -> None:
    synced(desk)
    raw = json.loads(desk.documents.text("reference/north.json"))
    del raw["terms"]
    desk.documents.write("reference/north.json", json.dumps(raw))
    assert load(desk.documents, desk.company) is None


def test_a_snapshot_of_another_realm_counts_as_none(desk: Desk) -> None:
    assert synced(desk).realm_id == desk.company.realm_id
    assert load(desk.documents, replace(desk.company, realm_id="9130350000000099")) is None


def test_a_company_that_does_not_say_its_country_is_not_taken_for_american() -> None:
    with a_desk(country="GB", states_country=False) as desk:
        snapshot = synced(desk)
        assert snapshot.country == ""
        assert not snapshot.in_us
        # What its tax codes are is read all the same: a setting may say the country later.
        assert snapshot.tax_codes


@pytest.mark.parametrize(("country", "in_us"), [("US", True), ("usa", True), ("GB", False)])
def test_the_country_of_the_settings_counts_where_quickbooks_states_none(
    desk: Desk, country: str, in_us: bool
) -> None:
    company = replace(desk.company, country=country)
    desk.realm.states_country = False
    synced(desk)
    unknown, told = load(desk.documents, desk.company), load(desk.documents, company)
    assert unknown
    assert told
    assert (unknown.country, told.country, told.in_us) == ("", country, in_us)


def test_the_country_that_quickbooks_states_counts_more_than_the_settings() -> None:
    with a_desk(country="GB") as desk:
        synced(desk)
        snapshot = load(desk.documents, replace(desk.company, country="US"))
        assert snapshot
        assert snapshot.country == "GB"


# -- tax rates -------------------------------------------------------------------------------

DATED = json.loads(
    (Path(__file__).parents[1] / "quickbooks/data/effective_tax_rate.json").read_text()
)
CASES = DATED["cases"]


def test_a_tax_rate_is_what_it_charges_on_the_day_of_the_bill() -> None:
    with a_desk(country="GB") as desk:
        code = desk.realm.tax_codes[desk.realm.id_of("TaxCode", "20.0% S")]
        [detail] = code["PurchaseTaxRateList"]["TaxRateDetail"]
        rate = desk.realm.tax_rates[detail["TaxRateRef"]["value"]]
        rate |= {k: DATED["TaxRate"][k] for k in ("RateValue", "EffectiveTaxRate")}
        kept = synced(desk).tax_code("20.0% S")
        assert kept
        found = {case["TxnDate"]: kept.rates[0].percent_on(case["TxnDate"]) for case in CASES}
        assert found == {case["TxnDate"]: Decimal(case["percent"]) for case in CASES}
        assert kept.rates[0].percent_on("2008-12-31") is None


def test_a_rate_that_quickbooks_does_not_list_is_unknown_and_never_zero() -> None:
    with a_desk(country="GB") as desk:
        code = desk.realm.tax_codes[desk.realm.id_of("TaxCode", "20.0% S")]
        [detail] = code["PurchaseTaxRateList"]["TaxRateDetail"]
        del desk.realm.tax_rates[detail["TaxRateRef"]["value"]]
        kept = synced(desk).tax_code("20.0% S")
        assert kept
        assert [rate.percent_on("2026-11-02") for rate in kept.rates] == [None]


# -- snapshots of version 1.0 -----------------------------------------------------------------

FORMER_ACCOUNT = ("id", "number", "name", "full_name", "kind", "currency", "active")


@pytest.mark.parametrize("country", ["US", "GB"])
def test_a_snapshot_of_version_1_0_is_used_in_the_us_and_read_anew_elsewhere(country: str) -> None:
    """It kept a rate as id and percent, without dates, and no sub-types of accounts."""
    with a_desk(country=country) as desk:
        snapshot = synced(desk)
        raw = json.loads(desk.documents.text("reference/north.json"))
        raw["accounts"] = [{k: a[k] for k in FORMER_ACCOUNT} for a in raw["accounts"]]
        for code in raw["tax_codes"]:
            code["rates"] = [[rate["id"], rate["periods"][-1][2]] for rate in code["rates"]]
        desk.documents.write("reference/north.json", json.dumps(raw))
        found = load(desk.documents, desk.company)
        if country == "US":
            assert found
            assert [a.id for a in found.accounts] == [a.id for a in snapshot.accounts]
        else:
            assert found is None
