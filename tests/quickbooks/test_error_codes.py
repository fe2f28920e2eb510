"""What a bookkeeper reads of QuickBooks' refusals: the reason, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from odoo_qb.errors import Refused
from odoo_qb.quickbooks.error_codes import REACTIVATE, refusal_of

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "quickbooks/data/faults.json").read_text()
)
# By what class of fault the case names: a word of the reason and one of the remedy.
EXPECTED: Final = {
    "closed_period": ("The books are closed for this date.", "Open the period in QuickBooks"),
    "negative_line": ("accepts no negative amount on a line", "credit note of its own"),
    "attachment_type": ("does not accept this file", "attach that in QuickBooks by hand"),
    "tax": ("tax", "taxes in company_settings"),
    "account": ("has the wrong type", "accounts in company_settings"),
    "reactivate_vendor": (
        "An inactive vendor in QuickBooks has this vendor's name",
        "Make that vendor active again",
    ),
}
TOO_LONG: Final = (
    "String length specified does not match the supported length. Min:0 Max:100 supported."
    " Supplied length:104"
)
OURS: Final = "Tell the operator"


def refused(code: str, detail: str = "why", element: str = "", status: int = 400) -> Refused:
    error = {"Message": "m", "Detail": detail, "code": code, "element": element}
    return answered({"Fault": {"Error": [error], "type": "ValidationFault"}}, status)


def answered(body: dict[str, Any], status: int) -> Refused:
    refusal = refusal_of(status, {"intuit_tid": "1-abc"}, json.dumps(body))
    assert isinstance(refusal, Refused)
    return refusal


@pytest.mark.parametrize(
    "case",
    CASES["cases"],
    ids=lambda c: f"{c['answer']['Fault']['Error'][0]['code']}-{c['expected_class']}",
)
def test_each_refusal_has_its_own_reason_and_remedy(case: dict[str, Any]) -> None:
    refusal = answered(case["answer"], case["http"])
    reason, remedy = EXPECTED[case["expected_class"]]
    code = case["answer"]["Fault"]["Error"][0]["code"]
    assert reason in refusal.reason
    assert remedy in refusal.remedy
    assert "own text" not in str(refusal), "a known error needs no words of QuickBooks"
    mark = f"(QuickBooks error {code})"
    told = refusal.reason.removesuffix(f" {mark}")
    assert str(refusal) == f"{told} {refusal.remedy} {mark}"
    assert refusal.code == code


def test_no_two_of_them_say_the_same_but_the_two_of_a_closed_period() -> None:
    told: dict[str, set[str]] = {}
    for case in CASES["cases"]:
        error = case["answer"]["Fault"]["Error"][0]
        sentence = answered(case["answer"], case["http"])
        said = sentence.reason.removesuffix(f" (QuickBooks error {error['code']})")
        told.setdefault(said, set()).add(error["code"])
    assert [codes for codes in told.values() if len(codes) > 1] == [{"6200", "6210"}]


def test_another_business_rule_than_the_tax_keeps_the_words_of_quickbooks() -> None:
    refusal = refused("6000", "You must set a transaction amount")
    assert refusal.reason.startswith("QuickBooks refused: You must set a transaction amount.")


def test_a_name_of_a_customer_is_not_said_to_be_an_inactive_vendors() -> None:
    refusal = refused("6240", "Another customer, vendor or employee is already using this name.")
    assert "customer, vendor or employee of this name" in refusal.reason
    assert refusal.remedy != REACTIVATE


@pytest.mark.parametrize(
    ("element", "what"),
    [
        ("VendorRef", "the vendor's name"),
        ("DisplayName", "the vendor's name"),
        ("CompanyName", "the vendor's name"),
        ("PrintOnCheckName", "the vendor's name"),
        ("Vendor.DisplayName", "the vendor's name"),
        ("PrimaryEmailAddr.Address", "the vendor's e-mail address"),
        ("DocNumber", "the bill reference"),
        ("Line[0].Description", "the text of a line"),
    ],
)
def test_what_is_too_long_is_named_as_in_odoo_with_both_lengths(element: str, what: str) -> None:
    refusal = refused("2050", TOO_LONG, element)
    assert refusal.reason.startswith(
        f"QuickBooks accepts at most 100 characters for {what}; it has 104."
    )
    assert refusal.remedy == f"Shorten {what} in Odoo; approval will then be requested again."
    assert OURS not in str(refusal)


def test_lengths_above_a_thousand_are_read() -> None:
    detail = TOO_LONG.replace("Max:100", "Max:4,000").replace("length:104", "length: 4,006")
    reason = refused("2050", detail, "Description").reason
    assert reason.startswith("QuickBooks accepts at most 4,000 characters for the text of a line, ")
    assert "and it has 4,006." in reason


@pytest.mark.parametrize("code", ["2020", "2030", "2040", "2050", "2170", "2210"])
@pytest.mark.parametrize(
    ("element", "what", "remedy"),
    [
        ("DisplayName", "the vendor's name", "the vendor"),
        ("Line.Amount", "the amount of a line", "the amount of a line in Odoo"),
        ("TxnDate", "the bill date", "the bill date in Odoo"),
        ("AccountRef", "the account of a line", "accounts in company_settings"),
        ("Line[1].AccountBasedExpenseLineDetail.TaxCodeRef", "the tax code of a line", "taxes in"),
        ("SalesTermRef.value", "the payment terms", "terms in company_settings"),
        ("GivenName", "the field GivenName", "the field GivenName in Odoo"),
        ("", "a detail of this bill", "a detail of this bill in Odoo"),
        ('<a href="x">', "a detail of this bill", "a detail of this bill in Odoo"),
    ],
)
def test_every_fault_about_data_names_the_field_and_what_to_do(
    code: str, element: str, what: str, remedy: str
) -> None:
    refusal = refused(code, "Supplied value:x", element)
    assert what in refusal.reason
    assert remedy in refusal.remedy
    assert OURS not in str(refusal)
    assert "Nothing is wrong in Odoo" not in str(refusal)
    is_said = "Supplied value:x" in refusal.reason
    assert is_said == (code != "2020"), "what is missing needs no reason"


def test_a_field_that_only_the_detail_names_is_found() -> None:
    refusal = refused("2020", "Required parameter AccountRef is missing in the request")
    assert refusal.reason.startswith("QuickBooks needs the account of a line, which is missing.")


def test_a_vendor_without_a_name_needs_one() -> None:
    refusal = refused("6080", "Title, GivenName, DisplayName - one of these must be non-empty")
    assert "the vendor's name" in refusal.reason


@pytest.mark.parametrize("code", ["500", "1050", "2010", "4000", "4001"])
def test_only_a_fault_of_this_program_is_for_whoever_runs_it(code: str) -> None:
    refusal = refused(code, 'Property Name:Unrecognized field "DisplayNmae"', "DisplayName")
    assert "Nothing is wrong in Odoo." in refusal.reason
    assert OURS in refusal.remedy


def test_a_gateway_that_answers_in_xml_names_the_field_too() -> None:
    body = (
        '<IntuitResponse><Fault type="ValidationFault"><Error code="2050" element="DocNumber">'
        f"<Message>m</Message><Detail>{TOO_LONG}</Detail></Error></Fault></IntuitResponse>"
    )
    refusal = refusal_of(400, {}, body)
    assert isinstance(refusal, Refused)
    assert "100 characters for the bill reference" in refusal.reason


def test_a_page_in_place_of_a_detail_is_not_repeated() -> None:
    refusal = refused("2040", "<html><body>DocNumber</body></html>", "DocNumber")
    assert "<" not in str(refusal)
    assert "QuickBooks does not accept the bill reference:" in refusal.reason


def test_a_bill_keeps_the_reason_and_the_remedy_apart_and_the_message_whole() -> None:
    error = refused("6210").as_error()
    assert error.keys() == {"code", "message", "tid", "reason", "remedy"}
    assert error["message"] == str(refused("6210"))
    assert error["reason"] == "The books are closed for this date. (QuickBooks error 6210)"
    one = Refused("Choose one.", code="x", document="Bill 7").as_error()
    assert one == {
        "code": "x",
        "message": "Choose one.",
        "tid": "",
        "reason": "Choose one.",
        "document": "Bill 7",
    }
