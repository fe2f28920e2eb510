"""What QuickBooks will do with a bill, found out before anybody is asked. No I/O.

The extractor shows it on the card; the poster finds it out again and posts only if it is
still what the approver saw.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.ledger import posted_lines, tax_name, vendor_name
from odoo_qb.uploads import unattachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill, Line
    from odoo_qb.item import Raw
    from odoo_qb.reference import Account, KnownVendor, Listed, Snapshot
    from odoo_qb.settings import Company

TAKEN_SUFFIX: Final = " (vendor)"  # Intuit's advice for a name a customer or employee has
NO_SNAPSHOT: Final = "QuickBooks was not read yet: accounts and vendor are matched when posting."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A QuickBooks account or tax code, and how it was found.

    `how` is one of mapped, number, name, default.
    """

    id: str
    name: str
    how: str
    rates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What will be used. `problems` block the bill, `warnings` are for its approver.

    `vendor_id` is empty when the vendor is to be created; `vendor_how` is one of mapped,
    remembered, name, new. `tax_codes` is None in a company where QuickBooks knows no purchase
    tax: in the US, and elsewhere with `tax_is_off`.
    """

    snapshot: str = ""
    company_name: str = ""
    vendor_id: str = ""
    vendor_name: str = ""
    vendor_how: str = ""
    multicurrency: bool = False
    is_foreign: bool = False
    payable_id: str = ""
    term_id: str = ""
    class_id: str = ""
    class_name: str = ""
    department_id: str = ""
    department_name: str = ""
    tax_is_off: bool = False
    accounts: Mapping[str, Target] = field(default_factory=dict)
    tax_codes: Mapping[str, Target] | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def shown(self) -> Raw:
        """As the table keeps it, for the card and for `changes`."""
        kept = asdict(self)
        targets = {k: _pair(v) for k, v in self.accounts.items()}
        codes = {k: _pair(v) for k, v in (self.tax_codes or {}).items()}
        left_out = ("problems", "warnings", "accounts", "tax_codes")
        return {k: v for k, v in kept.items() if k not in left_out} | {
            "accounts": targets,
            "tax_codes": codes,
        }

    def changes(self, shown: Raw) -> list[str]:
        """What is no longer as the card said, as sentences; a vendor created since is no change.

        A card made before the first snapshot promised nothing.
        """
        if not shown.get("snapshot"):
            return []
        found = []
        if not self._is_vendor(str(shown["vendor_id"]), str(shown["vendor_name"])):
            found.append(f"The vendor in QuickBooks now is {self.vendor_name or 'a new one'}.")
        for what, before, now in (
            ("account", shown["accounts"], self.accounts),
            ("tax code", shown["tax_codes"], self.tax_codes or {}),
        ):
            found += [
                f"The {what} for {code} now is {target.name}."
                for code, target in now.items()
                if before.get(code, {}).get("id") != target.id
            ]
        found += [
            f"The {what} now is {now or 'none'}."
            for what, id_now, now in (
                ("class", self.class_id, self.class_name),
                ("department", self.department_id, self.department_name),
            )
            if shown.get(f"{what}_id", "") != id_now
        ]
        return found

    def _is_vendor(self, shown_id: str, shown_name: str) -> bool:
        """Whether the vendor is the one shown, or the one that was to be created."""
        if shown_id:
            return shown_id == self.vendor_id
        names = {shown_name.casefold(), f"{shown_name}{TAKEN_SUFFIX}".casefold()}
        return self.vendor_name.casefold() in names


def preflight(
    bill: Bill, company: Company, snapshot: Snapshot | None, remembered: Raw | None = None
) -> Preflight:
    """What will be used for a bill; `remembered` is the table's note of the Odoo vendor."""
    if snapshot is None:
        return Preflight(warnings=(NO_SNAPSHOT,))
    problems: list[str] = []
    warnings: list[str] = []
    home = snapshot.home_currency or bill.company_currency
    is_foreign = bill.currency != home
    if is_foreign and not snapshot.multicurrency:
        problems.append(
            f"The bill is in {bill.currency}, but QuickBooks keeps this company in {home} only:"
            " turn on Multicurrency there."
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
    accounts = _accounts(bill, company, snapshot, problems, warnings)
    taxes = snapshot.taxes_purchases
    codes = _tax_codes(bill, company, snapshot, problems) if taxes else None
    vendor_id, name, how = _vendor(bill, company, snapshot, remembered or {}, problems, warnings)
    payable = snapshot.payable(bill.currency)
    wanted_term = company.terms.get(bill.payment_terms, bill.payment_terms)
    term = snapshot.term(wanted_term)
    if term is None and bill.payment_terms in company.terms:
        warnings.append(
            f"QuickBooks has no terms {wanted_term}, meant for {bill.payment_terms}: it gets the"
            " due date alone."
        )
    in_class = _kept_under("class", company.class_name, snapshot, problems)
    department = _kept_under("department", company.department, snapshot, problems)
    warnings += unattachable(bill)
    return Preflight(
        snapshot=snapshot.taken_at,
        company_name=snapshot.company_name,
        vendor_id=vendor_id,
        vendor_name=name,
        vendor_how=how,
        multicurrency=snapshot.multicurrency,
        is_foreign=is_foreign,
        payable_id=payable.id if payable else "",
        term_id=term.id if term else "",
        class_id=in_class.id if in_class else "",
        class_name=in_class.name if in_class else "",
        department_id=department.id if department else "",
        department_name=department.name if department else "",
        tax_is_off=not snapshot.uses_tax and not snapshot.in_us,
        accounts=accounts,
        tax_codes=codes,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _accounts(
    bill: Bill, company: Company, snapshot: Snapshot, problems: list[str], warnings: list[str]
) -> dict[str, Target]:
    """The account for each Odoo account of the bill: mapped, else same number, same name."""
    found: dict[str, Target] = {}
    seen: set[str] = set()
    for line in posted_lines(bill):
        code, label = line.account_code, f"{line.account_code} {line.account_name}".strip()
        if code in seen or (line.kind == "tax" and snapshot.taxes_purchases):
            continue
        seen.add(code)
        if not code:
            problems.append(
                f"{label or 'A line'} has no account number in Odoo: give it one there."
            )
            continue
        target, wanted = _account(line, company, snapshot)
        if target is None and wanted:
            problems.append(
                f"The account {wanted}, meant for {label}, is not in QuickBooks (or inactive):"
                " create it there or correct company_settings."
            )
        elif target is None:
            problems.append(
                f"QuickBooks has no account for {label}: map it in company_settings, or create"
                " an account of that number there."
            )
        else:
            found[code] = target
            if target.how == "default":
                warnings.append(f"{label} has no account of its own: {target.name} will be used.")
    return found


def _account(line: Line, company: Company, snapshot: Snapshot) -> tuple[Target | None, str]:
    """The target, and what the settings asked for where that is missing."""
    wanted = mapped(line.account_code, company.accounts)
    if wanted:
        return _target(snapshot.account(wanted), "mapped"), wanted
    same_number = _target(snapshot.by_number(line.account_code), "number")
    target = same_number or _target(snapshot.by_name(line.account_name), "name")
    if target or not company.default_account:
        return target, ""
    return _target(snapshot.account(company.default_account), "default"), company.default_account


def mapped(code: str, mapping: Mapping[str, str]) -> str:
    """The mapping's entry for a code: the exact one, else that of its longest prefix."""
    prefixes = [k for k in mapping if code.startswith(k.rstrip("*")) and k.rstrip("*")]
    best = code if code in mapping else max(prefixes, key=len, default="")
    return mapping.get(best, "")


def _tax_codes(
    bill: Bill, company: Company, snapshot: Snapshot, problems: list[str]
) -> dict[str, Target]:
    """The tax code for each combination of Odoo taxes; every line needs one."""
    found: dict[str, Target] = {}
    seen: set[str] = set()
    for line in posted_lines(bill):
        name = tax_name(line)
        if name in seen or line.kind != "product":
            continue
        seen.add(name)
        wanted = company.taxes.get(name, name)
        code = snapshot.tax_code(wanted)
        if code is None:
            label = f"the tax {name}" if line.taxes else 'lines without a tax ("none")'
            problems.append(
                f"QuickBooks has no tax code for {label}: map it under taxes in company_settings."
            )
        else:
            how = "name" if wanted == name else "mapped"
            found[name] = Target(id=code.id, name=code.name, how=how, rates=code.rates)
    return found


def _vendor(
    bill: Bill,
    company: Company,
    snapshot: Snapshot,
    remembered: Raw,
    problems: list[str],
    warnings: list[str],
) -> tuple[str, str, str]:
    """QuickBooks' vendor as (id, name, how): mapped, remembered, of exactly that name; or new.

    Never one of a similar name: money would go to somebody else.
    """
    if bill.vendor is None:
        return "", "", ""
    home = snapshot.home_currency or bill.company_currency
    name = vendor_name(bill.vendor, bill.currency, home)
    wanted = company.vendors.get(bill.vendor.name, "")
    vendor = next(iter(snapshot.vendors_named(wanted)), None)
    if wanted and vendor is None:
        problems.append(
            f"The vendor {wanted}, meant for {bill.vendor.name}, is not in QuickBooks: create it"
            " there or correct company_settings."
        )
        return "", wanted, "mapped"
    how = "mapped"
    if vendor is None or _currency(vendor, home) != bill.currency:
        known = str(remembered.get(f"id_{bill.currency}", ""))
        vendor, how = snapshot.vendor(known), "remembered"
        if known and vendor is None:
            known_as = str(remembered.get(f"name_{bill.currency}", name))
            if str(remembered.get(f"at_{bill.currency}", "")) >= snapshot.taken_at:
                return known, known_as, how  # made since the snapshot
            warnings.append(
                f"The vendor {known_as} of earlier bills is gone from QuickBooks: it was merged"
                " or deleted. If another vendor is meant, map it in company_settings first."
            )
    if vendor is None or (how == "remembered" and not vendor.active):
        namesakes = [v for n in (name, bill.vendor.name) for v in snapshot.vendors_named(n)]
        # The vendor's plain name may be taken by it in another currency: then it is no namesake.
        own = [
            v
            for v in namesakes
            if v.name.casefold() == name.casefold() or _currency(v, home) == bill.currency
        ]
        namesake = next((v for v in own if not _unusable(v, bill.currency, home)), None)
        if namesake or vendor is None:
            vendor, how = namesake or next(iter(own), None), "name"
    if vendor is None:
        warnings.append(f"New vendor: {name} will be created in QuickBooks.")
        return "", name, "new"
    problem = _unusable(vendor, bill.currency, home)
    if problem:
        problems.append(problem)
    return vendor.id, vendor.name, how


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


def _currency(vendor: KnownVendor, home: str) -> str:
    return vendor.currency or home


def _unusable(vendor: KnownVendor, currency: str, home: str) -> str:
    if not vendor.active:
        return f"The vendor {vendor.name} is inactive in QuickBooks: make it active again there."
    if _currency(vendor, home) != currency:
        return (
            f"The vendor {vendor.name} in QuickBooks is paid in {_currency(vendor, home)}, and"
            f" this bill is in {currency}: a vendor there has one currency for good. Rename that"
            " one, or map another."
        )
    return ""


def _target(account: Account | None, how: str) -> Target | None:
    if account is None:
        return None
    return Target(id=account.id, name=account.full_name or account.name, how=how)


def _pair(target: Target) -> Raw:
    return {"id": target.id, "name": target.name, "how": target.how}
