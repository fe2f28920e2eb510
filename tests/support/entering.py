"""Enters a journal that was written down (see journal.py) into the Odoo simulator."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.importer import Importer
from tests.support.journal import Journal, Row, parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sandbox.odoo.server import Odoo

# A company for each country's QuickBooks; the recorded companies keep their books in dollars.
COMPANIES: Final = {"US": ("1MD", "USD"), "GB": ("Thames Trading", "GBP"), "CA": ("Maple", "CAD")}
_SEQUENCES: Final = {
    "non_deductible_product": 101,
    "non_deductible_product_total": 101,
    "non_deductible_tax": 102,
    "tax": 10_000,
    "rounding": 11_000,
    "payment_term": 12_000,
}
# What of a document follows from its rows.
_OF_ROWS: Final = (
    "line_ids", "invoice_line_ids", "amount_untaxed", "amount_tax", "amount_total",
    "amount_total_signed", "amount_residual", "payment_state", "invoice_date_due",
)  # fmt: skip
_TEXTS: Final = {
    "epd": "Early Payment Discount",
    "non_deductible_product_total": "private part",
    "non_deductible_tax": "private part (taxes)",
}


def company_of(odoo: Odoo, country: str) -> int:
    """The company with QuickBooks of that country: US, GB or CA."""
    name, currency = COMPANIES[country]
    return Importer(odoo).company(name, currency)


def enter(
    odoo: Odoo,
    journal: Journal | str,
    *,
    company: int = 1,
    currency: str = "",
    move_type: str = "",
    at: datetime | None = None,
) -> int:
    """Post the document in that company; its id. What is given goes before what was written."""
    if isinstance(journal, str):
        journal = parse(journal)
    with odoo.lock:
        entry = _Entry(Importer(odoo, at=at), journal, company, currency, move_type)
        return entry.post()


def change(odoo: Odoo, bill: int, journal: Journal | str, *, at: datetime | None = None) -> None:
    """Somebody corrects a document: it gets the rows of another journal, and stays what it is."""
    with odoo.lock:
        moves, lines = odoo.records["account.move"], odoo.records["account.move.line"]
        move = moves[bill]
        currency = odoo.records["res.currency"][move["currency_id"]]["name"]
        as_before = {"company": move["company_id"], "move_type": move["move_type"], "at": at}
        written = moves.pop(enter(odoo, journal, currency=currency, **as_before))
        for number in move["line_ids"]:
            del lines[number]
        for number in written["line_ids"]:
            lines[number] |= {"move_id": bill, "parent_state": move["state"]}
        kept = {name: value for name, value in written.items() if name in _OF_ROWS}
        odoo.amend(bill, at=at, **kept)


class _Entry:
    """One document on its way into one company."""

    def __init__(
        self, importer: Importer, journal: Journal, company: int, currency: str, move_type: str
    ) -> None:
        self.importer = importer
        self.odoo = importer.odoo
        self.journal = journal
        self.company = company
        self.move_type = move_type or journal.head.move_type
        own = self.odoo.records["res.company"][company]["currency_id"]
        code = currency or journal.head.currency
        self.currency = importer.currency(code) if code else own
        rate = self.odoo.rate(self.currency, company)
        if journal.head.rate and self.currency != own:
            rate = float(journal.head.rate)
        self.rate = Decimal(str(rate))
        # The journal of a credit note is the bill's, turned.
        self.sign = -1 if self.move_type == "in_refund" else 1
        self._tax_rows = 0

    def post(self) -> int:
        head, journal = self.journal.head, self.journal
        rows = [self._row(row) for row in journal.rows]
        owed = -sum((Decimal(str(row["balance"])) for row in rows), Decimal(0))
        payables = self._payables(owed)
        open_amount = sum((Decimal(str(row["amount_residual_currency"])) for row in payables), 0)
        paid = not open_amount
        partly = not paid and abs(open_amount) != abs(journal.total)
        days = [row["date_maturity"] for row in payables]
        header = {
            "move_type": self.move_type,
            "company_id": self.company,
            "currency_id": self.currency,
            "invoice_currency_rate": float(self.rate),
            "commercial_partner_id": self.importer.vendor(head.vendor),
            "ref": self._reference(),
            "invoice_date": head.bill_date,
            "date": head.accounting_date or head.bill_date,
            "invoice_date_due": head.due or max(days),
            "invoice_payment_term_id": self.importer.terms(head.terms) if head.terms else False,
            "invoice_origin": head.origin or False,
            "amount_untaxed": float(journal.untaxed),
            "amount_tax": float(journal.tax),
            "amount_total": float(journal.total),
            "amount_total_signed": float(owed),
            "amount_residual": abs(float(open_amount)),
            "payment_state": "paid" if paid else "partial" if partly else "not_paid",
        }
        return self.importer.document(header, [*rows, *payables])

    def _reference(self) -> str:
        number = max(self.odoo.records["account.move"]) + 1
        return self.journal.head.reference or f"JRN-{number}"

    def _row(self, row: Row) -> dict[str, Any]:
        amount = row.amount * self.sign
        values: dict[str, Any] = {
            "display_type": row.kind,
            "name": row.text or self._text(row),
            "sequence": _SEQUENCES.get(row.kind, 100),
            "account_id": self._account(row.account) if row.account else False,
            "quantity": float(row.quantity),
            "price_unit": float(row.price),
            "discount": float(row.discount),
            "price_subtotal": float(row.subtotal),
            "price_total": float(row.subtotal),
            "tax_ids": [self._tax(name) for name in row.taxes],
            "amount_currency": float(amount),
            "balance": float(self._booked(amount)),
            "deductible_amount": float(row.deductible),
        }
        if row.kind == "tax" or row.of:
            values |= self._of(self._tax_of(row))
        return values

    def _text(self, row: Row) -> str:
        if row.kind == "product":
            return self.journal.account_named(row.account)[1] or f"Item on {row.account}"
        if row.kind == "tax":
            return self._tax_of(row)
        return _TEXTS.get(row.kind, row.kind.replace("_", " ").capitalize())

    def _tax_of(self, row: Row) -> str:
        """Which tax a row is of: it may be left out where the lines have only one."""
        if row.of:
            return row.of
        taxes = [self.journal.tax_named(n) for r in self.journal.rows for n in r.taxes]
        names = {part for tax in taxes for part in tax.parts or (tax.name,)}
        if len(names) != 1:
            raise ValueError(f"say which tax this is of: {row.kind} {row.account} [{row.amount}]")
        return names.pop()

    def _of(self, name: str) -> dict[str, int | bool]:
        tax = self._tax(name)
        group = self.journal.group_of(name)
        self._tax_rows += 1
        return {
            "tax_line_id": tax,
            "group_tax_id": self._tax(group) if group else False,
            # Every tax row is of one line of its tax's distribution; any numbers will do.
            "tax_repartition_line_id": tax * 100 + self._tax_rows,
        }

    def _tax(self, name: str) -> int:
        tax = self.journal.tax_named(name)
        wanted = {
            "name": name,
            "company_id": self.company,
            "type_tax_use": "purchase",
            "amount": float(tax.amount),
            "amount_type": tax.kind,
            "price_include": tax.included,
            "children_tax_ids": [self._tax(part) for part in tax.parts],
        }
        for row in self.odoo.records["account.tax"].values():
            if all((row.get(field) or False) == (v or False) for field, v in wanted.items()):
                return int(row["id"])
        given = ("name", "company_id", "amount")
        rest = {field: value for field, value in wanted.items() if field not in given}
        return self.importer.tax(self.company, name, float(tax.amount), **rest)

    def _account(self, name: str) -> int:
        code, title, kind = self.journal.account_named(name)
        known = self.odoo.records["account.account"].values()
        if any(row["code"] == code and self.company in row["company_ids"] for row in known):
            return self.importer.account(self.company, code)
        return self.importer.account(self.company, code, title, kind)

    def _booked(self, amount: Decimal) -> Decimal:
        """An amount in the company's currency."""
        return round(amount / self.rate, 2)

    def _payables(self, owed: Decimal) -> list[dict[str, Any]]:
        """The payable rows that balance the others; the last one takes what rounding leaves."""
        head, journal = self.journal.head, self.journal
        total = journal.total
        parts = [(i.due, i.amount, i.open) for i in journal.instalments]
        parts = parts or [(head.due or head.bill_date, total, total)]
        rows = []
        for number, (due, amount, left) in enumerate(parts, 1):
            balance = owed if number == len(parts) else self._booked(-self.sign * amount)
            owed -= balance
            rows.append(
                {
                    "display_type": "payment_term",
                    "name": self._payable_name(number, parts),
                    "sequence": _SEQUENCES["payment_term"],
                    "account_id": self._account("211000"),
                    "amount_currency": float(-self.sign * amount),
                    "amount_residual_currency": float(-self.sign * left),
                    "balance": float(balance),
                    "date_maturity": due,
                }
            )
        return rows

    def _payable_name(self, number: int, parts: Sequence[object]) -> str:
        reference = self._reference()
        return f"{reference} installment #{number}" if len(parts) > 1 else reference
