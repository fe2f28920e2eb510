"""What becomes of an invoice: the workflow's output. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from odoo_qb.errors import Refused
from odoo_qb.intake.invoice import Problem

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

Outcome = Literal["valid", "processed", "duplicate", "conflict", "invalid", "failed"]
OUTCOMES: Final[frozenset[Outcome]] = frozenset(get_args(Outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An outcome; "valid" is the one between the states, all others end a workflow.

    `invoice_number` is "" unless the invoice is stored, `invoice_id` where it could not be read.
    """

    outcome: Outcome
    invoice_id: str = ""
    invoice_number: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def as_answer(self) -> Json:
        """The result as the workflow passes it on, and ends with."""
        return {
            "outcome": self.outcome,
            "invoiceNumber": self.invoice_number or None,
            "invoiceId": self.invoice_id or None,
            "problems": [problem.as_answer() for problem in self.problems],
            "notes": list(self.notes),
        }


def result_of(answer: object) -> Result:
    """The result from what the workflow passes on; Refused if it is none."""
    given: dict[str, Any] = answer if isinstance(answer, dict) else {}
    outcome = given.get("outcome")
    if outcome not in OUTCOMES:
        raise Refused("There is no such outcome. The state machine passes on what came before.")
    return Result(
        outcome=outcome,
        invoice_id=str(given.get("invoiceId") or ""),
        invoice_number=str(given.get("invoiceNumber") or ""),
        problems=tuple(
            Problem(field=str(problem["field"]), message=str(problem["message"]))
            for problem in given.get("problems") or ()
        ),
        notes=tuple(map(str, given.get("notes") or ())),
    )
