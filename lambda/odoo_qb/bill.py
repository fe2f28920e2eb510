"""A vendor bill and what it is made of: money, dates, digest. No I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import date

MoveType = Literal["in_invoice", "in_refund", "in_receipt"]
MOVE_TYPES: Final[tuple[MoveType, ...]] = ("in_invoice", "in_refund", "in_receipt")
LineKind = Literal["product", "tax", "section", "note"]

_MICRO: Final = Decimal("0.000001")


def money(value: Decimal | int | str) -> Decimal:
    """A number as the shortest exact Decimal: 84.030000 and 84.03 are one amount.

    A server that computes in binary floats answers 317.84000000000003 now and then; six
    places keep every unit price and drop that dust. ValueError or ArithmeticError where it is
    none, or larger than any that can be counted with.
    """
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("not a number")
    number = number.quantize(_MICRO).normalize()
    return number or Decimal(0)


def amount_text(amount: Decimal, currency: str) -> str:
    """1234.5, "USD" -> "1,234.50 USD"; digits beyond the cent are shown, not rounded away."""
    digits = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{digits}f} {currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who is to be paid: the company, never its contact person."""

    odoo_id: int
    name: str
    email: str = ""
    tax_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a bill; `amount` is without tax and after discount, in the bill's currency.

    A row of kind "tax" says where the tax was booked; sections and notes have no account.
    """

    kind: LineKind
    text: str
    account_code: str = ""
    account_name: str = ""
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    taxes: tuple[str, ...] = ()
    tax_ids: tuple[int, ...] = ()  # Odoo's, in the order of `taxes`


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file attached to a bill: where its bytes lie and which bytes they are."""

    odoo_id: int
    name: str
    type: str
    size: int
    checksum: str
    sha256: str = ""
    key: str = ""
    version_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A posted vendor bill, credit note (in_refund) or receipt as it stands in Odoo.

    Amounts are positive in every kind, in `currency`; `company_total` is the total in the
    company's own currency. Only the posted ones are asked about.
    """

    company: str
    odoo_id: int
    odoo_name: str
    move_type: MoveType
    vendor: Vendor | None
    currency: str
    amount_untaxed: Decimal
    amount_tax: Decimal
    amount_total: Decimal
    company_currency: str = ""
    company_total: Decimal = Decimal(0)
    bill_reference: str = ""
    bill_date: date | None = None
    accounting_date: date | None = None
    due_date: date | None = None
    payment_terms: str = ""
    payment_terms_id: int = 0
    po_number: str = ""
    entered_by: str = ""
    entered_by_email: str = ""  # "" where it is not known
    lines: tuple[Line, ...] = ()
    documents: tuple[Document, ...] = field(default=())
    unsupported: tuple[str, ...] = ()
    unreadable: str = ""  # what of it could not be read, as a sentence: nobody can approve it

    @property
    def entry_id(self) -> str:
        """The bill's name in the table, the queue and on the buttons."""
        return f"odoo-{self.odoo_id}"

    @property
    def is_credit(self) -> bool:
        """Whether this is a vendor credit: it reduces what we owe."""
        return self.move_type == "in_refund"

    @property
    def pdf(self) -> Document | None:
        """The document a person looks at, if there is one: the first one kept."""
        return next((d for d in self.documents if d.type == "application/pdf"), None)

    def digest(self, *, vendor_is_known: bool = False) -> str:
        """SHA-256 (hex) of the content that will be posted, and of nothing else.

        The vendor's name counts only while QuickBooks has no such vendor.

        A payment, a chatter message or a no-op write in Odoo leaves it as it is; a changed
        amount, line, date, vendor or document does not.
        """
        content = {
            "company": self.company,
            "move_type": self.move_type,
            "vendor": self._payee(vendor_is_known=vendor_is_known),
            "reference": self.bill_reference,
            "dates": [_iso(d) for d in (self.bill_date, self.accounting_date, self.due_date)],
            "currency": self.currency,
            "totals": [
                _plain(a)
                for a in (
                    self.amount_untaxed,
                    self.amount_tax,
                    self.amount_total,
                    self.company_total,  # with the total it is the exchange rate
                )
            ],
            "terms": self.payment_terms,
            "lines": [
                [n.kind, n.account_code, n.account_name, _plain(n.amount), list(n.taxes), n.text]
                for n in self.lines
            ],
            "documents": sorted(d.sha256 for d in self.documents),
        }
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _payee(self, *, vendor_is_known: bool) -> list[int | str]:
        if self.vendor is None:
            return []
        return [self.vendor.odoo_id, *([] if vendor_is_known else [self.vendor.name])]


def _plain(amount: Decimal) -> str:
    return f"{money(amount):f}"


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
