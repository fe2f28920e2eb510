"""A bill's state and what a person must still do, as blocks of its card. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.delays import is_told, trouble_of
from odoo_qb.bill.follow_ups import failure, is_closed, loose_ends, possible_document
from odoo_qb.bill.item import approved_by, link_of
from odoo_qb.slack.blocks import Block, escaped, markdown, people, section, timestamp

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item

_STUCK: Final = "It's tried again every hour. *Close* to leave it unposted."


def outcome(item: Item) -> list[Block]:
    """The bill's state, unless it only awaits its first decision."""
    ends = loose_ends(item)
    return [*_decided(item), *([section("\n".join(f"⚠ {end}" for end in ends))] if ends else [])]


def first_of_two(item: Item) -> str:
    """Who approved a bill that needs a second approver, in mrkdwn; or ""."""
    if item["status"] != "READY_FOR_APPROVAL" or not approved_by(item):
        return ""
    who = people(approved_by(item))
    return f" Approved by {who}. A second approver must also approve it."


def _decided(item: Item) -> list[Block]:
    """Who decided what, and the result."""
    who, found = _decider(item), list[Block]()
    match item["status"]:
        case "READY_FOR_APPROVAL" if approved_by(item):
            found = [markdown(f":one:{first_of_two(item)}")]
        case "APPROVED" | "POSTING":
            found = _on_its_way(item, who)
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
            rest = "." if possible_document(item) else ". Nothing to do."
            found = [markdown(f":leftwards_arrow_with_hook: No longer posted in Odoo{rest}")]
        case "VALIDATION_FAILED":
            found = [section("Blocked: " + " ".join(item["problems"]))]
    return found


def _on_its_way(item: Item, who: str) -> list[Block]:
    if not is_told(item):
        return [markdown(f":white_check_mark: Approved by {who}. Posting follows.")]
    return [
        markdown(f":hourglass: *Not in QuickBooks yet.* Approved by {who}."),
        section(stuck(item)),
        markdown(_STUCK),
    ]


def _being_attached(item: Item) -> list[Block]:
    """Who requested that later files be attached, until that is done."""
    asked = item.get("attach")
    if not asked:
        return []
    number = len(asked["files"])
    what = "a new file" if number == 1 else f"{number} new files"
    who = f"<@{asked['by']}>{timestamp(asked['at'])}"
    return [markdown(f":hourglass: Attaching {what}, as {who} asked.")]


def _decider(item: Item) -> str:
    """Who decided and when; both of two approvers."""
    who = f"<@{item['decided_by']}>" if item.get("decided_by") else "someone"
    if item["status"] not in {"REJECTED", "ACKNOWLEDGED"} and approved_by(item):
        who = people(approved_by(item))
    return who + timestamp(item.get("decided_at", ""))


def _in_quickbooks(item: Item) -> str:
    """The document in QuickBooks, and who linked it, if a person did."""
    quickbooks = item["quickbooks"]
    document = escaped(f"{quickbooks['type']} {quickbooks['id']}")
    link = f"<{escaped(quickbooks['url'])}|{document}>"
    if item["status"] == "POSTED":
        return f"Posted to QuickBooks as {link}."
    linked = link_of(item)
    by = f" Linked by <@{linked['by']}>{timestamp(linked['at'])}." if linked else ""
    return f"Already in QuickBooks as {link}.{by}"


def stuck(item: Item) -> str:
    """Why posting is delayed, and since when."""
    trouble = trouble_of(item)
    since = datetime.fromisoformat(str(trouble["since"]))
    return f"Posting has failed since {since:%Y-%m-%d %H:%M} UTC. {trouble['reason']}"


def _remedies(item: Item) -> str:
    """What each button of a failed bill does; or that one of them was clicked."""
    link = link_of(item)
    if link:
        asked = f"<@{link['by']}>{timestamp(link['at'])}"
        return f":hourglass: {asked} linked it to number {link['id']}. The two are being compared."
    retry = "" if item.get("amended_after") else "*Retry* once that's fixed. "
    return f"{retry}*Link existing* if it's already in QuickBooks. *Close* to leave it unposted."
