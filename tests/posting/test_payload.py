"""A bill as QuickBooks' payload: what a bookkeeper would have typed, to the cent.

The golden files show every document of the dataset as it would be posted, for a US company and
for one where QuickBooks knows purchase tax. UPDATE_GOLDEN=1 writes them anew: read the diff.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill.model import Vendor, exchange_rate
from odoo_qb.exact_json import to_json
from odoo_qb.posting import payload
from odoo_qb.posting.payload import doc_number, is_numbered_as_made, private_note
from odoo_qb.quickbooks import names
from sandbox.odoo.server import Odoo
from sandbox.quickbooks.modes import Modes
from sandbox.quickbooks.validation import check_shape
from tests.support.builders import a_bill, a_company, a_line, a_total
from tests.support.ledgers import open_ledger, read_from

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill
    from odoo_qb.posting.payload import Posting
    from sandbox.quickbooks.server import Realm
    from tests.support.ledgers import Ledger

GOLDEN = Path(__file__).parents[1] / "posting" / "golden"
# Odoo booked all the other taxes of the dataset as cost, so that QuickBooks computes none.
TAXES = {"none": "Exempt", "Zero rated": "0% Z"}


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Ledger]:
    """A US and a British company, both with books in dollars."""
    return {
        country: replace(
            open_ledger(country, home_currency="USD"),
            company=a_company(taxes=TAXES, terms={"30 Days": "Net 30"}),
        )
        for country in ("US", "GB")
    }


def post(books: Ledger, bill: Bill) -> tuple[Posting, dict[str, Any]]:
    """The posting, and the document QuickBooks would keep; refused is an error."""
    posted = books.post(bill, Modes(foreign_payable="required"))
    return posted.made, posted.kept


@pytest.fixture(scope="module")
def dataset() -> list[Bill]:
    """Every posted document of the dataset that has something to post."""
    odoo = Odoo()
    names = sorted(str(r["name"]) for r in odoo.records["res.company"].values())
    ids = sorted(r["id"] for r in odoo.records["account.move"].values())
    found = read_from(odoo, ids, {n: n for n in names}).values()
    bills = [b for b in found if b.move_type.startswith("in_") and b.vendor]
    assert len(bills) == 98
    return [b for b in bills if b.amount_total]


def rendered(bill: Bill, made: Posting, kept: dict[str, Any], realm: Realm) -> str:
    """What QuickBooks keeps of the payload, with names in place of ids."""
    sent = made.payload
    heads = [
        f"{made.entity} for {bill.odoo_name} of {bill.company}",
        f"vendor    {kept['VendorRef']['name']}",
        f"number    {sent['DocNumber']}",
        f"date      {sent['TxnDate']}, due {sent.get('DueDate', 'not given')}",
        f"terms     {kept['SalesTermRef']['name'] if 'SalesTermRef' in sent else 'not given'}",
        f"payable   {kept['APAccountRef']['name']}",
        f"currency  {sent['CurrencyRef']['value']}, rate {sent.get('ExchangeRate', 1)}",
        f"memo      {sent['PrivateNote']}",
        f"tax       {sent.get('GlobalTaxCalculation', 'none: a cost of its own line')}",
    ]
    rows = []
    for line in kept["Line"]:
        detail = line["AccountBasedExpenseLineDetail"]
        account = detail["AccountRef"]["name"]
        if "TaxCodeRef" in detail:
            account += f" [{realm.tax_codes[detail['TaxCodeRef']['value']]['Name']}]"
        rows.append(f"{line['Amount']:>12}  {account}: {line.get('Description', '')}")
    return "\n".join([*heads, "", *rows, f"{kept['TotalAmt']:>12}  total", ""])


@pytest.mark.parametrize("country", ["US", "GB"])
def test_every_document_of_the_dataset_is_posted_as_its_golden_file_says(
    country: str, ledgers: dict[str, Ledger], dataset: list[Bill]
) -> None:
    folder, texts = GOLDEN / country, {}
    for bill in dataset:
        made, kept = post(ledgers[country], bill)
        assert kept["TotalAmt"] == bill.amount_total, bill.odoo_name
        name = f"{bill.company}-{bill.odoo_name.replace('/', '-')}.txt"
        texts[name] = rendered(bill, made, kept, ledgers[country].realm)
    assert len(texts) == len(dataset) == 94
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.txt"):
            old.unlink()
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
    assert texts == {p.name: p.read_text("utf-8") for p in folder.glob("*.txt")}


# -- lines ----------------------------------------------------------------------------------


def lines_of(made: Posting) -> list[tuple[Decimal, str]]:
    return [(n["Amount"], n.get("Description", "")) for n in made.payload["Line"]]


def test_in_the_us_tax_is_a_cost_on_the_account_where_odoo_booked_it(
    ledgers: dict[str, Ledger],
) -> None:
    tax = a_line("8.25", kind="tax", text="8.25%", account_code="612000", account_name="Rent")
    made, kept = post(ledgers["US"], a_bill(lines=(a_line("100.00", taxes=("8.25%",)), tax)))
    assert lines_of(made) == [(Decimal("100.00"), "Boxes"), (Decimal("8.25"), "Tax: 8.25%")]
    names = [n["AccountBasedExpenseLineDetail"]["AccountRef"]["name"] for n in kept["Line"]]
    assert names == ["Cash Discount Loss", "Rent"]
    assert "GlobalTaxCalculation" not in made.payload
    assert "TxnTaxDetail" not in made.payload


def test_elsewhere_each_line_names_its_tax_code_and_nothing_is_said_of_tax(
    ledgers: dict[str, Ledger],
) -> None:
    vat = {"account_code": "131000", "account_name": "VAT", "account_type": "asset_current"}
    bill = a_bill(
        lines=(
            a_line("60.00", taxes=("20.0% S",)),
            a_line("40.00", taxes=("20.0% S",)),
            a_line("5.00"),
            a_line("20.00", kind="tax", taxes=("20.0% S",), **vat),
        ),
        amount_total=Decimal("125.00"),
    )
    made, kept = post(ledgers["GB"], bill)
    assert made.payload["GlobalTaxCalculation"] == "TaxExcluded"
    assert "TxnTaxDetail" not in made.payload
    codes = ledgers["GB"].realm.tax_codes
    lines = [n["AccountBasedExpenseLineDetail"] for n in kept["Line"]]
    names = [codes[n["TaxCodeRef"]["value"]]["Name"] for n in lines]
    assert names == ["20.0% S", "20.0% S", "Exempt"]
    assert kept["TotalAmt"] == Decimal("125.00")


def test_sections_notes_and_lines_of_nothing_are_not_posted(ledgers: dict[str, Ledger]) -> None:
    bill = replace(
        a_total("30.00"),
        lines=(
            a_line("0", kind="section", text="Goods", account_code=""),
            a_line("30.00"),
            a_line("0.00", text="Free sample"),
            a_line("0", kind="note", text="Thank you", account_code=""),
        ),
    )
    made, _ = post(ledgers["US"], bill)
    assert lines_of(made) == [(Decimal("30.00"), "Boxes")]


def test_a_line_is_its_amount_after_discount_and_without_tax_and_may_be_negative(
    ledgers: dict[str, Ledger],
) -> None:
    discounted = a_line("85.50", quantity=Decimal(10), unit_price=Decimal("9.50"))
    bill = replace(a_total("75.50"), lines=(discounted, a_line("-10.00", text="Returned")))
    made, kept = post(ledgers["US"], bill)
    assert lines_of(made) == [(Decimal("85.50"), "Boxes"), (Decimal("-10.00"), "Returned")]
    assert "Qty" not in to_json(made.payload)
    assert kept["TotalAmt"] == Decimal("75.50")


@pytest.mark.parametrize(
    ("move_type", "entity", "due"),
    [
        ("in_invoice", "Bill", True),
        ("in_receipt", "Bill", True),
        ("in_refund", "VendorCredit", False),
    ],
)
def test_bills_and_receipts_are_bills_and_credit_notes_vendor_credits(
    move_type: str, entity: str, due: bool, ledgers: dict[str, Ledger]
) -> None:
    made, kept = post(ledgers["US"], a_total("30.00", move_type=move_type, payment_terms="30 Days"))
    assert made.entity == entity
    assert kept["TotalAmt"] == Decimal("30.00")
    assert ("DueDate" in made.payload) == ("SalesTermRef" in made.payload) == due


# -- currency -------------------------------------------------------------------------------


def test_the_rate_is_home_units_for_one_foreign_unit_from_odoos_own_totals(
    ledgers: dict[str, Ledger],
) -> None:
    bill = a_total("100.00", currency="EUR")
    made, kept = post(ledgers["US"], replace(bill, company_total=Decimal("108.70")))
    assert made.payload["ExchangeRate"] == Decimal("1.087")
    assert kept["CurrencyRef"]["value"] == "EUR"
    assert kept["APAccountRef"]["name"] == "Accounts Payable (A/P) - EUR"
    assert kept["VendorRef"]["name"] == "Acme Botanicals LLC (EUR)"


@pytest.mark.parametrize(
    ("currency", "total", "home"),
    [
        ("JPY", "30000000", "199998.30"),
        ("VND", "2500000000", "98425.20"),
        ("IDR", "1000000000", "61234.57"),
        ("EUR", "1000000.00", "1087034.56"),
        ("EUR", "3.00", "3.26"),
        ("USD", "100.00", "16234567.89"),
    ],
)
def test_at_its_rate_a_bill_is_in_the_companys_currency_what_odoo_booked(
    currency: str, total: str, home: str
) -> None:
    bill = replace(a_total(total, currency=currency), company_total=Decimal(home))
    assert abs(exchange_rate(bill) * bill.amount_total - Decimal(home)) < Decimal("0.005")


def test_a_bill_in_the_home_currency_has_no_rate(ledgers: dict[str, Ledger]) -> None:
    made, _ = post(ledgers["US"], a_total("5.00"))
    assert "ExchangeRate" not in made.payload


# -- numbers and texts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("INV-1", "INV-1"),
        ("x" * 21, "x" * 21),
        ("", "BILL/2026/11/0042"),
        ("RE\t2026\n1\x00", "RE 2026 1"),
        ("Rechnung 🎉", "Rechnung"),
        ("🎉", "BILL/2026/11/0042"),
    ],
)
def test_the_number_is_the_vendors_else_odoos(reference: str, number: str) -> None:
    assert doc_number(a_bill(bill_reference=reference)) == number


def test_ten_thousand_long_references_that_begin_alike_stay_apart() -> None:
    numbers = {
        doc_number(a_bill(bill_reference=f"2026-PURCHASE-ORDER-INVOICE-{n}", odoo_id=n))
        for n in range(10_000)
    }
    assert len(numbers) == 10_000
    assert all(len(n) <= payload.DOC_NUMBER_LENGTH for n in numbers)
    assert all(n.startswith("2026-PURCHASE") for n in numbers)


def test_the_same_long_reference_of_two_bills_gives_two_numbers() -> None:
    one, other = (a_bill(bill_reference="R" * 30, odoo_id=n) for n in (1, 2))
    assert doc_number(one) != doc_number(other)
    assert doc_number(one) == doc_number(one)


def test_the_memo_has_the_marker_the_odoo_number_and_the_whole_reference() -> None:
    note = private_note(a_bill(bill_reference="A" * 5000))
    assert note.startswith("[odoo-42] BILL/2026/11/0042 AAA")
    assert len(note) == 4000


def test_a_description_is_cut_at_quickbooks_limit(ledgers: dict[str, Ledger]) -> None:
    made, _ = post(
        ledgers["US"], replace(a_total("5.00"), lines=(a_line("5.00", text="y" * 9000),))
    )
    assert made.payload["Line"][0]["Description"] == "y" * 4000


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Müller & Söhne", "Müller & Söhne"),
        ("A:B\tC\nD", "A-B C D"),
        ("  two   spaces ", "two spaces"),
        ("Acme\u00a0GmbH \u202f株式会社\u3000田中\u200b", "Acme GmbH 株式会社 田中"),
        ("n" * 600, "n" * 500),
        ("🎉", "Odoo vendor 7"),
    ],
)
def test_a_vendors_name_is_cleaned_to_quickbooks_rules(name: str, kept: str) -> None:
    vendor = Vendor(odoo_id=7, name=name)
    assert names.vendor_name(vendor, "USD", "USD") == kept
    check_shape("VendorCreate", {"DisplayName": names.vendor_name(vendor, "EUR", "USD")})


def test_a_vendors_currency_survives_a_long_name() -> None:
    vendor = Vendor(odoo_id=7, name="n" * 600)
    name = names.vendor_name(vendor, "EUR", "USD")
    assert name.endswith(" (EUR)")
    assert len(name) == 500


def test_json_is_ascii_and_keeps_every_digit() -> None:
    value = {"a": Decimal("0.10"), "b": ["Größe 🎉", True, None, 3], "c": Decimal("1E+3")}
    text = to_json(value)
    assert text.isascii()
    assert '"a":0.10,' in text
    assert '"c":1000}' in text
    assert json.loads(text)["b"] == ["Größe 🎉", True, None, 3]


def test_the_date_is_the_bills_own(ledgers: dict[str, Ledger]) -> None:
    made, _ = post(ledgers["US"], a_bill(bill_date=date(2024, 2, 29)))
    assert made.payload["TxnDate"] == "2024-02-29"


@pytest.mark.parametrize(
    ("number", "note", "is_as_made"),
    [
        ("INV-7", "[odoo-7] BILL/2026/11/0007 INV-7", True),
        ("inv-7", "[odoo-7] BILL/2026/11/0007 INV-7", True),
        ("BILL/2026/11/0007", "[odoo-7] BILL/2026/11/0007", True),
        ("2026-INVOICE-~ABCDEFG", "[odoo-7] BILL/2026/11/0007 2026-INVOICE-000123456", True),
        ("INV-8", "[odoo-7] BILL/2026/11/0007 INV-7", False),
        ("7", "[odoo-7] BILL/2026/11/0007 INV-7", False),
        ("2026-INVOICE-~ABCDEFG", "[odoo-7] BILL/2026/11/0007 INV-7", False),
        ("INV-7", "typed by hand INV-7", False),
        ("INV-7", "", False),
    ],
)
def test_a_document_is_known_as_ours_by_its_memo_and_the_number_the_memo_speaks_of(
    number: str, note: str, is_as_made: bool
) -> None:
    assert is_numbered_as_made({"DocNumber": number, "PrivateNote": note}) == is_as_made
