"""A QuickBooks company's lists and preferences, as a snapshot in S3."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


Row = dict[str, Any]

PAYABLE: Final = "Accounts Payable"  # the type of account with what vendors are owed
_UNITED_STATES: Final = {"US", "USA", "UNITED STATES"}
_TAX_ACCOUNTS: Final = frozenset({"GlobalTaxPayable", "GlobalTaxSuspense"})
# Bills are normally booked on these types; on others only if the settings say so.
_OF_BILLS: Final = frozenset(
    {
        "Expense", "Other Expense", "Cost of Goods Sold", "Fixed Asset", "Other Asset",
        "Other Current Asset", "Bank", "Credit Card", "Other Current Liability",
        "Long Term Liability", "",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account; `full_name` has its parents, as in "Cost of Goods Sold:Freight In"."""

    id: str
    number: str = ""
    name: str = ""
    full_name: str = ""
    kind: str = ""  # AccountType, as "Expense" or "Other Current Liability"
    sub_kind: str = ""  # AccountSubType, as "GlobalTaxPayable"
    currency: str = ""
    active: bool = True

    @property
    def holds_quickbooks_tax(self) -> bool:
        """Whether QuickBooks itself books sales tax or VAT here and accepts no lines on it."""
        return self.sub_kind in _TAX_ACCOUNTS


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVendor:
    """A vendor; its currency never changes, and inactive ones keep their names."""

    id: str
    name: str
    currency: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """A rate as a tax code uses it: `periods` are (first day, last day or "", percent text).

    `basis` is QuickBooks' TaxTypeApplicable: the amount that the percentage applies to. A rate that
    QuickBooks does not list has no periods.
    """

    id: str
    periods: tuple[tuple[str, str, str], ...] = ()
    basis: str = "TaxOnAmount"
    order: int = 0

    def percent_on(self, day: str) -> Decimal | None:
        """The percentage on an ISO day; None if unknown, which must not be taken for 0."""
        found = [p for first, last, p in self.periods if first <= day and (not last or day <= last)]
        return Decimal(found[-1]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxCode:
    """A tax code and its rates for purchases; without any it is not for purchases."""

    id: str
    name: str
    rates: tuple[TaxRate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A row of a plain list: payment terms, a class or a department (its full name)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A company as it was at `taken_at` (UTC, ISO); `book_close_date` is ISO or empty.

    Ids are valid only in the realm `realm_id`. `uses_tax` says whether it keeps sales tax or VAT at
    all; `classes` and `departments` are read only if bills can have them.
    """

    taken_at: str
    realm_id: str = ""
    company_name: str = ""
    country: str = ""
    home_currency: str = ""
    multicurrency: bool = False
    uses_tax: bool = True
    tracks_classes: bool = False
    tracks_departments: bool = False
    book_close_date: str = ""
    accounts: tuple[Account, ...] = ()
    vendors: tuple[KnownVendor, ...] = ()
    tax_codes: tuple[TaxCode, ...] = ()
    terms: tuple[Listed, ...] = ()
    classes: tuple[Listed, ...] = ()
    departments: tuple[Listed, ...] = ()

    @property
    def taxes_purchases(self) -> bool:
        """Whether a bill's lines have tax codes; otherwise purchase tax is a cost."""
        return self.uses_tax and not self.in_us

    @property
    def in_us(self) -> bool:
        """Whether it is a US company, for which QuickBooks has no purchase tax."""
        return self.country.upper() in _UNITED_STATES

    def account(self, number_or_name: str) -> Account | None:
        """The account with this number or full name, as an operator entered it."""
        return self.by_number(number_or_name) or self.by_name(number_or_name)

    def by_number(self, number: str) -> Account | None:
        """The active account with this number."""
        return next((a for a in self._open() if number and a.number == number), None)

    def by_name(self, name: str) -> Account | None:
        """The active account with this full name, or else the only sub-account with this name.

        Case is ignored. Account types that bills are booked on take precedence.
        """
        wanted = name.casefold()
        if not wanted:
            return None
        suitable = [a for a in self._open() if a.kind in _OF_BILLS]
        return _by_name(wanted, suitable) or _by_name(wanted, list(self._open()))

    def payables(self, currency: str) -> tuple[Account, ...]:
        """The accounts payable accounts for bills in a currency."""
        payables = (a for a in self._open() if a.kind == PAYABLE)
        return tuple(a for a in payables if a.currency in {"", currency})

    def vendor(self, vendor_id: str) -> KnownVendor | None:
        """The vendor with this id."""
        return next((v for v in self.vendors if v.id == vendor_id), None)

    def vendors_named(self, name: str) -> tuple[KnownVendor, ...]:
        """The vendors with exactly this name: usually at most one.

        Case and the kind of spaces are ignored.
        """
        wanted = " ".join(name.split()).casefold()
        return tuple(v for v in self.vendors if v.name.casefold() == wanted)

    def tax_code(self, name: str) -> TaxCode | None:
        """The tax code with this name; case is ignored."""
        wanted = name.casefold()
        return next((c for c in self.tax_codes if c.name.casefold() == wanted), None)

    def term(self, name: str) -> Listed | None:
        """The terms with this name; case is ignored."""
        return _named(self.terms, name)

    def class_named(self, name: str) -> Listed | None:
        """The class with this full name; case is ignored."""
        return _named(self.classes, name)

    def department(self, name: str) -> Listed | None:
        """The department (QuickBooks also says location) with this full name."""
        return _named(self.departments, name)

    def _open(self) -> Iterable[Account]:
        return (a for a in self.accounts if a.active)


def _by_name(wanted: str, accounts: Sequence[Account]) -> Account | None:
    full = [a for a in accounts if a.full_name.casefold() == wanted]
    leaves = [a for a in accounts if a.name.casefold() == wanted]
    found = full or (leaves if len(leaves) == 1 else [])
    return found[0] if found else None


def is_of_bills(account: Account) -> bool:
    """Whether bills are booked on accounts of this kind: expenses, costs, assets, liabilities."""
    return account.kind in _OF_BILLS


def _named(rows: Iterable[Listed], name: str) -> Listed | None:
    wanted = name.casefold()
    return next((r for r in rows if wanted and r.name.casefold() == wanted), None)
