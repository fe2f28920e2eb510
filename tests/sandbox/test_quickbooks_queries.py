"""What the QuickBooks simulator answers to queries and reads."""

# ruff: noqa: S608 - QuickBooks' query language has no parameters, and the values are our own

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    GB,
    US,
    Client,
    a_bill,
    a_british_bill,
    account,
    code,
    post_bill,
)

# Queries.


@pytest.fixture
def books(client: Client) -> Client:
    """Three bills of two vendors, and a vendor that is no longer used."""
    acme, other = client.vendor("O'Neil"), client.vendor("Back\\slash")
    post_bill(client, a_bill(client, acme, "10", DocNumber="A-1", TxnDate="2026-11-01"))
    post_bill(client, a_bill(client, acme, "9", DocNumber="a-2", TxnDate="2026-11-02"))
    post_bill(client, a_bill(client, other, "100", DocNumber="A-1", TxnDate="2026-11-03"))
    gone = client.app.realms[US].vendors[client.vendor("Gone")]
    gone["Active"] = False
    return client


@pytest.mark.parametrize(
    ("where", "amounts"),
    [
        ("DocNumber = 'a-1'", [10, 100]),
        ("docnumber like 'A-%' and VendorRef = '{acme}'", [10, 9]),
        ("DocNumber LIKE '%2'", [9]),
        ("DocNumber IN ('A-2', 'x')", [9]),
        ("TotalAmt > '9.5'", [10, 100]),
        ("TotalAmt >= 9 AND TotalAmt < '100.00'", [10, 9]),
        ("TxnDate <= '2026-11-01'", [10]),
        ("MetaData.LastUpdatedTime > '2026-11-20T18:00:01Z'", []),
        ("MetaData.CreateTime = '2026-11-20T10:00:00-08:00'", [10, 9, 100]),
        ("TotalAmt > 0 ORDERBY TotalAmt DESC", [100, 10, 9]),
        ("TotalAmt > 0 ORDER BY DocNumber, TxnDate DESC", [100, 10, 9]),
        ("TotalAmt > 0 STARTPOSITION 2 MAXRESULTS 1", [9]),
        ("SalesTermRef = ' '", [10, 9, 100]),
    ],
)
def test_a_where_selects_as_quickbooks_does(books: Client, where: str, amounts: list[int]) -> None:
    acme = books.app.realms[US].id_of("Vendor", "O'Neil")
    found = books.rows(f"SELECT * FROM Bill WHERE {where.format(acme=acme)}")
    assert [bill["TotalAmt"] for bill in found] == amounts


@pytest.mark.parametrize(
    ("name", "escaped"), [("O'Neil", r"o\'neil"), ("Back\\slash", r"BACK\\slash")]
)
def test_a_backslash_escapes(books: Client, name: str, escaped: str) -> None:
    found = books.rows(f"select * from Vendor where DisplayName = '{escaped}'")
    assert [vendor["DisplayName"] for vendor in found] == [name]


def test_a_backslash_may_stand_for_itself_except_before_a_quote(books: Client) -> None:
    books.app.modes = Modes(backslash="literal")
    assert books.rows(r"select * from Vendor where DisplayName = 'Back\slash'")
    assert not books.rows(r"select * from Vendor where DisplayName = 'Back\\slash'")
    assert books.rows(r"select * from Vendor where DisplayName = 'O\'Neil'")


def test_name_lists_hide_the_inactive_unless_asked(books: Client) -> None:
    def names(where: str) -> list[str]:
        return [row["DisplayName"] for row in books.rows(f"select * from Vendor {where}")]

    assert "Gone" not in names("")
    assert names("where DisplayName = 'gone'") == []
    assert names("where DisplayName = 'gone' and Active IN (true, false)") == ["Gone"]
    assert names("where Active = false") == ["Gone"]


