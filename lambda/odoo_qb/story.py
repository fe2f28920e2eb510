"""A bill's story for an auditor: who did what when, and whether that is all of it. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from odoo_qb.bill import amount_text
from odoo_qb.card import approved_by, summary
from odoo_qb.store import verify_history

if TYPE_CHECKING:
    from odoo_qb.item import Item, Raw

_BECAME: Final = {
    "VALIDATION_FAILED": "blocked until it is mended in Odoo",
    "READY_FOR_APPROVAL": "waiting for approval",
    "APPROVED": "approved",
    "POSTING": "being posted",
    "POSTED": "posted to QuickBooks",
    "ALREADY_IN_QB": "found in QuickBooks already",
    "POST_FAILED": "not posted",
    "ACKNOWLEDGED": "acknowledged, not to be posted",
    "REJECTED": "rejected",
    "WITHDRAWN": "withdrawn in Odoo",
}
_DIGITS: Final = 12  # of a digest, which are enough to tell two contents apart


def story(item: Item) -> list[str]:
    """What happened to a bill, one sentence for each entry of its history, oldest first.

    The first sentence is the bill, the last ones say what QuickBooks has and whether the history
    is whole. People appear by their ids in Slack, contents by the beginning of their digest.
    """
    history = item["history"]
    contents = [str(entry["digest"]) for entry in history]
    told = [
        _sentence(entry, is_new=digest not in contents[:n])
        for n, (entry, digest) in enumerate(zip(history, contents, strict=True))
    ]
    return [f"{summary(item)}.", *told, *_approvals(item), *_in_quickbooks(item), _verdict(item)]


def _sentence(entry: Raw, *, is_new: bool) -> str:
    stands = _BECAME[entry["to"]]
    if not entry["from"]:
        became = f"met it in Odoo: {stands}"
    elif entry["from"] == entry["to"]:
        became = f"left it {stands}"
    else:
        became = f"made it {stands}"
    content = f" Its content is {entry['digest'][:_DIGITS]}." if is_new else ""
    note = f" ({entry['note']})" if entry.get("note") else ""
    return f"{_when(entry['at'])}: {entry['actor']} {became}{note}.{content}"


def _approvals(item: Item) -> list[str]:
    if not approved_by(item):
        return []
    people = " and ".join(approved_by(item))
    return [f"The content that stands, {item['digest'][:_DIGITS]}, was approved by {people}."]


def _in_quickbooks(item: Item) -> list[str]:
    """The document it became there, and each try that was made."""
    found = [
        f"Try {int(a['number'])} at QuickBooks, with request {a['request_id']}, of content"
        f" {a['digest'][:_DIGITS]}: {a['outcome'] or 'not known yet'}."
        for a in item.get("attempts", ())
    ]
    document = item.get("quickbooks")
    if document:
        amount = amount_text(item["amount_total"], item["currency"])
        found.append(
            f"In QuickBooks it is {document['type']} {document['id']} of {amount}, since"
            f" {_when(document['posted_at'])}."
        )
    return found


def flaw(item: Item) -> str:
    """What is wrong with the history, a chain that ends where the bill stands; "" if nothing."""
    history = item["history"]
    if not history or history[0]["prev"] or history[0]["from"]:
        return "The history does not begin at the beginning: entries were removed."
    if not verify_history(history):
        return "The history was tampered with: its entries do not fit together."
    last = history[-1]
    if (last["to"], last["digest"]) != (item["status"], item["digest"]):
        return "The history does not end where the bill stands: the bill was changed past it."
    return ""


def _verdict(item: Item) -> str:
    whole = f"The history is whole: {len(item['history'])} entries, each sealed by the next."
    return flaw(item) or whole


def _when(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M:%S} UTC"
