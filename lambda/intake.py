"""The three functions of the invoice workflow: validate, process, announce."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.intake.result import result_of
from odoo_qb.intake.validation import read_validated, validate
from odoo_qb.wiring.intake import IntakeWiring

logger = Logger()
wired = IntakeWiring()

Json = dict[str, Any]


def validate_invoice(event: object, context: object) -> Json:
    """Everything that is wrong with {"invoice": {…}}: the outcome is "valid" or "invalid".

    The log names the fields and never what is in them.
    """
    del context
    result = validate(event, wired.policy())
    fields = [problem.field for problem in result.problems]
    logger.info(result.outcome, invoice_id=result.invoice_id, problems=fields)
    return result.as_answer()


def process_invoice(event: object, context: object) -> Json:
    """Number and store {"invoice": {…}, "result": {…}, "execution": "arn:…"} once.

    `result` is what the validation passed on, with its notes. The outcome is "processed",
    "duplicate" or "conflict". Conflict and Unavailable are raised by these names for the state
    machine to try again.
    """
    del context
    given = event if isinstance(event, dict) else {}
    result = wired.ledger.store(
        read_validated(given),
        execution=_execution(given),
        now=wired.now(),
        notes=result_of(given.get("result")).notes,
    )
    number = result.invoice_number
    logger.info(result.outcome, invoice_id=result.invoice_id, invoice_number=number)
    return result.as_answer()


def send_notification(event: object, context: object) -> Json:
    """Announce {"result": {"outcome": …}, "execution": "arn:…"} to every channel, once each."""
    del context
    given = event if isinstance(event, dict) else {}
    result = result_of(given.get("result"))
    sent = wired.announcer.announce(result, execution=_execution(given), now=wired.now())
    logger.info("announced", invoice_id=result.invoice_id, outcome=result.outcome, channels=sent)
    return {"announced": sent}


def _execution(given: Json) -> str:
    execution = given.get("execution")
    if not isinstance(execution, str) or not execution:
        raise Refused("The event has no execution. Start the state machine, not this function.")
    return execution
