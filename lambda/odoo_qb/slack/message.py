"""A message for Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odoo_qb.slack.blocks import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to Slack: `text` is for notifications and screen readers.

    `ids` become the message's metadata, which any app in the workspace can read, so only ids.
    """

    text: str
    blocks: list[Block]
    ids: dict[str, str]

    def content(self) -> dict[str, Any]:
        """The arguments that posting and updating a message have in common."""
        return {"text": self.text, "blocks": self.blocks}
