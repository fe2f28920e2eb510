"""What delays an approved bill on its way to QuickBooks, noted while posting is retried.

An outage of minutes is nobody's concern. After an hour the card says what is happening, and the
bill can be closed.
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
    """What delays a bill: since when and why; {} if nothing does, or if it has arrived."""
    return dict(item.get("trouble") or {}) if item["status"] in _ON_THE_WAY else {}


def is_told(item: Item) -> bool:
    """Whether the delay has lasted long enough for the card to say so."""
    return bool(trouble_of(item).get("told"))


def since(item: Item) -> datetime:
    """Since when a bill is stuck: since the delay began, or since its last update."""
    return datetime.fromisoformat(str(trouble_of(item).get("since") or item["updated_at"]))


def is_known(item: Item, message_id: str) -> bool:
    """Whether the bill was delayed before this message came."""
    return str(trouble_of(item).get("message_id", message_id)) != message_id


def is_held(item: Item, now: datetime) -> bool:
    """Whether the poster is working on the bill right now."""
    until = str((item.get("claim") or {}).get("until", ""))
    return item["status"] == "POSTING" and until > stamp(now)
