"""A bill as a Slack message: what a person needs to decide, and what became of it. No I/O.

Text from Odoo goes into plain_text objects only, where Slack interprets nothing: a vendor
named `<!channel> & *Co*` is shown as just that. Our own words may be mrkdwn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill import amount_text
from odoo_qb.blocks import (
    ESCAPED,
    FALLBACK,
    Block,
    button,
    cut,
    escaped,
    header,
    markdown,
    people,
    plain,
    section,
    when,
)
from odoo_qb.item import open_attempt
from odoo_qb.particulars import particulars, vendor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.item import Item, Raw

# A page, an object or a traceback, where a sentence was expected.
_FOREIGN: Final = re.compile(r"</?\w|<!DOCTYPE|[{}\n]|Traceback", re.IGNORECASE)
_CHANGED: Final = "This bill changed in Odoo after this card was posted: a newer card asks again."

_KIND: Final = {"in_invoice": "Bill", "in_refund": "Credit note", "in_receipt": "Receipt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent to Slack: `text` is what notifications and screen readers say.

    `ids` become the message's metadata, which any app in the workspace can read: ids only.
    """

    text: str
    blocks: list[Block]
    ids: dict[str, str]

    def content(self) -> dict[str, Any]:
        """The part of a message that posting and updating have in common."""
        return {"text": self.text, "blocks": self.blocks}


def approval_card(
    item: Item, recent: Sequence[Raw] = (), twins: Mapping[str, Item] = MappingProxyType({})
) -> Message:
    """The card of a bill in the state it is in; `recent` is what its vendor billed before.

    `twins` are the earlier bills that it may be a duplicate of, by entry_id.
    """
    blocks: list[Block] = [header(_title(item)), *_outcome(item)]
    blocks += _why(item)
    blocks += particulars(item, recent, twins)
    blocks += _actions(item)
    return _message(item, blocks)


def retired_card(item: Item, why: str = _CHANGED) -> Message:
    """What a card says that is no longer its bill's: nothing can be decided there.

    `why` is mrkdwn of our own.
    """
    blocks = [header(_title(item)), markdown(why)]
    return _message(item, blocks, "Outdated: ")


def button_value(item: Item) -> str:
    """What a button carries: which bill, and exactly which content of it."""
    return f"{item['entry_id']}|{item['digest']}"


def asked_as(item: Item) -> str:
    """The name of the row of buttons, which a click repeats: as which revision it was shown.

    The same content is asked about anew when QuickBooks would book it otherwise than shown.
    """
    return f"revision-{int(item['revision'])}"


def approved_by(item: Item) -> list[str]:
    """Who approved the bill as it stands, in their order."""
    return [str(a["by"]) for a in item["approvals"] if a["digest"] == item["digest"]]


def perhaps_there(item: Item) -> str:
    """What to look for in QuickBooks where a bill ended before a try at it was clear; or "".

    The try was made when the bill was approved, and nobody will come back to it.
    """
    attempt = open_attempt(item)
    if not attempt or item["status"] not in {"WITHDRAWN", "REJECTED"}:
        return ""
    return (
        f"QuickBooks may have this bill from an earlier try: look there for the number"
        f" {attempt['doc_number']} of {attempt['day']}, and delete it if it is there."
    )


def summary(item: Item) -> str:
    """The bill in one plain sentence part, for notifications, answers and mails."""
    reference = f", reference {item['bill_reference']}" if item["bill_reference"] else ""
    amount = amount_text(item["amount_total"], item["currency"])
    return (
        f"{_KIND[item['move_type']]} {item['odoo_name']} of {vendor_of(item)}, {amount}"
        f"{reference} ({item['company']})"
    )


def _message(item: Item, blocks: list[Block], prefix: str = "") -> Message:
    words = [f"{prefix}{_STATE_WORDS[item['status']]}: {summary(item)}.", *_more_words(item)]
    text = escaped(cut(" ".join(w for w in words if w), FALLBACK, ESCAPED))
    return Message(text=text, blocks=blocks, ids=ids_of(item))


def _more_words(item: Item) -> list[str]:
    """What a person who hears only the fallback text has to know besides."""
    match item["status"]:
        case "READY_FOR_APPROVAL":
            changes = [f"Changed: {c}" for c in item.get("changes", ())]
            warnings = [f"Warning: {w}" for w in item["warnings"]]
            return [*changes, *warnings, item["nothing_to_post"]]
        case "VALIDATION_FAILED":
            return item["problems"]
        case "POST_FAILED":
            return [_failure(item["error"])]
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


