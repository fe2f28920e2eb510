"""Whatever rows Odoo booked: a bill is blocked with a sentence, or posted to the cent.

Drawn are bills as no bookkeeper would enter them, settings, and behaviour of QuickBooks that Intuit
does not document.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from odoo_qb.bill import checks
from odoo_qb.exact_json import to_json
from odoo_qb.posting.lookup import is_total
from odoo_qb.posting.payload import marker
from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.modes import Modes
from tests.support.builders import a_bill, a_line
from tests.support.ledgers import ledger

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill, Line
    from tests.support.ledgers import Ledger, Posted

CENT: Final = Decimal("0.01")
CENTS: Final = st.integers(-100_000, 1_000_000).map(lambda cents: Decimal(cents) / 100)
ACCOUNTS: Final = {
    "611000": "Purchase of Equipments", "612000": "Rent", "141000": "Prepayments",
    "962000": "Sales Expenses",
}  # fmt: skip
VAT: Final = {"account_code": "131000", "account_name": "VAT", "account_type": "asset_current"}
WHT: Final = {"account_code": "252000", "account_name": "WHT", "account_type": "liability_current"}
# Odoo's taxes with their percents: as the settings of the ledgers name them.
TAXES: Final = {
    "GB": {"20% S": "20", "20% incl": "20", "5% R": "5", "0% Z": "0", "21% ND50": "10.5"},
    "CA": {"5% GST": "5", "13% HST": "13"},
    "US": {"8.25%": "8.25", "1%": "1"},
}
SETTINGS: Final[list[dict[str, Any]]] = [
    {},
    {"tax": "override"},
    {"tax": "quickbooks"},
    {"tax": "lines", "accounts": {"131000": "Prepayments"}},
    {"tax": "override", "accounts": {"131000": "Prepayments"}},
    {"tax_on_lines": True},
]
MODES: Final = st.builds(
    Modes,
    tax_override=st.sampled_from(["honoured", "ignored"]),
    total_tax_alone=st.sampled_from(["ignored", "refused"]),
    tax_account_line=st.sampled_from(["6430", "6000"]),
    negative_line=st.sampled_from(["accepted", "refused"]),
    zero_total=st.sampled_from(["accepted", "refused"]),
    foreign_payable=st.sampled_from(["optional", "required"]),
)


@dataclass(frozen=True)
class Drawn:
    """A bill, the settings of its company, and what QuickBooks does where nobody knows."""

    bill: Bill
    settings: dict[str, Any]
    modes: Modes


@st.composite
def drawn(draw: st.DrawFn, country: str) -> Drawn:
    """Lines of any sign and tax; tax rows as Odoo makes them, and a few cents beside."""
    names = [*TAXES[country], ""]
    lines = [
        _line(draw, amount, draw(st.sampled_from(names)))
        for amount in draw(st.lists(CENTS.filter(bool), min_size=1, max_size=8))
    ]
    rows = [*lines]
    for name in TAXES[country]:
        rows += _tax_rows(draw, lines, name, country)
    if country != "CA" and draw(st.booleans()):  # there no account is mapped for it
        rows.append(_tax(draw(CENTS), "-15% WHT", **WHT))
    booked = sum((row.amount for row in rows), Decimal(0))
    if booked < 0:
        rows.append(a_line(str(-booked + draw(st.integers(0, 1))), account_code="612000"))
    rows = [row for row in rows if row.amount]
    total = sum((row.amount for row in rows), Decimal(0))
    home, foreign = {"GB": "GBP", "CA": "CAD", "US": "USD"}[country], draw(st.booleans())
    rate = draw(st.decimals("0.5", "2", places=6)) if foreign else Decimal(1)
    bill = a_bill(
        move_type=draw(st.sampled_from(["in_invoice", "in_refund", "in_receipt"])),
        currency="EUR" if foreign else home,
        company_currency=home,
        company_total=(total * rate).quantize(CENT),
        amount_total=total,
        amount_tax=sum((row.amount for row in rows if row.kind == "tax"), Decimal(0)),
        bill_reference=draw(st.text(max_size=60)),
        lines=tuple(rows),
        odoo_id=draw(st.integers(1, 10**9)),
    )
    return Drawn(bill, draw(st.sampled_from(SETTINGS)), draw(MODES))


def _line(draw: st.DrawFn, amount: Decimal, tax: str) -> Line:
    return a_line(
        str(amount),
        kind=draw(st.sampled_from(["product", "product", "other"])),
        text=draw(st.text(max_size=20)),
        account_code=draw(st.sampled_from(sorted(ACCOUNTS))),
        account_name="?",
        taxes=(tax,) if tax else (),
    )


def _tax_rows(draw: st.DrawFn, lines: list[Line], name: str, country: str) -> list[Line]:
    """What Odoo books of a tax: rounded on the sum or by line, or changed by hand."""
    nets = [n.amount for n in lines if n.taxes == (name,)]
    if not nets:
        return []
    percent = Decimal(TAXES[country][name])
    by_line = sum((_rounded(net * percent / 100) for net in nets), Decimal(0))
    tax = draw(st.sampled_from([_rounded(sum(nets, Decimal(0)) * percent / 100), by_line]))
    tax += draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1, 300])) * CENT
    where = draw(st.sampled_from([VAT, VAT, VAT, {"account_code": "611000"}]))
    rows = [_tax(tax, name, percent=percent, **where)]
    if name == "21% ND50":
        rows.append(_tax(tax, name, percent=percent, account_code="611000"))
    return rows


def _tax(amount: Decimal, name: str, **fields: Any) -> Line:
    return a_line(str(amount), kind="tax", text=name, taxes=(name,), **fields)


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@pytest.mark.parametrize("country", ["US", "GB", "CA"])
def test_any_bill_is_blocked_with_a_sentence_or_posted_as_it_was_foretold(country: str) -> None:
    # However slow the machine is.
    @settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
    @given(drawn(country))
    def check(case: Drawn) -> None:
        books = ledger(country).set(**case.settings)
        against = checks.problems(case.bill) or books.problems(case.bill)
        if against:
            event("blocked")
            assert all(sentence.endswith(".") for sentence in against)
        elif checks.nothing_to_post(case.bill, books.company):
            assert not case.bill.amount_total
        else:
            event(f"posted, tax {books.plan_posting(case.bill).tax.how or 'as cost'}")
            _is_posted_as_foretold(case, books)

    check()


def _is_posted_as_foretold(case: Drawn, books: Ledger) -> None:
    bill, tax = case.bill, books.plan_posting(case.bill).tax
    try:
        posted = books.post(bill, case.modes)
    except FaultError as fault:
        _is_a_refusal_that_nobody_could_foresee(fault, case, books)
        return
    assert posted.kept["PrivateNote"].startswith(marker(bill.entry_id))
    assert to_json(posted.made.payload).isascii()
    assert all(n.get("Description", "x").strip() for n in posted.made.payload["Line"])
    assert tax.how == "quickbooks" or posted.made.total == bill.amount_total
    assert ("TxnTaxDetail" in posted.made.payload) == (tax.how == "override")
    if tax.how == "override" and case.modes.tax_override == "ignored":
        # QuickBooks made its own tax of it: the difference is in the total, and is refused.
        assert posted.total == bill.amount_total - tax.odoo + tax.quickbooks
        assert is_total(posted.kept, posted.made.total) == (tax.odoo == tax.quickbooks)
        return
    assert is_total(posted.kept, posted.made.total)
    expected = {"": Decimal(0), "lines": Decimal(0), "quickbooks": tax.quickbooks}
    assert posted.tax == expected.get(tax.how, tax.odoo)
    if not case.settings.get("tax_on_lines"):
        assert _costs(posted) == _booked(case, posted, is_on_lines=tax.how == "lines")


def _is_a_refusal_that_nobody_could_foresee(fault: FaultError, case: Drawn, books: Ledger) -> None:
    """QuickBooks may take no negative line, and no total of zero: what it does is not known."""
    plan = books.plan_posting(case.bill)
    has_negative = any(posted.row.amount < 0 for posted in plan.tax.rows)
    is_negative_line = case.modes.negative_line == "refused" and has_negative
    # Its own tax may take a total of almost nothing below zero.
    is_nothing = plan.total_of(case.bill) <= CENT * 10 and fault.code == "6000"
    assert (fault.code == "2290" and is_negative_line) or is_nothing, fault


def _costs(posted: Posted) -> dict[str, Decimal]:
    return {name: amount for name, amount in posted.accounts.items() if name != "tax"}


def _booked(case: Drawn, posted: Posted, *, is_on_lines: bool) -> dict[str, Decimal]:
    """What Odoo booked, by the account it goes to; the tax that QuickBooks computes is not cost."""
    american, mapped = posted.realm.is_american, "accounts" in case.settings
    names = {**ACCOUNTS, "131000": "Foreign VAT", "252000": "Backup Withholding"}
    if not american:
        names |= {"252000": "Withheld Tax"}
    if mapped:
        names["131000"] = "Prepayments"
    has_vat = american or is_on_lines or (mapped and case.settings["tax"] != "lines")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in case.bill.money_rows:
        if row.account_code != "131000" or has_vat:
            sums[names[row.account_code]] += row.amount
    return {name: amount for name, amount in sums.items() if amount}
