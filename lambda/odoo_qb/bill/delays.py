"""What keeps an approved bill from getting to QuickBooks, noted while it is tried again.

Nobody needs to hear of an outage of minutes. From an hour on the card says what is happening, and
the bill can be closed.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json

_ON_THE_WAY: Final = frozenset({"APPROVED", "POSTING"})


def trouble_of(item: Item) -> Json:
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
