"""Replies in the thread of a bill's card: a rejection's reason, and reminders. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo_qb.bill.item import approved_by
from odoo_qb.bill.notices import ESCALATION, waiting_since
from odoo_qb.bill.summary import summary
from odoo_qb.cards.card import ids_of
from odoo_qb.slack.blocks import (
    ESCAPED,
    FALLBACK,
    escaped,
    markdown,
    people,
    section,
    timestamp,
    truncate,
)
from odoo_qb.slack.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json


def rejection_notice(
    item: Item, notice: Json, users: Sequence[str], *, in_thread: bool = True
) -> Message:
    """The reply that tells `users` who rejected the bill, and why.

    It names the bill if it is not in the thread of its card.
    """
    mentions = "".join(f"<@{user}> " for user in users)
    blocks = [
        markdown(f"{mentions}:no_entry: Rejected by <@{notice['by']}>."),
        *([] if in_thread else [section(summary(item))]),
        section(f"Reason: {notice['reason']}"),
    ]
    text = escaped(truncate(f"{summary(item)}: {notice['reason']}", FALLBACK, ESCAPED))
    return Message(text=f"{mentions}Rejected: {text}", blocks=blocks, ids=ids_of(item))


def reminder(item: Item, notice: Json, users: Sequence[str]) -> Message:
    """The reply that reminds `users` of a bill that awaits a decision."""
    mentions = "".join(f"<@{user}> " for user in users)
    waits = "is awaiting a decision"
    if approved_by(item):
        waits = f"was approved by {people(approved_by(item))} and needs a second approver"
    mark = ":rotating_light:" if notice["kind"] == ESCALATION else ":hourglass:"
    message = (
        f"{mentions}{mark} This bill {waits}. It has been waiting"
        f" since{timestamp(waiting_since(item))}."
    )
    text = escaped(truncate(summary(item), FALLBACK, ESCAPED))
    fallback = f"{mentions}Still awaiting approval: {text}"
    return Message(text=fallback, blocks=[markdown(message)], ids=ids_of(item))
