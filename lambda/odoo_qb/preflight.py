"""What QuickBooks will do with a bill, found out before anybody is asked. No I/O.

The extractor shows it on the card; the poster finds it out again and posts only if it is
still what the approver saw.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from odoo_qb.ledger import posted_lines, tax_name, vendor_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill, Document, Line
    from odoo_qb.item import Raw
    from odoo_qb.reference import Account, KnownVendor, Snapshot
    from odoo_qb.settings import Company

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable
_UPLOAD_TYPES: Final = frozenset(
    {"ai", "csv", "doc", "docx", "eps", "gif", "jpeg", "jpg", "ods", "pdf", "png", "rtf"}
    | {"tif", "tiff", "txt", "xls", "xlsx", "xml"}
)
UPLOAD_BYTES: Final = 100_000_000  # the most QuickBooks takes in one request
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

    `vendor_id` is empty when the vendor is to be created; `tax_codes` is None in a company
    where QuickBooks knows no purchase tax.
    """

    snapshot: str = ""
    company_name: str = ""
    vendor_id: str = ""
    vendor_name: str = ""
    multicurrency: bool = False
    is_foreign: bool = False
    payable_id: str = ""
    term_id: str = ""
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
        if shown["vendor_id"] and shown["vendor_id"] != self.vendor_id:
            found.append(f"The vendor in QuickBooks now is {self.vendor_name or 'a new one'}.")
        for what, before, now in (
            ("account", shown["accounts"], self.accounts),
            ("tax code", shown["tax_codes"], self.tax_codes or {}),
        ):
            found += [
                f"The {what} for {code or 'no tax'} now is {target.name}."
                for code, target in now.items()
                if before.get(code, {}).get("id") != target.id
            ]
        return found


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
    codes = None if snapshot.in_us else _tax_codes(bill, company, snapshot, problems)
    vendor_id, name = _vendor(bill, company, snapshot, remembered or {}, problems, warnings)
    payable = snapshot.payable(bill.currency)
    term = snapshot.term(company.terms.get(bill.payment_terms, bill.payment_terms))
    warnings += unattachable(bill)
    return Preflight(
        snapshot=snapshot.taken_at,
        company_name=snapshot.company_name,
        vendor_id=vendor_id,
        vendor_name=name,
        multicurrency=snapshot.multicurrency,
        is_foreign=is_foreign,
        payable_id=payable.id if payable else "",
        term_id=term.id if term else "",
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
    for line in posted_lines(bill):
        code, label = line.account_code, f"{line.account_code} {line.account_name}".strip()
        if code in found or (line.kind == "tax" and not snapshot.in_us):
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
    """The tax code for each combination of Odoo taxes; every line needs one outside the US."""
    found: dict[str, Target] = {}
    for line in posted_lines(bill):
        name = tax_name(line)
        if name in found or line.kind != "product":
            continue
        wanted = company.taxes.get(name or "none", name)
        code = snapshot.tax_code(wanted) if wanted else None
        if code is None:
            label = f"the tax {name}" if name else 'lines without a tax ("none")'
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
) -> tuple[str, str]:
    """QuickBooks' vendor as (id, name): remembered, mapped, else of exactly that name; or new.

    Never a similar name: money would go to somebody else.
    """
    if bill.vendor is None:
        return "", ""
    home = snapshot.home_currency or bill.company_currency
    name = vendor_name(bill.vendor, bill.currency, home)
    known = str(remembered.get(f"id_{bill.currency}", ""))
    vendor = snapshot.vendor(known) if known else None
    made_since = str(remembered.get(f"at_{bill.currency}", "")) >= snapshot.taken_at
    if known and vendor is None and made_since:
        return known, str(remembered.get(f"name_{bill.currency}", name))
    if vendor is None or not vendor.active:
        wanted = company.vendors.get(bill.vendor.name, "")
        names = [wanted] if wanted else [name, bill.vendor.name]
        named = [v for n in names for v in snapshot.vendors_named(n)]
        vendor = _usable(named, bill.currency, home) or vendor or next(iter(named), None)
        if wanted and vendor is None:
            problems.append(
                f"The vendor {wanted}, meant for {bill.vendor.name}, is not in QuickBooks:"
                " create it there or correct company_settings."
            )
            return "", wanted
    other_name = vendor is not None and vendor.name.casefold() != name.casefold()
    if vendor is None or (other_name and vendor.currency not in {"", bill.currency}):
        warnings.append(f"New vendor: {name} will be created in QuickBooks.")
        return "", name
    problem = _unusable(vendor, bill.currency, home)
    if problem:
        problems.append(problem)
    return vendor.id, vendor.name


def _usable(vendors: list[KnownVendor], currency: str, home: str) -> KnownVendor | None:
    return next((v for v in vendors if not _unusable(v, currency, home)), None)


def _unusable(vendor: KnownVendor, currency: str, home: str) -> str:
    if not vendor.active:
        return f"The vendor {vendor.name} is inactive in QuickBooks: make it active again there."
    if (vendor.currency or home) != currency:
        return (
            f"The vendor {vendor.name} in QuickBooks is paid in {vendor.currency or home}, and"
            f" this bill is in {currency}: a vendor there has one currency for good."
        )
    return ""


def attachable(documents: tuple[Document, ...]) -> list[Document]:
    """The documents QuickBooks takes, each content once."""
    chosen: dict[str, Document] = {}
    for document in documents:
        if _refusal(document) is None:
            chosen.setdefault(document.sha256 or str(document.odoo_id), document)
    return list(chosen.values())


def unattachable(bill: Bill) -> list[str]:
    """What QuickBooks will not take, as warnings."""
    refusals = ((d.name, _refusal(d)) for d in bill.documents)
    return [f"{name} will not be attached in QuickBooks: {why}." for name, why in refusals if why]


def _refusal(document: Document) -> str | None:
    ending = document.name.rpartition(".")[2].lower()
    if ending not in _UPLOAD_TYPES and document.type != "application/pdf":
        return "it takes no files of this type"
    if document.size > UPLOAD_BYTES:
        return "it takes no more than 100 MB"
    return None


def _target(account: Account | None, how: str) -> Target | None:
    if account is None:
        return None
    return Target(id=account.id, name=account.full_name or account.name, how=how)


def _pair(target: Target) -> Raw:
    return {"id": target.id, "name": target.name, "how": target.how}
