"""What QuickBooks will make of a bill's tax: foretold as it computes it, overridden as it takes it.

Each case is also put to QuickBooks' simulator, which was written from the same sources by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.mapping.purchase_tax import plan_tax
from odoo_qb.mapping.tax_groups import TaxGroups, taxes_on
from odoo_qb.quickbooks.snapshot import TaxCode, TaxRate
from tests.support.builders import a_bill, a_line
from tests.support.ledgers import ledger, open_ledger, read_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill.model import Bill, Line
    from tests.support.ledgers import Ledger

DATA: Final = Path(__file__).parents[1] / "quickbooks" / "data"
DAY: Final = "2026-11-02"
VAT: Final = {"account_code": "131000", "account_name": "VAT", "account_type": "asset_current"}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DATA / name).read_text("utf-8"))["cases"]
    return found


def a_rate(number: str, percent: str, **fields: Any) -> TaxRate:
    return TaxRate(id=number, periods=(("", "", percent),), **fields)


def a_tax(amount: str, *taxes: str, **fields: Any) -> Line:
    return a_line(amount, kind="tax", text=" ".join(taxes), taxes=taxes, **{**VAT, **fields})


def a_gb_bill(*rows: Line, **fields: Any) -> Bill:
    total = sum((row.amount for row in rows), Decimal(0))
    given = {"currency": "GBP", "company_currency": "GBP", "amount_total": total}
    return a_bill(lines=rows, **{"company_total": total} | given | fields)


# -- rounding ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("global_tax_line_rounding.json"), ids=lambda c: c["percent"])
def test_tax_is_rounded_line_by_line_as_quickbooks_rounds_it(case: dict[str, Any]) -> None:
    rate = a_rate("1", case["percent"])
    taxes = [taxes_on(Decimal(net), [rate], DAY) for net in case["nets"]]
    assert sum(amount for [(_, _, amount)] in taxes) == Decimal(case["quickbooks_tax"])


@pytest.mark.parametrize("case", cases("global_tax_line_rounding.json"), ids=lambda c: c["percent"])
@pytest.mark.parametrize("setting", ["quickbooks", "override"])
def test_a_tax_of_the_sum_is_told_apart_and_posted_as_the_settings_say(
    case: dict[str, Any], setting: str
) -> None:
    """Odoo rounded the sum: where that is the same QuickBooks computes, and is told nothing."""
    percent, sum_tax = case["percent"], Decimal(case["sum_method_tax_wrong"])
    rows = [f"product 611000 {net} {{{percent}% HST}}" for net in case["nets"]]
    bill = read_one("\n".join([*rows, f"tax HST [{sum_tax}]"]), "CA")
    code = "HST ON" if percent == "13" else f"HST {percent}"
    books = ledger("CA").set(taxes={f"{percent}% HST": code})
    differs = sum_tax != Decimal(case["quickbooks_tax"])
    assert bool(books.problems(bill)) == differs

    posted = books.set(tax=setting).post(bill)
    wanted = Decimal(case["quickbooks_tax"]) if setting == "quickbooks" else sum_tax
    assert posted.tax == wanted
    assert posted.total == posted.made.total
    assert ("TxnTaxDetail" in posted.made.payload) == (differs and setting == "override")
    if setting == "quickbooks":
        assert posted.total == Decimal(case["quickbooks_total"])


# -- the rates of a code ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "amounts"),
    [
        ([a_rate("1", "5"), a_rate("2", "9.975")], ["5.00", "9.98"]),
        ([a_rate("2", "-20", order=1), a_rate("1", "20")], ["20.00", "-20.00"]),
        # On the tax before it, and on both: in the order that QuickBooks says.
        ([a_rate("2", "10", basis="TaxOnTax", order=1), a_rate("1", "5")], ["5.00", "0.50"]),
        (
            [a_rate("2", "10", basis="TaxOnAmountPlusTax", order=1), a_rate("1", "5")],
            ["5.00", "10.50"],
        ),
        ([], []),
    ],
)
def test_each_rate_of_a_code_is_computed_on_what_it_is_of(
    rates: list[TaxRate], amounts: list[str]
) -> None:
    found = taxes_on(Decimal(100), rates, DAY)
    assert [amount for _, _, amount in found] == [Decimal(a) for a in amounts]


def test_a_rate_of_that_day_counts_and_an_unknown_one_blocks() -> None:
    dated = TaxRate(
        id="6", periods=(("2009-01-01", "2025-12-31", "17.5"), ("2026-01-01", "", "20"))
    )
    books = ledger("GB").set(taxes={"VAT": "Dated"})
    codes = (TaxCode(id="99", name="Dated", rates=(dated,)), *books.snapshot.tax_codes)
    snapshot = replace(books.snapshot, tax_codes=codes)
    for day, tax in (("2025-12-30", "17.50"), ("2026-01-02", "20.00")):
        bill = a_gb_bill(a_line("100.00", taxes=("VAT",)), a_tax(tax, "VAT"))
        bill = replace(bill, bill_date=date.fromisoformat(day))
        plan = plan_tax(bill, books.company, snapshot)
        assert not plan.problems
        assert plan.quickbooks == plan.odoo == Decimal(tax)
    long_ago = replace(bill, bill_date=date(2008, 12, 31))
    [sentence] = plan_tax(long_ago, books.company, snapshot).problems
    assert sentence == (
        "QuickBooks does not say what the tax code Dated charges on 2008-12-31. Map VAT to"
        " another one under taxes in company_settings, or complete its rate in QuickBooks."
    )


def test_a_rate_that_is_missing_from_quickbooks_list_blocks_and_is_never_zero() -> None:
    books = open_ledger("GB")
    codes = [replace(c, rates=(TaxRate(id="404"),)) for c in books.snapshot.tax_codes]
    snapshot = replace(books.snapshot, tax_codes=tuple(codes))
    plan = plan_tax(a_gb_bill(a_line("100.00", taxes=("0% Z",))), books.company, snapshot)
    assert plan.problems[0].startswith("QuickBooks does not say what the tax code 0% Z charges")


# -- what is sent -----------------------------------------------------------------------------


# Lines for which QuickBooks comes to another cent than Odoo: else nothing is sent at all.
LINES: Final = {
    "one code with two rates": ["10.00"] * 10,
    "one rate, rounded by Odoo per line": ["2.49"],
}


@pytest.mark.parametrize("case", cases("tax_override_shape.json"), ids=lambda c: c["name"])
def test_odoos_tax_is_sent_in_the_shape_that_quickbooks_takes(case: dict[str, Any]) -> None:
    rates = {r["id"]: r["percent"] for r in case["code"]["purchase_rates"]}
    names = tuple(f"{percent}%" for percent in rates.values())
    nets, taxes = LINES[case["name"]], case["odoo_tax"].items()
    assert sum(map(Decimal, nets)) == Decimal(case["net"])
    bill = a_gb_bill(
        *(a_line(net, account_code="611000", taxes=names) for net in nets),
        *(a_tax(tax, f"{rates[n]}%", percent=Decimal(rates[n])) for n, tax in taxes),
    )
    found = _books_of(case["code"]["Id"], rates).post(bill)
    expected = json.loads(json.dumps(case["TxnTaxDetail"]), parse_float=Decimal)
    assert found.made.payload["TxnTaxDetail"].keys() == expected.keys()
    assert _shape(found.made.payload["TxnTaxDetail"]) == _shape(expected)
    assert found.total == bill.amount_total
    assert found.tax == sum(Decimal(tax) for _, tax in taxes)


def _books_of(code_id: str, rates: Mapping[str, str]) -> Ledger:
    """British books that have a code under the Ids of the case, and keep Odoo's tax."""
    books = open_ledger("GB")
    listed = []
    for number, percent in rates.items():
        rate = {"Id": number, "Name": f"R{number}", "RateValue": Decimal(percent)}
        books.realm.tax_rates[number] = rate
        listed.append({"TaxRateRef": {"value": number}, "TaxTypeApplicable": "TaxOnAmount"})
    code = {"Id": code_id, "Name": "Case", "Active": True}
    books.realm.tax_codes[code_id] = code | {"PurchaseTaxRateList": {"TaxRateDetail": listed}}
    known = TaxCode(id=code_id, name="Case", rates=tuple(a_rate(*r) for r in rates.items()))
    snapshot = replace(books.snapshot, tax_codes=(known,))
    names = " + ".join(f"{percent}%" for percent in rates.values())
    return replace(books, snapshot=snapshot).set(taxes={names: "Case"}, tax="override")


