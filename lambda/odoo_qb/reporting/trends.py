"""What a dashboard draws beside the figures: months in a row, and what is unpaid by its age.

No I/O of its own; `Trends` asks Odoo in three calls for months, and in two for ages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.reporting.figures import Value, amount_text
from odoo_qb.reporting.sums import balances_of, check, less, result_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.reporting.journal_sums import Flow, JournalSums
    from odoo_qb.reporting.settings import FigureSettings
    from odoo_qb.reporting.sums import Account

MONTHS: Final = 12
_MOST: Final = 36
_FLOWS: Final = ("revenue", "cogs", "ebitda", "ebit", "netIncome")
_MARGINS: Final = {
    "operatingMargin": "ebit",
    "netMargin": "netIncome",
    "ebitdaMargin": "ebitda",
}
_CASH: Final = "asset_cash"
# By name: from how many days after the day due.
_AGES: Final = (("days1To30", 1), ("days31To60", 31), ("days61To90", 61), ("daysOver90", 91))
_NOT_DUE: Final = "notDue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """Reads the months and ages of one connection's companies, always from Odoo."""

    items: JournalSums

    def months(
        self, company_id: int, last: date, settings: FigureSettings, count: int = MONTHS
    ) -> list[Json]:
        """The months up to the one with `last`: earnings and margins, and what there is at its end.

        Amounts and percentages are decimal strings; a margin of a month without revenue is None.
        """
        first_days = _first_days(last, min(max(count, 1), _MOST))
        end = _next_month(first_days[-1]) - timedelta(days=1)
        closing = self.items.balances(company_id, end).closing
        flows = self.items.months(company_id, first_days[0], end)
        chart = self.items.chart(company_id) if closing else {}
        check(chart, {*closing}.union(*flows.values()))
        return in_a_row(chart, first_days, flows, closing, settings)

    def ages(self, company_id: int, today: date) -> Json:
        """What customers owe and what is owed to vendors, by how long it is overdue today."""
        open_items = self.items.open_items(company_id)
        chart = self.items.chart(company_id) if open_items else {}
        check(chart, {account for account, _ in open_items})
        return by_age(chart, open_items, today)


def in_a_row(
    chart: Mapping[int, Account],
    first_days: list[date],
    flows: Mapping[date, Flow],
    closing: Mapping[int, Decimal],
    settings: FigureSettings,
) -> list[Json]:
    """A row for each month, the last of which ends with `closing`."""
    rows: list[Json] = []
    held = dict(closing)
    for day in reversed(first_days):
        flow = flows.get(day, {})
        result, balances = result_of(chart, flow, settings), balances_of(chart, held, settings)
        cash = sum((v for n, v in held.items() if chart[n].type == _CASH), Decimal(0))
        row: Json = {"month": f"{day:%Y-%m}"}
        row |= {name: amount_text(result[name]) for name in _FLOWS}
        revenue = result["revenue"]
        for name, of in _MARGINS.items():
            exact = result[of] * 100 / revenue if revenue > 0 else None
            row[name] = Value(exact=exact).text
        row |= {
            "cash": amount_text(cash),
            "receivables": amount_text(balances["receivables"]),
            "payables": amount_text(balances["payables"]),
        }
        rows.append(row)
        held = less(held, flow)
    return rows[::-1]


def by_age(
    chart: Mapping[int, Account],
    open_items: Mapping[tuple[int, date | None], Decimal],
    today: date,
) -> Json:
    """Trade receivables and payables in five ages each, and their totals; both positive."""
    names = (_NOT_DUE, *(name for name, _ in _AGES))
    sides = {side: dict.fromkeys(names, Decimal(0)) for side in ("receivables", "payables")}
    for (number, due), amount in open_items.items():
        account = chart[number]
        if account.non_trade:
            continue
        owed = account.type == "asset_receivable"
        age = _age((today - due).days if due else 0)
        sides["receivables" if owed else "payables"][age] += amount if owed else -amount
    return {
        side: {name: amount_text(amount) for name, amount in ages.items()}
        | {"total": amount_text(sum(ages.values(), Decimal(0)))}
        for side, ages in sides.items()
    }


def _age(days: int) -> str:
    return next((name for name, least in reversed(_AGES) if days >= least), _NOT_DUE)


def _first_days(last: date, count: int) -> list[date]:
    day = last.replace(day=1)
    found = [day]
    while len(found) < count:
        day = (day - timedelta(days=1)).replace(day=1)
        found.append(day)
    return found[::-1]


def _next_month(day: date) -> date:
    return (day + timedelta(days=32)).replace(day=1)
