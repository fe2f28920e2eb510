"""The companies that our user sees in Odoo, and which configured ones are missing."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from odoo_qb.odoo import search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.company import Company
    from odoo_qb.odoo.client import OdooClient


class OdooCompanies:
    """Reads the companies once, when a run first needs them."""

    def __init__(self, odoo: OdooClient) -> None:
        self._odoo = odoo

    @cached_property
    def names(self) -> list[str]:
        """The names of the companies that our user sees."""
        return search.companies(self._odoo)

    def not_seen(self, companies: Mapping[str, Company]) -> list[str]:
        """A sentence for each configured company that Odoo does not have under its name."""
        shown = ", ".join(f'"{n}"' for n in self.names)
        return [
            f'{key}: the Odoo user sees no company "{company.odoo_company}", so its bills are not'
            f" read. It sees {shown}. Correct odoo_company in company_settings, or give the user"
            " that company in Odoo."
            for key, company in sorted(companies.items())
            if company.odoo_company not in self.names
        ]
