"""A lock in the table: held by one process until it releases it or the lease expires."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from odoo_qb.errors import Conflict
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta


class Notes(Protocol):
    """A table that keeps a note under a name."""

    def write_note(
        self,
        note_id: str,
        values: Mapping[str, object],
        *,
        remove: Sequence[str] = (),
        condition: str = "",
        condition_values: Mapping[str, object] | None = None,
    ) -> None:
        """Set attributes of a note; Conflict when `condition` fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The lock on the note `note_id`, held for `lasts` at most."""

    table: Notes
    note_id: str
    lasts: timedelta

    def take(self, now: datetime) -> str:
        """Take the lease; returns its unique end, or "" while another process has it."""
        lease = f"{stamp(now + self.lasts)} {uuid4().hex[:8]}"
        try:
            self.table.write_note(
                self.note_id,
                {"lease_until": lease},
                condition=(
                    "attribute_not_exists(lease_until) OR"
                    " NOT attribute_type(lease_until, :text) OR"
                    " lease_until < :now OR lease_until > :never"
                ),
                # No lease lasts this long, so this is not one of ours.
                condition_values={
                    "now": stamp(now),
                    "never": stamp(now + 2 * self.lasts),
                    "text": "S",
                },
            )
        except Conflict:
            return ""
        return lease

    def give_back(self, lease: str, values: Mapping[str, object] | None = None) -> None:
        """Release the lease, and store `values` in its note.

        A lease that expired may have another holder by now; then nothing happens.
        """
        with suppress(Conflict):
            self.table.write_note(
                self.note_id,
                values or {},
                remove=["lease_until"],
                condition="lease_until = :mine",
                condition_values={"mine": lease},
            )
