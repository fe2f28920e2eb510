"""Match a bill's accounts in QuickBooks: one per line, and accounts payable. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.mapping.plan import Target
from odoo_qb.quickbooks.snapshot import PAYABLE, is_of_bills

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from odoo_qb.bill.model import Bill, Line
    from odoo_qb.company import Company
    from odoo_qb.quickbooks.snapshot import Account, Snapshot

_OWN_PAYABLE: Final = "Accounts Payable (A/P)"  # the name of the one that QuickBooks creates itself
_TAKES_NO_LINES: Final = {
    PAYABLE: "an accounts payable account",
    "Accounts Receivable": "an accounts receivable account",
    "Non-Posting": "a non-posting account",
}


def match_accounts(
    rows: Sequence[Line],
    bill: Bill,
    company: Company,
    snapshot: Snapshot,
    problems: list[str],
    warnings: list[str],
    tax_accounts: Container[str] = (),
) -> dict[str, Target]:
    """The QuickBooks account for each Odoo account: mapped, or else by number, or else by name.

    `tax_accounts` are Odoo's accounts for tax that QuickBooks books itself; only tax goes there.
    """
    found: dict[str, Target] = {}
    seen: set[str] = set()
    for line in rows:
        code, label = line.account_code, f"{line.account_code} {line.account_name}".strip()
        if code in seen:
            continue
        seen.add(code)
        if not code:
            problems.append(
                f"{label or 'A line'} has no account number in Odoo. Give it one there."
            )
            continue
        account, how, wanted = find_account(line, company, snapshot)
        reserved = _reserved(line, account, tax_accounts, snapshot)
        if reserved:
            problems.append(reserved)
            continue
        if account is None and not wanted and company.default_account:
            account, how = snapshot.account(company.default_account), "default"
            wanted = company.default_account
        if account is None:
            problems.append(_missing(label, wanted))
        else:
            unusable = _unusable(account, how, bill, snapshot)
            if unusable:
                problems.append(
                    f"{_name(account)} in QuickBooks (used for {label}) {unusable}. Map"
                    f" {code} to another account under accounts in company_settings."
                )
            elif how == "default":
                warnings.append(
                    f"{label} has no account of its own in QuickBooks; {_name(account)} will"
                    " be used."
                )
            elif how == "number" and not is_of_bills(account):
                warnings.append(f"{label} will be posted to {_name(account)}, {_kind_of(account)}.")
            found[code] = Target(id=account.id, name=_name(account), how=how)
    return found


def _missing(label: str, wanted: str) -> str:
    """That an account is missing, and what to do; `wanted` is the one in the settings."""
    if wanted:
        return (
            f"QuickBooks has no active account {wanted} (mapped from {label}). Create it"
            " there, or correct company_settings."
        )
    return (
        f"QuickBooks has no account for {label}. Map it in company_settings, or create an"
        " account with that number there."
    )


def _reserved(
    line: Line, account: Account | None, tax_accounts: Container[str], snapshot: Snapshot
) -> str:
    """That a row would go to an account where QuickBooks books tax itself, and what to do."""
    is_kept = account is not None and account.holds_quickbooks_tax and snapshot.taxes_purchases
    label = f"{line.account_code} {line.account_name}".strip()
    kept = "QuickBooks keeps that tax itself and accepts no lines there"
    if line.kind == "tax" and is_kept:
        way = 'Set tax in company_settings to "override" or "quickbooks"'
        return f"The tax on {label} cannot be posted as a line: {kept}. {way}."
    if line.kind != "tax" and (is_kept or line.account_code in tax_accounts):
        way = "Book it on another account in Odoo, or enter the bill in QuickBooks by hand"
        return f"A line is booked on {label}, but {kept}. {way}."
    return ""


def find_account(
    line: Line, company: Company, snapshot: Snapshot
) -> tuple[Account | None, str, str]:
    """The account, how it was found, and the one named in the settings, if any."""
    wanted = mapped(line.account_code, company.accounts)
    if wanted:
        return snapshot.account(wanted), "mapped", wanted
    same_number = snapshot.by_number(line.account_code)
    if same_number:
        return same_number, "number", ""
    return snapshot.by_name(line.account_name), "name", ""


def _unusable(account: Account, how: str, bill: Bill, snapshot: Snapshot) -> str:
    """Why an account cannot be used on the bill, or why that is doubtful."""
    if account.kind in _TAKES_NO_LINES:
        return f"is {_TAKES_NO_LINES[account.kind]}, which cannot be used on a bill"
    if how in {"name", "default"} and not is_of_bills(account):
        return f"is {_kind_of(account)}, which is not normally used on a bill"
    home = snapshot.home_currency or bill.company_currency
    if account.currency not in {"", bill.currency, home}:
        return f"is kept in {account.currency}, but this bill is in {bill.currency}"
    return ""


def _kind_of(account: Account) -> str:
    article = "an" if account.kind[:1] in "AEIOU" else "a"
    return f"{article} {account.kind} account"


def _name(account: Account) -> str:
    return account.full_name or account.name


def mapped(code: str, mapping: Mapping[str, str]) -> str:
    """The mapping's entry for a code: the exact one, or else its longest prefix's."""
    prefixes = [k for k in mapping if code.startswith(k.rstrip("*")) and k.rstrip("*")]
    longest = max(prefixes, key=lambda k: len(k.rstrip("*")), default="")
    best = code if code in mapping else longest
    return mapping.get(best, "")


def choose_payable_account(
    bill: Bill, company: Company, snapshot: Snapshot, problems: list[str]
) -> Account | None:
    """The accounts payable account: the one in the settings, or else the only one.

    Of several, the one that QuickBooks created itself, by its name; otherwise a person must choose.
    None before the first bill in a currency, because QuickBooks then creates one.
    """
    wanted = company.payable_account
    named = snapshot.account(wanted) if wanted else None
    if wanted and (named is None or named.kind != PAYABLE):
        problems.append(
            f"The accounts payable account {wanted} in company_settings does not exist in"
            " QuickBooks, is inactive or has another type. Create it there, or correct"
            " company_settings."
        )
        return None
    found = snapshot.payables(bill.currency)
    own = [a for a in found if a.name in {_OWN_PAYABLE, f"{_OWN_PAYABLE} - {bill.currency}"}]
    preferred = [a for a in found if a == named] or (own if len(own) == 1 else list(found))
    if len(preferred) > 1:
        problems.append(
            f"QuickBooks has several accounts payable accounts in {bill.currency}"
            f" ({', '.join(map(_name, preferred))}). Name one as payable_account in"
            " company_settings."
        )
    return preferred[0] if len(preferred) == 1 else None
