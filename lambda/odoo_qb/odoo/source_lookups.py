"""What a mirror's records refer to: currencies, journals, payment methods and so on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from odoo_qb.exact_json import to_json
from odoo_qb.odoo.scope import ACCOUNTING
from odoo_qb.odoo.values import by_id, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.values import Record
    from odoo_qb.sources import Kind

_CURRENCY: Final = "res.currency"
_JOURNAL: Final = "account.journal"
_METHOD: Final = "account.payment.method.line"
_COMPANY: Final = "res.company"
_COUNTRY: Final = "res.country"
_FIELDS: Final = {
    _COMPANY: ("display_name",),
    _COUNTRY: ("display_name",),
    _CURRENCY: ("display_name", "symbol", "position"),
    _JOURNAL: ("display_name", "code", "type"),
    _METHOD: ("display_name", "name", "code"),
}
_SHOWN: Final[dict[Kind, tuple[str, ...]]] = {
    "contact": (_COMPANY, _COUNTRY),
    "move": (_COMPANY, _CURRENCY, _JOURNAL),
    "payment": (_COMPANY, _CURRENCY, _JOURNAL, _METHOD),
    "order": (_COMPANY, _CURRENCY),
    "account": (_CURRENCY,),
    "transaction": (_COMPANY, _CURRENCY, _JOURNAL),
}


class SourceLookups:
    """Small tables, each read completely when first needed, and again for a new row."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._tables: dict[str, dict[int, Record]] = {}

    def refresh(self) -> None:
        """Read them again when next needed."""
        self._tables.clear()

    def shown(self, kind: Kind) -> str:
        """A digest of what the kind's records show of these tables."""
        tables = {}
        for model in _SHOWN[kind]:
            rows = self._tables.get(model) or self._read(model)
            tables[model] = [
                [number, *(row[name] for name in _FIELDS[model])]
                for number, row in rows.items()
                if row
            ]
        return hashlib.sha256(to_json(tables).encode()).hexdigest()

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
            # A row that is still missing is not searched again in this run.
            unlisted: dict[int, Record] = {number: {} for number in wanted}
            self._tables[model] = table = unlisted | self._read(model)
        return table

    def _read(self, model: str) -> dict[int, Record]:
        rows = self._scope.call(
            model, "search_read", [], group=ACCOUNTING, fields=list(_FIELDS[model]), order="id"
        )
        self._tables[model] = by_id(rows)
        return self._tables[model]