def _shape(detail: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            line["Amount"],
            line["DetailType"],
            line["TaxLineDetail"]["TaxRateRef"]["value"],
            line["TaxLineDetail"]["NetAmountTaxable"],
            *sorted(line["TaxLineDetail"]),
            line["TaxLineDetail"]["PercentBased"],
        )
        for line in detail["TaxLine"]
    )


def test_tax_that_only_one_of_two_codes_rounds_otherwise_is_sent_for_both() -> None:
    """A tax line is one a rate: what is not named QuickBooks would leave as it computed it."""
    rows = [
        a_line("100.00", account_code="611000", taxes=("20% S",)),
        a_line("100.00", account_code="611000", taxes=("5% R",)),
        a_tax("19.99", "20% S"),
        a_tax("5.00", "5% R"),
    ]
    posted = ledger("GB").set(tax="override").post(a_gb_bill(*rows))
    taxes = {name: amount for name, amount, _ in posted.rates}
    assert taxes == {
        "20.0% S (Purchases)": Decimal("19.99"),
        "5.0% R (Purchases)": Decimal("5.00"),
    }


def test_two_taxes_of_one_code_are_overridden_together() -> None:
    rows = [
        a_line("8.32", account_code="611000", taxes=("20% S",)),
        a_line("8.32", account_code="611000", taxes=("20% incl",)),
        a_tax("1.66", "20% S"),
        a_tax("1.67", "20% incl"),
    ]
    posted = ledger("GB").set(tax="override").post(a_gb_bill(*rows))
    [line] = posted.made.payload["TxnTaxDetail"]["TaxLine"]
    assert line["Amount"] == posted.tax == Decimal("3.33")
    assert line["TaxLineDetail"]["NetAmountTaxable"] == Decimal("16.64")


