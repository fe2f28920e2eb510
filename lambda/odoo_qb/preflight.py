"""What QuickBooks will do with a bill, found out before anybody is asked. No I/O.

The extractor shows it on the card; the poster finds it out again and posts only if it is
still what the approver saw.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb import targets
from odoo_qb.bill import amount_text
from odoo_qb.checks import few
from odoo_qb.ledger import exchange_rate
from odoo_qb.payee import payee
from odoo_qb.purchase_tax import TaxPlan, plan_tax
from odoo_qb.targets import joined
from odoo_qb.uploads import unattachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill
    from odoo_qb.item import Raw
    from odoo_qb.journal import Booking
    from odoo_qb.reference import Listed, Snapshot
    from odoo_qb.settings import Company
    from odoo_qb.targets import Target

TAKEN_SUFFIX: Final = " (vendor)"  # Intuit's advice for a name a customer or employee has
LINES: Final = 10_000
AMOUNT: Final = 10_000_000_000
_CENT: Final = Decimal("0.01")
_ACCOUNTS_NAMED: Final = 10
HOW_TAXED: Final = {
    "": "a cost on lines of its own",
    "computed": "computed by QuickBooks, which comes to Odoo's tax",
    "override": "Odoo's tax, in place of what QuickBooks would compute",
    "quickbooks": "computed by QuickBooks, which differs from Odoo's tax",
    "lines": "as lines without a tax code",
}
NO_SNAPSHOT: Final = "QuickBooks was not read yet: accounts and vendor are matched when posting."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What will be used. `problems` block the bill, `warnings` are for its approver.

    `vendor_id` is empty when the vendor is to be created; `vendor_how` is one of mapped,
    remembered, name, new. `tax_codes` is None in a company where QuickBooks knows no purchase
    tax: in the US, and elsewhere with `tax_is_off`.
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

    def shown(self) -> Raw:
        """As the table keeps it, for the card and for `changes`."""
        kept = asdict(self)
        targets = {k: _pair(v) for k, v in self.accounts.items()}
        codes = {k: _pair(v) for k, v in (self.tax_codes or {}).items()}
        figures = {"odoo": self.tax.odoo, "quickbooks": self.tax.quickbooks}
        return {k: v for k, v in kept.items() if k != "problems"} | {
            "accounts": targets,
            "tax_codes": codes,
            "tax": {"how": self.tax.how, **figures} if self.tax.how else {},
            "warnings": few(self.warnings),
        }

    def total_of(self, bill: Bill) -> Decimal:
        """What the document's total will be: the bill's, unless QuickBooks' own tax is wanted."""
        if self.tax.how != "quickbooks":
            return bill.amount_total
        return bill.amount_total - self.tax.odoo + self.tax.quickbooks

    def changes(self, shown: Raw) -> list[str]:
        """What is no longer as the card said, as sentences; a vendor created since is no change.

        A card made before the first snapshot promised what matches, and nothing that fills a gap.
        """
        if not shown.get("snapshot"):
            filled = ((code, t) for code, t in self.accounts.items() if t.how == "default")
            return few([f"The account for {code} now is {t.name}." for code, t in filled])
        if shown.get("realm_id") != self.realm_id:  # its ids mean nothing here
            return [f"The company in QuickBooks now is {self.company_name}."]
        found: list[str] = []
        if not self._is_vendor(str(shown["vendor_id"]), str(shown["vendor_name"])):
            found.append(f"The vendor in QuickBooks now is {self.vendor_name or 'a new one'}.")
        codes = {_any_order(k): v for k, v in shown["tax_codes"].items()}
        for what, before, now, known_as in (
            ("account", shown["accounts"], self.accounts, str),
            ("tax code", codes, self.tax_codes or {}, _any_order),
        ):
            found += [
                f"The {what} for {code} now is {target.name}."
                for code, target in now.items()
                if before.get(known_as(code), {}).get("id") != target.id
            ]
        found += self._tax_changes(shown.get("tax"))
        if shown.get("due_date", self.due_date) != self.due_date:
            found.append(f"The due date in QuickBooks now is {self.due_date or 'none'}.")
        found += [
            f"The {what} now is {now or 'none'}."
            for what, id_now, now in (
                ("class", self.class_id, self.class_name),
                ("department", self.department_id, self.department_name),
            )
            if shown.get(f"{what}_id", "") != id_now
        ]
        # With the first bill in a currency QuickBooks opens an account: that is no change.
        if shown["payable_id"] not in {"", self.payable_id}:
            found.append(f"The accounts payable account now is {self.payable_name or 'a new one'}.")
        return few(found)

    def _tax_changes(self, shown: Raw | None) -> list[str]:
        """Whether tax comes about in another way than the card said; 1.0 said nothing of it."""
        now = self.tax
        if not shown or (shown["how"], shown["quickbooks"]) == (now.how, now.quickbooks):
            return []
        if shown["how"] != now.how:
            return [f"The tax is now posted otherwise: {HOW_TAXED[now.how]}."]
        return [f"QuickBooks now computes {now.quickbooks:,.2f} of tax."]

    def booking(self) -> Booking | None:
        """What the document will book, whatever its rows are called.

        None where an account or the tax is not known; closed books, say, are another matter.
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
        """Whether the vendor is the one shown, or the one that was to be created."""
        if shown_id:
            return shown_id == self.vendor_id
        names = {shown_name.casefold(), f"{shown_name}{TAKEN_SUFFIX}".casefold()}
        return self.vendor_name.casefold() in names


def preflight(
    bill: Bill, company: Company, snapshot: Snapshot | None, note: Raw | None = None
) -> Preflight:
    """What will be used for a bill; `note` is what the table remembers of the Odoo vendor."""
    if snapshot is None:
        return Preflight(warnings=(NO_SNAPSHOT,))
    warnings: list[str] = []
    home = snapshot.home_currency or bill.company_currency
    is_foreign = bill.currency != home
    problems = [*_of_the_country(snapshot), *_not_kept(bill, snapshot, home), *_beyond(bill)]
    missing: list[str] = []
    filled: list[str] = []
    tax = plan_tax(bill, company, snapshot)
    rows = [r.row for r in tax.rows]
    accounts = targets.accounts(rows, bill, company, snapshot, missing, filled, tax.own_accounts)
    problems += few(missing, _ACCOUNTS_NAMED)
    warnings += few(filled, _ACCOUNTS_NAMED)
    problems += tax.problems
    vendor_id, name, how = payee(bill, company, snapshot, note or {}, problems, warnings)
    if bill.amount_tax and not rows:
        problems.append(
            "This bill contains only tax; QuickBooks needs an expense line. Give it one in Odoo, or"
            " enter the bill in QuickBooks by hand."
        )
    due = bill.due_date if company.due_date == "last" else bill.first_open_due
    payable = targets.payable(bill, company, snapshot, problems)
    wanted_term = company.terms.get(bill.payment_terms, bill.payment_terms)
    term = snapshot.term(wanted_term)
    if term is None and bill.payment_terms in company.terms:
        warnings.append(
            f"QuickBooks has no terms {wanted_term}, meant for {bill.payment_terms}: it gets the"
            " due date alone."
        )
    in_class = _kept_under("class", company.class_name, snapshot, problems)
    department = _kept_under("department", company.department, snapshot, problems)
    warnings += _off_by_its_rate(bill) if is_foreign else []
    warnings += unattachable(bill)
    return Preflight(
        snapshot=snapshot.taken_at,
        realm_id=snapshot.realm_id,
        company_name=snapshot.company_name,
        vendor_id=vendor_id,
        vendor_name=name,
        vendor_how=how,
        multicurrency=snapshot.multicurrency,
        is_foreign=is_foreign,
        payable_id=payable.id if payable else "",
        payable_name=payable.name if payable else "",
        term_id=term.id if term else "",
        class_id=in_class.id if in_class else "",
        class_name=in_class.name if in_class else "",
        department_id=department.id if department else "",
        department_name=department.name if department else "",
        tax_is_off=not snapshot.uses_tax and not snapshot.in_us,
        accounts=accounts,
        tax_codes=tax.codes,
        tax=tax,
        due_date=due.isoformat() if due and not bill.is_credit else "",
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _of_the_country(snapshot: Snapshot) -> list[str]:
    """Whether it is known how QuickBooks treats purchase tax: that depends on the country."""
    if snapshot.country:
        return []
    why = "QuickBooks does not say in which country this company is, and tax depends on that"
    return [f'{why}: set country in company_settings ("US", "GB", "CA", …).']


def _not_kept(bill: Bill, snapshot: Snapshot, home: str) -> list[str]:
    """Why the company's books in QuickBooks do not take this bill: its currency or its date."""
    problems = []
    if bill.currency != home and not snapshot.multicurrency:
        problems.append(
            f"The bill is in {bill.currency}, but QuickBooks keeps this company in {home} only:"
            " turn on Multicurrency there."
        )
    if bill.currency != home and not bill.amount_total:
        problems.append(
            "A total of zero has no exchange rate: enter this bill in QuickBooks by hand."
        )
    if bill.company_currency and bill.company_currency != home:
        problems.append(
            f"Odoo keeps this company in {bill.company_currency}, QuickBooks in {home}: no"
            " exchange rate fits both."
        )
    if bill.bill_date and bill.bill_date.isoformat() <= snapshot.book_close_date:
        problems.append(
            f"The books are closed up to {snapshot.book_close_date}: open the period in"
            " QuickBooks, or change the bill date in Odoo."
        )
    return problems


