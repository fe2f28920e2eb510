"""Renamed accounts, taxes, terms and vendors: what was approved stays approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import poster
from tests.support.extraction import (
    outcomes,
    put_in,
    run,
)

if TYPE_CHECKING:
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World


@pytest.mark.parametrize("status", ["READY_FOR_APPROVAL", "APPROVED", "POSTED", "REJECTED"])
def test_who_renames_an_account_a_tax_or_a_term_in_odoo_changes_no_bill(
    books: World, status: Status
) -> None:
    poster.lambda_handler({"action": "sync_reference"}, None)
    number = next(
        i
        for i in books.odoo.add_copies(60)
        if books.odoo.records["account.move"][i]["invoice_payment_term_id"]
        and books.odoo.records["account.move"][i]["amount_tax"]
    )
    books.odoo.amend(number, invoice_date="2026-11-02")
    run(books, entry_ids=[number])
    before = put_in(books, number, status)
    assert before["payment_terms"]
    assert any(n["taxes"] for n in before["lines"])
    for model in ("account.account", "account.tax", "account.payment.term"):
        for row in books.odoo.records.get(model, {}).values():
            row["name"] = row["display_name"] = f"{row['name']}, renamed"
    for relation, i in list(books.odoo.names):
        if relation == "account.payment.term":
            books.odoo.names[relation, i] += ", renamed"
    assert outcomes(run(books, entry_ids=[number])) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before
    tax = next(iter(books.odoo.records["account.tax"]))
    lines = books.odoo.records["account.move.line"].values()
    row = next(r for r in lines if r["move_id"] == number and r["tax_ids"])
    row["tax_ids"] = [i for i in books.odoo.records["account.tax"] if [i] != row["tax_ids"]][:1]
    assert tax
    assert "unchanged" not in outcomes(run(books, entry_ids=[number]))


def test_a_blocked_bill_takes_the_new_names_by_which_quickbooks_may_know_it(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "VALIDATION_FAILED")
    for account in books.odoo.records["account.account"].values():
        account["name"] = "As it is called in QuickBooks"
    run(books, entry_ids=[number])
    [line] = [n for n in books.item(f"odoo-{number}")["lines"] if n["kind"] == "product"]
    assert line["account_name"] == "As it is called in QuickBooks"
