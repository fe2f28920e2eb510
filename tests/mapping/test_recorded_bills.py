"""Forty documents of a real Odoo 19 with all their journal rows, read and posted to the cent."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.bill import checks
from sandbox.odoo.importer import load_bills
from sandbox.odoo.server import Odoo
from tests.support.builders import a_company
from tests.support.ledgers import open_ledger, read_from

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill
    from tests.support.ledgers import Ledger

TEXT: Final = (Path(__file__).parents[1] / "support" / "odoo-19-bills.json").read_text("utf-8")
RECORDED: Final[dict[str, Any]] = json.loads(TEXT)  # as Odoo sends it
MOVES: Final[list[dict[str, Any]]] = json.loads(TEXT, parse_float=Decimal)["moves"]
IN_QUICKBOOKS: Final = {"443000": "Cash Discount Loss"}  # of that number; the others have none
DEFAULT: Final = "Uncategorized Expense"


@pytest.fixture(scope="module")
def bills() -> list[Bill]:
    """The documents as our reader reads them, in the order of the recording."""
    odoo = Odoo(version=19)
    ids = load_bills(odoo, RECORDED)
    names = {row["name"]: row["name"] for row in RECORDED["companies"]}
    found = read_from(odoo, ids, names)
    return [found[number] for number in ids]


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Ledger]:
    """Books in dollars with next to no settings: an account for gaps, and a code for no tax."""
    company = a_company(default_account=DEFAULT, taxes={"none": "No VAT"})
    return {
        country: replace(open_ledger(country, home_currency="USD"), company=company)
        for country in ("US", "GB")
    }


def test_all_forty_are_readable_and_add_up(bills: list[Bill]) -> None:
    assert len(bills) == len(MOVES) == 40
    for bill, move in zip(bills, MOVES, strict=True):
        assert not bill.unreadable
        assert checks.problems(bill) == ()
        stated = [bill.amount_untaxed, bill.amount_tax, bill.amount_total]
        assert stated == [move[n] for n in ("amount_untaxed", "amount_tax", "amount_total")]
        assert sum(n.amount for n in bill.money_rows) == bill.amount_total


@pytest.mark.parametrize("country", ["US", "GB"])
def test_all_forty_are_posted_to_the_cent_on_every_account(
    country: str, bills: list[Bill], ledgers: dict[str, Ledger]
) -> None:
    for bill, move in zip(bills, MOVES, strict=True):
        if not booked(move):
            assert checks.nothing_to_post(bill, ledgers[country].company)
            continue
        assert not checks.nothing_to_post(bill, ledgers[country].company)
        posted = ledgers[country].post(bill)
        assert posted.total == move["amount_total"], move["ref"]
        assert posted.accounts == booked(move), move["ref"]
        assert posted.tax == 0  # in this Odoo every tax is a part of the cost


def booked(move: dict[str, Any]) -> dict[str, Decimal]:
    """What the recording says was booked, by the account it goes to in QuickBooks."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    sign = -1 if move["move_type"] == "in_refund" else 1
    for row in move["lines"]:
        if row["display_type"] != "payment_term" and row["account_id"]:
            code = row["account_id"][1].split()[0]
            sums[IN_QUICKBOOKS.get(code, DEFAULT)] += sign * row["amount_currency"]
    return {name: amount for name, amount in sums.items() if amount}


def test_they_are_of_the_kinds_that_were_blocked_once(bills: list[Bill]) -> None:
    """Rounded globally, with early payment discount, partly private, with sections in sections."""
    moves = [
        sum(row["price_subtotal"] for row in move["lines"] if row["display_type"] == "product")
        != move["amount_untaxed"]
        for move in MOVES
    ]
    assert sum(moves) > 10
    kinds = {row["display_type"] for move in MOVES for row in move["lines"]}
    assert {"epd", "rounding", "line_subsection", "non_deductible_product_total"} <= kinds
    assert {n.kind for bill in bills for n in bill.lines} >= {"product", "other", "tax", "section"}
