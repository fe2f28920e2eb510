"""Months in a row and ages, as a dashboard draws them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.reporting.answers import all_answer
from odoo_qb.reporting.journal_sums import JournalSums
from odoo_qb.reporting.periods import wanted
from odoo_qb.reporting.settings import parse_figure_settings
from odoo_qb.reporting.sums import Account
from odoo_qb.reporting.trends import Trends, by_age
from tests.reporting.golden import SETTINGS, reports
from tests.support.odoo_clients import a_client
from tests.support.odoo_sources import SOME_DOORS, ledger

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

SOMEHOW: Final = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
NAMED: Final = parse_figure_settings(SETTINGS).of("odoo", 1)


@SOMEHOW
def test_each_month_is_what_a_report_of_it_says(version: int, way: str) -> None:
    simulator = ledger(version)
    with a_client(simulator, way) as odoo:
        trends = Trends(items=JournalSums(odoo))
        before = len(simulator.calls)
        months = trends.months(1, date(2026, 8, 20), NAMED)
        asked = [c for c in simulator.calls[before:] if c.startswith(("account.", "res."))]
        assert len(asked) == 3
        assert [row["month"] for row in months][:2] == ["2025-09", "2025-10"]
        assert len(months) == 12
        for row in (months[0], months[5], months[11]):
            told = all_answer(reports(odoo).report(wanted("month", f"{row['month']}-01"), 1))
            now = told["currentPeriod"]
            values = {kpi["code"]: kpi["value"] for kpi in told["kpis"]}
            for name in ("revenue", "cogs", "ebit", "ebitda", "netIncome"):
                assert row[name] == now[name]
            assert row["operatingMargin"] == values["operating_margin"]
            assert row["netMargin"] == values["net_margin"]
            assert row["ebitdaMargin"] == values["ebitda_margin"]
            assert row["receivables"] == now["closingReceivables"]
            assert row["payables"] == now["closingPayables"]


@SOMEHOW
def test_cash_is_the_balance_of_the_bank_accounts(version: int, way: str) -> None:
    simulator = ledger(version)
    accounts = simulator.records["account.account"]
    with a_client(simulator, way) as odoo:
        rows = Trends(items=JournalSums(odoo)).months(2, date(2026, 8, 1), NAMED, count=4)
    for row in rows:
        cash = sum(
            (
                Decimal(str(line["balance"]))
                for line in simulator.records["account.move.line"].values()
                if line["parent_state"] == "posted"
                and line["company_id"] == 2
                and line["account_id"]
                and accounts[line["account_id"]]["account_type"] == "asset_cash"
                and line["date"][:7] <= row["month"]
            ),
            Decimal(0),
        )
        assert Decimal(row["cash"]) == cash
    assert len({row["cash"] for row in rows}) > 1


@SOMEHOW
def test_a_company_without_items_has_empty_months(version: int, way: str) -> None:
    with a_client(ledger(version), way) as odoo:
        (row,) = Trends(items=JournalSums(odoo)).months(1, date(2010, 1, 1), NAMED, count=1)
        assert Trends(items=JournalSums(odoo)).months(1, date(2026, 8, 1), NAMED, count=0)
    assert (row["revenue"], row["netMargin"], row["cash"]) == ("0.00", None, "0.00")


@SOMEHOW
@pytest.mark.parametrize("company", [1, 2])
def test_ages_add_up_to_what_is_unpaid(version: int, way: str, company: int) -> None:
    simulator = ledger(version)
    today = date(2026, 11, 28)
    with a_client(simulator, way) as odoo:
        before = len(simulator.calls)
        ages = Trends(items=JournalSums(odoo)).ages(company, today)
        asked = [c for c in simulator.calls[before:] if c.startswith("account.")]
        assert len(asked) == 2
    for side, kind, sign in (
        ("receivables", "asset_receivable", 1),
        ("payables", "liability_payable", -1),
    ):
        expected = _expected(simulator, company, kind, sign, today)
        told = {name: Decimal(amount) for name, amount in ages[side].items()}
        assert told.pop("total") == sum(expected.values())
        assert told == expected
        assert sum(amount != 0 for amount in expected.values()) > 0


def _expected(
    simulator: Any, company: int, kind: str, sign: int, today: date
) -> dict[str, Decimal]:
    found = dict.fromkeys(
        ("notDue", "days1To30", "days31To60", "days61To90", "daysOver90"), Decimal(0)
    )
    accounts = simulator.records["account.account"]
    for line in simulator.records["account.move.line"].values():
        account = accounts.get(line["account_id"])
        if not account or line["company_id"] != company or line["parent_state"] != "posted":
            continue
        if account["account_type"] != kind or account["non_trade"]:
            continue
        due = line["date_maturity"]
        days = (today - date.fromisoformat(due)).days if due else 0
        name = "notDue" if days < 1 else "daysOver90" if days > 90 else ""
        name = name or f"days{(days - 1) // 30 * 30 + 1}To{(days - 1) // 30 * 30 + 30}"
        found[name] += sign * Decimal(str(line["amount_residual"]))
    return found


def test_each_age_begins_the_day_after_the_one_before() -> None:
    today = date(2026, 11, 28)
    chart = {
        1: Account(code="1", type="asset_receivable"),
        2: Account(code="2", type="liability_payable"),
        3: Account(code="3", type="asset_receivable", non_trade=True),
    }

    def aged(due: date | None) -> Json:
        ages = by_age(chart, {(1, due): Decimal(5), (3, due): Decimal(7)}, today)["receivables"]
        return {name: amount for name, amount in ages.items() if amount != "0.00"}

    for due, name in (
        (None, "notDue"),
        (today, "notDue"),
        (date(2026, 11, 27), "days1To30"),
        (date(2026, 10, 29), "days1To30"),
        (date(2026, 10, 28), "days31To60"),
        (date(2026, 9, 29), "days31To60"),
        (date(2026, 9, 28), "days61To90"),
        (date(2026, 8, 30), "days61To90"),
        (date(2026, 8, 29), "daysOver90"),
    ):
        assert aged(due) == {name: "5.00", "total": "5.00"}
    owing = by_age(chart, {(2, None): Decimal(-9)}, today)["payables"]
    assert (owing["notDue"], owing["total"]) == ("9.00", "9.00")
