"""Bills drawn by the dice, as Odoo books them under American and under British taxes.

Odoo rounds tax line by line or once for all lines, and a clerk may have typed what the vendor
printed: so some British bills have another cent of VAT than QuickBooks computes.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

from tests.support.journal import Head, Instalment, Journal, Row

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

CENT: Final = Decimal("0.01")
STANDARD: Final = "20.0% S"
REVERSE: Final = "20.0% RC"
HALF: Final = "20% ND50"  # half of it can be reclaimed
# The taxes of Odoo's British bills; all but HALF are called as QuickBooks' codes are.
PERCENTS: Final = {STANDARD: 20, "5.0% R": 5, "0% Z": 0, REVERSE: 20, HALF: 20}
SALES_TAX: Final = "8.25% sales"
# What operators set for a British company, whose tax accounts in Odoo are these.
TAX_ACCOUNTS: Final = ("131000", "251000")
BRITISH: Final[dict[str, Any]] = {
    "taxes": {"none": "No VAT", HALF: STANDARD},
    "accounts": dict.fromkeys(TAX_ACCOUNTS, "VAT Control"),
}
# Where there is no such account in QuickBooks, the tax can become lines on the default account.
BRITISH_BY_LINES: Final[dict[str, Any]] = BRITISH | {"accounts": {}}
_COSTS: Final = ("611000", "612000")


def a_journal(dice: random.Random, country: str, *, text: str = "Item", **head: str) -> Journal:
    """A bill in a company of that country."""
    top = 400_000 if dice.random() < 0.1 else 90_000
    costs = [
        _product(f"{text} {n}", Decimal(dice.randint(100, top)) / 100, dice.choice(_COSTS))
        for n in range(1, dice.randint(1, 4) + 1)
    ]
    rows = _american(dice, costs) if country == "US" else _british(dice, costs)
    total = sum((row.amount for row in rows), Decimal(0))
    parts = _instalments(dice, total) if dice.random() < 0.2 else ()
    return Journal(head=Head(**head), rows=tuple(rows), instalments=parts)


def _american(dice: random.Random, costs: list[Row]) -> list[Row]:
    """Without tax, or with sales tax as a cost on an account of its own or of the lines."""
    match dice.choice(("none", "sales tax", "sales tax", "discount", "private", "less", "cash")):
        case "sales tax":
            costs = [replace(row, taxes=(SALES_TAX,)) for row in costs]
            account = dice.choice((*_COSTS, "642000"))
            return [*costs, _tax(account, _of(costs, Decimal("8.25")), SALES_TAX)]
        case form:
            return [*costs, *_besides(form, costs[0])]


def _british(dice: random.Random, costs: list[Row]) -> list[Row]:
    """With VAT: by several codes, on the net after a discount, half of it a cost, or owed here."""
    form = dice.choice(
        ("none", "none", "none", "discount", "private", "less", "cash", HALF, REVERSE)
    )
    if form in PERCENTS:
        names = [form] * len(costs)
    else:
        names = [dice.choice((STANDARD, STANDARD, STANDARD, "5.0% R", "0% Z", "")) for _ in costs]
    costs = [
        replace(row, taxes=(name,) if name else ()) for row, name in zip(costs, names, strict=True)
    ]
    bases = [*costs, *_besides(form, costs[0])]
    taxes: list[Row] = []
    for name in dict.fromkeys(name for name in names if PERCENTS.get(name)):
        amount = _odoos(dice, [row for row in bases if name in row.taxes], Decimal(PERCENTS[name]))
        if name == REVERSE:
            taxes += [_tax("VAT", amount, name), _tax("VATO", -amount, name)]
        elif name == HALF:
            half = (amount / 2).quantize(CENT)
            taxes += [_tax("VAT", half, name), _tax(costs[0].account, amount - half, name)]
        else:
            taxes.append(_tax("VAT", amount, name))
    if form == "private" and costs[0].taxes:
        taxes.append(_private_tax(bases))
    return [*bases, *(row for row in taxes if row.amount)]


def _besides(form: str, cost: Row) -> list[Row]:
    """What Odoo books beside a line: on its account and under its taxes, or on another one."""
    part = (cost.amount / 50).quantize(CENT)
    if form == "discount":  # for early payment, off the base of the tax from the start
        taken = Row(kind="epd", account=cost.account, amount=-part, taxes=cost.taxes)
        return [taken, Row(kind="epd", account=cost.account, amount=part)]
    if form == "private":  # not a cost of the company
        taken = Row(kind="non_deductible_product", account=cost.account, amount=-part)
        rest = Row(kind="non_deductible_product_total", account="962000", amount=part)
        return [replace(taken, taxes=cost.taxes, text=cost.text), rest]
    if form == "less":  # a line that takes something off
        return [replace(cost, amount=-part, subtotal=-part, price=-part, text="Goodwill")]
    if form == "cash":
        return [Row(kind="rounding", account="642000", amount=Decimal("0.02"), text="Rounding")]
    return []


def _private_tax(bases: Sequence[Row]) -> Row:
    """The tax of the private part: nobody's tax any more, and a cost beside it."""
    taken = next(row for row in bases if row.kind == "non_deductible_product")
    amount = _of([taken], Decimal(PERCENTS[taken.taxes[0]]))
    return Row(kind="non_deductible_tax", account="962000", amount=-amount)


def _odoos(dice: random.Random, bases: Sequence[Row], percent: Decimal) -> Decimal:
    """The tax of some lines: rounded on each as QuickBooks does, on all, or typed by hand."""
    by_line = sum((_of([row], percent) for row in bases), Decimal(0))
    way = dice.choice(("by line", "together", "together", "by hand", "by hand"))
    if way == "by hand":
        return by_line + dice.choice((CENT, -CENT))
    return by_line if way == "by line" else _of(bases, percent)


def _of(rows: Sequence[Row], percent: Decimal) -> Decimal:
    """A percentage of what rows come to, to the cent."""
    whole = sum((row.amount for row in rows), Decimal(0))
    return (whole * percent / 100).quantize(CENT, ROUND_HALF_UP)


def _product(text: str, amount: Decimal, account: str) -> Row:
    return Row(
        kind="product",
        account=account,
        subtotal=amount,
        amount=amount,
        text=text,
        quantity=Decimal(1),
        price=amount,
    )


def _tax(account: str, amount: Decimal, of: str) -> Row:
    return Row(kind="tax", account=account, amount=amount, of=of)


def _instalments(dice: random.Random, total: Decimal) -> tuple[Instalment, ...]:
    """Three tenths now and the rest in December; the first perhaps paid already."""
    first = (total * 3 / 10).quantize(CENT)
    left = dice.choice((Decimal(0), first))
    return (
        Instalment(due="2026-11-30", amount=first, open=left),
        Instalment(due="2026-12-30", amount=total - first, open=total - first),
    )
