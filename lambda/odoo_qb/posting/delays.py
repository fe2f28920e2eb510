"""Note what delays an approved bill on its way to QuickBooks."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.delays import trouble_of
from odoo_qb.errors import Conflict
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json
    from odoo_qb.store.table import Table


TOLD_AFTER: Final = timedelta(hours=1)


def note_trouble(table: Table, item: Item, message_id: str, reason: str, now: datetime) -> None:
    """Note why a bill was not posted this time, without changing its version or growing the item.

    The reason on the card stays, so that the card does not change with every attempt.
    """
    before = trouble_of(item)
    trouble: Json = before or {"since": stamp(now), "message_id": message_id, "told": False}
    if not before.get("told"):
        trouble["reason"] = reason
    is_long = str(trouble["since"]) <= stamp(now - TOLD_AFTER)
    is_due = is_long and not trouble["told"]
    values: Json = {
        "trouble": {**trouble, "told": is_long, "tries": int(before.get("tries", 0)) + 1}
    }
    with suppress(Conflict):  # someone changed it meanwhile
        table.note_on_bill(
            item["entry_id"],
            {**values, **({"card_due": item["version"]} if is_due else {})},
            condition="version = :was",
            condition_values={"was": item["version"]},
        )
