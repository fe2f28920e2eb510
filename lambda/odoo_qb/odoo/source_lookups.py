"""What a mirror's records refer to: currencies, journals and payment methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.odoo.scope import ACCOUNTING
from odoo_qb.odoo.values import by_id, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.values import Record

_CURRENCY: Final = "res.currency"
_JOURNAL: Final = "account.journal"
_METHOD: Final = "account.payment.method.line"
_FIELDS: Final = {
    _CURRENCY: ("symbol", "position"),
    _JOURNAL: ("code", "type"),
    _METHOD: ("name", "code"),
}


class SourceLookups:
    """Small tables, each read completely when first needed, and again for a new row."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._tables: dict[str, dict[int, Record]] = {}

    def refresh(self) -> None:
        """Read them again when next needed."""
        self._tables.clear()

    def add_currencies(self, records: Iterable[Json]) -> None:
        """Add the currency's symbol and its position to each record."""
        records = list(records)
        table = self._rows(_CURRENCY, {r["currency_id"] for r in records})
        for record in records:
            row = table.get(record["currency_id"], {})
            record["currency_symbol"] = text_of(row.get("symbol")) or None
            record["currency_position"] = text_of(row.get("position")) or None

    def add_journals(self, records: Iterable[Json]) -> None:
        """Add the journal's code and type to each record."""
        records = list(records)
        table = self._rows(_JOURNAL, {r["journal_id"] for r in records})
        for record in records:
            row = table.get(record["journal_id"], {})
            record["journal_code"] = text_of(row.get("code")) or None
            record["journal_type"] = text_of(row.get("type")) or None

    def add_methods(self, payments: Iterable[Json]) -> None:
        """Add the method's code to each payment, and its name without the journal's.

        Odoo 18 and later show "Manual Payment (Bank)" for a method called "Manual Payment".
        """
        payments = list(payments)
        table = self._rows(_METHOD, {p["payment_method_id"] for p in payments})
        for payment in payments:
            row = table.get(payment.pop("payment_method_id"), {})
            payment["payment_method_name"] = (
                text_of(row.get("name")) or payment["payment_method_name"]
            )
            payment["payment_method_code"] = text_of(row.get("code")) or None

    def _rows(self, model: str, needed: Collection[int | None]) -> dict[int, Record]:
        wanted = {number for number in needed if number}
        table = self._tables.get(model, {})
        if not wanted <= table.keys():
            fields = list(_FIELDS[model])
            rows = self._scope.call(
                model, "search_read", [], group=ACCOUNTING, fields=fields, order="id"
            )
            # A row that is still missing is not searched again in this run.
            self._tables[model] = table = {number: {} for number in wanted} | by_id(rows)
        return table
