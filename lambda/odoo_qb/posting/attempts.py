"""Posting attempts as stored with a bill: what was sent, and whether it is settled."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.bill.model import money
from odoo_qb.errors import Altered, Throttled
from odoo_qb.posting.payload import Posting
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.quickbooks.types import Entity, Payload
    from odoo_qb.store.documents import Documents

# What QuickBooks itself, not a gateway, answers for a closed company. The same request might get
# the same answer even after the company is open again.
COMPANY_CLOSED: Final = frozenset({"100", "110", "120", "6190"})
ATTEMPTS: Final = 20  # with more, the oldest are summarised
_KEPT: Final = 10
_PLACES: Final = 20
SERVER_LIMIT: Final = timedelta(seconds=150)  # QuickBooks itself gives up after 120


def posting_of(attempt: Json, documents: Documents, bill: Bill) -> Posting:
    """What an open attempt sent; its total is the bill's unless stated otherwise."""
    payload = cast("Payload", json.loads(body_of(attempt, documents), parse_float=Decimal))
    return Posting(
        entity=cast("Entity", attempt["entity"]),
        payload=payload,
        total=money(attempt.get("total", bill.amount_total)),
    )


def content_of(digest: str, body: str) -> str:
    """What identifies the content of an attempt: all that QuickBooks would book is in the body."""
    return hashlib.sha256(f"{digest}|{body}".encode()).hexdigest()


def body_of(attempt: Json, documents: Documents) -> str:
    """The bytes of an open attempt, which a repeat sends again; Altered if they changed."""
    body = str(attempt["body"] or documents.text(attempt["body_key"]))
    if content_of(attempt["digest"], body) != attempt["content"]:
        raise Altered(
            "The record of an earlier attempt was changed outside this system. Nothing was sent.",
            remedy=f"Look in QuickBooks for number {attempt['doc_number']}. Close this bill, and"
            " enter it there by hand if it is missing.",
            code="altered",
        )
    return body


def places(attempts: Sequence[Json]) -> set[tuple[str, str, str]]:
    """Where in QuickBooks to look for a document of these attempts: kind, number and date."""
    found = {(str(a["entity"]), str(a["doc_number"]), str(a["day"])) for a in attempts}
    return found | {(str(e), str(n), str(d)) for a in attempts for e, n, d in a.get("places", ())}


def may_be_there(attempt: Json) -> bool:
    """Whether the result of an attempt, or of one it summarises, is unknown."""
    return attempt["outcome"] in {"", "absent"} or bool(attempt.get("places"))


def with_next(attempts: Sequence[Json], attempt: Json) -> list[Json]:
    """The attempts with another one added, within their limit.

    Attempts refused because the company is closed say nothing about the bill: for the same content
    only the first is kept, and the numbers show how many there were.
    """
    kept = list(attempts)
    alike = [a["outcome"] in COMPANY_CLOSED and a["content"] == attempt["content"] for a in kept]
    if alike[-2:] == [True, True]:
        kept.pop()
    if len(kept) >= ATTEMPTS:
        kept = [_summary(kept[:-_KEPT]), *kept[-_KEPT:]]
    return [*kept, attempt]


def _summary(attempts: Sequence[Json]) -> Json:
    """The summary of the oldest attempts, in the shape of the last of them.

    It has where their documents may be, how they ended, and a hash over all of them.
    """
    first, last = attempts[0], attempts[-1]
    outcomes: Counter[str] = Counter()
    chain = ""
    for attempt in attempts:
        outcomes.update(attempt.get("outcomes") or {attempt["outcome"]: 1})
        attributes = {k: str(v) for k, v in sorted(attempt.items())}
        chain = hashlib.sha256(f"{chain}|{json.dumps(attributes)}".encode()).hexdigest()
    unclear = [[*p] for a in attempts if may_be_there(a) for p in sorted(places([a]))]
    return {
        **{k: v for k, v in last.items() if k != "body"},
        "content": "",
        "since": first.get("since", first["at"]),
        "outcome": "summarised",
        "outcomes": dict(outcomes),
        "places": unclear[-_PLACES:],
        "chain": chain,
    }


def is_over(attempt: Json, now: datetime) -> bool:
    """Whether QuickBooks can no longer be working on an attempt, whenever it was sent."""
    return str(attempt["sent_at"]) <= stamp(now - SERVER_LIMIT)


def under_way(attempt: Json, now: datetime) -> Throttled:
    """The error to raise while QuickBooks may still be working on an attempt."""
    over_at = datetime.fromisoformat(attempt["sent_at"]) + SERVER_LIMIT
    seconds = max(1, int((over_at - now).total_seconds()) + 1)
    return Throttled("An earlier attempt may still be in progress.", seconds)


def closed(attempts: Sequence[Json], outcome: str) -> list[Json]:
    """The attempts with the open one closed, without its bytes."""
    return [
        a if a["outcome"] else {k: v for k, v in a.items() if k != "body"} | {"outcome": outcome}
        for a in attempts
    ]
