"""The tax that the QuickBooks simulator computes in the US, Great Britain and Canada."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.quickbooks.errors import CALCULATING_TAX
from sandbox.quickbooks.opening import add_tax_code, add_tax_rate
from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    CA,
    GB,
    NOW,
    Client,
    a_bill,
    a_british_bill,
    a_line,
    a_tax_line,
    a_taxed_bill,
    account,
    code,
    known,
    post_bill,
    taxes_of,
)

if TYPE_CHECKING:
    import requests


def test_a_us_company_knows_only_tax_and_non(client: Client) -> None:
    assert code(client.post("bill", a_bill(client, GlobalTaxCalculation="TaxExcluded"))) == "6100"
    for value, ok in (("TAX", True), ("NON", True), ("5", False)):
        line = a_line(client, TaxCodeRef={"value": value})
        answer = client.post("bill", a_bill(client, Line=[line]))
        assert answer.ok == ok
    assert code(answer) == "6100"


def test_elsewhere_every_line_needs_a_tax_code(british: Client) -> None:
    answer = british.post("bill", a_british_bill(british))
    assert code(answer) == "6000"
    assert "VAT rate" in answer.json()["Fault"]["Error"][0]["Detail"]
    bill = a_british_bill(british, "20.0% S", GlobalTaxCalculation=None)
    assert code(british.post("bill", bill)) == "2020"
    bill = a_british_bill(british, "20.0% S")
    bill["Line"][0]["AccountBasedExpenseLineDetail"]["TaxCodeRef"]["value"] = "999"
    assert code(british.post("bill", bill)) == "2500"


@pytest.mark.parametrize("case", known("global_tax_line_rounding")["cases"])
def test_tax_is_rounded_line_by_line(british: Client, case: dict[str, Any]) -> None:
    realm = british.app.realms[GB]
    add_tax_code(realm, "T", [add_tax_rate(realm, "T", Decimal(case["percent"]), NOW)], NOW)
    bill = post_bill(british, a_taxed_bill(british, *((net, "T") for net in case["nets"])))
    assert bill["TotalAmt"] == Decimal(case["quickbooks_total"])
    assert bill["TxnTaxDetail"] == {
        "TotalTax": Decimal(case["quickbooks_tax"]),
        "TaxLine": [
            {
                "Amount": Decimal(case["quickbooks_tax"]),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": realm.id_of("TaxRate", "T")},
                    "PercentBased": True,
                    "TaxPercent": Decimal(case["percent"]),
                    "NetAmountTaxable": sum(map(Decimal, case["nets"])),
                },
            }
        ],
    }


def test_half_a_cent_of_tax_goes_away_from_zero_on_either_side(british: Client) -> None:
    bill = a_taxed_bill(british, ("10.00", "No VAT"), ("0.10", "5.0% R"), ("-0.30", "5.0% R"))
    assert taxes_of(post_bill(british, bill)) == [Decimal(0), Decimal("-0.01")]  # 0.01 - 0.02


@pytest.mark.parametrize(
    ("calculation", "total", "taxes"),
    [
        ("TaxExcluded", "113.33", ["13.34", "0.00"]),
        ("TaxInclusive", "99.99", ["11.10", "0.00"]),
        ("NotApplicable", "99.99", []),
    ],
)
def test_tax_is_added_contained_or_none(
    british: Client, calculation: str, total: str, taxes: list[str]
) -> None:
    codes = ("20.0% S", "20.0% S", "0% Z")
    bill = post_bill(british, a_british_bill(british, *codes, GlobalTaxCalculation=calculation))
    assert bill["TotalAmt"] == Decimal(total)
    assert ("TxnTaxDetail" in bill) == bool(taxes)
    if taxes:
        assert taxes_of(bill) == [Decimal(tax) for tax in taxes]


@pytest.mark.parametrize("case", known("tax_override_shape")["cases"])
@pytest.mark.parametrize("mode", ["honoured", "ignored"])
def test_a_tax_line_not_based_on_a_percent_is_the_tax_of_its_rate(
    british: Client, case: dict[str, Any], mode: Any
) -> None:
    british.app.modes = Modes(tax_override=mode)
    realm = british.app.realms[GB]
    rates = {
        rate["id"]: add_tax_rate(realm, f"Rate {rate['id']}", Decimal(rate["percent"]), NOW)
        for rate in case["code"]["purchase_rates"]
    }
    add_tax_code(realm, "T", list(rates.values()), NOW)
    for line in case["TxnTaxDetail"]["TaxLine"]:
        ref = line["TaxLineDetail"]["TaxRateRef"]
        ref["value"] = rates.get(ref["value"], {"Id": ref["value"]})["Id"]
    bill = a_taxed_bill(british, (case["net"], "T"), TxnTaxDetail=case["TxnTaxDetail"])
    computed = [
        (Decimal(case["net"]) * Decimal(rate["percent"]) / 100).quantize(Decimal("0.01"))
        for rate in case["code"]["purchase_rates"]
    ]
    odoos = [Decimal(tax) for tax in case["odoo_tax"].values()]
    posted = post_bill(british, bill)
    assert taxes_of(posted) == (odoos if mode == "honoured" else computed)
    assert posted["TxnTaxDetail"]["TotalTax"] == sum(taxes_of(posted))
    assert posted["TotalAmt"] == Decimal(case["net"]) + sum(taxes_of(posted))


def test_an_override_is_answered_as_one_and_kept_when_the_bill_changes(british: Client) -> None:
    rate = british.app.realms[GB].id_of("TaxRate", "20.0% S (Purchases)")
    override = {"TaxLine": [a_tax_line(rate, "6.66", "33.33")]}
    bill = post_bill(british, a_british_bill(british, "20.0% S", TxnTaxDetail=override))
    detail = bill["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"]
    assert (detail["PercentBased"], detail["OverrideDeltaAmount"]) == (False, Decimal("-0.01"))
    keys = {"Id": bill["Id"], "SyncToken": "0", "sparse": True}
    changed = british.post("bill", {**keys, "PrivateNote": "n"}).json(parse_float=Decimal)["Bill"]
    assert changed["TotalAmt"] == bill["TotalAmt"] == Decimal("39.99")


@pytest.mark.parametrize(
    "change",
    [
        {"TaxPercent": Decimal("20.0")},
        {"PercentBased": True},
        {"PercentBased": True, "TaxPercent": Decimal("20.0")},
        {"NetAmountTaxable": Decimal("33.34")},
    ],
)
def test_a_tax_line_that_is_no_override_is_computed_anew(
    british: Client, change: dict[str, Any]
) -> None:
    rate = british.app.realms[GB].id_of("TaxRate", "20.0% S (Purchases)")
    detail = {"TotalTax": Decimal("7.00"), "TaxLine": [a_tax_line(rate, "7.00", "33.33", **change)]}
    bill = post_bill(british, a_british_bill(british, "20.0% S", TxnTaxDetail=detail))
    assert bill["TxnTaxDetail"]["TotalTax"] == Decimal("6.67")
    assert bill["TotalAmt"] == Decimal("40.00")


def test_a_rate_without_an_override_is_computed(canadian: Client) -> None:
    qst = canadian.app.realms[CA].id_of("TaxRate", "QST (ITR)")
    detail = {"TaxLine": [a_tax_line(qst, "10.00", "100.00")]}
    bill = a_taxed_bill(canadian, ("100.00", "GST/QST QC"), TxnTaxDetail=detail)
    assert taxes_of(post_bill(canadian, bill)) == [Decimal("5.00"), Decimal("10.00")]


def test_a_total_tax_alone_is_ignored_or_refused(british: Client) -> None:
    bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TotalTax": Decimal("6.66")})
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")
    british.app.modes = Modes(total_tax_alone="refused")
    answer = british.post("bill", bill)
    assert code(answer) == "6000"
    assert "calculating tax" in answer.json()["Fault"]["Error"][0]["Detail"]


def test_tax_that_does_not_apply_has_no_detail(british: Client) -> None:
    case = known("not_applicable_with_tax_detail")
    british.app.realms[GB].multicurrency = False
    request = {**case["request"], "VendorRef": {"value": british.vendor()}}
    [line] = request["Line"]
    line["AccountBasedExpenseLineDetail"]["AccountRef"] = {"value": account(british)}
    assert code(british.post("bill", request)) == case["expected_code"]
    del request["TxnTaxDetail"]
    assert post_bill(british, request)["TotalAmt"] == Decimal("15.00")


@pytest.mark.parametrize("case", known("effective_tax_rate")["cases"])
def test_the_rate_of_the_bills_date_is_charged(british: Client, case: dict[str, str]) -> None:
    realm = british.app.realms[GB]
    dated = known("effective_tax_rate")["TaxRate"]
    rate = realm.add("TaxRate", {**dated, "Active": True}, NOW)
    add_tax_code(realm, "Standard", [rate], NOW)
    served = british.get(f"taxrate/{rate['Id']}").json(parse_float=Decimal)["TaxRate"]
    assert served["EffectiveTaxRate"] == dated["EffectiveTaxRate"]
    bill = a_taxed_bill(british, ("100.00", "Standard"), TxnDate=case["TxnDate"])
    assert taxes_of(post_bill(british, bill)) == [Decimal(case["percent"])]


@pytest.mark.parametrize("day", ["2008-12-31", None])
def test_a_rate_that_is_not_in_force_or_is_missing_cannot_be_computed(
    british: Client, day: str | None
) -> None:
    realm = british.app.realms[GB]
    rate = realm.add("TaxRate", known("effective_tax_rate")["TaxRate"], NOW)
    add_tax_code(realm, "Standard", [rate], NOW)
    if not day:
        del realm.tax_rates[rate["Id"]]
    answer = british.post("bill", a_taxed_bill(british, ("100.00", "Standard"), TxnDate=day))
    assert code(answer) == "6000"
    assert answer.json()["Fault"]["Error"][0]["Detail"] == CALCULATING_TAX


def test_an_inactive_rate_is_not_listed_and_still_charged(british: Client) -> None:
    realm = british.app.realms[GB]
    rate = realm.tax_rates[realm.id_of("TaxRate", "20.0% S (Purchases)")]
    rate["Active"] = False
    assert rate["Id"] not in {row["Id"] for row in british.rows("select * from TaxRate")}
    assert taxes_of(post_bill(british, a_british_bill(british, "20.0% S"))) == [Decimal("6.67")]


@pytest.mark.parametrize(
    ("second", "taxes"),
    [
        ({"TaxTypeApplicable": "TaxOnAmount"}, ["5.00", "10.00"]),
        ({"TaxTypeApplicable": "TaxOnAmountPlusTax", "TaxOnTaxOrder": 1}, ["5.00", "10.50"]),
        ({"TaxTypeApplicable": "TaxOnAmountPlusTax"}, ["5.00", "10.50"]),
        ({"TaxTypeApplicable": "TaxOnTax", "TaxOnTaxOrder": 1}, ["5.00", "0.50"]),
    ],
)
def test_a_tax_may_be_charged_on_another(
    canadian: Client, second: dict[str, Any], taxes: list[str]
) -> None:
    realm = canadian.app.realms[CA]
    rates = [add_tax_rate(realm, name, Decimal(name), NOW) for name in ("10", "5")]
    # Listed last first: the order of charging is TaxOrder's.
    details = [{"TaxOrder": 2, **second}, {"TaxOrder": 1}]
    add_tax_code(realm, "Both", rates, NOW, *details)
    bill = post_bill(canadian, a_taxed_bill(canadian, ("100.00", "Both")))
    assert taxes_of(bill) == [Decimal(tax) for tax in taxes]
    base = {"TaxOnAmount": "100", "TaxOnTax": "5"}.get(second["TaxTypeApplicable"], "105")
    on_other = bill["TxnTaxDetail"]["TaxLine"][1]["TaxLineDetail"]
    assert on_other["NetAmountTaxable"] == Decimal(base)


def test_a_reverse_charge_is_added_and_taken_away(british: Client) -> None:
    bill = post_bill(british, a_british_bill(british, "20.0% RC"))
    assert taxes_of(bill) == [Decimal("6.67"), Decimal("-6.67")]
    assert bill["TotalAmt"] == Decimal("33.33")


def test_a_code_without_purchase_rates_charges_nothing(british: Client) -> None:
    bill = post_bill(british, a_british_bill(british, "0.0% RCS"))
    assert bill["TotalAmt"] == Decimal("33.33")
    assert "TxnTaxDetail" not in bill


def test_a_canadian_company_has_canadian_codes_and_tax_accounts(canadian: Client) -> None:
    names = [r["Name"] for r in canadian.rows("select * from TaxCode")]
    assert names == ["GST", "HST ON", "GST/QST QC", "Exempt", "Zero-rated", "Out of Scope"]
    assert canadian.get("preferences").json()["Preferences"]["CurrencyPrefs"] == {
        "MultiCurrencyEnabled": True,
        "HomeCurrency": {"value": "CAD"},
    }
    assert canadian.get("companyinfo/1").json()["CompanyInfo"]["Country"] == "CA"
    payable = canadian.rows("select * from Account where AccountSubType = 'GlobalTaxPayable'")
    assert [row["Name"] for row in payable] == ["GST/HST Payable", "QST Payable"]
    bill = a_taxed_bill(canadian, ("100.00", "GST/QST QC"), ("50.00", "GST"), ("1.00", "Exempt"))
    posted = post_bill(canadian, bill)
    assert taxes_of(posted) == [Decimal("7.50"), Decimal("9.98"), Decimal("0.00")]
    assert posted["TotalAmt"] == Decimal("168.48")


def test_a_canadian_line_without_a_code_needs_gst(canadian: Client) -> None:
    bill = a_taxed_bill(canadian, Line=[a_line(canadian)])
    detail = canadian.post("bill", bill).json()["Fault"]["Error"][0]["Detail"]
    assert "have a GST/HST rate before you save" in detail


def test_a_tax_total_means_nothing_where_sales_tax_is_off(british: Client) -> None:
    british.app.realms[GB].using_sales_tax = False
    bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TotalTax": Decimal("6.66")})
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")


def test_an_inclusive_line_may_say_its_gross(british: Client) -> None:
    bill = a_british_bill(british, "20.0% S", GlobalTaxCalculation="TaxInclusive")
    bill["Line"][0]["AccountBasedExpenseLineDetail"]["TaxInclusiveAmt"] = Decimal("40.00")
    assert post_bill(british, bill)["TotalAmt"] == Decimal("40.00")


def test_a_tax_line_needs_a_purchase_rate_of_the_lines_once(british: Client) -> None:
    rates = [r["Id"] for r in british.app.realms[GB].tax_rates.values()]

    def taxed(*ids: str) -> requests.Response:
        lines = [
            {
                "Amount": 1,
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {"TaxRateRef": {"value": i}},
            }
            for i in ids
        ]
        bill = a_british_bill(british, "20.0% S", TxnTaxDetail={"TaxLine": lines}, DocNumber=None)
        return british.post("bill", bill)

    assert taxed(rates[0]).ok
    assert code(taxed(rates[0], rates[0])) == "6000"
    assert code(taxed(rates[1])) == "6000"