def _off_by_its_rate(bill: Bill) -> list[str]:
    """Whether the rate that QuickBooks gets leads to another total in the company's currency."""
    if not bill.amount_total:
        return []
    booked = exchange_rate(bill) * bill.amount_total
    if abs(booked - bill.company_total) <= _CENT:
        return []
    here, there = (
        amount_text(a, bill.company_currency) for a in (bill.company_total, booked.quantize(_CENT))
    )
    return [f"At the exchange rate QuickBooks will book {there}; in Odoo it is {here}."]


def _beyond(bill: Bill) -> list[str]:
    """What of a bill QuickBooks would refuse or round.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/most-commonly-used/bill
    """
    lines = bill.money_rows
    amounts = [*(n.amount for n in lines), bill.amount_tax, bill.amount_total]
    finest = max(amounts, key=lambda a: -int(a.normalize().as_tuple().exponent))
    found = []
    if len(lines) > LINES:
        found.append(f"QuickBooks takes {LINES:,} lines at most, this bill has {len(lines):,}.")
    if any(abs(a) >= AMOUNT for a in amounts):
        found.append(f"QuickBooks takes amounts below {AMOUNT:,} only: split the bill in Odoo.")
    if finest != finest.quantize(_CENT):
        found.append(
            f"QuickBooks keeps two decimals, and {amount_text(finest, bill.currency)} has more:"
            " enter this bill there by hand, or round it in Odoo."
        )
    return found


def _kept_under(
    what: Literal["class", "department"], wanted: str, snapshot: Snapshot, problems: list[str]
) -> Listed | None:
    """The class or department the settings name for all bills of the company."""
    is_class = what == "class"
    found = snapshot.class_named(wanted) if is_class else snapshot.department(wanted)
    if wanted and not (snapshot.tracks_classes if is_class else snapshot.tracks_departments):
        way = "tracking of classes by line" if is_class else "tracking of locations"
        problems.append(f"company_settings name the {what} {wanted}: turn on {way} in QuickBooks.")
    elif wanted and found is None:
        problems.append(
            f"The {what} {wanted} is not in QuickBooks (or inactive): create it there or correct"
            " company_settings."
        )
    return found


def _any_order(taxes: str) -> str:
    """Taxes as one name: 1.0 named them in Odoo's order. A group may be called "VAT + Levy"."""
    return joined(taxes.split(" + "))


def _pair(target: Target) -> Raw:
    return {"id": target.id, "name": target.name, "how": target.how}
