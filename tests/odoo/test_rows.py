"""Which journal rows become lines: those that cancel out go, a tax may go onto its lines."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.bill.journal import (
    account_of,
    moves_nothing,
    shared_out,
    with_tax_on_lines,
    without_cancelled,
)
from tests.support.builders import a_bill, a_line, a_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.model import Line

CENTS = st.integers(-100_000, 100_000).map(lambda cents: Decimal(cents) / 100)


def amounts(rows: Sequence[Line]) -> list[str]:
    return [str(row.amount) for row in rows]


def a_tax(amount: str, *taxes: str, **fields: Any) -> Line:
    return a_line(amount, kind="tax", taxes=taxes, **fields)


# -- what cancels out -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([a_line("10"), a_line("5")], ["10", "5"]),
        ([a_line("10"), a_line("-10"), a_line("5")], ["5"]),
        # Each takes back one other, not two.
        ([a_line("10"), a_line("10"), a_line("-10")], ["10"]),
        # All of an account that nets to zero goes, whatever its rows.
        ([a_line("7"), a_line("3"), a_line("-10")], []),
        # Early payment discount: what Odoo added comes to nothing, the line stays.
        ([a_line("98"), a_line("-2", kind="other"), a_line("2", kind="other")], ["98"]),
        ([a_line("4"), a_line("-4", account_code="612000")], ["4", "-4"]),
        ([], []),
    ],
)
def test_rows_of_one_account_that_cancel_each_other_out_are_left_out(
    rows: list[Line], left: list[str]
) -> None:
    assert amounts(without_cancelled(rows)) == left


def test_only_rows_of_one_place_cancel_each_other_out() -> None:
    """Elsewhere a place is an account and a tax code: QuickBooks computes tax on both."""
    rows = [a_line("-20", taxes=("20%",)), a_line("20")]
    assert amounts(without_cancelled(rows, lambda n: (account_of(n), n.taxes))) == ["-20", "20"]
    assert amounts(without_cancelled(rows)) == []


KINDS = st.sampled_from(["product", "other"])


# Rows without an amount are no rows of money.
@given(st.lists(st.tuples(CENTS.filter(bool), st.sampled_from("abc"), KINDS)))
def test_what_is_left_comes_to_the_same_on_every_account(
    drawn: list[tuple[Decimal, str, str]],
) -> None:
    rows = [a_line(str(amount), account_code=code, kind=kind) for amount, code, kind in drawn]
    left = without_cancelled(rows)
    before, after = (_by_account(r) for r in (rows, left))
    assert {k: v for k, v in before.items() if v} == {k: v for k, v in after.items() if v}
    assert left == [row for row in rows if any(row is n for n in left)], "in their order"
    for code in "abc":
        here = Counter(n.amount for n in left if n.account_code == code)
        assert not any(here[-amount] for amount in here), "no row takes back another one"


def _by_account(rows: Sequence[Line]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.account_code] += int(row.amount * 100)
    return sums


def test_a_bill_moves_nothing_where_each_account_nets_to_zero() -> None:
    cleared = a_line("-10", account_code="141000", account_name="Prepayments")
    assert moves_nothing(a_bill(lines=(a_line("10"), a_line("-10"))))
    assert moves_nothing(a_bill(lines=()))
    assert not moves_nothing(a_bill(lines=(a_line("10"), cleared)))
    assert not moves_nothing(a_total("5.00"))


# -- tax on the lines it is of ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([a_line("100", taxes=("8%",)), a_tax("8", "8%")], ["108"]),
        ([a_line("60", taxes=("8%",)), a_line("40"), a_tax("4.8", "8%")], ["64.80", "40"]),
        # In proportion, and to the cent: thirds of a cent stay nowhere.
        ([*[a_line("1", taxes=("8%",))] * 3, a_tax("0.10", "8%")], ["1.03", "1.04", "1.03"]),
        # A tax of no line, or of lines that come to nothing, stays a row.
        ([a_line("100"), a_tax("8", "8%")], ["100", "8"]),
        (
            [a_line("9", taxes=("8%",)), a_line("-9", taxes=("8%",)), a_tax("1", "8%")],
            ["9", "-9", "1"],
        ),
        # Two taxes on one line.
        ([a_line("100", taxes=("8%", "1%")), a_tax("8", "8%"), a_tax("1", "1%")], ["109"]),
    ],
)
def test_a_tax_is_added_to_the_lines_it_is_of(rows: list[Line], lines: list[str]) -> None:
    found = [Decimal(n) for n in amounts(with_tax_on_lines(rows))]
    assert found == [Decimal(n) for n in lines]


def test_what_is_owed_to_a_tax_office_is_no_part_of_the_cost() -> None:
    """Withheld from the vendor it is a liability; under reverse charge both rows stay."""
    withheld = a_tax("-24", "WHT", account_type="liability_current")
    rows = [a_line("100", taxes=("WHT",)), withheld]
    assert with_tax_on_lines(rows) == rows
    rows = [
        a_line("100", taxes=("RC",)),
        a_tax("20", "RC", account_type="asset_current"),
        a_tax("-20", "RC", account_type="liability_current"),
    ]
    assert with_tax_on_lines(rows) == rows


@given(
    st.lists(st.tuples(CENTS, st.booleans()), min_size=1, max_size=12),
    st.lists(CENTS, max_size=3),
)
def test_tax_on_lines_adds_up_to_the_cent(
    lines: list[tuple[Decimal, bool]], taxes: list[Decimal]
) -> None:
    rows = [a_line(str(amount), taxes=("8%",) if taxed else ()) for amount, taxed in lines]
    rows += [a_tax(str(amount), "8%") for amount in taxes]
    found = with_tax_on_lines(rows)
    assert sum(n.amount for n in found) == sum(n.amount for n in rows)
    assert all(n.amount == round(n.amount, 2) for n in found)


@given(CENTS, st.lists(CENTS, max_size=20))
def test_an_amount_is_shared_out_to_the_cent(amount: Decimal, weights: list[Decimal]) -> None:
    parts = shared_out(amount, weights)
    if not sum(weights):
        assert parts == []
    else:
        assert sum(parts) == amount
        assert len(parts) == len(weights)


@given(st.integers(1, 100_000), st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_each_part_is_within_a_cent_of_its_share(cents: int, weights: list[int]) -> None:
    amount = Decimal(cents) / 100
    parts = shared_out(amount, [Decimal(w) for w in weights])
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - amount * weight / sum(weights)) <= Decimal("0.01")
