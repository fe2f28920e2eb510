"""A bill as a Slack message: what a person needs to decide, and its state. No I/O.

Text from Odoo goes only into plain_text objects, in which Slack interprets nothing: a vendor named
`<!channel> & *Co*` is shown exactly so. Our own words may be mrkdwn.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.delays import is_told
from odoo_qb.bill.digest_v1 import is_former
from odoo_qb.bill.follow_ups import failure, is_closed, loose_ends
from odoo_qb.bill.late_changes import attach_label
from odoo_qb.bill.open_attempt import existing_document, open_attempt
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.bill.summary import _KIND, summary, vendor_of
from odoo_qb.cards.details import particulars, warnings_of
from odoo_qb.cards.status import first_of_two, outcome, stuck
from odoo_qb.slack.blocks import (
    CONFIRM,
    ESCAPED,
    FALLBACK,
    Block,
    button,
    escaped,
    header,
    markdown,
    plain_text,
    section,
    truncate,
)
from odoo_qb.slack.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json

_CHANGED: Final = (
    "This bill has changed in Odoo since this card was posted. A newer card asks for approval."
)
_UPGRADED: Final = (
    "This bill would now be posted differently than this card shows. A newer card asks for"
    " approval and says why."
)


def approval_card(
    item: Item, recent: Sequence[Json] = (), twins: Mapping[str, Item] = MappingProxyType({})
) -> Message:
    """The card of a bill in its current state; `recent` are the vendor's earlier bills.

    `twins` are the earlier bills that it may duplicate, by entry_id.
    """
    blocks: list[Block] = [header(_title(item)), *outcome(item)]
    blocks += _why(item)
    blocks += particulars(item, recent, twins)
    blocks += _actions(item)
    return _message(item, blocks)


def retired_card(item: Item, why: str = _CHANGED) -> Message:
    """A card that is outdated: it has no buttons.

    `why` is our own mrkdwn.
    """
    blocks = [header(_title(item)), markdown(why)]
    return _message(item, blocks, "Outdated: ")


def why_outdated(item: Item, digest: str) -> str:
    """Why a card that shows the content `digest` is outdated."""
    return _UPGRADED if is_former(digest) and not is_former(item["digest"]) else _CHANGED


def button_value(item: Item) -> str:
    """A button's value: the bill, and exactly which content of it."""
    return f"{item['entry_id']}|{item['digest']}"


def asked_as(item: Item) -> str:
    """The id of the row of buttons, which a click repeats: the revision that was shown.

    The same content can need approval again, if QuickBooks would book it differently.
    """
    return f"revision-{int(item['revision'])}"


def _message(item: Item, blocks: list[Block], prefix: str = "") -> Message:
    state = "Closed without posting" if is_closed(item) else _STATE_WORDS[item["status"]]
    words = [f"{prefix}{state}: {summary(item)}.", *_more_words(item), *loose_ends(item)]
    text = escaped(truncate(" ".join(w for w in words if w), FALLBACK, ESCAPED))
    return Message(text=f"{text}{first_of_two(item)}", blocks=blocks, ids=ids_of(item))


def _more_words(item: Item) -> list[str]:
    """What else a person must know who gets only the fallback text."""
    match item["status"]:
        case "READY_FOR_APPROVAL":
            changes = [f"Changed: {c}" for c in item.get("changes", ())]
            warnings = [f"Warning: {w}" for w in warnings_of(item)]
            return [*changes, *warnings, item["nothing_to_post"]]
        case "VALIDATION_FAILED":
            return item["problems"]
        case "POST_FAILED" | "ACKNOWLEDGED" if item.get("error"):
            return [failure(item)]
        case "APPROVED" | "POSTING" if is_told(item):
            return [stuck(item)]
        case "REJECTED":
            return [f"Reason: {item['rejection_reason']}"]
        case _:
            return []


def ids_of(item: Item) -> dict[str, str]:
    """The metadata of a message about the bill."""
    return {"entry_id": item["entry_id"], "digest": item["digest"]}


_STATE_WORDS: Final = {
    "VALIDATION_FAILED": "Blocked",
    "READY_FOR_APPROVAL": "To approve",
    "APPROVED": "Approved",
    "POSTING": "Being posted",
    "POSTED": "Posted to QuickBooks",
    "ALREADY_IN_QB": "Already in QuickBooks",
    "POST_FAILED": "Not posted",
    "ACKNOWLEDGED": "Acknowledged",
    "REJECTED": "Rejected",
    "WITHDRAWN": "Withdrawn",
}


def _title(item: Item) -> str:
    kind = _KIND[item["move_type"]]
    return f"{kind} of {vendor_of(item)}"


def _why(item: Item) -> list[Block]:
    """Why a bill only needs to be acknowledged."""
    return [section(f"ⓘ {item['nothing_to_post']}")] if item["nothing_to_post"] else []


def _actions(item: Item) -> list[Block]:
    value = button_value(item)
    buttons: list[Block] = []
    if item["status"] == "READY_FOR_APPROVAL":
        if item["nothing_to_post"]:
            buttons.append(button("Acknowledge", "acknowledge_intercompany", value, "primary"))
        else:
            buttons.append(button("Approve", "approve_invoice", value, "primary"))
        buttons.append(button("Reject", "reject_invoice", value, "danger"))
    elif item["status"] == "POST_FAILED":
        buttons.append(button("Retry", "retry_posting", value, "primary"))
        buttons.append(button("Link existing", "link_existing", value))
        buttons.append(button("Close", "close_invoice", value) | {"confirm": _closing(item)})
    elif item["status"] == "APPROVED":
        buttons.append(button("Take back", "take_back", value))
    if is_told(item):
        buttons.append(button("Close", "close_invoice", value) | {"confirm": _closing(item)})
    if item["status"] == "REJECTED":
        buttons.append(button("Reopen", "reopen_invoice", value))
    elif item["status"] in IN_QUICKBOOKS and item.get("added_files"):
        buttons.append(button(attach_label(item), "attach_files", value, "primary"))
    if item["pdf_key"]:
        buttons.append(button("View PDF", "view_pdf", value))
    if not buttons:
        return []
    return [{"type": "actions", "block_id": asked_as(item), "elements": buttons}]


def _closing(item: Item) -> Block:
    """The question before a bill is closed: what QuickBooks has stays there."""
    ends = "It won't be posted to QuickBooks, and it can't be reopened here."
    attempt, document = open_attempt(item), existing_document(item)
    if document:
        ends = (
            f"QuickBooks has {document}. Delete it there first. This bill can't be reopened here."
        )
    elif attempt:
        ends = (
            f"QuickBooks may have it. Look there for number {attempt['doc_number']} first,"
            " and delete it. This bill can't be reopened here."
        )
    return {
        "title": plain_text("Close this bill?"),
        "text": plain_text(truncate(ends, CONFIRM)),
        "confirm": plain_text("Close it"),
        "deny": plain_text("Keep it open"),
        "style": "danger",
    }
