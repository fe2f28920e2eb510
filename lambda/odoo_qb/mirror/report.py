"""What a run of the mirror did, for its history, the log and whoever invoked it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from odoo_qb.sentences import shorten

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind


@dataclass(slots=True, kw_only=True)
class Report:
    """One run over one kind of records.

    `complete` is False where the time was too short: the next run goes on. `held` are the records
    in the mirror after it, `source` those the source has. `error` is a sentence, "" if all went
    well; `notes` say what else somebody should know.
    """

    connection: str
    kind: Kind
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    calls: int = 0
    seconds: float = 0.0
    complete: bool = True
    held: int = 0
    source: int = 0
    error: str = ""
    notes: list[str] = field(default_factory=list)
    age_minutes: float = 0.0  # for how long the mirror has not been known to be equal

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell of it."""
        return not (self.inserted or self.updated or self.deleted or self.error or self.notes)

    def as_answer(self) -> Json:
        """As JSON, for the function's answer and the history."""
        answer: Json = {
            "connection": self.connection,
            "kind": self.kind,
            "inserted": self.inserted,
            "updated": self.updated,
            "deleted": self.deleted,
            "unchanged": self.unchanged,
            "calls": self.calls,
            "seconds": round(self.seconds, 1),
            "complete": self.complete,
            "held": self.held,
            "source": self.source,
        }
        if self.error:
            answer["error"] = self.error
        if self.notes:
            answer["notes"] = shorten(self.notes)
        return answer
