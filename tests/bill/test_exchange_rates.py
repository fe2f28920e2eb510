"""Exchange rates that are far from the usual: two people must believe them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.approval.policy import needs_two
from odoo_qb.bill import exchange_rates
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import APPROVER
from tests.support import stored_bills
from tests.support.builders import NOW, a_bill, a_company, a_total, an_item

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from sandbox.in_process.chain import World

LIMITED = a_company(two_approvals_above=Decimal(5000))
USUAL = {"rates": [Decimal("1.1"), Decimal("1.08"), Decimal(9), Decimal("1.12")]}


def in_euro(amount: str, company_total: str) -> Bill:
    bill = a_total(amount, currency="EUR")
    return replace(bill, company_total=Decimal(company_total))


def as_asked(bill: Bill, note: dict[str, Any]) -> Item:
    return an_item(bill, rate_doubt=exchange_rates.doubt(bill, note))


@pytest.mark.parametrize(
    ("amount", "company_total", "note", "two"),
    [
        ("50000.00", "5.00", USUAL, True),
        ("50000.00", "5.00", {}, True),
        ("1000.00", "1110.00", USUAL, False),
        ("1000.00", "880.00", USUAL, True),
        ("1000.00", "1400.00", USUAL, True),
        ("1000.00", "1110.00", {}, False),
        ("4000.00", "5.00", {}, False),
        ("4700.00", "5200.00", USUAL, True),
        ("5.00", "0.00", USUAL, True),
    ],
)
def test_two_must_approve_what_an_odd_rate_would_make_small(
    amount: str, company_total: str, note: dict[str, Any], two: bool
) -> None:
    item = as_asked(in_euro(amount, company_total), note)
    assert needs_two(item, LIMITED) == two
    assert not needs_two(item, a_company())


def test_a_bill_in_the_companys_own_currency_and_one_of_nothing_have_no_rate() -> None:
    assert exchange_rates.doubt(a_total("50000.00"), {}) == ""
    assert exchange_rates.doubt(in_euro("0.00", "0.00"), {}) == ""
    assert exchange_rates.note_id(a_bill(company_currency="")) == ""


def test_the_approver_reads_which_rate_is_far_from_which() -> None:
    (said,) = exchange_rates.warnings(in_euro("50000.00", "5.00"), USUAL, LIMITED)
    assert said == (
        "The exchange rate of 0.0001 USD for 1 EUR is far from the 1.11 of recent bills."
        " Check it in Odoo. A second approver must also approve this bill."
    )
    (said,) = exchange_rates.warnings(in_euro("50000.00", "5.00"), USUAL, a_company())
    assert said.endswith("Check it in Odoo.")
    (said,) = exchange_rates.warnings(in_euro("50000.00", "5.00"), {}, LIMITED)
    assert said == (
        "No bill in EUR has been posted yet, so there is no exchange rate to compare with. A"
        " second approver must also approve this bill."
    )
    assert exchange_rates.warnings(in_euro("1000.00", "1110.00"), USUAL, LIMITED) == []
    assert (
        exchange_rates.warnings(in_euro("50000.00", "55000.00"), {}, LIMITED) == []
    )  # large anyhow


def test_a_rate_a_day_is_kept_and_the_last_ones_only() -> None:
    item = an_item(in_euro("1000.00", "1110.00"), status="POSTED")
    note: dict[str, Any] = {"rates": [Decimal(n) for n in range(2, 7)], "at": stamp(NOW)}
    assert exchange_rates.with_rate(note, item, NOW + timedelta(hours=23)) is None
    written = exchange_rates.with_rate(note, item, NOW + timedelta(hours=25))
    assert written
    assert written["rates"] == [Decimal("1.11"), *(Decimal(n) for n in range(2, 6))]
    assert exchange_rates.is_kept(item)
    assert not exchange_rates.is_kept(an_item(in_euro("1000.00", "1110.00")))
    assert not exchange_rates.is_kept(an_item(a_bill(), status="POSTED"))


def test_the_rates_of_posted_bills_are_what_the_next_one_is_compared_with(world: World) -> None:
    world.forget_old_bills()
    people = [APPROVER, stored_bills.SECOND]
    stored_bills.settings(world, approvers=people, two_approvals_above=5000)
    euro = 125

    def a_bill_in_euro(reference: str) -> str:
        lines = [("Boxes", "1000.00")]
        return f"odoo-{world.odoo.new_bill(reference=reference, lines=lines, currency=euro)}"

    first = a_bill_in_euro("A-1")
    world.extract()
    assert world.item(first)["rate_doubt"] == "unknown"
    world.show()
    world.click(first, "approve_invoice")
    world.post()
    world.show()
    assert world.item(first)["status"] == "POSTED"
    second, odd = a_bill_in_euro("A-2"), a_bill_in_euro("A-3")
    world.odoo.amend(int(odd.removeprefix("odoo-")), amount_total_signed=-0.10)
    world.extract()
    world.show()
    assert world.item(second)["rate_doubt"] == ""
    assert world.item(odd)["rate_doubt"] == "far"
    assert "is far from the" in " ".join(world.item(odd)["warnings"])
    for entry_id in (second, odd):
        world.click(entry_id, "approve_invoice")
    assert world.item(second)["status"] == "APPROVED"
    assert world.item(odd)["status"] == "READY_FOR_APPROVAL"
    world.show()
    world.click(odd, "approve_invoice", stored_bills.SECOND)
    assert world.item(odd)["status"] == "APPROVED"
