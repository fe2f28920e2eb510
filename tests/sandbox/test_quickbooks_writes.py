"""Bills and vendor credits in the QuickBooks simulator: what it takes, adds and refuses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.quickbooks.server import Modes
from sandbox.quickbooks.shape import check_shape
from tests.support.quickbooks_client import (
    GB,
    NOW,
    US,
    Client,
    Clock,
    a_bill,
    a_british_bill,
    a_line,
    account,
    code,
    known,
    post_bill,
)

if TYPE_CHECKING:
    import requests


def test_a_bill_comes_back_with_what_quickbooks_adds(client: Client) -> None:
    vendor = client.vendor()
    answer = client.post(
        "bill", a_bill(client, vendor, "100.10", "0.2", SalesTermRef=net30(client))
    )
    assert '"TotalAmt":100.30,' in answer.text
    bill = answer.json(parse_float=Decimal)["Bill"]
    assert (bill["SyncToken"], bill["domain"]) == ("0", "QBO")
    assert bill["Balance"] == Decimal("100.30")
    assert bill["VendorRef"]["name"] == "ACME"
    assert bill["DueDate"] == "2026-12-02"
    assert bill["APAccountRef"]["name"] == "Accounts Payable (A/P)"
    assert [line["Id"] for line in bill["Line"]] == ["1", "2"]
    assert bill["Line"][0]["AccountBasedExpenseLineDetail"]["AccountRef"]["name"] == "Rent"
    assert client.get(f"bill/{bill['Id']}").json()["Bill"] == answer.json()["Bill"]
    assert client.app.calls["bill"] == 1
    assert client.app.violations == []


def net30(client: Client) -> dict[str, str]:
    return {"value": client.app.realms[client.realm_id].id_of("Term", "Net 30")}


def test_a_bill_without_a_date_is_of_today_in_california(client: Client, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 21, 7, 59, tzinfo=UTC)
    assert post_bill(client, TxnDate=None)["TxnDate"] == "2026-11-20"


def test_a_vendor_credit_has_no_due_date(client: Client) -> None:
    credit = client.post("vendorcredit", a_bill(client)).json()["VendorCredit"]
    assert "DueDate" not in credit
    assert client.get(f"vendorcredit/{credit['Id']}").ok
    assert code(client.post("vendorcredit", a_bill(client, DueDate="2026-12-01"))) == "2010"


def test_vendor_credits_may_be_numbered_by_quickbooks(client: Client) -> None:
    client.app.realms[US].custom_txn_numbers = False
    credit = client.post("vendorcredit", a_bill(client, DocNumber="MINE")).json()["VendorCredit"]
    assert credit["DocNumber"] == "1001"
    other = client.get("preferences").json()["Preferences"]["OtherPrefs"]["NameValue"][0]
    assert other == {"Name": "VendorAndPurchasesPrefs.UseCustomTxnNumbers", "Value": "false"}


def broken_line(client: Client, **changes: Any) -> list[dict[str, Any]]:
    line = {**a_line(client), **changes}
    return [{name: value for name, value in line.items() if value is not None}]


@pytest.mark.parametrize(
    ("change", "expected", "element"),
    [
        ({"DocNo": "1"}, "2010", "DocNo"),
        ({"TotalAmt": 5}, "2010", "TotalAmt"),
        ({"Extra": 1, "VendorRef": None}, "2010", "Extra"),
        ({"VendorRef": None}, "2020", "VendorRef"),
        ({"Line": None}, "2020", "Line"),
        ({"Line": []}, "2020", "Line"),
        ({"VendorRef": {"value": 7}}, "2030", "value"),
        ({"VendorRef": {"value": ""}}, "2030", "value"),
        ({"DocNumber": "x" * 22}, "2050", "DocNumber"),
        ({"TxnDate": "02/11/2026"}, "2050", "TxnDate"),
        ({"TxnDate": "2026-02-30"}, "2050", "TxnDate"),
        ({"DueDate": "2026-02-30"}, "2050", "DueDate"),
        ({"ExchangeRate": "1.1"}, "2040", "ExchangeRate"),
        ({"ExchangeRate": 0}, "2040", "ExchangeRate"),
        ({"GlobalTaxCalculation": "Sometimes"}, "2170", "GlobalTaxCalculation"),
    ],
)
def test_a_wrong_shape_is_refused_by_its_kind(
    client: Client, change: dict[str, Any], expected: str, element: str
) -> None:
    answer = client.post("bill", a_bill(client, **change))
    assert code(answer) == expected
    assert answer.json()["Fault"]["Error"][0]["element"] == element
    assert answer.json()["Fault"]["type"] == "ValidationFault"
    assert len(client.app.violations) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Amount": None}, "2020"),
        ({"Amount": "10.10"}, "2040"),
        ({"DetailType": "SalesItemLineDetail"}, "2170"),
        ({"Quantity": 1}, "2010"),
        ({"Description": "x" * 4001}, "2050"),
        ({"AccountBasedExpenseLineDetail": {}}, "2020"),
        ({"AccountBasedExpenseLineDetail": None}, "2020"),
    ],
)
def test_a_wrong_line_is_refused_by_its_kind(
    client: Client, change: dict[str, Any], expected: str
) -> None:
    answer = client.post("bill", a_bill(client, Line=broken_line(client, **change)))
    assert code(answer) == expected


def test_an_unknown_property_is_named(client: Client) -> None:
    error = client.post("bill", a_bill(client, Foo=1)).json()["Fault"]["Error"][0]
    assert error["Message"] == "Request has invalid or unsupported property"
    assert error["Detail"].startswith('Property Name:Unrecognized field "Foo"')


def test_only_json_may_be_posted(client: Client) -> None:
    def post(data: bytes, kind: str) -> requests.Response:
        return client.call("POST", "bill", data=data, headers={"Content-Type": kind})

    assert code(post(b"{}", "text/plain")) == "1050"
    assert code(post(b"{", "application/json")) == "2010"
    assert code(post(b"[]", "application/json")) == "2010"
    assert code(post(b'{"PrivateNote":"\xe9"}', "application/json")) == "500"


@pytest.mark.parametrize(
    "change",
    [
        {"VendorRef": {"value": "999"}},
        {"APAccountRef": {"value": "999"}},
        {"SalesTermRef": {"value": "999"}},
        {"DepartmentRef": {"value": "999"}},
    ],
)
def test_an_unknown_reference_is_invalid(client: Client, change: dict[str, Any]) -> None:
    assert code(client.post("bill", a_bill(client, **change))) == "2500"


@pytest.mark.parametrize("field", ["AccountRef", "ClassRef", "CustomerRef"])
def test_an_unknown_reference_in_a_line_is_invalid(client: Client, field: str) -> None:
    detail: dict[str, Any] = {field: {"value": "999"}}
    line = a_line(client, **detail)
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "2500"


@pytest.mark.parametrize("expected", ["610", "2500"])
def test_an_inactive_vendor_cannot_be_used(client: Client, expected: Any) -> None:
    client.app.modes = Modes(inactive_reference=expected)
    vendor = client.vendor()
    client.app.realms[US].vendors[vendor]["Active"] = False
    answer = client.post("bill", a_bill(client, vendor))
    assert code(answer) == expected
    assert "made inactive" in answer.json()["Fault"]["Error"][0]["Detail"]


def test_a_bills_currency_is_the_vendors(client: Client) -> None:
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    assert code(client.post("bill", a_bill(client, euro))) == "6000"
    assert code(client.post("bill", a_bill(client, euro, CurrencyRef=None))) == "6000"
    bill = post_bill(client, a_bill(client, euro, CurrencyRef={"value": "EUR"}))
    assert bill["APAccountRef"]["name"] == "Accounts Payable (A/P) - EUR"
    assert bill["ExchangeRate"] == 1


def test_a_foreign_bill_may_have_to_name_its_payable_account(client: Client) -> None:
    client.app.modes = Modes(foreign_payable="required")
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    bill = a_bill(client, euro, CurrencyRef={"value": "EUR"})
    assert code(client.post("bill", bill)) == "6000"
    bill["APAccountRef"] = {"value": account(client, "Accounts Payable (A/P) - EUR")}
    assert client.post("bill", bill).ok


@pytest.mark.parametrize("name", ["Accounts Payable (A/P) - EUR", "Rent"])
def test_a_payable_account_must_be_one_of_the_bills_currency(client: Client, name: str) -> None:
    payable = {"value": account(client, name)}
    assert code(client.post("bill", a_bill(client, APAccountRef=payable))) == "6000"


def test_one_foreign_currency_is_the_most(client: Client) -> None:
    euro = client.app.realms[US].add_account("Paris", NOW, "Bank", currency="EUR")["Id"]
    line = a_line(client, AccountRef={"value": euro})
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "6000"


def test_without_multicurrency_only_the_home_currency_is_known(client: Client) -> None:
    client.app.realms[US].multicurrency = False
    assert code(client.post("bill", a_bill(client, CurrencyRef={"value": "EUR"}))) == "6000"
    bill = post_bill(client, CurrencyRef=None)
    assert bill["CurrencyRef"] == {"value": "USD", "name": "United States Dollar"}
    assert "ExchangeRate" not in bill
    assert "HomeBalance" not in bill
    foreign = {"DisplayName": "E", "CurrencyRef": {"value": "EUR"}}
    assert code(client.post("vendor", foreign)) == "6000"


@pytest.mark.parametrize(
    ("kind", "classification", "ok"),
    [
        ("Expense", "Expense", True),
        ("Income", "Revenue", True),
        ("Equity", "Equity", True),
        ("Other Current Liability", "Liability", True),
        ("Accounts Receivable", "Asset", False),
        ("Accounts Payable", "Liability", False),
        ("Non-Posting", None, False),
    ],
)
def test_a_line_stands_on_some_kinds_of_account_only(
    client: Client, kind: str, classification: str | None, ok: bool
) -> None:
    opened = client.app.realms[US].add_account("Other", NOW, kind)
    served = client.get(f"account/{opened['Id']}").json()["Account"]
    check_shape("Account", served)
    assert (served["AccountType"], served.get("Classification")) == (kind, classification)
    line = a_line(client, AccountRef={"value": opened["Id"]})
    answer = client.post("bill", a_bill(client, Line=[line]))
    assert answer.ok if ok else code(answer) == "6430"


@pytest.mark.parametrize("expected", ["6430", "6000"])
@pytest.mark.parametrize("name", ["VAT Control", "VAT Suspense"])
def test_a_line_cannot_stand_on_an_account_that_quickbooks_keeps_tax_in(
    british: Client, name: str, expected: Any
) -> None:
    british.app.modes = Modes(tax_account_line=expected)
    bill = a_british_bill(british, "No VAT")
    detail = bill["Line"][0]["AccountBasedExpenseLineDetail"]
    detail["AccountRef"]["value"] = account(british, name)
    assert code(british.post("bill", bill)) == expected


@pytest.mark.parametrize(("price", "ok"), [("3.335", True), ("3.32", False)])
def test_an_amount_is_quantity_times_price(client: Client, price: str, ok: bool) -> None:
    item = {"Name": "Paper", "Active": True, "Type": "Service"}
    paper = client.app.realms[US].add("Item", item, datetime.now(UTC))["Id"]
    detail = {"ItemRef": {"value": paper}, "Qty": 3, "UnitPrice": Decimal(price)}
    kind = "ItemBasedExpenseLineDetail"
    line = {"Amount": Decimal("10.01"), "DetailType": kind, kind: detail}
    answer = client.post("bill", a_bill(client, Line=[line]))
    assert answer.ok if ok else code(answer) == "6070"


def test_a_category_cannot_be_bought(client: Client) -> None:
    item = {"Name": "Stationery", "Active": True, "Type": "Category"}
    category = client.app.realms[US].add("Item", item, datetime.now(UTC))["Id"]
    kind = "ItemBasedExpenseLineDetail"
    line = {"Amount": Decimal(1), "DetailType": kind, kind: {"ItemRef": {"value": category}}}
    assert code(client.post("bill", a_bill(client, Line=[line]))) == "2500"


def test_a_total_cannot_be_negative_but_a_line_can(client: Client) -> None:
    assert code(client.post("bill", a_bill(client, "", "10", "-10.01"))) == "6000"
    assert post_bill(client, a_bill(client, "", "10", "-9.99"))["TotalAmt"] == Decimal("0.01")
    assert post_bill(client, a_bill(client, "", "0.00"))["TotalAmt"] == 0


def test_negative_lines_and_empty_totals_may_be_refused(client: Client) -> None:
    client.app.modes = Modes(negative_line="refused", zero_total="refused")
    assert code(client.post("bill", a_bill(client, "", "10", "-1"))) == "2290"
    assert code(client.post("bill", a_bill(client, "", "0.00"))) == "6000"


def test_closed_books_stay_closed(client: Client) -> None:
    client.app.realms[US].book_close_date = date(2026, 11, 2)
    assert code(client.post("bill", a_bill(client))) == "6210"
    assert client.post("bill", a_bill(client, TxnDate="2026-11-03")).ok
    preferences = client.get("preferences").json()["Preferences"]
    assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2026-11-02"
    client.app.modes = Modes(closed_period="6200")
    assert code(client.post("bill", a_bill(client))) == "6200"


def test_a_vendors_number_is_used_once(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    answer = client.post("bill", a_bill(client, vendor, DocNumber="inv-1"))
    assert code(answer) == "6140"
    assert answer.json()["Fault"]["Error"][0]["Detail"] == (
        "Duplicate Document Number Error : You must specify a different number. "
        "This number has already been used."
    )
    assert client.post("bill", a_bill(client)).ok  # another vendor's
    assert client.post("vendorcredit", a_bill(client, vendor)).ok
    assert client.post("bill", a_bill(client, vendor, DocNumber=None)).ok


def test_numbers_may_be_compared_globally_and_exactly(client: Client) -> None:
    post_bill(client)
    client.app.modes = Modes(duplicates="global", duplicate_case="exact")
    assert code(client.post("bill", a_bill(client))) == "6140"
    assert client.post("bill", a_bill(client, DocNumber="inv-1")).ok


@pytest.mark.parametrize("warns", [True, False])
@pytest.mark.parametrize("custom", [True, False])
def test_duplicates_are_refused_where_both_preferences_say_so(
    client: Client, warns: bool, custom: bool
) -> None:
    vendor = client.vendor()
    settings = {"duplicate_warning": warns, "custom_txn_numbers": custom}
    client.app.configure(realms={US: settings})
    statuses = [client.post("bill", a_bill(client, vendor)).status_code for _ in "ab"]
    assert statuses == [200, 400 if warns and custom else 200]
    # Only one of the two can be read.
    told = json.dumps(client.get("preferences").json()["Preferences"])
    assert str(custom).lower() in told.split("UseCustomTxnNumbers")[1]
    assert "uplicate" not in told


def test_asking_for_a_duplicate_gets_it_and_is_a_violation(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    assert client.post("bill", a_bill(client, vendor), include="allowduplicatedocnum").ok
    assert client.app.violations == [f"realm {US}: bill asked for duplicate document numbers"]


def test_an_ended_subscription_refuses_writes_and_allows_reads(client: Client) -> None:
    bill = a_bill(client)
    client.app.realms[US].subscription_ended = True
    assert code(client.post("bill", bill)) == "6190"
    assert client.get("preferences").ok


def test_a_change_needs_the_newest_sync_token(client: Client, clock: Clock) -> None:
    bill = post_bill(client)
    clock.now += timedelta(seconds=5)
    keys = {"Id": bill["Id"], "SyncToken": "0", "sparse": True}
    changed = client.post("bill", {**keys, "PrivateNote": "n"}).json(parse_float=Decimal)["Bill"]
    assert (changed["SyncToken"], changed["PrivateNote"]) == ("1", "n")
    assert changed["TotalAmt"] == bill["TotalAmt"]
    assert changed["MetaData"]["CreateTime"] < changed["MetaData"]["LastUpdatedTime"]
    assert code(client.post("bill", {**keys, "PrivateNote": "m"})) == "5010"
    assert code(client.post("bill", {**keys, "Id": "999"})) == "610"
    full = {**changed, "PrivateNote": "whole"}
    assert client.post("bill", full).json()["Bill"]["SyncToken"] == "2"
    assert code(client.post("bill", {"Id": bill["Id"], "SyncToken": "2"})) == "2020"


def test_a_bill_can_be_deleted_and_change_data_capture_tells(client: Client) -> None:
    kept, bill = post_bill(client), post_bill(client)
    keys = {"Id": bill["Id"], "SyncToken": "0"}
    deleted = client.post("bill", keys, operation="delete").json()["Bill"]
    assert deleted == {"domain": "QBO", "status": "Deleted", "Id": bill["Id"]}
    assert code(client.get(f"bill/{bill['Id']}")) == "610"
    answer = client.get("cdc?entities=Bill,Vendor&changedSince=2026-11-20T17:00:00Z").json()
    bills = answer["CDCResponse"][0]["QueryResponse"][0]["Bill"]
    assert [(b["Id"], b.get("status")) for b in bills] == [
        (kept["Id"], None),
        (bill["Id"], "Deleted"),
    ]


def test_change_data_capture_looks_back_thirty_days(client: Client) -> None:
    assert code(client.get("cdc?entities=Bill&changedSince=2026-10-01T00:00:00Z")) == "4001"
    assert code(client.get("cdc?entities=TaxCode&changedSince=2026-11-20T00:00:00Z")) == "500"
    assert code(client.get("cdc?entities=Bill")) == "2020"
    later = client.get("cdc?entities=Vendor&changedSince=2026-11-21T00:00:00Z").json()
    assert later["CDCResponse"] == [{"QueryResponse": [{}]}]


def test_a_bill_is_answered_as_quickbooks_answers_one(client: Client, clock: Clock) -> None:
    real = known("bill_answer_us")
    clock.now = datetime.fromisoformat(real["time"])
    realm = client.app.realms[US]
    realm.multicurrency = False
    supplies = realm.add_account("Supplies", NOW)["Id"]
    names = ("DocNumber", "TxnDate", "DueDate")
    [line] = real["Bill"]["Line"]
    vendor = client.vendor(real["Bill"]["VendorRef"]["name"])
    answer = client.post(
        "bill",
        {
            **{name: real["Bill"][name] for name in names},
            "VendorRef": {"value": vendor},
            "Line": [a_line(client, str(line["Amount"]), AccountRef={"value": supplies})],
        },
    ).json(parse_float=Decimal)
    ids = {
        "7": supplies,
        "33": account(client, "Accounts Payable (A/P)"),
        "41": vendor,
        "145": answer["Bill"]["Id"],
    }
    for holder, key in (
        (real["Bill"], "Id"),
        (real["Bill"]["VendorRef"], "value"),
        (real["Bill"]["APAccountRef"], "value"),
        (line["AccountBasedExpenseLineDetail"]["AccountRef"], "value"),
    ):
        holder[key] = ids[holder[key]]
    assert answer == real
    assert client.get(f"bill/{ids['145']}").json(parse_float=Decimal) == real
    assert client.rows("select * from Bill") == [client.get(f"bill/{ids['145']}").json()["Bill"]]


def test_a_foreign_bill_says_what_it_is_worth_at_home(client: Client) -> None:
    euro = client.vendor("ACME (EUR)", CurrencyRef={"value": "EUR"})
    foreign = {"CurrencyRef": {"value": "EUR"}, "ExchangeRate": Decimal("1.125")}
    bill = post_bill(client, a_bill(client, euro, "100.10", **foreign))
    assert (bill["Balance"], bill["HomeBalance"]) == (Decimal("100.10"), Decimal("112.61"))
    assert bill["CurrencyRef"] == {"value": "EUR", "name": "Euro"}


@pytest.mark.parametrize("realm", [US, GB])
def test_documents_have_the_shape_of_quickbooks(client: Client, realm: str) -> None:
    client.realm_id = realm
    bill = a_bill(client) if realm == US else a_british_bill(client, "20.0% S")
    check_shape("Bill", post_bill(client, bill))
    del bill["DocNumber"]
    credit = client.post("vendorcredit", bill).json(parse_float=Decimal)["VendorCredit"]
    check_shape("VendorCredit", credit)
    assert all(not line["LinkedTxn"] for line in credit["Line"])


def test_a_fault_always_has_an_element(client: Client) -> None:
    error = client.post("bill", a_bill(client, "999")).json()["Fault"]["Error"][0]
    assert error["element"] == "VendorRef"
    client.app.realms[US].book_close_date = date(2026, 11, 2)
    assert client.post("bill", a_bill(client)).json()["Fault"]["Error"][0]["element"] == ""
