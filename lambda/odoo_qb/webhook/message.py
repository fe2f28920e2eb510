"""A change on its way from the mirror to the endpoint, as it lies in the queue. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from odoo_qb.exact_json import to_json

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

Event = Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One change of one record.

    `kind` is the source's (move, payment, contact, order, account), `sequence` counts the record's
    changes from 1, `happened_at` is when the mirror saw it, `changed` are the names of the served
    fields that differ. `data` is the record's content after the change, or the last known one of a
    deleted record. Content too large for the queue is kept in the mirror's table instead, under
    `content_key`, and `data` is empty. `replay_id` is set only on what an operator has sent again.
    """

    connection: str
    kind: str
    source_id: int
    event: Event
    sequence: int
    happened_at: str
    changed: tuple[str, ...]
    data: Json
    content_key: str = ""
    replay_id: str = ""

    @property
    def group(self) -> str:
        """The queue's message group: the changes of a record are delivered one after another."""
        return f"{self.connection}/{self.kind}/{self.source_id}"

    @property
    def message_id(self) -> str:
        """The same at every try, another for another change: the endpoint may discard repeats."""
        again = f"_{self.replay_id}" if self.replay_id else ""
        return f"msg_{self.connection}_{self.kind}_{self.source_id}_{self.sequence}{again}"

    def to_body(self) -> str:
        """The message's body in the queue."""
        return to_json(
            {
                "connection": self.connection,
                "kind": self.kind,
                "id": self.source_id,
                "event": self.event,
                "sequence": self.sequence,
                "happened_at": self.happened_at,
                "changed": self.changed,
                "data": self.data,
                "content_key": self.content_key,
                "replay_id": self.replay_id,
            }
        )


def from_body(body: str) -> Message:
    """A message from its body; ValueError, LookupError or TypeError where it is none."""
    row: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return Message(
        connection=str(row["connection"]),
        kind=str(row["kind"]),
        source_id=int(row["id"]),
        event=row["event"],
        sequence=int(row["sequence"]),
        happened_at=str(row["happened_at"]),
        changed=tuple(row["changed"]),
        data=dict(row["data"]),
        content_key=str(row["content_key"]),
        replay_id=str(row["replay_id"]),
    )
