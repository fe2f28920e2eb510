"""Reminders and replies, as a bill's item keeps them. No I/O."""

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
    """The notices, with only the latest of those sent: an item's size is limited."""
    sent = [n for n in notices if n["ts"]]
    last = [n for n in sent if n["kind"] == ESCALATION][-1:]
    kept = [*last, *sent[-_SENT_KEPT:]]
    return [n for n in notices if not n["ts"] or n in kept]


def pending(item: Item) -> list[Json]:
    """The replies still to send; reminders only for the current wait."""
    return [
        n
        for n in notices_of(item)
        if not n["ts"] and (n["kind"] not in {REMINDER, ESCALATION} or _is_of_this_wait(item, n))
    ]


def waiting_since(item: Item) -> str:
    """Since when this version of a bill awaits a decision (a timestamp); "" if it does not."""
    since = ""
    for entry in reversed(item["history"]):
        if entry["to"] != "READY_FOR_APPROVAL" or entry["digest"] != item["digest"]:
            break
        since = str(entry["at"])
    return since


def is_escalated(item: Item) -> bool:
    """Whether the escalation approvers were called to this version of a bill.

    An approver from that list may also act on it later: take it back, retry it.
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
