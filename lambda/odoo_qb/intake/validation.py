"""Everything that is wrong with an invoice, at once and field by field. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.intake.reading import ITEMS, Reader
from odoo_qb.intake.result import Result
from odoo_qb.intake.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.intake.invoice import Draft
    from odoo_qb.intake.rules import Policy, Rule

_PROBLEMS: Final = 100  # of an invoice with hundreds of wrong items
_NOTES: Final = 20


def validate(event: object, policy: Policy, rules: Sequence[Rule] = RULES) -> Result:
    """Whether {"invoice": {…}} is "valid", or "invalid" and why."""
    reader = Reader()
    draft = reader.read(event)
    problems = [*reader.problems, *(p for rule in rules for p in rule(draft, policy))]
    return Result(
        outcome="invalid" if problems else "valid",
        invoice_id=draft.invoice_id or "",
        problems=tuple(problems[:_PROBLEMS]),
        notes=tuple(reader.notes[:_NOTES]),
    )


def read_validated(event: object) -> Draft:
    """A validated invoice; Refused if this one cannot have been.

    Its rules are not asked again: after midnight the due date of a retried invoice may be today.
    """
    reader = Reader()
    draft = reader.read(event)
    if reader.problems:
        fields = ", ".join(problem.field for problem in reader.problems[:ITEMS])
        raise Refused(
            f"This invoice was not validated: {fields}.",
            remedy="Start the state machine, not this function.",
        )
    return draft
