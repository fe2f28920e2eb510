"""Reminders and replies as a bill keeps them. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json


REMINDER: Final = "reminder"
ESCALATION: Final = "escalation"
_SENT_KEPT: Final = 10


def notices_of(item: Item) -> list[Json]:
    """The replies owed or sent in the thread of the bill's card; `ts` is empty while owed."""
    return list(item.get("notices") or ())


def bounded(notices: Sequence[Json]) -> list[Json]:
    """The notices, of those sent long ago only the last ones: a bill's item has its bounds."""
    sent = [n for n in notices if n["ts"]]
    last = [n for n in sent if n["kind"] == ESCALATION][-1:]
    kept = [*last, *sent[-_SENT_KEPT:]]
    return [n for n in notices if not n["ts"] or n in kept]


def pending(item: Item) -> list[Json]:
    """The replies still to be sent: of reminders those about the wait that goes on."""
    return [
        n
        for n in notices_of(item)
        if not n["ts"] and (n["kind"] not in {REMINDER, ESCALATION} or _is_of_this_wait(item, n))
    ]


def waiting_since(item: Item) -> str:
    """Since when a bill waits for a decision as it now stands (a stamp); "" if it does not."""
    since = ""
    for entry in reversed(item["history"]):
        if entry["to"] != "READY_FOR_APPROVAL" or entry["digest"] != item["digest"]:
            break
        since = str(entry["at"])
    return since


def is_escalated(item: Item) -> bool:
    """Whether the second list has been called to a bill as it now is.

    Whoever approved it then may also act on it later: take it back, try it again.
    """
    since = ""
    for entry in reversed(item["history"]):
        if entry["digest"] != item["digest"]:
            break
        since = str(entry["at"])
    return any(n["kind"] == ESCALATION and str(n["due_at"]) >= since for n in notices_of(item))


def _is_of_this_wait(item: Item, notice: Json) -> bool:
    since = waiting_since(item)
    return bool(since) and str(notice["due_at"]) >= since