def test_columns_may_be_chosen(books: Client) -> None:
    row = books.rows("select DocNumber, MetaData.CreateTime from Bill maxresults 1")[0]
    assert row.keys() == {"Id", "DocNumber", "MetaData", "domain", "sparse"}


def test_a_count_counts(books: Client) -> None:
    answer = books.query("select count(*) from Bill where DocNumber = 'A-1'").json()
    assert answer["QueryResponse"] == {"totalCount": 2}


def test_nothing_found_is_an_empty_answer_without_the_entity(client: Client) -> None:
    answer = client.query("select * from Bill").json()
    assert answer == {"QueryResponse": {}, "time": "2026-11-20T10:00:00.000-08:00"}


def test_a_page_has_a_hundred_rows_unless_asked_and_never_more_than_a_thousand(
    client: Client,
) -> None:
    realm = client.app.realms[US]
    for number in range(1001):
        realm.add("Customer", {"DisplayName": f"C{number}", "Active": True}, datetime.now(UTC))
    assert len(client.rows("select * from Customer")) == 100
    assert len(client.rows("select * from Customer maxresults 5000")) == 1000
    answer = client.query("select * from Customer startposition 1001 maxresults 1000").json()
    response = answer["QueryResponse"]
    assert (response["startPosition"], response["maxResults"]) == (1001, 1)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select * from Vendor where AcctNum = '1'", "4001"),
        ("select * from Account where AcctNum = '612000'", "4001"),
        ("select * from Bill where PrivateNote = 'x'", "4001"),
        ("select * from Bill where VendorRef.name = 'x'", "4001"),
        ("select * from Bill where Id > '1'", "4001"),
        ("select * from Bill where TotalAmt > 'many'", "4001"),
        ("select * from Bill where MetaData.CreateTime > 'now'", "4001"),
        ("select * from Bill startposition 0", "4001"),
        ("select * from Nothing", "4001"),
        ("select * from Bill where DocNumber = 'O'Neil'", "4000"),
        ("select * from Bill where DocNumber = 'x' or DocNumber = 'y'", "4000"),
        ("select * from Bill where DocNumber = x", "4000"),
        ("select * from Bill where DocNumber , 'x'", "4000"),
        ("select * from Bill order DocNumber", "4000"),
        ("delete from Bill", "4000"),
        ("select * from Bill; --", "4000"),
        ("select * from", "4000"),
    ],
)
def test_what_may_not_be_asked_is_refused(books: Client, statement: str, expected: str) -> None:
    answer = books.query(statement)
    assert code(answer) == expected
    told = [v for v in books.app.violations if "does not parse" in v]
    assert bool(told) == (expected == "4000")


def test_a_field_that_is_not_filterable_is_named(client: Client) -> None:
    error = client.query("select * from Vendor where Balance > '0'").json()["Fault"]["Error"][0]
    assert error["Detail"] == "QueryValidationError: property 'Balance' is not queryable"


def test_a_vendor_credits_vendor_may_be_filterable(client: Client) -> None:
    vendor = client.vendor()
    client.post("vendorcredit", a_bill(client, vendor))
    statement = f"select * from VendorCredit where VendorRef = '{vendor}'"
    assert code(client.query(statement)) == "4001"
    client.app.modes = Modes(vendor_ref_on_vendor_credit="allowed")
    assert len(client.rows(statement)) == 1


def test_a_query_may_be_posted_as_text(client: Client) -> None:
    client.vendor("Émile")
    statement = "select * from Vendor where DisplayName = 'Émile'".encode()
    kind = {"Content-Type": "application/text"}
    answer = client.call("POST", "query", data=statement, headers=kind)
    assert answer.json()["QueryResponse"]["Vendor"][0]["DisplayName"] == "Émile"
    kind = {"Content-Type": "application/json"}
    assert code(client.call("POST", "query", data=statement, headers=kind)) == "1050"


