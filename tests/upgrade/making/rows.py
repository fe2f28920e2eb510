"""A bill as a bookkeeper typed it and Odoo booked it: every journal row, written into Odoo.

Rows are given in the bill's own sign: positive is cost on a bill and on a credit note alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from upgrade.making.companies import CURRENCIES, PAYABLE, THIRTY_DAYS, Firm, Json, blank

if TYPE_CHECKING:
    from sandbox.odoo import Odoo

CENT: Final = Decimal("0.01")
_TEXTS: Final = frozenset({"line_section", "line_subsection", "line_note"})
_ANA: Final = 11  # the clerk who enters the bills


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One journal row but the payable: `amount` is its amount_currency, which the journal counts.

    `subtotal` is its price_subtotal, which only product rows have; `tax` is what a tax row is of.
    """

    kind: str
    account: str = ""
    subtotal: str = "0"
    amount: str = "0"
    taxes: tuple[str, ...] = ()
    tax: str = ""
    group: str = ""
    text: str = ""
    deductible: str = "100"


def product(
    account: str,
    subtotal: str,
    *taxes: str,
    amount: str = "",
    text: str = "Boxes",
    deductible: str = "100",
) -> Row:
    """A line; its journal amount is its subtotal unless Odoo rounded globally."""
    return Row(
        kind="product",
        account=account,
        subtotal=subtotal,
        amount=amount or subtotal,
        taxes=taxes,
        text=text,
        deductible=deductible,
    )


def tax(account: str, amount: str, of: str, *, group: str = "") -> Row:
    """A row of tax, on the account where Odoo booked it."""
    return Row(kind="tax", account=account, amount=amount, tax=of, group=group, text=of)


def other(kind: str, account: str, amount: str, *taxes: str, text: str = "") -> Row:
    """A row that Odoo makes by itself: early payment discount, rounding, what is private."""
    return Row(kind=kind, account=account, amount=amount, taxes=taxes, text=text or kind)


def words(kind: str, text: str) -> Row:
    """A heading or a note."""
    return Row(kind=kind, text=text)


def percent(rate: int, of: str) -> str:
    """So many percent of an amount, to the cent."""
    return str((Decimal(of) * rate / 100).quantize(CENT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A posted document; `untaxed` and `tax` are what Odoo states where the rows do not say.

    `rate` is units of the bill's currency for one of the company's; `files` are names.
    """

    rows: tuple[Row, ...]
    vendor: int
    move_type: str = "in_invoice"
    currency: str = ""
    rate: str = "1"
    untaxed: str = ""
    tax: str = ""
    day: str = "2026-11-02"
    due: str = "2026-12-02"
    has_terms: bool = False
    files: tuple[str, ...] = ("bill.pdf",)

    @property
    def total(self) -> Decimal:
        """By double entry: what all rows add up to is what is owed."""
        return sum((Decimal(r.amount) for r in self.rows), Decimal(0))

    @property
    def stated_tax(self) -> Decimal:
        """Odoo's amount_tax."""
        return Decimal(self.tax or sum(Decimal(r.amount) for r in self.rows if r.kind == "tax"))


def enter(odoo: Odoo, firm: Firm, number: int, reference: str, typed: Typed) -> None:
    """Write a bill with its rows and files into Odoo, posted."""
    at = odoo.clock()
    refund = typed.move_type == "in_refund"
    sign = -1 if refund else 1
    rate, total, paid_tax = Decimal(typed.rate), typed.total, typed.stated_tax
    untaxed = Decimal(typed.untaxed) if typed.untaxed else total - paid_tax
    if untaxed + paid_tax != total:
        raise ValueError(f"{reference}: {untaxed} and {paid_tax} are not {total}")
    journal = "RBILL" if refund else "BILL"
    move = blank(
        odoo,
        "account.move",
        id=number,
        name=f"{journal}/2026/11/{number % 1000:04}",
        ref=reference,
        payment_reference=reference,
        move_type=typed.move_type,
        state="posted",
        payment_state="paid" if not total else "not_paid",
        partner_id=typed.vendor,
        commercial_partner_id=typed.vendor,
        company_id=firm.odoo_id,
        journal_id=firm.odoo_id,
        currency_id=CURRENCIES[typed.currency or firm.currency],
        invoice_currency_rate=float(rate),
        invoice_date=typed.day,
        date=typed.day,
        invoice_date_due=typed.due,
        invoice_payment_term_id=THIRTY_DAYS if typed.has_terms else False,
        amount_untaxed=float(untaxed),
        amount_tax=float(paid_tax),
        amount_total=float(total),
        amount_residual=float(total),
        create_uid=_ANA,
        create_date=at,
        write_date=at,
    )
    odoo.records["account.move"][number] = move
    owed = Row(kind="payment_term", account=PAYABLE, amount=str(-total))
    booked = [_in_home(Decimal(r.amount) * sign, rate) for r in typed.rows]
    balances = [*booked, -sum(booked, Decimal(0))]
    for position, (row, balance) in enumerate(zip((*typed.rows, owed), balances, strict=True)):
        record = _line(odoo, firm, move, row, sign) | {
            "id": number * 1000 + position,
            "sequence": 100 + position,
            "balance": float(balance) + 0.0,
            "debit": float(max(balance, Decimal(0))),
            "credit": float(max(-balance, Decimal(0))) + 0.0,
            "create_date": at,
            "write_date": at,
        }
        odoo.records["account.move.line"][record["id"]] = record
        move["line_ids"].append(record["id"])
        if row.kind == "product" or row.kind in _TEXTS:
            move["invoice_line_ids"].append(record["id"])
    move["amount_total_signed"] = float(balances[-1]) + 0.0
    for position, name in enumerate(typed.files):
        odoo.attach(number, name, f"%PDF-1.4 {reference} {name}".encode(), main=position == 0)


def _in_home(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount / rate).quantize(CENT)


def _line(odoo: Odoo, firm: Firm, move: Json, row: Row, sign: int) -> Json:
    is_product = row.kind == "product"
    taxes = [firm.tax(name) for name in row.taxes]
    percent = sum((Decimal(t.percent) for t in taxes), Decimal(0))
    gross = (Decimal(row.subtotal) * (1 + percent / 100)).quantize(CENT)
    typed = gross if any(t.price_include for t in taxes) else Decimal(row.subtotal)
    return blank(
        odoo,
        "account.move.line",
        move_id=move["id"],
        display_type=row.kind,
        name=row.text or False,
        account_id=firm.account_id(row.account) if row.account else False,
        quantity=1.0 if is_product else 0.0,
        price_unit=float(typed),
        price_subtotal=float(row.subtotal),
        price_total=float(gross) if is_product else 0.0,
        deductible_amount=float(row.deductible) if is_product else 100.0,
        amount_currency=float(Decimal(row.amount) * sign) + 0.0,  # never -0.0
        tax_ids=[t.id for t in taxes],
        tax_line_id=firm.tax(row.tax).id if row.tax else False,
        group_tax_id=firm.tax(row.group).id if row.group else False,
        currency_id=move["currency_id"],
        company_id=firm.odoo_id,
        partner_id=move["partner_id"],
        date=move["date"],
        parent_state="posted",
    )
