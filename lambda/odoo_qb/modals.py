"""The modals that ask a person for a text, and what they typed there. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.blocks import TEXT, Block, cut, plain
from odoo_qb.card import button_value, summary

if TYPE_CHECKING:
    from odoo_qb.item import Item

REASON_LENGTH: Final = 1000
_ADDRESS_LENGTH: Final = 500
# https://qbo.intuit.com/app/bill?txnId=145, however much more there is in the address.
_IN_ADDRESS: Final = re.compile(r"[?&]txnId=([0-9]{1,20})(?![0-9])", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


def rejection_modal(item: Item) -> Block:
    """The modal that asks why a bill is rejected."""
    return _modal(
        item,
        callback_id="reject_reason",
        title="Reject this bill",
        submit="Reject",
        field="reason",
        label="Why? The reason is shown on the card.",
        element={"multiline": True, "min_length": 3, "max_length": REASON_LENGTH},
    )


def link_modal(item: Item) -> Block:
    """The modal that asks which document in QuickBooks a bill is."""
    return _modal(
        item,
        callback_id="link_existing",
        title="Link to QuickBooks",
        submit="Link",
        field="document",
        label="The address of the bill in QuickBooks, or the number at its end (txnId)",
        element={"min_length": 1, "max_length": _ADDRESS_LENGTH},
    )


def document_id(typed: str) -> str:
    """The id of the document that was typed, or "" where there is none."""
    text = typed.strip()
    if _NUMBER.fullmatch(text):
        return text
    found = _IN_ADDRESS.search(text)
    return found.group(1) if found else ""


def _modal(
    item: Item,
    *,
    callback_id: str,
    title: str,
    submit: str,
    field: str,
    label: str,
    element: dict[str, Any],
) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": f"{button_value(item)}|{int(item['revision'])}",
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Cancel"),
        "blocks": [
            {"type": "section", "text": plain(cut(summary(item), TEXT))},
            {
                "type": "input",
                "block_id": field,
                "label": plain(label),
                "element": {"type": "plain_text_input", "action_id": "text", **element},
            },
        ],
    }
