"""What a QuickBooks company consists of: a snapshot of its accounts and preferences."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from odoo_qb.errors import Refused
from odoo_qb.item import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.documents import Documents
    from odoo_qb.quickbooks import QuickBooksCompany


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An active account; `full_name` has its parents, as in "Cost of Goods Sold:Freight In"."""

    id: str
    number: str
    name: str
    full_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A company's accounts and preferences as they were at `taken_at` (UTC, ISO)."""

    taken_at: str
    home_currency: str
    accounts: tuple[Account, ...] = field(default=())

    def account(self, number_or_name: str) -> Account | None:
        """The account an operator named, by its number or its full name."""
        return self.by_number(number_or_name) or self.by_name(number_or_name)

    def by_number(self, number: str) -> Account | None:
        """The account with this number."""
        return next((a for a in self.accounts if number and a.number == number), None)

    def by_name(self, name: str) -> Account | None:
        """The account with this full name, whatever the case."""
        wanted = name.casefold()
        return next((a for a in self.accounts if wanted and a.full_name.casefold() == wanted), None)


def load(documents: Documents, company: str) -> Snapshot | None:
    """The last snapshot taken of a company; None before the first."""
    text = documents.find_text(_key(company))
    if text is None:
        return None
    raw = json.loads(text)
    accounts = tuple(Account(**a) for a in raw.pop("accounts"))
    return Snapshot(**raw, accounts=accounts)


def sync(
    quickbooks: QuickBooksCompany, documents: Documents, company: str, now: datetime
) -> Snapshot:
    """Read the company in QuickBooks and keep the snapshot where every function finds it."""
    snapshot = Snapshot(
        taken_at=stamp(now),
        home_currency=_home_currency(quickbooks),
        accounts=tuple(_account(row) for row in quickbooks.query_all("Account")),
    )
    documents.write(_key(company), json.dumps(asdict(snapshot), ensure_ascii=False))
    return snapshot


def _home_currency(quickbooks: QuickBooksCompany) -> str:
    try:
        preferences = quickbooks.preferences()
    except Refused:
        return ""  # a company that hides them: the bill's company currency serves
    currency = preferences.get("CurrencyPrefs", {}).get("HomeCurrency", {})
    return str(currency.get("value", ""))


def _account(row: dict[str, Any]) -> Account:
    return Account(
        id=str(row["Id"]),
        number=str(row.get("AcctNum") or ""),
        name=str(row.get("Name") or ""),
        full_name=str(row.get("FullyQualifiedName") or row.get("Name") or ""),
    )


def _key(company: str) -> str:
    return f"reference/{company}.json"
