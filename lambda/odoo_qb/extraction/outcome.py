"""The outcome of one bill in a run, even after an error: one bill never stops the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from aws_lambda_powertools import Logger

from odoo_qb.errors import Conflict
from odoo_qb.guarding import DAMAGE, OF_AWS, complaint, entry_id_of, label, of_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.exact_json import Json

logger = Logger(child=True)

OutcomeName = Literal[
    "ready",  # for approval
    "blocked",
    "unchanged",
    "ignored",
    "noted",  # needs no new approval
    "withdrawn",
    "changed afterwards",  # after the final decision
    "not stored",  # the next run tries again
    "not yet read",  # the run had no time for its files
    "damaged",  # its record in the table or in Odoo is malformed
]
DAMAGED: Final = "damaged"
NOT_STORED: Final = "not stored"
NOT_YET_READ: Final = "not yet read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a bill, and why.

    A stored bill has a `total`, and the `problems` and `warnings` that its card shows. `about` is a
    damaged record, by the names people know.
    """

    name: OutcomeName
    reason: str = ""
    total: str = ""
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    about: str = ""

    def row(self) -> Json:
        """The outcome as JSON for the function's answer."""
        row: Json = {"outcome": self.name}
        if self.total:
            row |= {"total": self.total}
            row |= {"problems": list(self.problems), "warnings": list(self.warnings)}
        return row | {k: v for k in ("reason", "about") if (v := getattr(self, k))}


def capture_outcome(act: Callable[[], Outcome], record: object = None) -> Outcome:
    """What `act` returns, or its failure; `record` is the bill's item, a possible cause."""
    try:
        return act()
    except Conflict:
        return Outcome(name=NOT_STORED, reason="someone else changed it at the same time")
    except OF_AWS as error:
        return Outcome(name=NOT_STORED, reason=of_aws(error))
    except DAMAGE:
        logger.exception("a bill could not be processed", entry_id=entry_id_of(record))
        return damaged(record)


def damaged(record: object) -> Outcome:
    """The outcome of a bill whose record cannot be processed."""
    about = label(record) if record else ""
    return Outcome(name=DAMAGED, reason=complaint(record), about=about)
