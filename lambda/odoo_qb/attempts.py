"""Tries at QuickBooks as the bill keeps them: what was sent, and whether that is over."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.bill import money
from odoo_qb.errors import Throttled
from odoo_qb.item import open_attempt, stamp
from odoo_qb.ledger import Posting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw
    from odoo_qb.ledger import Entity, Payload

SERVER_LIMIT: Final = timedelta(seconds=150)  # QuickBooks itself gives up after 120


def posting_of(attempt: Raw, documents: Documents, bill: Bill) -> Posting:
    """What an open attempt sent; its total is the bill's unless it says otherwise."""
    body = attempt["body"] or documents.text(attempt["body_key"])
    payload = cast("Payload", json.loads(body, parse_float=Decimal))
    return Posting(
        entity=cast("Entity", attempt["entity"]),
        payload=payload,
        total=money(attempt.get("total", bill.amount_total)),
    )


def is_decided_anew(attempt: Raw, item: Item) -> bool:
    """Whether an attempt was made by an earlier decision than the one that stands."""
    made_for = (attempt["digest"], int(attempt.get("revision", item["revision"])))
    return made_for != (item["digest"], int(item["revision"]))


def finishes_as_stored(item: Item) -> bool:
    """Whether QuickBooks may have the bill as it was decided: that try is brought to its end."""
    last = open_attempt(item)
    return last is not None and not is_decided_anew(last, item)


def is_over(attempt: Raw, now: datetime) -> bool:
    """Whether QuickBooks can no longer be working on an attempt, whenever it was sent."""
    return str(attempt["sent_at"]) <= stamp(now - SERVER_LIMIT)


def under_way(attempt: Raw, now: datetime) -> Throttled:
    """Nothing is certain before QuickBooks can no longer be working on an attempt."""
    over_at = datetime.fromisoformat(attempt["sent_at"]) + SERVER_LIMIT
    seconds = max(1, int((over_at - now).total_seconds()) + 1)
    return Throttled("An earlier try may still be under way.", seconds)


def closed(attempts: Sequence[Raw], outcome: str) -> list[Raw]:
    """The attempts with the open one closed; its bytes are needed no more."""
    return [
        a if a["outcome"] else {k: v for k, v in a.items() if k != "body"} | {"outcome": outcome}
        for a in attempts
    ]
