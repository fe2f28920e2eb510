"""The modals in which a person enters text, and what was entered. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.summary import summary
from odoo_qb.cards.card import button_value
from odoo_qb.slack.blocks import TEXT, Block, plain_text, truncate

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item

REASON_LENGTH: Final = 1000
_ADDRESS_LENGTH: Final = 500


def rejection_modal(item: Item) -> Block:
    """The modal that asks why a bill is rejected."""
    return _modal(
        item,
        callback_id="reject_reason",
        title="Reject this bill",
        submit="Reject",
        field="reason",
        label="Reason (shown on the card)",
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
        label="The link to the bill in QuickBooks, or its number there (the txnId in the link)",
        element={"min_length": 1, "max_length": _ADDRESS_LENGTH},
    )


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
        "title": plain_text(title),
        "submit": plain_text(submit),
        "close": plain_text("Cancel"),
        "blocks": [
            {"type": "section", "text": plain_text(truncate(summary(item), TEXT))},
            {
                "type": "input",
                "block_id": field,
                "label": plain_text(label),
                "element": {"type": "plain_text_input", "action_id": "text", **element},
            },
        ],
    }
