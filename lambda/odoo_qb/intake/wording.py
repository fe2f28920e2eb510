"""What is said about an invoice's outcome: a headline, a text, the customer's mail. No I/O.

Ids and sentences only: e-mails and Slack are read by more people than the table.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.sentences import one_line, shorten

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.intake.result import Result

_ID: Final = 60  # characters of an id in a headline: a subject has 99


def headline(result: Result) -> str:
    """One line: the subject of an e-mail, the first line in Slack."""
    name = one_line(result.invoice_id, _ID) or "without an id"
    match result.outcome:
        case "processed":
            subject = f"Invoice {name} was stored as {result.invoice_number}"
        case "duplicate":
            subject = f"Invoice {name} arrived again"
        case "conflict":
            subject = f"Invoice {name} differs from the stored one"
        case "invalid":
            subject = f"Invoice {name} is invalid"
        case _:
            subject = f"Invoice {name} could not be processed"
    return subject


def text_of(result: Result) -> str:
    """What happened, what is wrong, and what to do."""
    match result.outcome:
        case "processed":
            lines = ["Nothing needs to be done."]
        case "duplicate":
            lines = [
                f"It is already stored as {result.invoice_number}, with the same content.",
                "Nothing was stored a second time.",
            ]
        case "conflict":
            lines = ["Correct the invoice where it comes from, and start a new execution."]
        case "invalid":
            lines = ["Nothing was stored. Correct the invoice and start a new execution."]
        case _:
            lines = [
                "The history of the execution shows why.",
                "Once the cause is fixed, start an execution with the same input.",
            ]
    problems = [f"{problem.field}: {problem.message}" for problem in result.problems]
    found = [*lines, *shorten(problems), *result.notes]
    return "\n".join(one_line(line) for line in found)


def customer_text(stored: Json) -> tuple[str, str]:
    """Subject and text of the mail to the customer of a stored invoice."""
    amount = Decimal(str(stored["amount"]))
    subject = f"Invoice {stored['number']}"
    lines = [
        f"Invoice {stored['number']} over {amount:,} is due on {stored['due_date']}.",
        f"Our reference: {one_line(str(stored['invoice_id']))}.",
    ]
    return subject, "\n".join(lines)
