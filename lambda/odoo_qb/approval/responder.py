"""Do what a person clicked, and reply with the result."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from odoo_qb.approval.decisions import is_repeated, name_of
from odoo_qb.approval.interaction import MODAL_FIELDS
from odoo_qb.cards.card import approval_card, asked_as, button_value, retired_card, why_outdated
from odoo_qb.cards.modals import link_modal, rejection_modal
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.slack.blocks import button, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.approval.click import Click, Response
    from odoo_qb.approval.decisions import DecisionService
    from odoo_qb.approval.interaction import Interaction
    from odoo_qb.slack.blocks import Block
    from odoo_qb.slack.client import SlackClient
    from odoo_qb.slack.message import Message

logger = Logger(child=True)

TRY_AGAIN: Final = "That didn't work just now. Try again in a minute."
NEEDED: Final = {
    "reject_invoice": "Give a reason.",
    "link_existing": "Paste the bill's link from QuickBooks, or enter its number there (145).",
}


class TooLate(Exception):  # noqa: N818 - the name says what it is
    """There is no time left to reply within Slack's limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """The one call to Slack that answers a click; `until` is the latest time to begin it."""

    slack: SlackClient
    until: float

    def reply(self, interaction: Interaction, text: str, blocks: Sequence[Block] = ()) -> None:
        """Reply visibly only to the person."""
        self._try(lambda: self.slack.respond(interaction.response_url, text, blocks))

    def replace(self, interaction: Interaction, message: Message) -> None:
        """Replace the card that was clicked."""
        self._try(lambda: self.slack.replace(interaction.response_url, message))

    def open_modal(self, interaction: Interaction, view: Mapping[str, Any]) -> None:
        """Open a modal for the person."""
        self._try(lambda: self.slack.open_modal(interaction.trigger_id, view))

    def _try(self, call: Callable[[], None]) -> None:
        """Call Slack; if that fails, only the reply is lost: the decision is stored."""
        if time.monotonic() > self.until:
            raise TooLate
        try:
            call()
        except (Unavailable, Refused) as error:
            logger.warning("the person could not be answered", reason=str(error))


def handle(
    interaction: Interaction, decisions: DecisionService, responder: Responder
) -> dict[str, Any] | None:
    """Do what the person clicked; returns what a modal shows, if anything."""
    click = interaction.click
    logger.info(
        "clicked",
        entry_id=click.entry_id,
        action=click.action_id,
        person=click.person,
        teams=sorted(click.teams),
    )
    if interaction.is_submission:
        return _submitted(interaction, decisions)
    if click.action_id in MODAL_FIELDS:
        answer = decisions.may_decide(click)
        if answer.is_done and answer.item:
            asks = rejection_modal if click.action_id == "reject_invoice" else link_modal
            responder.open_modal(interaction, asks(answer.item))
            return None
    elif click.action_id == "view_pdf":
        answer = decisions.view(click)
    else:
        answer = decisions.decide(click)
    instead = _instead(interaction, answer)
    if instead:
        responder.replace(interaction, instead)
    else:
        responder.reply(interaction, _about(answer, click), _with_more_files(answer))
    return None


def _with_more_files(answer: Response) -> list[Block]:
    """The links, each in a block, and a button for the files that did not fit."""
    if not answer.item or not answer.next_file:
        return []
    more = button("More files", "view_pdf", button_value(answer.item))
    row = f"{asked_as(answer.item)}-from-{answer.next_file}"
    links = [markdown(link) for link in answer.text.split(", <")]
    for block in links[1:]:
        block["text"]["text"] = f"<{block['text']['text']}"
    return [*links, {"type": "actions", "block_id": row, "elements": [more]}]


def _about(answer: Response, click: Click) -> str:
    """The reply with its bill, because it appears apart from the card."""
    if answer.item is None or not answer.is_done or click.action_id == "view_pdf":
        return answer.text
    return f"{answer.text} ({name_of(answer.item)})"


def _instead(interaction: Interaction, answer: Response) -> Message | None:
    """The message that replaces an outdated card; None if it is current."""
    item = answer.item
    if item is None or not interaction.message_ts:
        return None
    is_live = any(c["ts"] == interaction.message_ts and not c["retired"] for c in item["cards"])
    if answer.is_outdated:
        # A bill that cannot be decided has no newer card, so this one shows its state.
        if is_live and item["status"] != "READY_FOR_APPROVAL":
            return approval_card(item)
        return retired_card(item, why_outdated(item, interaction.click.digest))
    if is_live or not item["cards"] or interaction.click.action_id == "view_pdf":
        return None
    # A second card: Slack's answer to the notifier was lost, and it posted again.
    return retired_card(item, f"{answer.text} This bill has another card.")


def _submitted(interaction: Interaction, decisions: DecisionService) -> dict[str, Any] | None:
    """Close the modal if it was done, or show why not."""
    if not _typed(interaction.click):
        return in_modal(interaction, NEEDED[interaction.click.action_id])
    answer = decisions.decide(interaction.click)
    if answer.is_done or (answer.item and is_repeated(answer.item, interaction.click)):
        return None
    # A modal's errors are plain text, in which mentions are not rendered.
    text = answer.text.replace(f"<@{interaction.click.person}>", "you")
    return in_modal(interaction, re.sub(r"<@[^>]*>", "someone else (the card says who)", text))


def _typed(click: Click) -> str:
    return click.document if click.action_id == "link_existing" else click.reason


def in_modal(interaction: Interaction, text: str) -> dict[str, Any]:
    """The answer with which Slack shows a text below the modal's field."""
    field = MODAL_FIELDS[interaction.click.action_id]
    return {"response_action": "errors", "errors": {field: text}}