# -- on which side a tax row is ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("account", "settings", "is_line"),
    [
        # Odoo's own account of an asset or a liability, which QuickBooks does not have.
        ({"account_code": "131000", "account_type": "asset_current"}, {}, False),
        ({"account_code": "251000", "account_type": "liability_current"}, {}, False),
        ({"account_code": "131000", "account_type": ""}, {}, False),
        # One that QuickBooks has, and not for tax; one that is said to be there; a cost.
        ({"account_code": "141000", "account_type": "asset_prepayments"}, {}, True),
        ({"account_code": "131000"}, {"accounts": {"131000": "Prepayments"}}, True),
        ({"account_code": "999000", "account_type": "expense"}, {}, True),
        # One where QuickBooks keeps that tax: by mapping, or by its name.
        ({"account_code": "131000"}, {"accounts": {"131000": "VAT Control"}}, False),
        ({"account_code": "1", "account_name": "VAT Control"}, {}, False),
    ],
)
def test_a_tax_row_is_quickbooks_own_where_quickbooks_keeps_that_tax(
    account: dict[str, str], settings: dict[str, Any], is_line: bool
) -> None:
    tax = a_tax("20.00", "ND" if is_line else "20% S", **{"account_name": "?", **account})
    bill = a_gb_bill(a_line("100.00", account_code="611000", taxes=tax.taxes), tax)
    books = ledger("GB").set(**settings)
    plan = plan_tax(bill, books.company, books.snapshot)
    assert not plan.problems
    assert (tax in [posted.row for posted in plan.rows]) == is_line
    assert plan.quickbooks == plan.odoo == (0 if is_line else Decimal("20.00"))


def test_tax_on_an_asset_that_was_bought_is_a_part_of_its_cost() -> None:
    asset = {"account_code": "151000", "account_name": "Vans", "account_type": "asset_fixed"}
    van = a_line("100.00", taxes=("ND",), **asset)
    bill = a_gb_bill(van, a_tax("20.00", "ND", **asset))
    plan = plan_tax(bill, ledger("GB").company, ledger("GB").snapshot)
    assert [(p.row.amount, p.tax) for p in plan.rows] == [
        (Decimal("100.00"), "none"),
        (Decimal("20.00"), "none"),
    ]


def test_a_line_on_that_account_does_not_take_the_tax_of_others_along() -> None:
    """Import VAT that a carrier paid stands where Odoo books its VAT."""
    import_vat = a_line("90.00", **VAT)
    freight = a_line("30.00", account_code="612000", taxes=("20% S",))
    plan = plan_tax(
        a_gb_bill(freight, import_vat, a_tax("6.00", "20% S")),
        ledger("GB").company,
        ledger("GB").snapshot,
    )
    assert plan.quickbooks == plan.odoo == Decimal("6.00")
    assert plan.own_accounts == {"131000"}


