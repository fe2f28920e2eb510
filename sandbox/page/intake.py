"""The page's view of the intake: its executions, newest first, and what became of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

_SHOWN: Final = 20
_RUNNING: Final = "RUNNING"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution: `outcome` is "running" until it ends, `about` what is wrong with it."""

    name: str
    started: datetime
    seconds: float | None
    outcome: str
    invoice: str
    number: str
    about: str

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.outcome in {"invalid", "conflict", "failed"}


class Executions:
    """The last executions of a state machine since a time; what has ended is described once.

    Earlier ones stay in the emulator, whose invoices a start has deleted.
    """

    def __init__(self, workflows: Any, machine: str, since: datetime) -> None:  # noqa: ANN401 - boto3
        self._workflows = workflows
        self._since = since
        self._machine = machine
        self._ended: dict[tuple[str, str], Execution] = {}  # by ARN and end: a redrive ends anew

    def look(self) -> list[Execution]:
        """The newest ones."""
        found = self._workflows.list_executions(stateMachineArn=self._machine, maxResults=_SHOWN)
        new = [row for row in found["executions"] if row["startDate"] >= self._since]
        return [self._seen(row) for row in new]

    def _seen(self, row: Json) -> Execution:
        key = (row["executionArn"], str(row.get("stopDate")))
        if key not in self._ended:
            described = self._workflows.describe_execution(executionArn=row["executionArn"])
            seen = execution_of(described)
            if seen.outcome == _RUNNING.lower():
                return seen
            self._ended[key] = seen
        return self._ended[key]


def execution_of(described: Json) -> Execution:
    """What is shown of a described execution."""
    output: Json = {}
    if described["status"] == "SUCCEEDED":
        output = json.loads(described["output"])
    problems = [f"{p['field']}: {p['message']}" for p in output.get("problems", ())]
    ended = described.get("stopDate")
    outcome = "running" if described["status"] == _RUNNING else output.get("outcome", "failed")
    return Execution(
        name=described["name"],
        started=described["startDate"],
        seconds=(ended - described["startDate"]).total_seconds() if ended else None,
        outcome=outcome,
        invoice=output.get("invoiceId") or _given_id(described.get("input", "")),
        number=output.get("invoiceNumber") or "",
        about=" ".join(problems) or str(described.get("cause") or described.get("error") or ""),
    )


def _given_id(text: str) -> str:
    try:
        return str(json.loads(text)["invoice"]["invoiceId"])
    except (ValueError, LookupError, TypeError):
        return ""
