"""The companies that our user sees in Odoo, and which of ours are not among them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from odoo_qb.odoo import search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.company import Company
    from odoo_qb.odoo.client import OdooClient


class OdooCompanies:
    """Asks Odoo once, when a run first needs it."""

    def __init__(self, odoo: OdooClient) -> None:
        self._odoo = odoo

    @cached_property
    def names(self) -> list[str]:
        """The names of the companies that our user sees."""
        return search.companies(self._odoo)

    def not_seen(self, companies: Mapping[str, Company]) -> list[str]:
        """The configured companies that Odoo does not have under their name, a sentence each."""
        shown = ", ".join(f'"{n}"' for n in self.names)
        return [
            f'{key}: the Odoo user sees no company "{company.odoo_company}", so its bills are not'
            f" read. It sees {shown}. Correct odoo_company in company_settings, or give the user"
            " that company in Odoo."
            for key, company in sorted(companies.items())
            if company.odoo_company not in self.names
        ]
