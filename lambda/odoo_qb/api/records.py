"""The routes of mirrored records: contacts, invoices, payments, orders, accounts, transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from odoo_qb.api.answer import Answer
from odoo_qb.api.lists import Wanted, list_page, shown
from odoo_qb.api.problem import Problem
from odoo_qb.api.shapes import Shape
from odoo_qb.store.mirror_table import MirrorTable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from odoo_qb.api.contract import Contract
    from odoo_qb.api.routing import Call, Handler
    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from odoo_qb.store.sorted_table import SortedTable

# By what the contract calls a record: the mirror's kind.
KINDS: Final[dict[str, Kind]] = {
    "Contact": "contact",
    "Invoice": "move",
    "Payment": "payment",
    "Order": "order",
    "Account": "account",
    "Transaction": "transaction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRoutes:
    """Lists and single records of these connections."""

    table: SortedTable
    connections: Collection[str]
    contract: Contract

    def handlers(self) -> dict[str, Handler]:
        """What answers, by the contract's operation."""
        found: dict[str, Handler] = {}
        for name, kind in KINDS.items():
            shape = Shape(self.contract.schema(name))
            found[f"list{name}s"] = partial(self._list, kind, shape)
            found[f"get{name}"] = partial(self._one, kind, shape)
        return found

    def _list(self, kind: Kind, shape: Shape, call: Call) -> Answer:
        wanted = Wanted(values=call.values, shape=shape, now=call.now)
        found = list_page(self._table(kind, call), wanted)
        headers = mirror_headers(found.state, call.now)
        if found.total is not None:
            headers["X-Total-Count"] = str(found.total)
        if found.cursor:
            headers["X-Next-Cursor"] = found.cursor
        if found.truncated:
            headers["X-Truncated"] = "true"
        return Answer(text=f"[{','.join(found.texts)}]", headers=headers)

    def _one(self, kind: Kind, shape: Shape, call: Call) -> Answer:
        item, state = self._table(kind, call).with_state(call.values["id"])
        headers = mirror_headers(state, call.now)
        if not item:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"There is no {shape.name.lower()} {call.values['id']}.{_perhaps_later(state)}",
                headers=headers,
            )
        wanted = Wanted(values=call.values, shape=shape, now=call.now)
        return Answer(text=shown(wanted, item), headers=headers)

    def _table(self, kind: Kind, call: Call) -> MirrorTable:
        connection = call.values["connection"]
        if connection not in self.connections:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"There is no such connection. Connections: {', '.join(self.connections)}.",
            )
        return MirrorTable(self.table, connection, kind)


def mirror_headers(state: Mapping[str, object], now: datetime) -> dict[str, str]:
    """How old what the mirror answers is, in seconds, and whether it is all there."""
    headers = {"X-Mirror-State": mirror_state(state)}
    age = age_seconds(state, now)
    return headers if age is None else headers | {"X-Mirror-Age": str(age)}


def mirror_state(state: Mapping[str, object]) -> str:
    """Whether a kind is "complete", "loading" for the first time, or still "empty"."""
    if state.get("last_success_at"):
        return "complete"
    return "loading" if state.get("reading") or state.get("since") else "empty"


def age_seconds(state: Mapping[str, object], now: datetime) -> int | None:
    """For how long a kind has not been known to equal its source; None if it never was."""
    since = state.get("last_success_at")
    if not since:
        return None
    return max(0, round((now - datetime.fromisoformat(str(since))).total_seconds()))


def _perhaps_later(state: Json) -> str:
    """What to know of a record that is not there yet."""
    return {
        "complete": "",
        "loading": " The mirror is still being filled: try again later.",
        "empty": " Records of this kind haven't been mirrored yet.",
    }[mirror_state(state)]
