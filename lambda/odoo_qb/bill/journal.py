"""Which journal rows of a bill become lines in QuickBooks, and with which amount. No I/O."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from odoo_qb.bill.model import Bill, Line

_CENT: Final = Decimal("0.01")
# What a document books: cents by QuickBooks' account and tax code, and cents of tax.
Booking = tuple[dict[tuple[str, str], int], int]


def moves_nothing(bill: Bill) -> bool:
    """Whether every account of a bill nets to zero, so that there is nothing to post."""
    by_account: dict[Hashable, Decimal] = defaultdict(Decimal)
    for row in bill.money_rows:
        by_account[account_of(row)] += row.amount
    return not any(by_account.values())


def account_of(row: Line) -> tuple[str, str]:
    """What identifies an account: its number, or its name if it has none."""
    return row.account_code, row.account_name


def without_cancelled(
    rows: Sequence[Line], where: Callable[[Line], Hashable] = account_of
) -> list[Line]:
    """The rows in their order, without those that cancel each other out in one place.

    That is: all rows of a place that nets to zero; what Odoo added there (such as an early payment
    discount) if that nets to zero; and any two rows of opposite amounts.
    """
    places: dict[Hashable, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        places[where(row)].append(number)
    gone: set[int] = set()
    for numbers in places.values():
        added = [n for n in numbers if rows[n].kind == "other"]
        for group in (numbers, added):
            if group and not sum(rows[n].amount for n in group):
                gone.update(group)
        gone |= _opposites(rows, [n for n in numbers if n not in gone])
    return [row for number, row in enumerate(rows) if number not in gone]


def _opposites(rows: Sequence[Line], numbers: Sequence[int]) -> set[int]:
    """Pairs of rows in which one reverses the other."""
    waiting: dict[Decimal, list[int]] = defaultdict(list)
    gone: set[int] = set()
    for number in numbers:
        opposite = waiting[-rows[number].amount]
        if opposite:
            gone |= {number, opposite.pop()}
        else:
            waiting[rows[number].amount].append(number)
    return gone


def with_tax_on_lines(rows: Sequence[Line]) -> list[Line]:
    """The rows with each tax added to the lines it is of, in proportion and to the cent.

    A tax on no line, or on lines that net to zero, stays a row of its own. So does tax withheld
    for a tax office, which is not a discount.
    """
    amounts = [row.amount for row in rows]
    spread: set[int] = set()
    owed = [n for n in rows if n.kind == "tax" and n.account_type.startswith("liability")]
    owed_keys = {key for n in owed for key in n.tax_keys}
    for number, row in enumerate(rows):
        if row.kind != "tax" or row.tax_keys & owed_keys:
            continue
        bases = [n for n, r in enumerate(rows) if r.kind != "tax" and row.tax_keys & r.tax_keys]
        shares = shared_out(row.amount, [rows[n].amount for n in bases])
        for base, share in zip(bases, shares, strict=False):
            amounts[base] += share
        if shares:
            spread.add(number)
    return [
        replace(row, amount=amounts[number])
        for number, row in enumerate(rows)
        if number not in spread and amounts[number]
    ]


def shared_out(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """An amount split in proportion to weights, to the cent; [] if they add up to zero."""
    whole, sofar, given = sum(weights, Decimal(0)), Decimal(0), Decimal(0)
    if not whole:
        return []
    parts = []
    for weight in weights:
        sofar += weight
        upto = (amount * sofar / whole).quantize(_CENT, ROUND_HALF_UP)
        parts.append(upto - given)
        given = upto
    return parts
