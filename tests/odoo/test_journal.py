"""The Odoo simulator's journals: every row of a bill, and bills that were read elsewhere."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.odoo.calls import Call
from sandbox.odoo.importer import Importer, load_bills
from sandbox.odoo.server import Odoo

VERSIONS = (16, 17, 18, 19)
RECORDED_BILLS = Path(__file__).parents[1] / "support" / "odoo-19-bills.json"
NOT_MONEY = ("payment_term", "line_section", "line_subsection", "line_note")
ROW_FIELDS = [
    "display_type",
    "name",
    "sequence",
    "account_id",
    "quantity",
    "price_unit",
    "price_subtotal",
    "tax_ids",
    "tax_line_id",
    "amount_currency",
    "date_maturity",
    "amount_residual_currency",
]


def call(odoo: Odoo, company: int = 1) -> Call:
    """The first user's door to the records, that company's codes first."""
    (user, *_) = odoo.users.values()
    return Call(odoo, user, {"allowed_company_ids": [company]})


def rows_of(odoo: Odoo, bill: int, company: int = 1) -> list[dict[str, Any]]:
    domain = [["move_id", "in", [bill]]]
    return call(odoo, company).search_read("account.move.line", domain, ROW_FIELDS, order="id")


def payables(odoo: Odoo, bill: int) -> list[tuple[str, float, float]]:
    return [
        (row["date_maturity"], row["amount_currency"], row["amount_residual_currency"])
        for row in rows_of(odoo, bill)
        if row["display_type"] == "payment_term"
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_search_by_bill_alone_finds_every_row(version: int) -> None:
    odoo = Odoo(version=version)
    assert {row["display_type"] for row in rows_of(odoo, 2)} == {
        "product",
        "line_section",
        "line_note",
        "tax",
        "payment_term",
    }
    but_payable = [["move_id", "=", 2], ["display_type", "!=", "payment_term"]]
    found = call(odoo).search_count("account.move.line", but_payable)
    assert found == len(rows_of(odoo, 2)) - 1


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_open_of_a_payable_follows_its_payments(version: int) -> None:
    odoo = Odoo(version=version)
    bill = odoo.new_bill(lines=[("Paper", "100.00")], bill_date="2026-11-02")
    assert payables(odoo, bill) == [("2026-11-02", -100.0, -100.0)]
    odoo.amend(bill, invoice_date_due="2026-12-02", amount_residual=40.0, payment_state="partial")
    assert payables(odoo, bill) == [("2026-12-02", -100.0, -40.0)]
    odoo.pay(bill)
    assert payables(odoo, bill) == [("2026-12-02", -100.0, 0.0)]
    odoo.reset_to_draft(bill)
    assert payables(odoo, bill) == [("2026-12-02", -100.0, -100.0)]


def test_what_a_row_borrows_comes_from_its_account_and_its_bill() -> None:
    fields = ["account_type", "move_type", "ref", "company_currency_id"]
    row = call(Odoo()).read("account.move.line", [3], fields)[0]
    assert row == {
        "id": 3,
        "account_type": "liability_payable",
        "move_type": "in_invoice",
        "ref": "1M-INV-1001",
        "company_currency_id": [1, "USD"],
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_accounts_and_taxes_say_what_kind_they_are(version: int) -> None:
    door = call(Odoo(version=version))
    account = door.read("account.account", [16], ["account_type", "reconcile", "internal_group"])
    assert account == [
        {
            "id": 16,
            "account_type": "liability_payable",
            "reconcile": True,
            "internal_group": "liability",
        }
    ]
    taxes = door.search_read("account.tax", [], ["amount_type", "children_tax_ids", "amount"])
    assert {(tax["amount_type"], *tax["children_tax_ids"]) for tax in taxes} == {("percent",)}
    assert {tax["amount"] for tax in taxes} == {0.0, 8.25, 15.0, 19.0}


def test_an_account_may_be_closed_from_19_on() -> None:
    odoo = Odoo(version=19)
    odoo.records["account.account"][34]["active"] = False
    found = call(odoo).search("account.account", [["code", "in", ["611000", "612000"]]])
    assert found == [35]
    assert call(odoo).read("account.account", [34, 35], ["active"]) == [
        {"id": 34, "active": False},
        {"id": 35, "active": True},
    ]


@pytest.mark.parametrize("version", [18, 19])
def test_bills_recorded_elsewhere_are_loaded_row_by_row(version: int) -> None:
    document = json.loads(RECORDED_BILLS.read_text())
    odoo = Odoo(version=version)
    loaded = load_bills(odoo, document)
    assert len(loaded) == 40
    for move, bill in zip(document["moves"], loaded, strict=True):
        company = int(odoo.records["account.move"][bill]["company_id"])
        (header,) = call(odoo, company).read("account.move", [bill], ["ref", "amount_total"])
        assert (header["ref"], header["amount_total"]) == (move["ref"], move["amount_total"])
        rows = rows_of(odoo, bill, company)
        assert [_as_recorded(row) for row in rows] == [_as_recorded(r) for r in move["lines"]]
        sign = -1 if move["move_type"] == "in_refund" else 1
        money = [r["amount_currency"] for r in rows if r["display_type"] not in NOT_MONEY]
        total = sum((Decimal(str(amount)) for amount in money), Decimal(0))
        assert sign * total == Decimal(str(move["amount_total"]))


def _as_recorded(row: dict[str, Any]) -> list[object]:
    """What of a row does not depend on the ids of the database."""
    names = ["display_type", "name", "sequence", "quantity", "price_unit", "price_subtotal"]
    related = [row[name] and row[name][1] for name in ("account_id", "tax_line_id")]
    return [*(row[name] for name in names), row["amount_currency"], len(row["tax_ids"]), *related]


def test_loading_twice_adds_the_bills_again_but_no_second_company_account_or_vendor() -> None:
    document = json.loads(RECORDED_BILLS.read_text())
    odoo = Odoo(version=19)
    first = load_bills(odoo, document)
    shared = ("res.company", "account.account", "res.partner", "account.payment.term")
    before = {model: len(odoo.records[model]) for model in shared}
    assert set(load_bills(odoo, document)).isdisjoint(first)
    assert {model: len(odoo.records[model]) for model in shared} == before


def test_a_loaded_company_keeps_its_currency_and_its_way_of_rounding() -> None:
    odoo = Odoo(version=19)
    load_bills(odoo, json.loads(RECORDED_BILLS.read_text()))
    fields = ["currency_id", "tax_calculation_rounding_method"]
    domain = [["name", "in", ["1MD", "Euro GmbH"]]]
    (user, *_) = odoo.users.values()
    assert Call(odoo, user, {}).search_read("res.company", domain, fields, order="id") == [
        {"id": 1, "currency_id": [1, "USD"], "tax_calculation_rounding_method": "round_per_line"},
        {"id": 6, "currency_id": [125, "EUR"], "tax_calculation_rounding_method": "round_globally"},
    ]
    with pytest.raises(ValueError, match="Euro GmbH keeps its books in another currency"):
        Importer(odoo).company("Euro GmbH", "USD")
