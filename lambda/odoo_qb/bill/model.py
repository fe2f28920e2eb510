"""A vendor bill and what it is made of: money, dates, digest. No I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


MoveType = Literal["in_invoice", "in_refund", "in_receipt"]
MOVE_TYPES: Final[tuple[MoveType, ...]] = ("in_invoice", "in_refund", "in_receipt")
LineKind = Literal["product", "other", "tax", "section", "note"]
Leaves = tuple[tuple[str, frozenset[int | str]], ...]
DIGEST_VERSION: Final = 2  # 1 is what version 1.0 made: see `digest_v1`

_MICRO: Final = Decimal("0.000001")


def money(value: Decimal | int | str) -> Decimal:
    """A number as the shortest exact Decimal: 84.030000 and 84.03 are one amount.

    Odoo computes in binary floats and sometimes answers 317.84000000000003. Six decimals keep every
    unit price and drop that error. ValueError or ArithmeticError if it is not a number, or too
    large to calculate with.
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
    """The vendor who is paid: the company, never its contact person."""

    odoo_id: int
    name: str
    email: str = ""
    tax_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """A person who entered or edited a bill in Odoo: name, login and e-mail address there."""

    name: str
    login: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One journal row of a bill; `amount` is what Odoo booked, in the bill's currency and sign.

    A positive amount is a cost on a bill and a reduction on a credit note. A row of kind "tax" has
    one tax in `taxes`; "other" is anything else that carries money (rounding, early payment
    discount, non-deductible tax); sections and notes have no account and no money.
    `account_type` is Odoo's ("expense", "asset_current", …), "" if it was not read.
    """

    kind: LineKind
    text: str
    account_code: str = ""
    account_name: str = ""
    account_type: str = ""
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    taxes: tuple[str, ...] = ()  # sorted by name
    tax_ids: tuple[int, ...] = ()  # Odoo's, in the order of `taxes`
    tax_parts: tuple[tuple[int, ...], ...] = ()  # of each tax the ids of its parts
    percent: Decimal | None = None  # of a tax row, if its tax has one
    further_taxes: tuple[str, ...] = ()  # of a tax row: taxes computed on this tax
    further_parts: tuple[tuple[int, ...], ...] = ()
    is_rounding: bool = False  # of a tax row: cash rounding, booked within the tax

    @property
    def carries_money(self) -> bool:
        """Whether there is an amount to post; a row without one is only text."""
        return bool(self.amount) and self.kind not in {"section", "note"}

    @property
    def tax_leaves(self) -> Leaves:
        """Each tax by its name, with what identifies its rows: the ids of its parts in Odoo.

        A tax without known ids is identified by its name.
        """
        return _leaves(self.taxes, self.tax_parts or tuple((i,) for i in self.tax_ids))

    @property
    def taxed_by(self) -> Leaves:
        """The taxes computed on this row; a tax may itself be taxed."""
        if self.kind == "tax":
            return _leaves(self.further_taxes, self.further_parts)
        return self.tax_leaves

    @property
    def tax_keys(self) -> frozenset[int | str]:
        """What identifies the rows of all its taxes."""
        return frozenset[int | str]().union(*(keys for _, keys in self.tax_leaves))


def _leaves(names: Sequence[str], parts: Sequence[Sequence[int]]) -> Leaves:
    if len(parts) != len(names):
        parts = ((),) * len(names)
    return tuple(
        (name, frozenset[int | str](ids or (name,))) for name, ids in zip(names, parts, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """A part of a bill with its own due date; `is_open` as last read."""

    due: date
    amount: Decimal
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file attached to a bill: where it is stored, and the hash of its content."""

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
    company's own currency. `amount_tax` is the sum of its tax rows, `amount_untaxed` the rest; both
    are only shown. Only posted bills need approval.
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
    due_date: date | None = None  # the last one, if it is paid in instalments
    instalments: tuple[Instalment, ...] = ()  # empty if all is due on one day
    payment_terms: str = ""
    payment_terms_id: int = 0
    po_number: str = ""
    entered_by: str = ""
    entered_by_email: str = ""  # "" if unknown
    authors: tuple[Author, ...] = ()  # the people who entered and edited it, the last one last
    payment_state: str = ""  # Odoo's: "not_paid", "in_payment", "paid", "partial", "reversed" …
    lines: tuple[Line, ...] = ()
    documents: tuple[Document, ...] = field(default=())
    unsupported: tuple[str, ...] = ()
    unreadable: str = ""  # why it could not be read, as a sentence; it cannot be approved

    @property
    def entry_id(self) -> str:
        """The bill's id in the table, the queue and on the buttons."""
        return f"odoo-{self.odoo_id}"

    @property
    def is_credit(self) -> bool:
        """Whether this is a vendor credit: it reduces what we owe."""
        return self.move_type == "in_refund"

    @property
    def pdf(self) -> Document | None:
        """The document that people look at: the first one stored, if any."""
        return next((d for d in self.documents if d.type == "application/pdf"), None)

    @property
    def money_rows(self) -> tuple[Line, ...]:
        """The journal rows with money; by double entry they add up to the total."""
        return tuple(n for n in self.lines if n.carries_money)

    @property
    def first_open_due(self) -> date | None:
        """The due date of the first unpaid part."""
        open_days = [i.due for i in self.instalments if i.is_open]
        return min(open_days, default=self.due_date)

    def digest(self, *, vendor_is_known: bool = False) -> str:
        """Version and SHA-256 (hex) of the content that will be posted, and nothing else.

        The vendor's name counts only while QuickBooks has no such vendor.

        A payment, a chatter message, another order of a line's taxes or a no-op write in Odoo does
        not change it; a changed amount, line, date, vendor or document does.
        """
        content = {
            "company": self.company,
            "move_type": self.move_type,
            "vendor": self.payee(vendor_is_known=vendor_is_known),
            "reference": self.bill_reference,
            "dates": [iso(d) for d in (self.bill_date, self.accounting_date, self.due_date)],
            "instalments": [[iso(i.due), plain(i.amount)] for i in self.instalments],
            "currency": self.currency,
            # The two totals together are the exchange rate.
            "totals": [plain(a) for a in (self.amount_total, self.company_total)],
            "terms": self.payment_terms,
            "lines": [
                [n.kind, n.account_code, n.account_name, plain(n.amount), sorted(n.taxes), n.text]
                + ([sorted(n.further_taxes)] if n.further_taxes else [])
                for n in self.lines
            ],
            "documents": sorted(d.sha256 for d in self.documents),
        }
        return f"v{DIGEST_VERSION}-{sha256(content)}"

    def payee(self, *, vendor_is_known: bool) -> list[int | str]:
        """The vendor as the digest has it."""
        if self.vendor is None:
            return []
        return [self.vendor.odoo_id, *([] if vendor_is_known else [self.vendor.name])]


def sha256(content: object) -> str:
    """The hash (hex) of content as canonical JSON."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(amount: Decimal) -> str:
    """An amount as a digest has it, without trailing zeros."""
    return f"{money(amount):f}"


def iso(day: date | None) -> str:
    """A day as ISO text, "" for none."""
    return day.isoformat() if day else ""


_RATE: Final = Context(prec=12)  # significant digits: to the cent up to a thousand million


def exchange_rate(bill: Bill) -> Decimal:
    """Home units for one foreign unit, from the two totals Odoo itself booked."""
    return _RATE.divide(bill.company_total, bill.amount_total).normalize()
