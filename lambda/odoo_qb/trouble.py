"""What keeps an approved bill from getting to QuickBooks, noted while it is tried again.

Nobody needs to hear of an outage of minutes. From an hour on the card says what is happening, and
the bill can be closed.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Conflict
from odoo_qb.item import stamp

if TYPE_CHECKING:
    from odoo_qb.item import Item, Raw
    from odoo_qb.store import Table

TOLD_AFTER: Final = timedelta(hours=1)
_ON_THE_WAY: Final = frozenset({"APPROVED", "POSTING"})


def trouble_of(item: Item) -> Raw:
    """What keeps a bill from getting there: since when, why; {} if nothing, or if it is there."""
    return dict(item.get("trouble") or {}) if item["status"] in _ON_THE_WAY else {}


def is_told(item: Item) -> bool:
    """Whether it has lasted so long that the card says so."""
    return bool(trouble_of(item).get("told"))


def since(item: Item) -> datetime:
    """Since when a bill is stuck: since its trouble began, else since it was last written to."""
    return datetime.fromisoformat(str(trouble_of(item).get("since") or item["updated_at"]))


def is_known(item: Item, message_id: str) -> bool:
    """Whether the bill was in trouble before this message came."""
    return str(trouble_of(item).get("message_id", message_id)) != message_id


def is_held(item: Item, now: datetime) -> bool:
    """Whether the poster is at the bill right now."""
    until = str((item.get("claim") or {}).get("until", ""))
    return item["status"] == "POSTING" and until > stamp(now)


def note_trouble(table: Table, item: Item, message_id: str, reason: str, now: datetime) -> None:
    """Note why a bill did not get there this time; nothing of it grows, and it is no change of it.

    The reason that is told stays, so that the card does not change with every try.
    """
    before = trouble_of(item)
    trouble: Raw = before or {"since": stamp(now), "message_id": message_id, "told": False}
    if not before.get("told"):
        trouble["reason"] = reason
    is_long = str(trouble["since"]) <= stamp(now - TOLD_AFTER)
    is_due = is_long and not trouble["told"]
    values: Raw = {
        "trouble": {**trouble, "told": is_long, "tries": int(before.get("tries", 0)) + 1}
    }
    with suppress(Conflict):  # somebody moved it meanwhile
        table.note_on_bill(
            item["entry_id"],
            {**values, **({"card_due": item["version"]} if is_due else {})},
            condition="version = :was",
            condition_values={"was": item["version"]},
        )
