"""Bills as bookkeepers write them, row by row, and entered into the Odoo simulator.

A text is a head of `key: value` lines and then the journal's rows:

    title: Half of the VAT can be reclaimed
    books: GB
    tax: 21% ND50 = 21%

    product 611000 100.00 {21% ND50} "Fuel" 4 x 25.00 less 10%
    tax VAT [10.50] of 21% ND50      # a remark
    tax 611000 [10.50] of 21% ND50
    instalment 2026-12-02 121.00

A row is `kind account subtotal [amount] {taxes} of tax "text" quantity x price less discount`, each
part after the kind optional. The kind is Odoo's display_type. The subtotal is what Odoo shows on a
product row, the amount in brackets what it books (amount_currency), where it is not the subtotal.
The sign is the bill's own: positive is a cost, on a credit note what comes back. `of` says which
tax a tax row is of. An `instalment` is what is to be paid by a day, with `paid` or `open 20.00`
after it; without any, all is due on `due`, or at once.

Taxes are what their names say: "20% S" is a percentage of 20, "21% incl" is included in prices. A
line `tax: name = ...` says it otherwise: `5%`, `5% included`, `1.50 each` or, for a group, the
names of its parts. VAT, GST, HST and QST are assets, VATO and WHT liabilities, numbers accounts of
the kind that Odoo's chart has there; `account: name = 131000 Input VAT, asset_current` says more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SHAPES: Final = Path(__file__).parents[1] / "support" / "shapes"
_HEAD: Final = re.compile(r"(\w+): *(.*)")
_AMOUNT: Final = r"-?\d+(?:\.\d+)?"
_ROW: Final = re.compile(
    rf"""(?P<kind>[a-z_]+)
    (?:\ +(?P<account>[A-Z0-9]\w*))?
    (?:\ +(?P<subtotal>{_AMOUNT}))?
    (?:\ +\[(?P<amount>{_AMOUNT})\])?
    (?:\ +\{{(?P<taxes>[^}}]+)\}})?
    (?:\ +of\ +(?P<of>[^"]+?))?
    (?:\ +"(?P<text>[^"]+)")?
    (?:\ +(?P<quantity>{_AMOUNT})\ +x\ +(?P<price>{_AMOUNT}))?
    (?:\ +less\ +(?P<discount>{_AMOUNT})%)?
    (?:\ +deductible\ +(?P<deductible>{_AMOUNT})%)?""",
    re.VERBOSE,
)
_INSTALMENT: Final = re.compile(
    rf"instalment +(\d{{4}}-\d\d-\d\d) +({_AMOUNT})(?: +(?:(paid)|open +({_AMOUNT})))?"
)
_PERCENT: Final = re.compile(rf"({_AMOUNT}) ?%")
_ACCOUNTS: Final = {
    "VAT": ("131000", "VAT", "asset_current"),
    "GST": ("131100", "GST", "asset_current"),
    "HST": ("131200", "HST", "asset_current"),
    "QST": ("131300", "QST", "asset_current"),
    "VATO": ("251000", "VATO", "liability_current"),
    "WHT": ("252000", "WHT", "liability_current"),
}
# Names of Odoo's generic chart, for a company that has no such account yet.
_NAMES: Final = {
    "141000": "Prepayments",
    "211000": "Account Payable",
    "443000": "Cash Discount Loss",
    "600000": "Expenses",
    "601000": "Raw Materials",
    "611000": "Purchase of Equipments",
    "612000": "Rent",
    "642000": "Cash Difference Loss",
    "962000": "Sales Expenses",
}
_TAX_KINDS: Final = ("tax", "non_deductible_tax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A journal row as it was written; `account` is a code or a name such as VAT."""

    kind: str
    account: str = ""
    subtotal: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    taxes: tuple[str, ...] = ()
    of: str = ""
    text: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    deductible: Decimal = Decimal(100)

    @property
    def is_tax(self) -> bool:
        """Whether Odoo counts it as tax: a rounding that was given to a tax is one too."""
        return self.kind in _TAX_KINDS or (self.kind == "rounding" and bool(self.of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """What is to be paid by a day, and how much of it still is."""

    due: str
    amount: Decimal
    open: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax by its name; the parts of a group are names of taxes."""

    name: str
    amount: Decimal = Decimal(0)
    kind: str = "percent"
    included: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is said once of a document; an empty text leaves it to whoever enters it."""

    title: str = ""
    why: str = ""
    books: str = "US, GB, CA"  # whose tax rules it may happen under
    since: str = "16"  # the first Odoo with such rows
    move_type: str = "in_invoice"
    vendor: str = "Harbour Office Supplies"
    reference: str = ""
    bill_date: str = "2026-11-02"
    accounting_date: str = ""
    due: str = ""
    terms: str = ""
    origin: str = ""
    currency: str = ""  # the company's own
    rate: str = ""  # what a unit of the company's currency is in the bill's
    amount_untaxed: str = ""  # these three where Odoo shows something else than the rows say
    amount_tax: str = ""
    amount_total: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A document as it was written."""

    head: Head
    rows: tuple[Row, ...]
    instalments: tuple[Instalment, ...] = ()
    taxes: Mapping[str, Tax] = field(default_factory=dict)
    accounts: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)

    @property
    def untaxed(self) -> Decimal:
        """What Odoo shows as the amount before tax."""
        booked = sum((r.amount for r in self.rows if not r.is_tax), Decimal(0))
        return Decimal(self.head.amount_untaxed or booked)

    @property
    def tax(self) -> Decimal:
        """What Odoo shows as tax."""
        booked = sum((r.amount for r in self.rows if r.is_tax), Decimal(0))
        return Decimal(self.head.amount_tax or booked)

    @property
    def total(self) -> Decimal:
        """What is owed: by double entry the sum of all rows."""
        booked = sum((r.amount for r in self.rows), Decimal(0))
        return Decimal(self.head.amount_total or booked)

    def tax_named(self, name: str) -> Tax:
        """The tax of that name, as it was defined or as its name says."""
        if name in self.taxes:
            return self.taxes[name]
        match = _PERCENT.search(name)
        if match is None:
            raise ValueError(f"what is {name}? Add a line such as `tax: {name} = 5%`")
        return Tax(name=name, amount=Decimal(match[1]), included="incl" in name)

    def account_named(self, name: str) -> tuple[str, str, str]:
        """An account's code, name and type; the last two may be left to the chart."""
        if name in self.accounts:
            return self.accounts[name]
        if name.isdigit():
            return (name, _NAMES.get(name, ""), "")
        if name not in _ACCOUNTS:
            raise ValueError(
                f"which account is {name}? Add a line such as"
                f" `account: {name} = 131000 Input VAT, asset_current`"
            )
        return _ACCOUNTS[name]

    def group_of(self, part: str) -> str:
        """The group on one of the rows that this tax is a part of, or nothing."""
        groups = {name for row in self.rows for name in row.taxes}
        return next((g for g in sorted(groups) if part in self.tax_named(g).parts), "")


def parse(text: str) -> Journal:
    """A journal from its text; ValueError names the line that makes no sense."""
    head: dict[str, str] = {}
    taxes: dict[str, Tax] = {}
    accounts: dict[str, tuple[str, str, str]] = {}
    rows: list[Row] = []
    instalments: list[Instalment] = []
    for written in text.splitlines():
        line = re.sub(r"(^|\s)#(\s.*)?$", "", written).strip()
        if match := _HEAD.fullmatch(line):
            key, value = match.groups()
            if key == "tax":
                tax = _tax(value)
                taxes[tax.name] = tax
            elif key == "account":
                name, account = _account(value)
                accounts[name] = account
            elif key in {f.name for f in fields(Head)}:
                head[key] = value
            else:
                raise ValueError(f"nobody knows what this is: {written}")
        elif match := _INSTALMENT.fullmatch(line):
            due, amount, paid, still_open = match.groups()
            left = Decimal(0) if paid else Decimal(still_open or amount)
            instalments.append(Instalment(due=due, amount=Decimal(amount), open=left))
        elif match := _ROW.fullmatch(line):
            rows.append(_row(match))
        elif line:
            raise ValueError(f"this is no row: {written}")
    journal = Journal(
        head=Head(**head),
        rows=tuple(rows),
        instalments=tuple(instalments),
        taxes=taxes,
        accounts=accounts,
    )
    owed = sum((i.amount for i in instalments), Decimal(0))
    if instalments and owed != journal.total:
        raise ValueError(f"the instalments are {owed}, the rows {journal.total}")
    return journal


def shapes() -> dict[str, Journal]:
    """All bills of data/shapes, by the name of the file."""
    return {path.stem: parse(path.read_text()) for path in sorted(SHAPES.glob("*.txt"))}


def _row(match: re.Match[str]) -> Row:
    part = match.groupdict()
    is_product = part["kind"] == "product"
    subtotal = Decimal(part["subtotal"] or part["amount"] or 0)
    shown = subtotal if is_product or part["subtotal"] else Decimal(0)
    return Row(
        kind=part["kind"],
        account=part["account"] or "",
        subtotal=shown,
        amount=Decimal(part["amount"] or subtotal),
        taxes=tuple(name.strip() for name in (part["taxes"] or "").split(",") if name.strip()),
        of=(part["of"] or "").strip(),
        text=part["text"] or "",
        quantity=Decimal(part["quantity"] or is_product),
        price=Decimal(part["price"] or shown),
        discount=Decimal(part["discount"] or 0),
        deductible=Decimal(part["deductible"] or 100),
    )


def _tax(text: str) -> Tax:
    name, _, said = (part.strip() for part in text.partition("="))
    if match := re.fullmatch(rf"({_AMOUNT})%( included)?", said):
        return Tax(name=name, amount=Decimal(match[1]), included=bool(match[2]))
    if match := re.fullmatch(rf"({_AMOUNT}) each", said):
        return Tax(name=name, amount=Decimal(match[1]), kind="fixed")
    parts = tuple(part.strip() for part in said.split(","))
    return Tax(name=name, kind="group", parts=parts)


def _account(text: str) -> tuple[str, tuple[str, str, str]]:
    match = re.fullmatch(r"(\w+) *= *(\d+) +([^,]+), *(\w+)", text)
    if match is None:
        raise ValueError(f"an account is `VAT = 131000 Input VAT, asset_current`, not: {text}")
    return match[1], (match[2], match[3], match[4])
