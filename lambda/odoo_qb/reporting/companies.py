"""The companies of a connection to Odoo: name, currency and fiscal year, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.odoo.values import by_id, name_of, text_of
from odoo_qb.reporting.periods import FiscalYearEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.values import Record
    from odoo_qb.store.kept_figures import KeptFigures

NO_COMPANY: Final = "no such company"

_FIELDS: Final = ("name", "currency_id", "fiscalyear_last_day", "fiscalyear_last_month")
_MONTHS: Final = {str(number): number for number in range(1, 13)}
_LONGEST: Final = 31
_FRESH: Final = timedelta(hours=1)
_NEW: Final = timedelta(minutes=1)  # a company that was added since is looked for again


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


class Companies:
    """A connection's companies; what Odoo said of them an hour ago will do.

    `named` are the ids or names that the connection is limited to; none: all that the user sees.
    """

    def __init__(
        self,
        odoo: OdooClient,
        named: Sequence[int | str],
        clock: Callable[[], datetime],
        kept: KeptFigures | None,
    ) -> None:
        self._odoo = odoo
        self._named = tuple(named)
        self._clock = clock
        self._kept = kept
        self._known: tuple[dict[int, Company], datetime] | None = None

    def all(self) -> list[Company]:
        """The connection's companies in its order, for a person to choose from."""
        return self._ours(self._read(None))

    def choose(self, wanted: int | None) -> Company:
        """The wanted company, or the connection's first; Refused if it is none of its own."""
        ours = self._ours(self._read(wanted))
        for company in ours:
            if wanted in (None, company.id):
                return company
        known = ", ".join(f"{company.id} ({company.name})" for company in ours)
        if not known:
            raise Refused("The Odoo user of this connection sees no company: check its companies.")
        raise Refused(f"This connection has no company {wanted}. It has {known}.", code=NO_COMPANY)

    def identify(self, wanted: int | None) -> tuple[int, Company | None]:
        """The company's id without a call to Odoo where that can be; then nothing else is known."""
        if wanted is None or any(isinstance(one, str) for one in self._named):
            company = self.choose(wanted)
            return company.id, company
        if self._named and wanted not in self._named:
            raise Refused(f"This connection has no company {wanted}.", code=NO_COMPANY)
        return wanted, None

    def _ours(self, every: Mapping[int, Company]) -> list[Company]:
        if not self._named:
            return list(every.values())
        return [c for one in self._named for c in every.values() if one in (c.id, c.name)]

    def _read(self, wanted: int | None) -> dict[int, Company]:
        now = self._clock()
        if not self._known and self._kept and (found := self._kept.companies()):
            rows, read_at = found
            self._known = {int(row["id"]): _unpacked(row) for row in rows}, read_at
        if self._known and now - self._known[1] <= _FRESH:
            is_new = wanted is not None and wanted not in self._known[0]
            if not (is_new and now - self._known[1] > _NEW):
                return self._known[0]
        self._known = read_companies(self._odoo), now
        if self._kept:
            self._kept.save_companies([*map(_packed, self._known[0].values())], now)
        return self._known[0]


def _packed(company: Company) -> Json:
    end = company.year_end
    row: Json = {"id": company.id, "name": company.name, "currency": company.currency}
    return row | ({"month": end.month, "day": end.day} if end else {})


def _unpacked(row: Json) -> Company:
    end = FiscalYearEnd(month=int(row["month"]), day=int(row["day"])) if "month" in row else None
    return Company(
        id=int(row["id"]), name=str(row["name"]), currency=str(row["currency"]), year_end=end
    )


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
