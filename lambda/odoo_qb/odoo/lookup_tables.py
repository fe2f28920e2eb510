"""What the bills of a run refer to, as read so far: accounts, vendors, taxes and users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odoo_qb.odoo.values import MalformedValueError, related

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from decimal import Decimal

    from odoo_qb.bill.model import Vendor
    from odoo_qb.odoo.values import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account in a company's chart of accounts in Odoo."""

    code: str
    name: str
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax in Odoo: a group has `parts`, a percentage tax has `percent`."""

    name: str
    percent: Decimal | None = None
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupTables:
    """What bills refer to, as read so far; `hidden` is what our user may not read."""

    company_keys: Mapping[str, str]  # Odoo's company name -> our key
    accounts: Mapping[tuple[int, int], Account]  # by company and id
    vendors: Mapping[int, Vendor]
    taxes: Mapping[int, Tax]
    currencies: Mapping[int, str]  # by company
    users: Mapping[int, tuple[str, str]]  # login and e-mail of the people who enter and edit bills
    hidden: AbstractSet[tuple[str, int]]  # by model and id

    def visible_id(self, model: str, row: Record, field: str, what: str) -> int:
        """The id in a many2one, 0 for none; MalformedValueError if our user may not read it."""
        number, name = related(row, field, what)
        if (model, number) in self.hidden:
            raise MalformedValueError(f"the Odoo user may not read its {what} {name:.80}")
        return number
