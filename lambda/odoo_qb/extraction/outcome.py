"""What became of one bill in a run, whatever happened: one bill never stops the others."""

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
    "ready",  # to be approved
    "blocked",
    "unchanged",
    "ignored",
    "noted",  # nobody is asked anew because of it
    "withdrawn",
    "changed afterwards",  # after it was decided for good
    "not stored",  # the next run tries again
    "not yet read",  # the run had no time for its files
    "damaged",  # its record in the table or in Odoo makes no sense
]
DAMAGED: Final = "damaged"
NOT_STORED: Final = "not stored"
NOT_YET_READ: Final = "not yet read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a bill, and why.

    A bill that was stored has a `total`, and the `problems` and `warnings` that its card shows.
    `about` is the record that is damaged, by the names people know it by.
    """

    name: OutcomeName
    reason: str = ""
    total: str = ""
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    about: str = ""

    def row(self) -> Json:
        """As the function's answer has it."""
        row: Json = {"outcome": self.name}
        if self.total:
            row |= {"total": self.total}
            row |= {"problems": list(self.problems), "warnings": list(self.warnings)}
        return row | {k: v for k in ("reason", "about") if (v := getattr(self, k))}


def capture_outcome(act: Callable[[], Outcome], record: object = None) -> Outcome:
    """What `act` gives, or what failed it; `record` is the bill's item, which may be the reason."""
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
    """The outcome of a bill with whose record nothing can be done."""
    about = label(record) if record else ""
    return Outcome(name=DAMAGED, reason=complaint(record), about=about)
