"""The codes of accounts, which each company assigns itself from Odoo 18 on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo_qb.odoo.values import by_id, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.served_kinds import ServedKind


class AccountCodes:
    """Reads them with each company first in the context, because only its codes are shown."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def add(self, kind: ServedKind, records: Mapping[int, Json], *, by_company: bool) -> None:
        """Add `codes` to each account: the code by company id, as text.

        `code` becomes that of the first company that has one.
        """
        for record in records.values():
            companies = [] if by_company or not record["code"] else record["company_ids"]
            record["codes"] = {str(company): record["code"] for company in companies}
        if not by_company:
            return
        for company in self._scope.ids():
            accounts = [n for n, r in records.items() if company in r["company_ids"]]
            for number, code in self._codes(kind, company, accounts).items():
                records[number]["codes"][str(company)] = code
        for record in records.values():
            record["code"] = next(iter(record["codes"].values()), None)

    def _codes(self, kind: ServedKind, company: int, accounts: Sequence[int]) -> dict[int, str]:
        if not accounts:
            return {}
        rows = self._scope.call(
            kind.model,
            "search_read",
            [["id", "in", list(accounts)]],
            group=kind.group,
            allowed=[company, *(c for c in self._scope.ids() if c != company)],
            fields=["code"],
            order="id",
        )
        codes = {number: text_of(row["code"]) for number, row in by_id(rows).items()}
        return {number: code for number, code in codes.items() if code}