def test_tax_that_is_all_cost_although_a_code_charges_it_is_blocked_with_what_to_do() -> None:
    cost = {"account_code": "611000", "account_name": "Equipment", "account_type": "expense"}
    bill = a_gb_bill(a_line("100.00", taxes=("20% S",), **cost), a_tax("20.00", "20% S", **cost))
    [sentence] = ledger("GB").problems(bill)
    assert sentence == (
        "20% S comes to 20.00 GBP of tax in QuickBooks, 0.00 GBP in Odoo, because all of it"
        " is booked as cost. Remove it from taxes in company_settings to post it as cost, or"
        " give it a tax account in Odoo."
    )
    books = ledger("GB")
    taxes = {k: v for k, v in books.company.taxes.items() if k != "20% S"}
    told = replace(books, company=replace(books.company, taxes=taxes)).post(bill)
    assert told.accounts == {"Purchase of Equipments": Decimal("120.00")}
    assert {code for _, _, code, _ in told.lines} == {"No VAT"}


def test_tax_rows_of_no_line_block_where_quickbooks_keeps_that_tax() -> None:
    bill = a_gb_bill(a_line("100.00", account_code="611000"), a_tax("20.00", "20% S"))
    [sentence] = ledger("GB").problems(bill)
    assert sentence.startswith("Odoo booked tax that belongs to no line (20% S on 131000)")


# -- a tax that is taxed ----------------------------------------------------------------------


def test_a_tax_that_is_cost_and_taxed_itself_becomes_a_line_with_the_code_of_that_tax() -> None:
    text = """
tax: Eco fee = 1.50 each
product 611000 100.00 {Eco fee, 20% S} "Screens" 4 x 25.00
tax     611000 [6.00]  {20% S} of Eco fee
tax     VAT    [21.21] of 20% S
"""
    bill = read_one(text, "GB")
    [fee, _] = [n for n in bill.lines if n.kind == "tax"]
    assert (fee.taxes, fee.further_taxes) == (("Eco fee",), ("20% S",))
    posted = ledger("GB").set(tax="override").post(bill)
    [line] = posted.made.payload["TxnTaxDetail"]["TaxLine"]
    assert line["TaxLineDetail"]["NetAmountTaxable"] == Decimal("106.00")
    assert {(text, code) for text, _, code, _ in posted.lines} == {
        ("Screens", "20.0% S"),
        ("Tax: Eco fee", "20.0% S"),
    }
    assert posted.total == Decimal("127.21")


def test_which_taxes_a_tax_row_bears_is_part_of_what_is_approved() -> None:
    row = a_tax("6.00", "Eco fee")
    taxed = replace(row, further_taxes=("20% S",), further_parts=((7,),))
    one, other = (a_gb_bill(a_line("100.00"), n) for n in (row, taxed))
    assert one.digest() != other.digest()


# -- the setting "lines" ----------------------------------------------------------------------

LINES_SETTING: Final[dict[str, Any]] = {"tax": "lines", "accounts": {"131000": "Tax Differences"}}


def test_with_lines_only_a_bill_that_differs_gets_its_tax_as_lines() -> None:
    books = ledger("GB").set(**LINES_SETTING)
    product = a_line("100.00", account_code="611000", taxes=("20% S",))
    same = books.post(a_gb_bill(product, a_tax("20.00", "20% S")))
    assert same.accounts == {"Purchase of Equipments": Decimal(100), "tax": Decimal(20)}
    other = books.post(a_gb_bill(product, a_tax("19.99", "20% S")))
    assert other.accounts == {
        "Purchase of Equipments": Decimal(100),
        "Tax Differences": Decimal("19.99"),
    }
    assert books.plan_posting(a_gb_bill(product, a_tax("19.99", "20% S"))).tax.odoo == Decimal(
        "19.99"
    )


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ({}, "QuickBooks has no account for 131000 VAT. Map it in company_settings, or create an"),
        (
            {"131000": "VAT Control"},
            "The tax on 131000 VAT cannot be posted as a line: QuickBooks keeps that tax",
        ),
    ],
)
def test_with_lines_the_tax_needs_an_account_that_takes_them(
    accounts: dict[str, str], said: str
) -> None:
    books = ledger("GB").set(tax="lines", accounts=accounts)
    product = a_line("100.00", account_code="611000", taxes=("20% S",))
    [sentence] = books.problems(a_gb_bill(product, a_tax("19.99", "20% S")))
    assert sentence.startswith(said)