def test_settings_can_be_queried(client: Client) -> None:
    assert client.rows("select * from CompanyInfo")[0]["CompanyName"] == "Acme Inc"
    assert client.rows("select * from Preferences")[0]["CurrencyPrefs"]["MultiCurrencyEnabled"]


# What a new company has.


def test_a_new_company_has_accounts_that_carry_odoos_codes(client: Client) -> None:
    rows = client.rows("select * from Account where AccountType = 'Expense' maxresults 1000")
    numbers = {row["AcctNum"] for row in rows if "AcctNum" in row}
    codes = {"443000", "611000", "612000", "630000", "641000", "642000", "961000", "962000"}
    assert numbers == codes
    freight = client.rows("select * from Account where Name = 'Freight In'")[0]
    assert freight["FullyQualifiedName"] == "Cost of Goods Sold:Freight In"
    payables = client.rows("select * from Account where AccountSubType = 'AccountsPayable'")
    assert [p["Name"] for p in payables] == [
        "Accounts Payable (A/P)",
        "Accounts Payable (A/P) - EUR",
    ]


def test_terms_and_tax_codes_depend_on_the_country(client: Client) -> None:
    assert [r["DueDays"] for r in client.rows("select * from Term")] == [0, 15, 30, 60]
    assert [r["Name"] for r in client.rows("select * from TaxCode")] == ["TAX", "NON"]
    client.realm_id, client.token = GB, ""
    names = [r["Name"] for r in client.rows("select * from TaxCode")]
    assert names == ["20.0% S", "0% Z", "Exempt", "5.0% R", "No VAT", "20.0% RC", "0.0% RCS"]
    assert client.get("preferences").json()["Preferences"]["CurrencyPrefs"] == {
        "MultiCurrencyEnabled": True,
        "HomeCurrency": {"value": "GBP"},
    }


# Other reads.


@pytest.mark.parametrize("setting", [{"states_country": False}, {"country": ""}])
def test_a_company_may_not_say_its_country(client: Client, setting: dict[str, Any]) -> None:
    client.app.configure(realms={US: setting})
    assert "Country" not in client.get("companyinfo/1").json()["CompanyInfo"]
    assert post_bill(client)["TotalAmt"] == Decimal("100.10")


def test_a_company_that_does_not_say_its_country_is_taxed_all_the_same(british: Client) -> None:
    british.app.realms[GB].states_country = False
    assert "Country" not in british.get("companyinfo/1").json()["CompanyInfo"]
    assert post_bill(british, a_british_bill(british, "20.0% S"))["TotalAmt"] == Decimal("40.00")


def test_a_company_is_found_under_both_its_ids(client: Client) -> None:
    found = [client.get(f"companyinfo/{key}").json()["CompanyInfo"] for key in (US, "1")]
    assert found[0] == found[1]
    assert (found[0]["CompanyName"], found[0]["Country"]) == ("Acme Inc", "US")
    assert client.app.calls["companyinfo"] == 2


def test_records_are_read_by_id(client: Client) -> None:
    rent = account(client)
    assert client.get(f"account/{rent}").json()["Account"]["AcctNum"] == "612000"
    assert code(client.get("account/999")) == "610"
    assert code(client.get("nothing/1")) == "500"
    assert code(client.post("account", {"Name": "New"})) == "500"
    assert client.app.calls["read"] == 4
    assert client.session.get(f"{client.url}/v4/elsewhere", timeout=5).status_code == 404


def test_an_exchange_rate_is_home_units_for_one_foreign_unit(client: Client) -> None:
    rate = client.get("exchangerate?sourcecurrencycode=EUR&asofdate=2026-11-01").json()
    assert rate["ExchangeRate"] == {
        "SourceCurrencyCode": "EUR",
        "TargetCurrencyCode": "USD",
        "Rate": 1.1,
        "AsOfDate": "2026-11-01",
    }
    assert code(client.get("exchangerate?sourcecurrencycode=XXX")) == "610"
