"""Clicks in Slack: verify, record the decision, queue an approved bill, reply to the person."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.approval.http import http_answer, verified
from odoo_qb.approval.responder import TRY_AGAIN, TooLate, handle, in_modal
from odoo_qb.errors import BadSignature
from odoo_qb.wiring.approval_handler import ApprovalWiring

if TYPE_CHECKING:
    from odoo_qb.approval.decisions import DecisionService
    from odoo_qb.approval.interaction import Interaction

logger = Logger()
wired = ApprovalWiring()
wired.start()


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Handle a request to the Function URL; only a modal gets an answer with content."""
    del context
    started = time.monotonic()
    try:
        request = event if isinstance(event, dict) else {}
        interaction = verified(request, lambda: wired.signing_secret, wired.count, wired.now())
        decisions = wired.decisions
    except BadSignature:
        return http_answer(HTTPStatus.UNAUTHORIZED)
    except ValueError as error:
        logger.warning("not a request we know", reason=str(error)[:200])
        return http_answer(HTTPStatus.BAD_REQUEST)
    except (BotoCoreError, ClientError):
        logger.exception("the secret or the settings could not be read")
        return http_answer(HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        return http_answer(
            HTTPStatus.OK, _done(interaction, decisions, started) if interaction else None
        )
    except TooLate:
        logger.warning("no time was left to answer the person")
        return http_answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _done(
    interaction: Interaction, decisions: DecisionService, started: float
) -> dict[str, Any] | None:
    responder = wired.responder(started)
    try:
        return handle(interaction, decisions, responder)
    except (BotoCoreError, ClientError):
        # Nothing was decided, or the decision is stored and the sweep will queue it.
        logger.exception("AWS did not do as asked", entry_id=interaction.click.entry_id)
        if interaction.is_submission:
            return in_modal(interaction, TRY_AGAIN)
        responder.reply(interaction, TRY_AGAIN)
        return None