def _outcome(item: Item) -> list[Block]:
    """Where the bill stands, once there is more to say than that it waits."""
    found = _decided(item)
    if perhaps_there(item):
        found.append(section(f"⚠ {perhaps_there(item)}"))
    if item.get("amended_after"):
        found.append(
            markdown(
                ":warning: *Changed in Odoo after this.* QuickBooks was left as it is: compare"
                " the two by hand."
            )
        )
    return found


def _decided(item: Item) -> list[Block]:
    """What was decided by whom, and what came of it."""
    who, found = _decider(item), list[Block]()
    match item["status"]:
        case "READY_FOR_APPROVAL" if approved_by(item):
            first = f":one: Approved by {people(approved_by(item))}"
            found = [markdown(f"{first}: a second approver has to approve it as well.")]
        case "APPROVED" | "POSTING":
            found = [markdown(f":white_check_mark: Approved by {who}. Posting follows.")]
        case "POSTED" | "ALREADY_IN_QB":
            found = [markdown(f":ledger: {_in_quickbooks(item)} Approved by {who}.")]
        case "POST_FAILED":
            found = [markdown(f":x: *Not posted.* Approved by {who}.")]
            found += [section(_failure(item["error"])), markdown(_remedies(item))]
        case "REJECTED":
            found = [markdown(f":no_entry: Rejected by {who}.")]
            found += [section(f"Reason: {item['rejection_reason']}")]
        case "ACKNOWLEDGED" if item.get("error"):
            found = [markdown(f":ballot_box_with_check: Closed without posting by {who}.")]
            found += [section(_failure(item["error"]))]
        case "ACKNOWLEDGED":
            found = [markdown(f":ballot_box_with_check: Acknowledged by {who}.")]
        case "WITHDRAWN":
            arrow = ":leftwards_arrow_with_hook:"
            found = [markdown(f"{arrow} No longer posted in Odoo: nothing to do.")]
        case "VALIDATION_FAILED":
            found = [section("Blocked: " + " ".join(item["problems"]))]
    return found


def _decider(item: Item) -> str:
    """Who decided and when; of two approvers both."""
    who = f"<@{item['decided_by']}>" if item.get("decided_by") else "somebody"
    if item["status"] not in {"REJECTED", "ACKNOWLEDGED"} and approved_by(item):
        who = people(approved_by(item))
    return who + when(item.get("decided_at", ""))


def _in_quickbooks(item: Item) -> str:
    """What it became there, and by whose word if somebody said so."""
    quickbooks = item["quickbooks"]
    document = escaped(f"{quickbooks['type']} {quickbooks['id']}")
    link = f"<{escaped(quickbooks['url'])}|{document}>"
    if item["status"] == "POSTED":
        return f"Posted to QuickBooks as {link}."
    linked = link_of(item)
    by = f" Linked by <@{linked['by']}>{when(linked['at'])}." if linked else ""
    return f"Already in QuickBooks as {link}.{by}"


def link_of(item: Item) -> Raw:
    """Which document of QuickBooks a person said this very bill is; {} if nobody did."""
    link = item.get("link") or {}
    return link if link.get("digest") == item["digest"] else {}


def _remedies(item: Item) -> str:
    """What each button of a failed bill is for; or that one of them was clicked."""
    link = link_of(item)
    if link:
        asked = f"<@{link['by']}>{when(link['at'])}"
        return f":hourglass: {asked} linked it to number {link['id']}: the two are compared."
    return (
        "*Retry* once that is mended. *Link existing* if QuickBooks has this bill already."
        " *Close* if it is not to be posted at all."
    )


def _failure(error: Raw) -> str:
    """Our sentence about a failed posting; what another system threw at us stays in the log."""
    message = str(error["message"])
    if _FOREIGN.search(message):
        code = f" (error {error['code']})" if error.get("code") else ""
        message = f"The bill could not be posted{code}: the poster's log says more."
    trace = f" (Intuit trace id {error['tid']})" if error.get("tid") else ""
    return f"{message}{trace}"


def _why(item: Item) -> list[Block]:
    """Why a bill is only to be acknowledged."""
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
        close = button("Close", "close_invoice", value)
        buttons.append({**close, "confirm": _CLOSE})
    elif item["status"] == "APPROVED":
        buttons.append(button("Take back", "take_back", value))
    elif item["status"] == "REJECTED":
        buttons.append(button("Reopen", "reopen_invoice", value))
    if item["pdf_key"]:
        buttons.append(button("View PDF", "view_pdf", value))
    if not buttons:
        return []
    return [{"type": "actions", "block_id": asked_as(item), "elements": buttons}]


_CLOSE: Final = {
    "title": plain("Close this bill?"),
    "text": plain("It will not be posted to QuickBooks, and cannot be opened again here."),
    "confirm": plain("Close it"),
    "deny": plain("Keep it open"),
    "style": "danger",
}
