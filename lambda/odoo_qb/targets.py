"""Where in QuickBooks a bill goes: the account and tax code of each line, the payable. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.ledger import posted_lines, tax_name
from odoo_qb.reference import PAYABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.bill import Bill, Line
    from odoo_qb.reference import Account, Snapshot
    from odoo_qb.settings import Company

_OWN_PAYABLE: Final = "Accounts Payable (A/P)"  # as QuickBooks calls the one it opens by itself
_OF_VENDORS_AND_CUSTOMERS: Final = {
    PAYABLE: "an accounts payable account",
    "Accounts Receivable": "an accounts receivable account",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A QuickBooks account or tax code, and how it was found.

    `how` is one of mapped, number, name, default.
    """

    id: str
    name: str
    how: str
    rates: tuple[tuple[str, str], ...] = ()


def accounts(
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
        account, how, wanted = _account(line, company, snapshot)
        if account is None and wanted:
            problems.append(
                f"The account {wanted}, meant for {label}, is not in QuickBooks (or inactive):"
                " create it there or correct company_settings."
            )
        elif account is None:
            problems.append(
                f"QuickBooks has no account for {label}: map it in company_settings, or create"
                " an account of that number there."
            )
        else:
            unusable = _unusable(account, bill, snapshot)
            if unusable:
                problems.append(
                    f"{_name(account)} in QuickBooks, meant for {label}, {unusable}: map it to"
                    " another account in company_settings."
                )
            elif how == "default":
                warnings.append(
                    f"{label} has no account of its own: {_name(account)} will be used."
                )
            found[code] = Target(id=account.id, name=_name(account), how=how)
    return found


def _account(line: Line, company: Company, snapshot: Snapshot) -> tuple[Account | None, str, str]:
    """The account, how it was found, and what the settings asked for where they did."""
    wanted = mapped(line.account_code, company.accounts)
    if wanted:
        return snapshot.account(wanted), "mapped", wanted
    same_number = snapshot.by_number(line.account_code)
    if same_number:
        return same_number, "number", ""
    same_name = snapshot.by_name(line.account_name)
    if same_name or not company.default_account:
        return same_name, "name", ""
    return snapshot.account(company.default_account), "default", company.default_account


def _unusable(account: Account, bill: Bill, snapshot: Snapshot) -> str:
    """Why no line of the bill can go to an account."""
    if account.kind in _OF_VENDORS_AND_CUSTOMERS:
        return f"is {_OF_VENDORS_AND_CUSTOMERS[account.kind]}, to which no line can go"
    home = snapshot.home_currency or bill.company_currency
    if account.currency not in {"", bill.currency, home}:
        return f"is kept in {account.currency}, and this bill is in {bill.currency}"
    return ""


def _name(account: Account) -> str:
    return account.full_name or account.name


def mapped(code: str, mapping: Mapping[str, str]) -> str:
    """The mapping's entry for a code: the exact one, else that of its longest prefix."""
    prefixes = [k for k in mapping if code.startswith(k.rstrip("*")) and k.rstrip("*")]
    longest = max(prefixes, key=lambda k: len(k.rstrip("*")), default="")
    best = code if code in mapping else longest
    return mapping.get(best, "")


def tax_codes(
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


def payable(
    bill: Bill, company: Company, snapshot: Snapshot, problems: list[str]
) -> Account | None:
    """The accounts payable account: the one of the settings, else the only one there is.

    Of several the one that QuickBooks itself opened, by its name; which of others is meant only
    a person knows. None before the first bill in a currency: QuickBooks then opens one.
    """
    wanted = company.payable_account
    named = snapshot.account(wanted) if wanted else None
    if wanted and (named is None or named.kind != PAYABLE):
        problems.append(
            f"The accounts payable account {wanted} of company_settings is not in QuickBooks (or"
            " inactive, or of another kind): create it there or correct company_settings."
        )
        return None
    found = snapshot.payables(bill.currency)
    own = [a for a in found if a.name in {_OWN_PAYABLE, f"{_OWN_PAYABLE} - {bill.currency}"}]
    preferred = [a for a in found if a == named] or (own if len(own) == 1 else list(found))
    if len(preferred) > 1:
        problems.append(
            f"QuickBooks has several accounts payable accounts in {bill.currency}"
            f" ({', '.join(map(_name, preferred))}): name one as payable_account in"
            " company_settings."
        )
    return preferred[0] if len(preferred) == 1 else None
