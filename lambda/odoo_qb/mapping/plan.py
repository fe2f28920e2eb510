"""How a bill will be posted: what was matched, what blocks it, which warnings. No I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.bill.taxes import joined
from odoo_qb.sentences import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill.journal import Booking
    from odoo_qb.bill.model import Bill, Line
    from odoo_qb.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A QuickBooks account or tax code, and how it was found.

    `how` is one of mapped, number, name, default.
    """

    id: str
    name: str
    how: str


How = Literal["", "computed", "override", "quickbooks", "lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedRow:
    """A journal row that becomes a line, with the name of its taxes ("" if no code is sent)."""

    row: Line
    tax: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTax:
    """The tax at one QuickBooks rate, and the net amount it is charged on."""

    rate_id: str
    amount: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxPlan:
    """The lines of a document, their tax codes by name, and how its tax is posted.

    `how` is "" if QuickBooks has no purchase tax, "computed" if QuickBooks computes the same tax as
    Odoo, or else what the settings say. `odoo` and `quickbooks` are the two amounts.
    """

    how: How = ""
    rows: tuple[PostedRow, ...] = ()
    codes: Mapping[str, Target] | None = None
    odoo: Decimal = Decimal(0)
    quickbooks: Decimal = Decimal(0)
    override: tuple[RateTax, ...] = ()
    own_accounts: frozenset[str] = (
        frozenset()
    )  # Odoo's accounts for tax that QuickBooks books itself
    problems: tuple[str, ...] = ()


HOW_TAXED: Final = {
    "": "as a cost, on lines of its own",
    "computed": "computed by QuickBooks, which agrees with Odoo",
    "override": "Odoo's tax, instead of QuickBooks' own",
    "quickbooks": "computed by QuickBooks, which differs from Odoo",
    "lines": "as lines without a tax code",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPlan:
    """How a bill will be posted. `problems` block it, `warnings` are for its approver.

    `vendor_id` is empty if the vendor will be created; `vendor_how` is one of mapped, remembered,
    name, new. `tax_codes` is None in a company without purchase tax in QuickBooks: in the US, and
    elsewhere with `tax_is_off`.
    """

    snapshot: str = ""
    realm_id: str = ""
    company_name: str = ""
    vendor_id: str = ""
    vendor_name: str = ""
    vendor_how: str = ""
    multicurrency: bool = False
    is_foreign: bool = False
    payable_id: str = ""
    payable_name: str = ""
    term_id: str = ""
    class_id: str = ""
    class_name: str = ""
    department_id: str = ""
    department_name: str = ""
    tax_is_off: bool = False
    accounts: Mapping[str, Target] = field(default_factory=dict)
    tax_codes: Mapping[str, Target] | None = None
    tax: TaxPlan = field(default_factory=TaxPlan)
    due_date: str = ""
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def shown(self) -> Json:
        """As the table stores it, for the card and for `changes`."""
        kept = asdict(self)
        targets = {k: _pair(v) for k, v in self.accounts.items()}
        codes = {k: _pair(v) for k, v in (self.tax_codes or {}).items()}
        figures = {"odoo": self.tax.odoo, "quickbooks": self.tax.quickbooks}
        return {k: v for k, v in kept.items() if k != "problems"} | {
            "accounts": targets,
            "tax_codes": codes,
            "tax": {"how": self.tax.how, **figures} if self.tax.how else {},
            "warnings": shorten(self.warnings),
        }

    def total_of(self, bill: Bill) -> Decimal:
        """The document's total: the bill's, unless QuickBooks' own tax is used."""
        if self.tax.how != "quickbooks":
            return bill.amount_total
        return bill.amount_total - self.tax.odoo + self.tax.quickbooks

    def changes(self, shown: Json) -> list[str]:
        """What differs from the card, as sentences; a vendor created since is not a change.

        A card made before the first snapshot promised only what matches, without fallbacks.
        """
        if not shown.get("snapshot"):
            filled = ((code, t) for code, t in self.accounts.items() if t.how == "default")
            return shorten([f"The account for {code} is now {t.name}." for code, t in filled])
        if shown.get("realm_id") != self.realm_id:  # its ids are not valid here
            return [f"The QuickBooks company is now {self.company_name}."]
        found: list[str] = []
        if not self._is_vendor(str(shown["vendor_id"]), str(shown["vendor_name"])):
            found.append(f"The vendor in QuickBooks is now {self.vendor_name or 'a new one'}.")
        codes = {_any_order(k): v for k, v in shown["tax_codes"].items()}
        for what, before, now, known_as in (
            ("account", shown["accounts"], self.accounts, str),
            ("tax code", codes, self.tax_codes or {}, _any_order),
        ):
            found += [
                f"The {what} for {code} is now {target.name}."
                for code, target in now.items()
                if before.get(known_as(code), {}).get("id") != target.id
            ]
        found += self._tax_changes(shown.get("tax"))
        if shown.get("due_date", self.due_date) != self.due_date:
            found.append(f"The due date in QuickBooks is now {self.due_date or 'none'}.")
        found += [
            f"The {what} is now {now or 'none'}."
            for what, id_now, now in (
                ("class", self.class_id, self.class_name),
                ("department", self.department_id, self.department_name),
            )
            if shown.get(f"{what}_id", "") != id_now
        ]
        # QuickBooks creates an account with the first bill in a currency: that is not a change.
        if shown["payable_id"] not in {"", self.payable_id}:
            found.append(f"The accounts payable account is now {self.payable_name or 'a new one'}.")
        return shorten(found)

    def _tax_changes(self, shown: Json | None) -> list[str]:
        """Changes in how tax is posted since the card; 1.0's cards did not say."""
        now = self.tax
        if not shown or (shown["how"], shown["quickbooks"]) == (now.how, now.quickbooks):
            return []
        if shown["how"] != now.how:
            return [f"The tax is now posted differently: {HOW_TAXED[now.how]}."]
        return [f"QuickBooks now computes {now.quickbooks:,.2f} of tax."]

    def booking(self) -> Booking | None:
        """What the document will book, without the names of its rows.

        None if an account or the tax is unknown. Other problems, such as closed books, don't count.
        """
        codes = self.tax_codes
        booked: dict[tuple[str, str], int] = {}
        has_places = all(r.row.account_code in self.accounts for r in self.tax.rows)
        if not self.snapshot or self.tax.problems or not has_places:
            return None
        for posted in self.tax.rows:
            code = codes[posted.tax].id if codes is not None else ""
            place = self.accounts[posted.row.account_code].id, code
            booked[place] = booked.get(place, 0) + int(posted.row.amount * 100)
        tax = self.tax.quickbooks if self.tax.how in {"computed", "quickbooks"} else Decimal(0)
        if self.tax.how == "override":
            tax = self.tax.odoo
        return {k: v for k, v in booked.items() if v}, int(tax * 100)

    def _is_vendor(self, shown_id: str, shown_name: str) -> bool:
        """Whether the vendor is the one shown, or the one that was going to be created."""
        if shown_id:
            return shown_id == self.vendor_id
        names = {shown_name.casefold(), f"{shown_name}{TAKEN_SUFFIX}".casefold()}
        return self.vendor_name.casefold() in names


def _any_order(taxes: str) -> str:
    """Taxes as one sorted name: 1.0 used Odoo's order. One tax may be called "VAT + Levy"."""
    return joined(taxes.split(" + "))


def _pair(target: Target) -> Json:
    return {"id": target.id, "name": target.name, "how": target.how}


TAKEN_SUFFIX: Final = " (vendor)"  # as Intuit advises if a customer or employee has the name
