"""Any books: accounts, codes, dates, amounts and states at random, and SQL on the same rows."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.reporting.answers import all_answer
from odoo_qb.reporting.periods import wanted
from tests.reporting.golden import some_reports
from tests.support.odoo_clients import DOORS
from tests.support.odoo_sources import ledger

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from sandbox.odoo.server import Odoo as Simulator

TYPES: Final = (
    *("asset_receivable", "asset_cash", "asset_current", "asset_non_current"),
    *("asset_prepayments", "asset_fixed", "liability_payable", "liability_credit_card"),
    *("liability_current", "liability_non_current", "equity", "equity_unaffected"),
    *("income", "income", "income_other", "expense", "expense", "expense_depreciation"),
    *("expense_direct_cost", "expense_direct_cost", "off_balance"),
)
PREFIXES: Final = ("110", "671", "691", "400", "600", "2")
FIRST: Final = date(2024, 12, 1)
DAYS: Final = 620
# As the database's own of the golden values, of one period: sums in cents.
FLOWS: Final = """
    select
      -coalesce(sum(balance) filter (where type = 'income'), 0) revenue,
      coalesce(sum(balance) filter (where type = 'expense_direct_cost'), 0) cogs,
      coalesce(sum(balance) filter (where type = 'expense'), 0) expenses,
      coalesce(sum(balance) filter (where type = 'expense_depreciation'), 0) depreciation,
      coalesce(sum(balance) filter (where type = 'expense' and code like '671%'), 0) interest,
      coalesce(sum(balance) filter (where type = 'expense' and code like '691%'), 0) income_tax,
      -coalesce(sum(balance) filter (where type like 'income%' or type like 'expense%'), 0) net
    from item where state = 'posted' and company = :company and day between :first and :last
"""
HELD: Final = """
    select
      coalesce(sum(balance) filter (where type = 'asset_receivable' and not non_trade), 0) owed,
      -coalesce(sum(balance) filter (where type = 'liability_payable' and not non_trade), 0) owing,
      coalesce(sum(balance) filter (where code like '110%' and type <> 'off_balance'), 0) stock,
      coalesce(sum(balance) filter (where type like 'asset%'), 0) assets,
      -coalesce(sum(balance) filter (where type like 'liability%'), 0) liabilities,
      -coalesce(sum(balance) filter (where type in
        ('liability_payable', 'liability_credit_card', 'liability_current')), 0) current
    from item where state = 'posted' and company = :company and day <= :last
