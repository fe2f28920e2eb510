"""The twelve financial figures: what each is called, how it is computed, what it rests on. No I/O.

They come from journal items in the company's currency. Dashboards often add up invoice totals
instead, which include tax and mix currencies; such figures differ from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from odoo_qb.reporting.settings import FigureSettings
    from odoo_qb.reporting.sums import Amounts, PeriodSums

_CENT: Final = Decimal("0.01")
_DIGITS: Final = 60  # of a division, far beyond what is shown
_GROWTH: Final = "revenue_growth"
# What figures are divided by, as a sentence begins with it.
_DIVISORS: Final = {
    "revenue": "Revenue in this period",
    "previousRevenue": "Revenue in the period before",
    "cogs": "Cost of goods sold in this period",
    "costs": "Cost of goods sold with operating expenses in this period",
    "averageInventory": "The average of inventory",
    "averageAssets": "The average of assets",
    "averageEquity": "The average of equity",
    "averageCapitalEmployed": "The average of capital employed",
}
_NOT_NAMED: Final = (
    "No inventory accounts are named for this company. Add their codes to figures_settings."
)
_NOT_READ: Final = "The growth of the earlier period would take a third period, which is not read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: a ratio of two sums, times 100 or the period's days, or a sum of other figures.

    `inputs` are the names of the sums that enter it, which its answer lists.
    """

    route: str
    kpi_code: str
    code: str
    name: str
    unit: Literal["%", "days", "times"]
    formula: str
    inputs: tuple[str, ...]
    numerator: str = ""
    denominator: str = ""
    parts: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A figure's exact value, or None and why there is none."""

    exact: Decimal | None = None
    reason: str = ""

    @property
    def shown(self) -> Decimal | None:
        """To two decimals, half away from zero; never minus zero."""
        if self.exact is None:
            return None
        return self.exact.quantize(_CENT, ROUND_HALF_UP) + 0

    @property
    def text(self) -> str | None:
        """As it is answered."""
        return None if self.shown is None else f"{self.shown:f}"


def _average(name: str) -> tuple[str, ...]:
    return tuple(f"{when}{name}" for when in ("opening", "closing", "average"))


def _ratio(
    route: str,
    kpi_code: str,
    name: str,
    unit: Literal["%", "days", "times"],
    formula: str,
    ratio: tuple[str, str],
    inputs: tuple[str, ...],
) -> Figure:
    return Figure(
        route=route,
        kpi_code=kpi_code,
        code=route.replace("-", "_"),
        name=name,
        unit=unit,
        formula=formula,
        numerator=ratio[0],
        denominator=ratio[1],
        inputs=inputs,
    )


