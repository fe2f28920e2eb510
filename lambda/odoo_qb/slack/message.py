"""A message for Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odoo_qb.slack.blocks import Block


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
