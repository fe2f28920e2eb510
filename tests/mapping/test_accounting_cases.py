"""Bills from the field that went wrong once: each with what must be in QuickBooks.

A text says what Odoo booked (see journal.py). The journal is the truth: its rows are posted, each
on its account, or a sentence says which cannot be and what to do.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from odoo_qb.bill import checks
from odoo_qb.cards.details import particulars
from odoo_qb.mapping.purchase_tax import plan_tax
from odoo_qb.quickbooks.snapshot import Account
from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.modes import Modes
from tests.support.builders import a_bill, a_company, a_line, a_total, an_item
from tests.support.journal import SHAPES
from tests.support.ledgers import Ledger, Posted, ledger, open_ledger, read, read_one

EQUIPMENT, RENT, SALES = "Purchase of Equipments", "Rent", "Sales Expenses"


def shape(name: str) -> str:
    return (SHAPES / f"{name}.txt").read_text("utf-8")


def posted(text: str, country: str, **settings: Any) -> Posted:
    """What QuickBooks keeps of a written bill."""
    bill = read_one(text, country)
    assert checks.problems(bill) == ()
    return ledger(country).set(**settings).post(bill)


def blocked(text: str, country: str, **settings: Any) -> str:
    """The only sentence that stands against a written bill."""
    bill = read_one(text, country)
    assert checks.problems(bill) == ()
    [sentence] = ledger(country).set(**settings).problems(bill)
    return sentence


def amounts(**booked: str) -> dict[str, Decimal]:
    names = {"equipment": EQUIPMENT, "rent": RENT, "sales": SALES}
    return {names.get(name, name.replace("_", " ")): Decimal(a) for name, a in booked.items()}


# -- A1: rounding globally, Odoo 19's default -------------------------------------------------


@pytest.mark.parametrize("country", ["US", "GB", "CA"])
def test_a1_a_bill_rounded_globally_is_posted_as_booked_and_not_as_its_lines_show(
    country: str,
) -> None:
    found = posted(shape("rounding-globally-untaxed"), country)
    assert [amount for *_, amount in found.lines] == [Decimal("49.99"), Decimal("16.67")]
    assert found.total == Decimal("66.66")


INCLUDED = shape("rounding-globally-included")


def test_a1_prices_with_tax_in_them_keep_their_rows_and_odoos_tax() -> None:
    found = posted(INCLUDED, "GB", tax="override")
    assert [amount for *_, amount in found.lines] == [Decimal("17.80"), Decimal("17.79")]
    assert (found.tax, found.total) == (Decimal("7.47"), Decimal("43.06"))


def test_a1_where_quickbooks_rounds_otherwise_both_figures_are_told_before() -> None:
    sentence = blocked(INCLUDED, "GB")
    assert sentence.startswith(
        "21% incl comes to 7.48 GBP of tax in QuickBooks, 7.47 GBP in Odoo: the two round it"
    )


def test_a1_in_the_us_the_tax_is_one_more_line() -> None:
    found = posted(INCLUDED, "US")
    assert found.accounts == amounts(equipment="35.59", Foreign_VAT="7.47")
    assert found.total == Decimal("43.06")


# -- A2: partly private -----------------------------------------------------------------------


def test_a2_what_is_private_goes_to_its_account_with_its_share_of_the_vat() -> None:
    found = posted(shape("partly-deductible"), "GB")
    assert found.accounts == amounts(equipment="60.00", sales="48.00", tax="12.00")
    assert found.total == Decimal("120.00")


# -- A3: half of the VAT can be reclaimed -----------------------------------------------------

HALF = shape("half-deductible-vat")


def test_a3_half_deductible_vat_is_half_cost_and_half_vat() -> None:
    found = posted(HALF, "GB")
    assert found.accounts == amounts(equipment="110.50", tax="10.50")
    codes = {(text, code) for text, _, code, _ in found.lines}
    assert codes == {("Lease of a car", "10.5% ND50"), ("Tax: 21% ND50", "No VAT")}


def test_a3_with_a_code_of_the_whole_tax_it_is_blocked_and_can_be_posted_with_odoos_tax() -> None:
    whole = {"21% ND50": "21.0% S"}
    sentence = blocked(HALF, "GB", taxes=whole)
    assert "21.00 GBP of tax in QuickBooks, 10.50 GBP in Odoo, because part of it" in sentence
    assert '"override"' in sentence
    # With QuickBooks' own tax 10.50 would be paid that nobody billed: no setting does that.
    assert blocked(HALF, "GB", taxes=whole, tax="quickbooks") == sentence
    found = posted(HALF, "GB", taxes=whole, tax="override")
    assert found.accounts == amounts(equipment="110.50", tax="10.50")


# -- A4: withholding --------------------------------------------------------------------------

WITHHELD = shape("withholding-on-net")


def test_a4_what_is_withheld_stays_a_liability_beside_the_vat() -> None:
    found = posted(WITHHELD, "GB")
    assert found.accounts == amounts(equipment="100.00", Withheld_Tax="-15.00", tax="20.00")
    assert found.total == Decimal("105.00")


def test_a4_quickbooks_may_refuse_the_negative_line_and_then_nothing_is_there() -> None:
    with pytest.raises(FaultError) as refused:
        ledger("GB").post(read_one(WITHHELD, "GB"), Modes(negative_line="refused"))
    assert refused.value.code == "2290"


def test_a4_without_an_account_for_it_it_is_blocked_and_never_a_smaller_vat() -> None:
    """For QuickBooks both are tax then, and they come to 5.00 together."""
    bill = read_one(WITHHELD, "GB")
    books = ledger("GB").set(taxes={"20% S + -15% WHT": "20.0% S"})
    books = replace(books, company=replace(books.company, accounts={}))
    [sentence] = books.problems(bill)
    assert "20.00 GBP of tax in QuickBooks, 5.00 GBP in Odoo" in sentence
    assert sentence.endswith("(withheld, not deductible), map that account.")


# -- A5: reverse charge -----------------------------------------------------------------------

REVERSE = shape("reverse-charge")


def test_a5_reverse_charge_adds_nothing_with_a_code_of_two_rates() -> None:
    found = posted(REVERSE, "GB")
    assert found.total == Decimal("100.00")
    assert [amount for _, amount, _ in found.rates] == [Decimal("20.00"), Decimal("-20.00")]


@pytest.mark.parametrize("setting", ["", "override", "quickbooks", "lines"])
def test_a5_reverse_charge_mapped_to_a_code_that_adds_tax_is_blocked_whatever_is_set(
    setting: str,
) -> None:
    sentence = blocked(REVERSE, "GB", taxes={"20% RC": "20.0% S"}, tax=setting)
    assert sentence.startswith("20% RC comes to 20.00 GBP of tax in QuickBooks, 0.00 GBP in Odoo")
    assert "map it to the tax code that charges what Odoo booked" in sentence


# -- A6: paid in full before ------------------------------------------------------------------


@pytest.mark.parametrize("country", ["US", "GB", "CA"])
def test_a6_a_bill_of_zero_that_moves_two_accounts_is_posted(country: str) -> None:
    text = shape("down-payment-in-full")
    assert checks.nothing_to_post(read_one(text, country), a_company()) == ""
    found = posted(text, country)
    assert found.accounts == amounts(equipment="1000.00", Prepayments="-1000.00")
    assert found.total == 0


@pytest.mark.parametrize("name", ["nets-to-zero", "nothing-to-post"])
def test_a6_only_where_each_account_nets_to_zero_there_is_nothing_to_post(name: str) -> None:
    said = "The total is zero: there is nothing to post."
    assert checks.nothing_to_post(read_one(shape(name), "US"), a_company()) == said


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("nets-to-zero", ["100.00 USD  Chair →", "-100.00 USD  Chair, returned →"]),
        ("nothing-to-post", ["0.00 USD  Free sample →"]),
    ],
)
def test_a6_the_card_of_a_bill_that_moves_nothing_shows_its_lines(
    name: str, lines: list[str]
) -> None:
    blocks = particulars(an_item(read_one(shape(name), "US")), [], {})
    texts = str(blocks)
    assert all(line in texts for line in lines)


# -- A7: codes that charge something else -----------------------------------------------------

GROUP, VAT = shape("group-gst-pst"), shape("vat")


def test_a7_a_group_of_which_one_part_is_cost_is_both() -> None:
    found = posted(GROUP, "CA")
    assert found.accounts == amounts(equipment="107.00", tax="5.00")


@pytest.mark.parametrize(
    ("text", "country", "taxes", "figures"),
    [
        (GROUP, "CA", {"GST+PST": "HST ON"}, "13.00 CAD of tax in QuickBooks, 5.00 CAD in Odoo"),
        (VAT, "GB", {"20% S": "Exempt"}, "0.00 GBP of tax in QuickBooks, 20.00 GBP in Odoo"),
        (VAT, "GB", {"20% S": "5.0% R"}, "5.00 GBP of tax in QuickBooks, 20.00 GBP in Odoo"),
    ],
)
@pytest.mark.parametrize("setting", ["", "override", "quickbooks", "lines"])
def test_a7_a_code_that_charges_something_else_is_blocked_with_both_figures_whatever_is_set(
    text: str, country: str, taxes: dict[str, str], figures: str, setting: str
) -> None:
    assert figures in blocked(text, country, taxes=taxes, tax=setting)


def test_a7_a_code_that_is_not_for_purchases_is_blocked() -> None:
    assert blocked(VAT, "GB", taxes={"20% S": "0.0% RCS"}) == (
        "The tax code 0.0% RCS has no rate for purchases in QuickBooks. Map 20% S to another"
        " one under taxes in company_settings."
    )


@pytest.mark.parametrize(
    ("name", "country", "line"),
    [
        ("two-taxes", "CA", "(5% GST, 7% PST → GST)"),
        ("vat-not-deductible", "GB", "(20% ND → No VAT)"),
        ("vat", "GB", "(20% S → 20.0% S)"),
        ("plain", "GB", "(no tax → No VAT)"),
        ("sales-tax", "US", "(8.25% Sales Tax)"),
    ],
)
def test_a7_the_card_shows_the_code_that_each_line_gets(name: str, country: str, line: str) -> None:
    bill = read_one(shape(name), country)
    item = an_item(bill, preflight=ledger(country).plan_posting(bill).shown())
    assert line in str(particulars(item, [], {}))


# -- A8: how Odoo's tax is kept ---------------------------------------------------------------

TWO_RATES = shape("group-gst-qst")


def test_a8_where_both_agree_nothing_is_said_about_tax() -> None:
    found = posted(TWO_RATES, "CA", tax="override")
    assert "TxnTaxDetail" not in found.made.payload
    assert found.tax == Decimal("14.98")


def test_a8_odoos_tax_is_sent_as_an_amount_for_each_rate_of_a_code_of_several() -> None:
    found = posted(TWO_RATES.replace("[9.98]", "[9.97]"), "CA", tax="override")
    detail = found.made.payload["TxnTaxDetail"]
    assert detail.keys() == {"TaxLine"}
    for line in detail["TaxLine"]:
        assert line["TaxLineDetail"].keys() == {"TaxRateRef", "PercentBased", "NetAmountTaxable"}
        assert line["TaxLineDetail"]["PercentBased"] is False
        assert line["TaxLineDetail"]["NetAmountTaxable"] == Decimal("100.00")
    assert [line["Amount"] for line in detail["TaxLine"]] == [Decimal("5.00"), Decimal("9.97")]
    assert found.rates == [
        ("GST (ITC)", Decimal("5.00"), False),
        ("QST (ITR)", Decimal("9.97"), True),
    ]
    assert found.total == Decimal("114.97")


# -- A9: rounded per line ---------------------------------------------------------------------

MANY_LINES = "\n".join(
    [
        *['product 611000 1.59 {12% HST} "Screw"'] * 29,
        *['product 611000 17.49 {12% HST} "Drill"'] * 2,
        "tax HST [9.73]",
    ]
)
CODE = {"taxes": {"12% HST": "HST 12"}}


def test_a9_what_quickbooks_will_make_of_many_lines_is_known_before() -> None:
    figures = "12% HST comes to 9.71 CAD of tax in QuickBooks, 9.73 CAD in Odoo"
    assert blocked(MANY_LINES, "CA", **CODE).startswith(figures)


@pytest.mark.parametrize(
    ("setting", "tax", "total"),
    [("quickbooks", "9.71", "90.80"), ("override", "9.73", "90.82")],
)
def test_a9_the_total_that_was_foretold_is_the_one_quickbooks_makes(
    setting: str, tax: str, total: str
) -> None:
    found = posted(MANY_LINES, "CA", tax=setting, **CODE)
    assert (found.tax, found.total) == (Decimal(tax), Decimal(total))
    assert found.made.total == found.total


# -- A12: kinds of account --------------------------------------------------------------------


def _rent(kind: str, **fields: Any) -> Ledger:
    """American books in which "Rent" is an account of that kind."""
    books = ledger("US")
    account = Account(id="900", name="Rent", full_name="Rent", kind=kind, **fields)
    payables = [a for a in books.snapshot.accounts if a.kind == "Accounts Payable"]
    return replace(books, snapshot=replace(books.snapshot, accounts=(*payables, account)))


RENT_BILL = a_bill(
    lines=(a_line("108.25", account_code="612099", account_name="Rent"),),
    amount_tax=Decimal(0),
)
BOOKED_ON = [
    "Expense", "Other Expense", "Cost of Goods Sold", "Fixed Asset", "Other Asset",
    "Other Current Asset", "Other Current Liability", "Long Term Liability",
]  # fmt: skip


@pytest.mark.parametrize("kind", BOOKED_ON)
def test_a12_a_name_matches_an_expense_a_cost_an_asset_or_a_liability(kind: str) -> None:
    plan = _rent(kind).plan_posting(RENT_BILL)
    assert not plan.problems
    assert plan.accounts["612099"].how == "name"


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("Income", "is an Income account, which is not normally used on a bill"),
        ("Other Income", "is an Other Income account, which is not normally used on a bill"),
        ("Equity", "is an Equity account, which is not normally used on a bill"),
        ("Non-Posting", "is a non-posting account, which cannot be used on a bill"),
        (
            "Accounts Receivable",
            "is an accounts receivable account, which cannot be used on a bill",
        ),
    ],
)
def test_a12_a_name_that_is_another_kind_of_account_is_blocked_by_kind(
    kind: str, what: str
) -> None:
    [sentence] = _rent(kind).problems(RENT_BILL)
    assert sentence == (
        f"Rent in QuickBooks (used for 612099 Rent) {what}. Map 612099 to another account"
        " under accounts in company_settings."
    )


def test_a12_a_number_says_it_on_purpose_and_the_approver_is_told_the_kind() -> None:
    plan = _rent("Equity", number="612099").plan_posting(RENT_BILL)
    assert not plan.problems
    assert "612099 Rent will be posted to Rent, an Equity account." in plan.warnings


def test_a12_a_mapping_to_another_kind_is_taken_as_it_is_meant() -> None:
    plan = _rent("Equity").set(accounts={"612099": "Rent"}).plan_posting(RENT_BILL)
    assert not plan.problems
    assert not any("Equity" in warning for warning in plan.warnings)


# -- A13: taxes are a set ---------------------------------------------------------------------


def test_a13_the_order_of_taxes_changes_neither_the_digest_nor_the_code() -> None:
    texts = {n: f"reference: R-1\n{shape(n)}" for n in ("two-taxes", "two-taxes-other-order")}
    one, other = read(texts, "CA").values()
    assert one.digest() == replace(other, odoo_id=one.odoo_id).digest()
    found = [ledger("CA").post(bill) for bill in (one, other)]
    assert found[0].lines == found[1].lines


@pytest.mark.parametrize("name", ["A + B", "B + A"])
def test_a13_a_mapping_of_several_taxes_is_found_in_any_order(name: str) -> None:
    vat = {"account_code": "131000", "account_name": "VAT", "account_type": "asset_current"}
    bill = a_bill(
        currency="GBP",
        company_currency="GBP",
        lines=(
            a_line("100.00", account_code="611000", taxes=("B", "A")),
            a_line("20.00", kind="tax", taxes=("A",), **vat),
        ),
    )
    plan = plan_tax(bill, a_company(taxes={name: "20.0% S"}), ledger("GB").snapshot)
    assert not plan.problems
    assert plan.quickbooks == plan.odoo == Decimal("20.00")


# -- A18: instalments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "setting", "due"),
    [
        ("instalments", "first_open", "2026-11-02"),
        ("instalments", "last", "2027-01-01"),
        ("instalments-first-paid", "first_open", "2027-01-01"),
    ],
)
def test_a18_the_due_date_is_the_first_open_instalment_or_the_last_if_that_is_set(
    name: str, setting: str, due: str
) -> None:
    assert posted(shape(name), "GB", due_date=setting).kept["DueDate"] == due


def test_a18_the_card_shows_each_instalment_and_what_quickbooks_gets() -> None:
    bill = read_one(shape("instalments-first-paid"), "GB")
    plan = ledger("GB").plan_posting(bill)
    [due] = [
        field["text"]
        for block in particulars(an_item(bill, preflight=plan.shown()), [], {})
        for field in block.get("fields", ())
        if "2026-11-02 36.00" in field["text"]
    ]
    assert "2026-11-02 36.00 GBP (paid), 2027-01-01 84.00 GBP" in due
    assert "(due date in QuickBooks 2027-01-01)" in due


def test_a18_all_due_on_one_day_is_no_instalment() -> None:
    bill = read_one(f"due: 2026-12-31\n{VAT}", "GB")
    assert bill.instalments == ()
    assert ledger("GB").post(bill).kept["DueDate"] == "2026-12-31"


# -- A21: a company without a country ---------------------------------------------------------


def test_a21_a_company_that_states_no_country_is_blocked_until_the_setting_says_it() -> None:
    books = open_ledger("GB", states_country=False)
    bill = read_one(VAT, "GB")
    [sentence] = books.problems(bill)
    assert sentence.startswith("QuickBooks does not say which country this company is in")
    assert sentence.endswith('Set country in company_settings ("US", "GB", "CA", …).')
    told = replace(books, snapshot=replace(books.snapshot, country="GB"))
    assert told.post(bill).accounts == amounts(equipment="100.00", tax="20.00")


# -- A22: QuickBooks' own tax account ---------------------------------------------------------

CARRIER = shape("import-vat-by-carrier")
NO_LINE_THERE = (
    "A line is booked on 131000 VAT, but QuickBooks keeps that tax itself and accepts no"
    " lines there. Book it on another account in Odoo, or enter the bill in QuickBooks by"
    " hand."
)


@pytest.mark.parametrize("name", ["import-vat-alone", "import-vat-by-carrier"])
def test_a22_a_line_on_the_account_where_quickbooks_keeps_tax_is_blocked(name: str) -> None:
    mapped = {"131000": "VAT Control"}
    assert blocked(shape(name), "GB", accounts=mapped) == NO_LINE_THERE


def test_a22_so_is_one_on_odoos_account_of_that_tax_even_with_an_account_for_gaps() -> None:
    assert blocked(CARRIER, "GB", default_account="Uncategorized Expense") == NO_LINE_THERE


def test_a22_the_snapshot_knows_the_accounts_of_tax_by_their_sub_type() -> None:
    accounts = {a.name: a for a in ledger("GB").snapshot.accounts}
    kept = [name for name, account in accounts.items() if account.holds_quickbooks_tax]
    assert kept == ["VAT Control", "VAT Suspense"]
    assert accounts["VAT Control"].sub_kind == "GlobalTaxPayable"


def test_a22_tax_on_an_account_mapped_to_quickbooks_own_is_what_it_computes() -> None:
    mapped = posted(VAT, "GB", accounts={"131000": "VAT Control"})
    assert mapped.accounts == posted(VAT, "GB").accounts == amounts(equipment="100.00", tax="20.00")


# -- A27: rows of kinds that nobody knew ------------------------------------------------------


@pytest.mark.parametrize("country", ["US", "GB", "CA"])
def test_a27_a_row_with_money_is_posted_on_its_account_whatever_its_kind(country: str) -> None:
    found = posted(shape("unknown-kind-with-money"), country)
    assert found.accounts == amounts(equipment="100.00", rent="12.50")


@pytest.mark.parametrize("name", ["unknown-kind-without-money", "subsections"])
def test_a27_a_row_without_money_is_text(name: str) -> None:
    bill = read_one(shape(name), "US")
    texts = [n for n in bill.lines if not n.carries_money]
    assert texts
    assert {n.kind for n in texts} <= {"section", "note"}
    assert len(posted(shape(name), "US").lines) == len(bill.lines) - len(texts)


def test_rows_that_do_not_add_up_to_the_total_block_a_bill_and_nothing_else_does() -> None:
    """It was read while somebody changed it."""
    [sentence] = checks.problems(read_one(f"amount_total: 121.00\n{VAT}", "GB"))
    assert "add up to 120.00 GBP, not to its total of 121.00 GBP" in sentence
    odd = read_one(f"amount_untaxed: 99.99\namount_tax: 20.01\n{VAT}", "GB")
    assert checks.problems(odd) == ()
    assert (odd.amount_untaxed, odd.amount_tax) == (Decimal(100), Decimal(20))


def test_a27_a_bill_of_notes_alone_posts_nothing() -> None:
    bill = replace(a_total("0.00"), lines=(a_line("0", kind="note", account_code=""),))
    assert checks.nothing_to_post(bill, a_company())
