"""Which bills in Odoo need approval: those of our companies, from a date on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from odoo_qb.extraction.left_out import late_bill
from odoo_qb.guarding import flaw_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.extraction.left_out import LeftOut
    from odoo_qb.odoo.records import OdooDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Bills dated before `extract_since`, or their company's own day, need no approval.

    Except those in the table. Nor do bills from before `kept_since`, which the table may have
    deleted.
    """

    companies: Mapping[str, Company]
    extract_since: date
    kept_since: date

    @property
    def keys(self) -> dict[str, str]:
        """The company keys, by the companies' names in Odoo."""
        return {c.odoo_company: c.key for c in self.companies.values()}

    @property
    def first_day(self) -> date:
        """The earliest bill date that needs approval in any company."""
        return min((self.extracted_since(key) for key in self.companies), default=date.min)

    def extracted_since(self, key: str) -> date:
        """The earliest bill date that needs approval in a company."""
        return max(self._go_live(key), self.kept_since)

    def left_alone_before(self, keys: Iterable[str], since: date | None) -> dict[str, str]:
        """By company: the day before which bills are left alone although they were requested."""
        first = {key: self.extracted_since(key) for key in keys}
        return {k: day.isoformat() for k, day in first.items() if since and day > since}

    def bills(self, entries: Iterable[OdooDocument], stored: Mapping[str, Item]) -> list[Bill]:
        """The bills to compare and request approval for; from before go-live only stored ones.

        A bill with a damaged record is left out, because nothing can be compared with that.
        """
        found = []
        for bill in (e.bill for e in entries if e.bill):
            since, item = self.extracted_since(bill.company), stored.get(bill.entry_id)
            too_old = bill.bill_date is not None and bill.bill_date < since
            if (item and not flaw_of(item)) or (item is None and not too_old):
                found.append(bill)
        return found

    def late(self, entries: Iterable[OdooDocument], met: Collection[str]) -> list[LeftOut]:
        """The bills left alone by their date although they were entered since, without `met`."""
        keys = self.keys
        left = (e for e in entries if f"odoo-{e.odoo_id}" not in met)
        found = (late_bill(e, self._go_live(keys[e.odoo_company])) for e in left)
        return [one for one in found if one]

    def _go_live(self, key: str) -> date:
        return self.companies[key].extract_since or self.extract_since
