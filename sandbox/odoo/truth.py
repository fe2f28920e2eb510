"""What the sandbox's Odoo holds, straight from its records: what a copy of it must be equal to.

No search, no order, no page and no right of a user has a part in it, so that a mistake in those
shows. Values are as `read` answers with load=False: a many2one is an id, an instant has whole
seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.dataset import DERIVED, empty
from sandbox.odoo.errors import V18
from sandbox.odoo.records import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.odoo.query import Record
    from sandbox.odoo.records import Records

# The column a field's value is in, where a version's name for it is not the records'.
_COLUMNS: Final = {
    ("account.move", "payment_id"): "origin_payment_id",
    ("account.payment", "ref"): "memo",
    ("sale.order.line", "tax_ids"): "tax_id",
}
_OLD_STATES: Final = {"in_process": "posted", "paid": "posted", "canceled": "cancel"}


def held(odoo: Records, model: str, fields: Iterable[str]) -> dict[int, dict[str, Any]]:
    """Every record of a model by id, archived ones and all companies' too, with these fields.

    KeyError for a field that this version lacks or that is not kept but worked out.
    """
    names = [name for name in fields if odoo.fields[model][name]]
    with odoo.lock:
        return {
            number: {"id": number} | {name: _value(odoo, model, row, name) for name in names}
            for number, row in odoo.records[model].items()
        }


def codes(odoo: Records) -> dict[tuple[int, int], str]:
    """The code of each account by (company, account)."""
    with odoo.lock:
        return {
            (company, number): str(odoo.codes.get(number, {}).get(company) or row["code"])
            for number, row in odoo.records["account.account"].items()
            for company in row["company_ids"]
        }


def balances(odoo: Records, company: int, first: str, last: str) -> dict[int, int]:
    """What posted items of a company moved on each account from one day to another, in cents."""
    sums: dict[int, int] = {}
    with odoo.lock:
        for line in odoo.records["account.move.line"].values():
            move = odoo.records["account.move"][line["move_id"]]
            if (
                move["company_id"] == company
                and move["state"] == "posted"
                and line["account_id"]
                and first <= move["date"] <= last
            ):
                account = line["account_id"]
                sums[account] = sums.get(account, 0) + round(line["balance"] * 100)
    return sums


def _value(odoo: Records, model: str, row: Record, name: str) -> Any:  # noqa: ANN401 - any field's
    if odoo.version < V18 and model == "account.payment" and name == "state":
        return _OLD_STATES.get(row["state"], row["state"])
    if odoo.version < V18 and name == "name" and model in ("account.move", "account.payment"):
        return row["name"] or "/"
    if model == "account.account" and name == "active":
        return not row.get("deprecated", False)
    if model == "account.account" and name == "company_id":
        return row["company_ids"][0]
    column = _COLUMNS.get((model, name), name)
    field = odoo.fields[model][name]
    is_derived = name in DERIVED.get(model, ()) or field.get("store") is False
    if column not in row and is_derived:
        raise KeyError(f"{model}.{name} is worked out, not kept")
    value = row[column] if column in row else empty(field)  # as of what was not recorded
    return as_text(list(value) if isinstance(value, list) else value)
