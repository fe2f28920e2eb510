"""Twelve figures from sums: identities between them, and what cannot be computed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.errors import Refused
from odoo_qb.reporting.answers import Report, all_answer, figure_answer
from odoo_qb.reporting.figures import FIGURES, Value, amount_text, compute, figure_of
from odoo_qb.reporting.periods import Period
from odoo_qb.reporting.settings import FigureSettings
from odoo_qb.reporting.sums import Account, AccountSums, PeriodSums, both

# Every account type of Odoo 16 to 18, and the one of 19.
TYPES: Final = (
    *("asset_receivable", "asset_cash", "asset_current", "asset_non_current"),
    *("asset_prepayments", "asset_fixed", "liability_payable", "liability_credit_card"),
    *("liability_current", "liability_non_current", "equity", "equity_unaffected"),
    *("income", "income_other", "expense", "expense_depreciation", "expense_direct_cost"),
    *("off_balance", "expense_other"),
)
NAMED: Final = FigureSettings(inventory=("110",), interest=("671",), income_tax=("691", "692"))
CURRENT: Final = Period(first=date(2026, 8, 1), last=date(2026, 8, 31))
PREVIOUS: Final = Period(first=date(2026, 7, 1), last=date(2026, 7, 31))
CHART: Final = {
    1: Account(code="101401", type="asset_cash"),
    2: Account(code="110100", type="asset_current"),
    3: Account(code="121000", type="asset_receivable"),
    4: Account(code="125000", type="asset_receivable", non_trade=True),
    5: Account(code="211000", type="liability_payable"),
    6: Account(code="215000", type="liability_payable", non_trade=True),
    7: Account(code="291000", type="liability_non_current"),
    8: Account(code="301000", type="equity"),
    9: Account(code="400000", type="income"),
    10: Account(code="450000", type="income_other"),
    11: Account(code="500000", type="expense_direct_cost"),
    12: Account(code="600000", type="expense"),
    13: Account(code="671000", type="expense"),
    14: Account(code="692000", type="expense"),
    15: Account(code="682000", type="expense_depreciation"),
    16: Account(code="690000", type="expense_other"),
    17: Account(code="900900", type="off_balance"),
    18: Account(code="201100", type="liability_credit_card"),
    19: Account(code="999999", type="equity_unaffected"),
}
AMOUNTS: Final = st.decimals(-10_000_000, 10_000_000, places=2)
LEDGERS: Final = st.builds(
    AccountSums,
    chart=st.just(CHART),
    flow=st.dictionaries(st.sampled_from(sorted(CHART)), AMOUNTS),
    previous_flow=st.dictionaries(st.sampled_from(sorted(CHART)), AMOUNTS),
    closing=st.dictionaries(st.sampled_from(sorted(CHART)), AMOUNTS),
)


def ledger(flow: dict[int, str], closing: dict[int, str], before: dict[int, str]) -> AccountSums:
    def amounts(given: dict[int, str]) -> dict[int, Decimal]:
        return {number: Decimal(amount) for number, amount in given.items()}

    return AccountSums(
        chart=CHART, flow=amounts(flow), previous_flow=amounts(before), closing=amounts(closing)
    )


def report(sums: AccountSums, settings: FigureSettings = NAMED) -> Report:
    current, previous = both(sums, CURRENT, PREVIOUS, settings)
    return Report(
        company_id=1,
        currency="USD",
        current=current,
        previous=previous,
        settings=settings,
        calculated_at=datetime(2026, 11, 28, 9, 30, tzinfo=UTC),
    )


def value(made: Report, route: str) -> Value:
    figure = figure_of(route, made.settings)
    assert figure
    return compute(figure, made.current, made.previous, made.settings)


def answer(made: Report, route: str) -> dict[str, Any]:
    figure = figure_of(route, made.settings)
    assert figure
    return figure_answer(made, figure)


SOUND: Final = ledger(
    flow={9: "-1000", 11: "400", 12: "200", 13: "10", 14: "20", 15: "30", 10: "-5", 16: "7"},
    before={9: "-800", 11: "300"},
    closing={1: "500", 2: "120", 3: "600", 4: "77", 5: "-250", 6: "-33", 7: "-100", 18: "-40"},
)


# -- what they are -------------------------------------------------------------------------


def test_each_account_type_has_its_place() -> None:
    amounts = report(SOUND).current.amounts
    shown = {
        name: str(amounts[name])
        for name in (
            *("revenue", "cogs", "expenses", "interest", "incomeTax", "depreciation"),
            *("otherIncome", "otherExpenses", "operatingExpenses", "ebitda", "ebit", "netIncome"),
            *("closingAssets", "closingLiabilities", "closingCurrentLiabilities"),
            *("closingReceivables", "closingPayables", "closingInventory", "closingEquity"),
        )
    }
    assert shown == {
        "revenue": "1000",
        "cogs": "400",
        "expenses": "230",
        "interest": "10",
        "incomeTax": "20",
        "depreciation": "30",
        "otherIncome": "5",
        "otherExpenses": "7",
        "operatingExpenses": "200",
        "ebitda": "400",
        "ebit": "370",
        "netIncome": "338",
        "closingAssets": "1297",
        "closingLiabilities": "423",
        "closingCurrentLiabilities": "323",
        "closingReceivables": "600",
        "closingPayables": "250",
        "closingInventory": "120",
        "closingEquity": "874",
    }


@pytest.mark.parametrize("kind", TYPES)
def test_no_type_is_counted_twice_or_forgotten(kind: str) -> None:
    one = {1: Decimal(100)}
    sums = AccountSums(
        chart={1: Account(code="1", type=kind)}, flow=one, previous_flow={}, closing=one
    )
    found = report(sums).current.amounts
    is_result = kind.startswith(("income", "expense"))
    assert found["netIncome"] == (-100 if is_result else 0)
    parts = found["revenue"] - found["costs"] - found["depreciation"]
    others = found["otherIncome"] - found["otherExpenses"]
    assert parts + others == found["netIncome"]
    held = found["closingAssets"] - found["closingLiabilities"]
    assert held == (100 if kind.startswith(("asset", "liability")) else 0)


@pytest.mark.parametrize("kind", ["mystery", ""])
def test_a_type_that_odoo_does_not_have_yet_makes_no_figure(kind: str) -> None:
    one = {1: Decimal(100)}
    sums = AccountSums(
        chart={1: Account(code="77", type=kind)}, flow={}, previous_flow={}, closing=one
    )
    with pytest.raises(Refused, match="has no place in the figures"):
        report(sums)


def test_an_account_that_odoo_does_not_show_makes_no_figure() -> None:
    sums = AccountSums(chart={}, flow={5: Decimal(1)}, previous_flow={}, closing={})
    with pytest.raises(Refused, match="journal items on account 5, but not the account itself"):
        report(sums)


# -- identities ----------------------------------------------------------------------------


@given(LEDGERS)
def test_the_cash_conversion_cycle_is_made_of_the_unrounded_three(sums: AccountSums) -> None:
    made = report(sums)
    parts = [value(made, route).exact for route in ("dso", "dio", "dpo")]
    ccc = value(made, "cash-conversion-cycle")
    if any(part is None for part in parts):
        assert ccc.exact is None
        assert ccc.reason in [value(made, r).reason for r in ("dso", "dio", "dpo")]
    else:
        dso, dio, dpo = (part or Decimal(0) for part in parts)
        assert ccc.exact is not None
        assert abs(ccc.exact - (dso + dio - dpo)) < Decimal("1e-15") * (1 + abs(ccc.exact))


@given(LEDGERS)
def test_what_was_there_and_what_moved_is_what_there_is(sums: AccountSums) -> None:
    made = report(sums)
    for name in ("Assets", "Liabilities", "Equity", "Receivables", "Payables", "Inventory"):
        assert made.current.amounts[f"opening{name}"] == made.previous.amounts[f"closing{name}"]
    for one in (made.current.amounts, made.previous.amounts):
        assert one["ebitda"] - one["depreciation"] == one["ebit"]
        assert one["averageEquity"] == one["averageAssets"] - one["averageLiabilities"]
        assert (
            one["closingAssets"] - one["closingCurrentLiabilities"]
            == (one["closingCapitalEmployed"])
        )


@given(LEDGERS)
def test_a_figure_has_a_value_or_a_reason_and_never_both(sums: AccountSums) -> None:
    told = all_answer(report(sums))
    assert [kpi["code"] for kpi in told["kpis"]] == [figure.code for figure in FIGURES]
    for kpi in told["kpis"]:
        assert (kpi["value"] is None) == bool(kpi["reason"])
        assert kpi["value"] is None or re.fullmatch(r"-?\d+\.\d\d", kpi["value"])
        assert kpi["value"] != "-0.00"
        assert (kpi["change"] is None) == (
            kpi["value"] is None or kpi["previousPeriod"]["value"] is None
        )


@given(LEDGERS)
def test_each_ratio_is_its_numerator_by_its_denominator(sums: AccountSums) -> None:
    made = report(sums)
    for figure in FIGURES:
        exact = value(made, figure.route).exact
        if exact is None or figure.parts or figure.code == "revenue_growth":
            continue
        times = {"%": 100, "days": 31, "times": 1}[figure.unit]
        amounts = made.current.amounts
        back = exact * amounts[figure.denominator] / times
        assert abs(back - amounts[figure.numerator]) < Decimal("1e-10")


@given(st.decimals(-1000, 1000, places=6))
def test_a_value_is_rounded_half_away_from_zero(exact: Decimal) -> None:
    text = Value(exact=exact).text
    assert text is not None
    assert Decimal(text) == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert (Value(exact=Decimal("2.345")).text, Value(exact=Decimal("-2.345")).text) == (
        "2.35",
        "-2.35",
    )
    assert Value(exact=Decimal("-0.004")).text == "0.00"


# -- what cannot be computed ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "flow", "closing", "sentence"),
    [
        ("net-margin", {}, {}, "Revenue in this period is 0.00, and it must be above zero."),
        ("operating-margin", {9: "5.5"}, {}, "Revenue in this period is -5.50, and it must be"),
        ("ebitda-margin", {12: "9"}, {}, "Revenue in this period is 0.00"),
        ("dso", {}, {3: "9"}, "Revenue in this period is 0.00"),
        ("dpo", {9: "-9"}, {5: "-9"}, "Cost of goods sold in this period is 0.00"),
        ("dio", {9: "-9"}, {2: "9"}, "Cost of goods sold in this period is 0.00"),
        ("cash-conversion-cycle", {11: "9"}, {2: "9"}, "Revenue in this period is 0.00"),
        ("inventory-turnover", {11: "9"}, {2: "-9"}, "The average of inventory is -9.00"),
        ("roa", {9: "-9"}, {1: "-0.5"}, "The average of assets is -0.50"),
        ("roe", {9: "-9"}, {1: "3", 7: "-3"}, "The average of equity is 0.00"),
        ("roce", {9: "-9"}, {1: "1", 18: "-2"}, "The average of capital employed is -1.00"),
    ],
)
def test_a_ratio_to_nothing_is_null_and_says_why(
    route: str, flow: dict[int, str], closing: dict[int, str], sentence: str
) -> None:
    told = answer(report(ledger(flow, closing, {})), route)
    assert told["value"] is None
    assert told["change"] is None
    assert told["reason"].startswith(sentence)


def test_growth_needs_revenue_before() -> None:
    told = answer(report(ledger({9: "-100"}, {}, {})), "revenue-growth")
    assert told["value"] is None
    assert told["reason"] == "Revenue in the period before is 0.00, and it must be above zero."
    told = answer(report(SOUND), "revenue-growth")
    assert told["value"] == "25.00"
    assert told["currentPeriod"]["revenueGrowth"] == "25.00"
    assert told["currentPeriod"]["revenue"] == "1000.00"
    assert told["previousPeriod"]["revenueGrowth"] is None
    assert told["previousPeriod"]["revenue"] == "800.00"
    assert told["inputs"] == {"revenue": "1000.00", "previousRevenue": "800.00"}
    assert "third period" in told["previousPeriod"]["reason"]


def test_without_named_accounts_there_is_no_inventory_rather_than_none() -> None:
    made = report(SOUND, replace(NAMED, inventory=None))
    for route in ("dio", "inventory-turnover", "cash-conversion-cycle"):
        told = answer(made, route)
        assert told["value"] is None
        assert "Add their codes to figures_settings." in told["reason"]
        assert not any("nventory" in name for name in told["currentPeriod"])
    assert answer(made, "dso")["value"]
    # Somebody said that there are none: nothing lies in stock.
    assert answer(report(SOUND, replace(NAMED, inventory=())), "dio")["value"] == "0.00"


def test_a_firm_that_books_purchases_as_expenses_compares_payables_with_both() -> None:
    made = report(SOUND, replace(NAMED, dpo_basis="cogs_and_expenses"))
    told = answer(made, "dpo")
    assert told["value"] == f"{Decimal(250) * 31 / 600:.2f}"
    assert told["inputs"]["costs"] == "600.00"
    assert "operating expenses" in told["formula"]
    ccc = value(made, "cash-conversion-cycle").exact
    parts = [value(made, route).exact or Decimal(0) for route in ("dso", "dio", "dpo")]
    assert ccc is not None
    assert ccc - (parts[0] + parts[1] - parts[2]) < Decimal("1e-20")


# -- their answers -------------------------------------------------------------------------


def test_an_answer_carries_all_that_it_rests_on() -> None:
    told = answer(report(SOUND), "dso")
    assert told == {
        "kpiCode": "FIN.DSO",
        "code": "dso",
        "name": "Days sales outstanding",
        "unit": "days",
        "value": "18.60",
        "reason": None,
        "formula": "average trade receivables / revenue x days",
        "inputs": {
            "openingReceivables": "600.00",
            "closingReceivables": "600.00",
            "averageReceivables": "600.00",
            "revenue": "1000.00",
            "days": 31,
        },
        "currentPeriod": {
            "startDate": "2026-08-01",
            "endDate": "2026-08-31",
            "days": 31,
            "value": "18.60",
            "openingReceivables": "600.00",
            "closingReceivables": "600.00",
            "averageReceivables": "600.00",
            "revenue": "1000.00",
        },
        "previousPeriod": {
            "startDate": "2026-07-01",
            "endDate": "2026-07-31",
            "days": 31,
            "value": "23.25",
            "openingReceivables": "600.00",
            "closingReceivables": "600.00",
            "averageReceivables": "600.00",
            "revenue": "800.00",
        },
        "change": "-4.65",
        "companyId": 1,
        "currency": "USD",
        "calculatedAt": "2026-11-28T09:30:00.000Z",
        "notes": [],
    }


def test_all_twelve_come_with_every_sum() -> None:
    told = all_answer(report(SOUND))
    assert len(told["kpis"]) == 12
    assert told["currentPeriod"]["netIncome"] == "338.00"
    assert told["currentPeriod"]["closingAssets"] == "1297.00"
    assert told["previousPeriod"]["revenue"] == "800.00"


def test_codes_are_those_of_the_console() -> None:
    assert [(f.route, f.kpi_code, f.code, f.unit) for f in FIGURES] == [
        ("revenue-growth", "FIN.REV_GROWTH%", "revenue_growth", "%"),
        ("operating-margin", "FIN.OP_MARGIN%", "operating_margin", "%"),
        ("net-margin", "FIN.NET_MARGIN%", "net_margin", "%"),
        ("ebitda-margin", "FIN.EBITDA_MARGIN%", "ebitda_margin", "%"),
        ("dso", "FIN.DSO", "dso", "days"),
        ("dpo", "FIN.DPO", "dpo", "days"),
        ("dio", "FIN.DIO", "dio", "days"),
        ("cash-conversion-cycle", "FIN.CCC", "ccc", "days"),
        ("inventory-turnover", "FIN.INV_TURNOVER", "inventory_turnover", "times"),
        ("roa", "FIN.ROA%", "roa", "%"),
        ("roe", "FIN.ROE%", "roe", "%"),
        ("roce", "FIN.ROCE%", "roce", "%"),
    ]
    assert figure_of("ebit", NAMED) is None


def test_the_documentation_has_each_formula() -> None:
    text = (Path(__file__).parents[2] / "docs" / "figures.md").read_text("utf-8")
    for figure in FIGURES:
        assert f"| {figure.name} | {figure.kpi_code} | {figure.formula} |" in text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00"), ("1200", "1200.00"), ("0.125", "0.125"), ("-0.00", "0.00"), ("7.5", "7.50")],
)
def test_an_amount_keeps_all_its_digits(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount)) == text


def test_sums_of_two_periods_are_of_those_days() -> None:
    made = report(SOUND)
    assert isinstance(made.current, PeriodSums)
    assert (made.current.period, made.previous.period) == (CURRENT, PREVIOUS)
