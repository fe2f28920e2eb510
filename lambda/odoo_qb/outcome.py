"""What became of a bill, and what of it somebody has to see to, as blocks of its card. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from odoo_qb.afterwards import afterwards
from odoo_qb.blocks import Block, escaped, markdown, people, section, when
from odoo_qb.item import approved_by, document_there, link_of, open_attempt

if TYPE_CHECKING:
    from odoo_qb.item import Item

# Of items of release 1.0, which kept no reason apart: the part of the sentence that names a button
# which a closed bill no longer has.
_BUTTON: Final = re.compile(r"[:.] [^:.]*\b(?:retry|link it|link again)\b[^:.]*\.", re.IGNORECASE)


def outcome(item: Item) -> list[Block]:
    """Where the bill stands, once there is more to say than that it waits."""
    ends = loose_ends(item)
    return [*_decided(item), *([section("\n".join(f"⚠ {end}" for end in ends))] if ends else [])]


def loose_ends(item: Item) -> list[str]:
    """What somebody has to see to by hand, whatever the status says."""
    change, missing = item.get("amended_after", ""), not_attached(item)
    asked = item.get("attach")
    return [
        *([f"It {afterwards(item, change)}"] if change and not asked else []),
        *([perhaps_there(item)] if perhaps_there(item) else []),
        *([*missing, "Attach there by hand what is to be there."] if missing else []),
    ]


def not_attached(item: Item) -> list[str]:
    """Which files of a posted bill are not in QuickBooks, and why, each in a sentence."""
    return list((item.get("quickbooks") or {}).get("not_attached", ()))


def is_closed(item: Item) -> bool:
    """Whether a person gave up posting it, rather than that there was nothing to post."""
    return item["status"] == "ACKNOWLEDGED" and bool(item.get("error"))


def first_of_two(item: Item) -> str:
    """Who approved a bill that waits for a second approver, in mrkdwn; or ""."""
    if item["status"] != "READY_FOR_APPROVAL" or not approved_by(item):
        return ""
    who = people(approved_by(item))
    return f" Approved by {who}: a second approver has to approve it as well."


def _decided(item: Item) -> list[Block]:
    """What was decided by whom, and what came of it."""
    who, found = _decider(item), list[Block]()
    match item["status"]:
        case "READY_FOR_APPROVAL" if approved_by(item):
            found = [markdown(f":one:{first_of_two(item)}")]
        case "APPROVED" | "POSTING":
            found = [markdown(f":white_check_mark: Approved by {who}. Posting follows.")]
        case "POSTED" | "ALREADY_IN_QB":
            found = [markdown(f":ledger: {_in_quickbooks(item)} Approved by {who}.")]
            found += _being_attached(item)
        case "POST_FAILED":
            found = [markdown(f":x: *Not posted.* Approved by {who}.")]
            found += [section(failure(item)), markdown(_remedies(item))]
        case "REJECTED":
            found = [markdown(f":no_entry: Rejected by {who}.")]
            found += [section(f"Reason: {item['rejection_reason']}")]
        case "ACKNOWLEDGED" if is_closed(item):
            found = [markdown(f":ballot_box_with_check: Closed without posting by {who}.")]
            found += [section(failure(item))]
        case "ACKNOWLEDGED":
            found = [markdown(f":ballot_box_with_check: Acknowledged by {who}.")]
        case "WITHDRAWN":
            rest = "." if perhaps_there(item) else ": nothing to do."
            found = [markdown(f":leftwards_arrow_with_hook: No longer posted in Odoo{rest}")]
        case "VALIDATION_FAILED":
            found = [section("Blocked: " + " ".join(item["problems"]))]
    return found


def _being_attached(item: Item) -> list[Block]:
    """Who had files attached that were added later, until that is done."""
    asked = item.get("attach")
    if not asked:
        return []
    number = len(asked["files"])
    what = "a file that was" if number == 1 else f"{number} files that were"
    who = f"<@{asked['by']}>{when(asked['at'])}"
    return [markdown(f":hourglass: {who} had {what} added since attached: it is being done.")]


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


def _remedies(item: Item) -> str:
    """What each button of a failed bill is for; or that one of them was clicked."""
    link = link_of(item)
    if link:
        asked = f"<@{link['by']}>{when(link['at'])}"
        return f":hourglass: {asked} linked it to number {link['id']}: the two are compared."
    retry = "" if item.get("amended_after") else "*Retry* once that is mended. "
    return (
        f"{retry}*Link existing* if QuickBooks has this bill already. *Close* if it is not to be"
        " posted at all."
    )


def failure(item: Item) -> str:
    """Our sentence about a failed posting, and what Intuit's support asks for."""
    error = item["error"]
    message = str(error["message"])
    if is_closed(item):
        message = str(error["reason"]) if "reason" in error else _BUTTON.sub(".", message)
    trace = f" (Intuit trace id {error['tid']})" if error.get("tid") else ""
    return f"{message}{trace}"


def perhaps_there(item: Item) -> str:
    """What to delete in QuickBooks where a bill ended that it has, or may have; or "".

    A try was made when the bill was approved, and nobody will come back to it.
    """
    if item["status"] not in {"WITHDRAWN", "REJECTED", "ACKNOWLEDGED"}:
        return ""
    return _there(item)


def _there(item: Item) -> str:
    attempt, document = open_attempt(item), document_there(item)
    number = f"the number {attempt['doc_number']} of {attempt['day']}" if attempt else ""
    if document:
        named = f"{document}, {number}," if number else document
        return f"QuickBooks has {named} for this bill: delete it there, or it may be paid."
    if not attempt:
        return ""
    return (
        f"QuickBooks may have this bill from an earlier try: look there for {number}, and delete"
        " it if it is there."
    )
