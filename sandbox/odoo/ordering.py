"""Odoo's orders: what the rows of an answer are sorted by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.errors import V18, user_error, value_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sandbox.odoo.query import Record, View

# What a model's rows are sorted by when nothing is asked.
_ORDERS: Final = {
    "account.account": "code, placeholder_code",
    "account.journal": "type, code",
    "account.move": "date desc, name desc, invoice_date desc, id desc",
    "account.move.line": "date desc, move_name desc, id",
    "account.payment": "date desc, name desc",
    "account.payment.method.line": "id",
    "sale.order": "date_order desc, id desc",
    "sale.order.line": "order_id, sequence, id",
    "ir.attachment": "id desc",
    "res.company": "sequence, name",
    "res.currency": "active desc, name",
    "res.partner": "display_name, id desc",
    "res.users": "name, login",
}
_TERM: Final = r"\s*[a-z0-9_]+(\s+(asc|desc))?(\s+nulls\s+(first|last))?\s*"
_ORDER: Final = re.compile(rf"{_TERM}(,{_TERM})*", re.IGNORECASE)


def sort(view: View, model: str, rows: Collection[Record], order: object) -> list[Record]:
    """The rows as `order` ("write_date, id desc") or the model's own order has them."""
    text = str(order or _own_order(view, model))
    if not _ORDER.fullmatch(text):
        raise user_error(
            f'Invalid "order" specified ({text}). A valid "order" specification is a'
            " comma-separated list of valid field names (optionally followed by asc/desc for"
            " the direction)"
        )
    result = list(rows)
    for term in reversed(text.split(",")):
        name, *direction = term.lower().split()
        result.sort(key=_sort_key(view, model, name), reverse=direction[:1] == ["desc"])
    return result


def _own_order(view: View, model: str) -> str:
    if model == "account.account" and view.version < V18:
        return "code"  # which every account has
    return _ORDERS.get(model, "id")


def _sort_key(view: View, model: str, name: str) -> Callable[[Record], tuple[bool, Any]]:
    """Empty last, as PostgreSQL has it; a relation in the order of the model it points to."""
    field = view.field(model, name)
    if field is None:
        raise value_error(f"Invalid field '{name}' on model '{model}'")
    ranks = rank(view, field["relation"]) if field["type"] == "many2one" else {}

    def key(record: Record) -> tuple[bool, Any]:
        value = view.value(model, record, name)
        empty = value is False and field["type"] != "boolean"
        return (empty, 0 if empty else ranks.get(value, value) if ranks else value)

    return key


def rank(view: View, model: str) -> dict[int, int]:
    """The place of each record in its model's own order."""
    return {
        row["id"]: n for n, row in enumerate(sort(view, model, view.rows(model).values(), None))
    }
