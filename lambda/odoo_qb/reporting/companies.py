"""The companies of a connection to Odoo: name, currency and fiscal year, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.odoo.values import by_id, name_of, text_of
from odoo_qb.reporting.periods import FiscalYearEnd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.values import Record

NO_COMPANY: Final = "no such company"

_FIELDS: Final = ("name", "currency_id", "fiscalyear_last_day", "fiscalyear_last_month")
_MONTHS: Final = {str(number): number for number in range(1, 13)}
_LONGEST: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company of Odoo's. `year_end` is None where Odoo says nothing of its fiscal year."""

    id: int
    name: str
    currency: str
    year_end: FiscalYearEnd | None


def read_companies(odoo: OdooClient) -> dict[int, Company]:
    """All that the user sees, by id."""
    rows = odoo.call("res.company", "search_read", [], fields=list(_FIELDS), order="id")
    return {number: _company(number, row) for number, row in by_id(rows).items()}


def chosen(
    companies: Mapping[int, Company], named: Sequence[int | str], wanted: int | None
) -> Company:
    """The wanted company, or the connection's first; Refused if it is none of the connection's.

    `named` are the ids or names that the connection is limited to; none: all that the user sees.
    """
    ours = [c for one in named for c in companies.values() if one in (c.id, c.name)]
    if not named:
        ours = list(companies.values())
    for company in ours:
        if wanted in (None, company.id):
            return company
    known = ", ".join(f"{company.id} ({company.name})" for company in ours)
    if not known:
        raise Refused("The Odoo user of this connection sees no company: check its companies.")
    raise Refused(f"This connection has no company {wanted}. It has {known}.", code=NO_COMPANY)


def _company(number: int, row: Record) -> Company:
    month = _MONTHS.get(str(row["fiscalyear_last_month"]))
    day = row["fiscalyear_last_day"]
    is_known = month and type(day) is int and 1 <= day <= _LONGEST
    return Company(
        id=number,
        name=text_of(row["name"]),
        currency=name_of(row["currency_id"]),
        year_end=FiscalYearEnd(month=month, day=day) if month and is_known else None,
    )