_OPERATING: Final = ("revenue", "cogs", "expenses", "depreciation", "interest", "incomeTax")
FIGURES: Final = (
    _ratio(
        "revenue-growth",
        "FIN.REV_GROWTH%",
        "Revenue growth",
        "%",
        "(revenue - revenue of the period before) / revenue of the period before x 100",
        ("revenueChange", "previousRevenue"),
        ("revenue", "previousRevenue"),
    ),
    _ratio(
        "operating-margin",
        "FIN.OP_MARGIN%",
        "Operating margin",
        "%",
        "EBIT / revenue x 100, EBIT = revenue - cost of goods sold - (expenses - interest - income"
        " tax) - depreciation",
        ("ebit", "revenue"),
        (*_OPERATING, "ebit"),
    ),
    _ratio(
        "net-margin",
        "FIN.NET_MARGIN%",
        "Net margin",
        "%",
        "net income / revenue x 100, net income = all income - all expenses",
        ("netIncome", "revenue"),
        ("netIncome", "revenue"),
    ),
    _ratio(
        "ebitda-margin",
        "FIN.EBITDA_MARGIN%",
        "EBITDA margin",
        "%",
        "EBITDA / revenue x 100, EBITDA = EBIT + depreciation",
        ("ebitda", "revenue"),
        (*_OPERATING, "ebit", "ebitda"),
    ),
    _ratio(
        "dso",
        "FIN.DSO",
        "Days sales outstanding",
        "days",
        "average trade receivables / revenue x days",
        ("averageReceivables", "revenue"),
        (*_average("Receivables"), "revenue"),
    ),
    _ratio(
        "dpo",
        "FIN.DPO",
        "Days payable outstanding",
        "days",
        "average trade payables / cost of goods sold x days",
        ("averagePayables", "cogs"),
        (*_average("Payables"), "cogs"),
    ),
    _ratio(
        "dio",
        "FIN.DIO",
        "Days inventory outstanding",
        "days",
        "average inventory / cost of goods sold x days",
        ("averageInventory", "cogs"),
        (*_average("Inventory"), "cogs"),
    ),
    Figure(
        route="cash-conversion-cycle",
        kpi_code="FIN.CCC",
        code="ccc",
        name="Cash conversion cycle",
        unit="days",
        formula="DSO + DIO - DPO, each before rounding",
        inputs=("averageReceivables", "averageInventory", "averagePayables", "revenue", "cogs"),
        parts=((1, "dso"), (1, "dio"), (-1, "dpo")),
    ),
    _ratio(
        "inventory-turnover",
        "FIN.INV_TURNOVER",
        "Inventory turnover",
        "times",
        "cost of goods sold / average inventory, not annualised",
        ("cogs", "averageInventory"),
        (*_average("Inventory"), "cogs"),
    ),
    _ratio(
        "roa",
        "FIN.ROA%",
        "Return on assets",
        "%",
        "net income / average assets x 100, not annualised",
        ("netIncome", "averageAssets"),
        ("netIncome", *_average("Assets")),
    ),
    _ratio(
        "roe",
        "FIN.ROE%",
        "Return on equity",
        "%",
        "net income / average equity x 100, equity = assets - liabilities, not annualised",
        ("netIncome", "averageEquity"),
        ("netIncome", *_average("Equity")),
    ),
    _ratio(
        "roce",
        "FIN.ROCE%",
        "Return on capital employed",
        "%",
        "EBIT / average capital employed x 100, capital employed = assets - current liabilities,"
        " not annualised",
        ("ebit", "averageCapitalEmployed"),
        ("ebit", *_average("CapitalEmployed")),
    ),
)
_BY_ROUTE: Final = {figure.route: figure for figure in FIGURES}
# Of firms that book what they buy as expenses, the payables are for both.
_DPO_OF_ALL_COSTS: Final = _ratio(
    "dpo",
    "FIN.DPO",
    "Days payable outstanding",
    "days",
    "average trade payables / (cost of goods sold + operating expenses) x days",
    ("averagePayables", "costs"),
    (*_average("Payables"), "cogs", "operatingExpenses", "costs"),
)


def figure_of(route: str, settings: FigureSettings) -> Figure | None:
    """The figure of a route such as "net-margin"; None if there is none."""
    if route == "dpo" and settings.dpo_basis == "cogs_and_expenses":
        return _DPO_OF_ALL_COSTS
    return _BY_ROUTE.get(route)


def compute(
    figure: Figure, sums: PeriodSums, previous: PeriodSums | None, settings: FigureSettings
) -> Value:
    """A figure of a period; `previous` is the one before, None where it was not read."""
    if figure.code == _GROWTH and previous is None:
        return Value(reason=_NOT_READ)
    if figure.parts:
        return _sum_of(figure, sums, settings)
    amounts = _with_previous(sums.amounts, previous)
    if not {figure.numerator, figure.denominator} <= amounts.keys():
        return Value(reason=_NOT_NAMED)
    divisor = amounts[figure.denominator]
    if divisor <= 0:
        what = _DIVISORS[figure.denominator]
        return Value(reason=f"{what} is {amount_text(divisor)}, and it must be above zero.")
    times = {"%": 100, "days": sums.period.days, "times": 1}[figure.unit]
    with localcontext(prec=_DIGITS):
        return Value(exact=amounts[figure.numerator] * times / divisor)


def amount_text(amount: Decimal) -> str:
    """All digits of an amount, at least two decimals: "12.50", "0.125"."""
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount + 0:.{digits}f}"


def _sum_of(figure: Figure, sums: PeriodSums, settings: FigureSettings) -> Value:
    total = Decimal(0)
    with localcontext(prec=_DIGITS):
        for sign, route in figure.parts:
            part = figure_of(route, settings)
            value = compute(part, sums, None, settings) if part else Value()
            if value.exact is None:
                return value
            total += sign * value.exact
    return Value(exact=total)


def _with_previous(amounts: Amounts, previous: PeriodSums | None) -> Amounts:
    if previous is None:
        return amounts
    revenue = previous.amounts["revenue"]
    change = amounts["revenue"] - revenue
    return amounts | {"previousRevenue": revenue, "revenueChange": change}
