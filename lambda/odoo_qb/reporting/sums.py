"""From what each account moved and holds to the sums that figures rest on. No I/O.

Amounts are Decimal, in the company's currency, positive where an accountant expects them to be:
revenue is what Odoo books as a credit. Every account type of Odoo 16 to 19 has its place; those
off the balance sheet have none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odoo_qb.reporting.periods import Period
    from odoo_qb.reporting.settings import FigureSettings

Amounts = dict[str, Decimal]

OFF_BALANCE: Final = "off_balance"
_RESULT: Final = ("income", "expense")
_GROUPS: Final = (*_RESULT, "asset", "liability", "equity", OFF_BALANCE)
_CURRENT_LIABILITIES: Final = frozenset(
    {"liability_payable", "liability_credit_card", "liability_current"}
)
_BALANCES: Final = (
    "receivables",
    "payables",
    "inventory",
    "assets",
    "liabilities",
    "currentLiabilities",
    "equity",
    "capitalEmployed",
)
_TWO: Final = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the chart. `code` is the company's own ("" if it has none)."""

    code: str
    type: str
    non_trade: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSums:
    """Sums by account of one company's posted items: debits positive, credits negative.

    `flow` and `previous_flow` are movements within the two periods, `closing` is what there is at
    the end of the later one.
    """

    chart: Mapping[int, Account]
    flow: Mapping[int, Decimal]
    previous_flow: Mapping[int, Decimal]
    closing: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSums:
    """A period's sums by the names that inputs have, such as netIncome or averageAssets.

    There is no inventory among them where nobody said which accounts it is on.
    """

    period: Period
    amounts: Amounts = field(default_factory=dict)


def both(
    sums: AccountSums, current: Period, previous: Period, settings: FigureSettings
) -> tuple[PeriodSums, PeriodSums]:
    """The sums of a period, and those of the one that ends the day before it begins.

    Refused where an account with items is none of the chart's, or its type is unknown.
    """
    opening = less(sums.closing, sums.flow)
    before = less(opening, sums.previous_flow)
    accounts = {*sums.closing, *sums.flow, *sums.previous_flow}
    check(sums.chart, accounts)
    return (
        _of_period(sums.chart, current, sums.flow, opening, sums.closing, settings),
        _of_period(sums.chart, previous, sums.previous_flow, before, opening, settings),
    )


def _of_period(
    chart: Mapping[int, Account],
    period: Period,
    flow: Mapping[int, Decimal],
    opening: Mapping[int, Decimal],
    closing: Mapping[int, Decimal],
    settings: FigureSettings,
) -> PeriodSums:
    amounts = result_of(chart, flow, settings)
    first, last = balances_of(chart, opening, settings), balances_of(chart, closing, settings)
    for name in _BALANCES:
        if name in last:
            title = name[0].upper() + name[1:]
            amounts[f"opening{title}"] = first[name]
            amounts[f"closing{title}"] = last[name]
            amounts[f"average{title}"] = (first[name] + last[name]) / _TWO
    return PeriodSums(period=period, amounts=amounts)


def result_of(
    chart: Mapping[int, Account], flow: Mapping[int, Decimal], settings: FigureSettings
) -> Amounts:
    """What was earned and spent.

    Interest and income tax are ordinary expenses to Odoo, which the operating result leaves out.
    Other income, and the other expenses of Odoo 19, are in the net income only.
    """
    found = dict.fromkeys(
        (
            *("revenue", "cogs", "expenses", "depreciation", "interest", "incomeTax"),
            *("otherIncome", "otherExpenses", "netIncome"),
        ),
        Decimal(0),
    )
    for account, amount in _with_accounts(chart, flow):
        if not account.type.startswith(_RESULT):
            continue
        found["netIncome"] -= amount
        match account.type:
            case "income":
                found["revenue"] -= amount
            case "expense_direct_cost":
                found["cogs"] += amount
            case "expense_depreciation":
                found["depreciation"] += amount
            case "expense":
                found["expenses"] += amount
                if account.code.startswith(settings.interest or ()):
                    found["interest"] += amount
                elif account.code.startswith(settings.income_tax or ()):
                    found["incomeTax"] += amount
            case kind if kind.startswith("income"):
                found["otherIncome"] -= amount
            case _:
                found["otherExpenses"] += amount
    operating = found["expenses"] - found["interest"] - found["incomeTax"]
    found["operatingExpenses"] = operating
    found["costs"] = found["cogs"] + operating
    found["ebitda"] = found["revenue"] - found["costs"]
    found["ebit"] = found["ebitda"] - found["depreciation"]
    return found


def balances_of(
    chart: Mapping[int, Account], balances: Mapping[int, Decimal], settings: FigureSettings
) -> Amounts:
    """What is owned and owed on a day.

    Odoo never closes the year's result into equity: equity is assets less liabilities, so that the
    result is in it.
    """
    found = dict.fromkeys(_BALANCES, Decimal(0))
    for account, amount in _with_accounts(chart, balances):
        if account.type.startswith("asset"):
            found["assets"] += amount
        if account.type.startswith("liability"):
            found["liabilities"] -= amount
        if account.type in _CURRENT_LIABILITIES:
            found["currentLiabilities"] -= amount
        if account.type == "asset_receivable" and not account.non_trade:
            found["receivables"] += amount
        if account.type == "liability_payable" and not account.non_trade:
            found["payables"] -= amount
        if account.code.startswith(settings.inventory or ()):
            found["inventory"] += amount
    found["equity"] = found["assets"] - found["liabilities"]
    found["capitalEmployed"] = found["assets"] - found["currentLiabilities"]
    if settings.inventory is None:
        del found["inventory"]
    return found


def _with_accounts(
    chart: Mapping[int, Account], amounts: Mapping[int, Decimal]
) -> Iterator[tuple[Account, Decimal]]:
    for number, amount in amounts.items():
        if chart[number].type != OFF_BALANCE:
            yield chart[number], amount


def less(left: Mapping[int, Decimal], right: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """By account, what is left of the one without the other."""
    zero = Decimal(0)
    return {n: left.get(n, zero) - right.get(n, zero) for n in {*left, *right}}


def check(chart: Mapping[int, Account], accounts: set[int]) -> None:
    """Refused where one is none of the chart's: a figure without its items would be wrong."""
    if missing := sorted(accounts - chart.keys()):
        raise Refused(
            f"Odoo shows journal items on account {missing[0]}, but not the account itself: check"
            " this user's companies and the record rules for accounts in Odoo."
        )
    for number in sorted(accounts):
        if not chart[number].type.startswith(_GROUPS):
            raise Refused(
                f"The type of account {chart[number].code} in Odoo, {chart[number].type}, has no"
                " place in the figures: update this software."
            )