# -- what belongs together --------------------------------------------------------------------


def test_lines_that_share_a_tax_are_one_group_and_others_are_not() -> None:
    groups = TaxGroups()
    computed = [("1", Decimal(20), Decimal("20.00"))]
    groups.add_line("A", a_line("100", taxes=("A",)), computed)
    groups.add_line("A + B", a_line("100", taxes=("A", "B")), computed)
    groups.add_line("C", a_line("100", taxes=("C",)), computed)
    groups.add_tax(a_tax("40.00", "A"))
    groups.add_tax(a_tax("20.00", "C"))
    groups.add_tax_elsewhere(a_tax("5.00", "B"))
    found = {tuple(sorted(g.names)): (g.quickbooks, g.odoo, g.elsewhere) for g in groups.all()}
    assert found == {
        ("A", "A + B"): (Decimal("40.00"), Decimal("40.00"), Decimal("5.00")),
        ("C",): (Decimal("20.00"), Decimal("20.00"), Decimal(0)),
    }


def test_a_tax_row_can_bring_two_groups_together() -> None:
    """A tax of the first name is also known by an id of the second's."""
    groups = TaxGroups()
    computed = [("1", Decimal(20), Decimal("20.00"))]
    ids = {"tax_ids": (1, 2), "tax_parts": ((1,), (2,))}
    groups.add_line("A", a_line("100", taxes=("A",), tax_ids=(1,), tax_parts=((1,),)), computed)
    groups.add_line("B", a_line("100", taxes=("B",), tax_ids=(2,), tax_parts=((2,),)), computed)
    assert len(groups.all()) == 2
    groups.add_line("A + B", a_line("100", taxes=("A", "B"), **ids), computed)
    [group] = groups.all()
    assert (group.names, group.quickbooks) == ({"A", "B", "A + B"}, Decimal("60.00"))


@pytest.mark.parametrize(
    ("lines", "odoo", "is_rounding"),
    [(1, "20.01", True), (1, "20.02", False), (10, "200.05", True), (10, "200.06", False)],
)
def test_two_figures_are_one_tax_rounded_twice_up_to_half_a_cent_a_line(
    lines: int, odoo: str, is_rounding: bool
) -> None:
    groups = TaxGroups()
    for _ in range(lines):
        groups.add_line("A", a_line("100", taxes=("A",)), [("1", Decimal(20), Decimal(20))])
    groups.add_tax(a_tax(odoo, "A"))
    [group] = groups.all()
    assert group.is_rounding == is_rounding


def test_cash_rounding_within_a_tax_is_rounding_however_much_it_is() -> None:
    groups = TaxGroups()
    groups.add_line("A", a_line("100", taxes=("A",)), [("1", Decimal(20), Decimal(20))])
    groups.add_tax(a_tax("20.00", "A"))
    groups.add_tax(a_tax("0.04", "A", is_rounding=True))
    [group] = groups.all()
    assert group.odoo == Decimal("20.04")
    assert group.is_rounding


def test_odoos_tax_goes_to_the_rates_of_its_percents_else_the_rest_to_the_largest() -> None:
    computed = [("1", Decimal(5), Decimal("5.00")), ("2", Decimal("9.975"), Decimal("9.98"))]
    rows = [
        a_tax("5.01", "GST", percent=Decimal(5)),
        a_tax("9.97", "QST", percent=Decimal("9.975")),
    ]
    for taxes, expected in (
        ([a_tax("4.99", "GST", percent=Decimal(5)), rows[1]], {"1": "4.99", "2": "9.97"}),
        ([a_tax("14.97", "GST")], {"1": "5.00", "2": "9.97"}),
    ):
        groups = TaxGroups()
        groups.add_line("GST + QST", a_line("100", taxes=("GST", "QST")), computed)
        for row in taxes:
            groups.add_tax(row)
        [group] = groups.all()
        assert group.odoo_by_rate() == {k: Decimal(v) for k, v in expected.items()}