"""


def shuffled(version: int, chance: random.Random) -> Simulator:
    """The ledger with other accounts, amounts, days and states."""
    simulator = ledger(version)
    types = TYPES + (("expense_other",) if version >= 19 else ())
    for number, account in simulator.records["account.account"].items():
        code = f"{chance.choice(PREFIXES)}{number:05d}"
        account |= {
            "account_type": chance.choice(types),
            "code": code,
            "non_trade": chance.random() < 0.2,
            "deprecated": chance.random() < 0.2,
        }
        for company in simulator.codes.get(number, {}):
            simulator.codes[number][company] = f"{chance.choice(PREFIXES)}{company}{number:04d}"
    for line in simulator.records["account.move.line"].values():
        line |= {
            "balance": chance.randint(-10_000_000, 10_000_000) / 100,
            "date": f"{FIRST + timedelta(days=chance.randrange(DAYS))}",
            "parent_state": chance.choice(["posted", "posted", "posted", "draft", "cancel"]),
        }
    return simulator


def database(simulator: Simulator, version: int) -> sqlite3.Connection:
    """The items beside what their accounts are, straight from what the simulator holds."""
    accounts = simulator.records["account.account"]
    made = sqlite3.connect(":memory:")
    made.row_factory = sqlite3.Row
    made.execute("create table item (company, day, balance, state, type, code, non_trade)")
    for line in simulator.records["account.move.line"].values():
        if not line["account_id"]:
            continue
        account, company = accounts[line["account_id"]], line["company_id"]
        code = account["code"]
        if version >= 18:
            code = simulator.codes.get(account["id"], {}).get(company, code)
        made.execute(
            "insert into item values (?, ?, ?, ?, ?, ?, ?)",
            (
                company,
                line["date"],
                round(line["balance"] * 100),
                line["parent_state"],
                account["account_type"],
                code,
                account["non_trade"],
            ),
        )
    return made


def expected(made: sqlite3.Connection, told: Json, company: int) -> dict[str, str | None]:
    """The twelve figures by the definitions of the golden values, in fractions."""

    def row(sql: str, last: str, first: str = "") -> dict[str, int]:
        found = made.execute(sql, {"company": company, "first": first, "last": last}).fetchone()
        return dict(found)

    first, last = told["startDate"], told["endDate"]
    day_before = f"{date.fromisoformat(first) - timedelta(days=1)}"
    flow, opening, closing = row(FLOWS, last, first), row(HELD, day_before), row(HELD, last)
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1

    def average(*names: str) -> Fraction:
        total = sum(held[names[0]] - sum(held[n] for n in names[1:]) for held in (opening, closing))
        return Fraction(total, 2)

    revenue, cogs = flow["revenue"], flow["cogs"]
    ebitda = revenue - cogs - flow["expenses"] + flow["interest"] + flow["income_tax"]
    ebit, net = ebitda - flow["depreciation"], flow["net"]
    dso, dpo, dio = (
        _ratio(average(name) * days, by)
        for name, by in (("owed", revenue), ("owing", cogs), ("stock", cogs))
    )
    ccc = None if dso is None or dpo is None or dio is None else dso + dio - dpo
    found = {
        "operating_margin": _ratio(ebit * 100, revenue),
        "net_margin": _ratio(net * 100, revenue),
        "ebitda_margin": _ratio(ebitda * 100, revenue),
        "dso": dso,
        "dpo": dpo,
        "dio": dio,
        "ccc": ccc,
        "inventory_turnover": _ratio(cogs, average("stock")),
        "roa": _ratio(net * 100, average("assets")),
        "roe": _ratio(net * 100, average("assets", "liabilities")),
        "roce": _ratio(ebit * 100, average("assets", "current")),
    }
    return {name: _shown(value) for name, value in found.items()}


def growth(made: sqlite3.Connection, told: Json, company: int) -> str | None:
    revenues = [
        made.execute(
            FLOWS, {"company": company, "first": period["startDate"], "last": period["endDate"]}
        ).fetchone()["revenue"]
        for period in (told["currentPeriod"], told["previousPeriod"])
    ]
    return _shown(_ratio((revenues[0] - revenues[1]) * 100, revenues[1]))


def _ratio(above: Any, below: Any) -> Fraction | None:
    return Fraction(above) / Fraction(below) if below > 0 else None


def _shown(value: Fraction | None) -> str | None:
    if value is None:
        return None
    cents = int(abs(value) * 100 + Fraction(1, 2))
    return f"{'-' if value < 0 and cents else ''}{cents // 100}.{cents % 100:02d}"


@pytest.mark.parametrize(("version", "way"), DOORS)
def test_any_books_give_what_sql_gives(version: int, way: str) -> None:
    chance = random.Random(version * 10 + len(way))  # noqa: S311 - which books is no secret
    simulator = shuffled(version, chance)
    made = database(simulator, version)
    computed = 0
    with some_reports(simulator, way) as reports:
        for company in (1, 2):
            start = FIRST + timedelta(days=chance.randrange(200, 500))
            end = start + timedelta(days=chance.randrange(80))
            periods = [
                wanted("month", f"{start}"),
                wanted("quarter", f"{start}"),
                wanted("year", f"{start}"),
                wanted("", f"{start}", f"{end}"),
            ]
            for period in periods:
                told = all_answer(reports.report(period, company))
                values = {kpi["code"]: kpi["value"] for kpi in told["kpis"]}
                assert values.pop("revenue_growth") == growth(made, told, company)
                assert values == expected(made, told["currentPeriod"], company)
                computed += sum(value is not None for value in values.values())
                before = {kpi["code"]: kpi["previousPeriod"]["value"] for kpi in told["kpis"]}
                assert before.pop("revenue_growth") is None
                assert before == expected(made, told["previousPeriod"], company)
    made.close()
    assert computed > 16  # of 88: where books are random, many a denominator is negative
