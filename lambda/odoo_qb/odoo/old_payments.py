"""Payments in Odoo 16 and 17, whose state, date and number belong to their move.

Writing to the move does not change the payment's write_date, so the later of both counts.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.odoo.served_kinds import SERVED_KINDS
from odoo_qb.odoo.values import MalformedValueError, by_id, moment_of, related_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.odoo.model_fields import ModelFields
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.values import Record
    from odoo_qb.sources import Kind

_MOVES: Final = 10_000  # a call


class OldPayments:
    """Recognises payments before 18, and dates them."""

    def __init__(self, scope: Scope, fields: ModelFields) -> None:
        self._scope = scope
        self._fields = fields

    def are(self, kind: Kind) -> bool:
        """Whether the records of a kind are also moves."""
        payment = SERVED_KINDS["payment"]
        return kind == "payment" and self._fields.one_of(payment, ("memo", "ref")) == "ref"

    def since(self, kind: Kind, moment: str) -> list[object]:
        """The condition for records written since (Odoo's UTC text; "" for all)."""
        if not moment:
            return []
        own = ["write_date", ">=", moment]
        return ["|", own, ["move_id.write_date", ">=", moment]] if self.are(kind) else [own]

    def moves(self) -> list[object]:
        """The condition for the moves that are payments, within our companies."""
        ours = [["company_id", "in", self._scope.ids()]] if self._scope.is_narrow else []
        return [["payment_id", "!=", False], *ours]

    def date(self, kind: Kind, rows: Sequence[Record]) -> None:
        """Set each old payment's date to its move's if that is later; other rows stay."""
        if not self.are(kind):
            return
        move = SERVED_KINDS["move"]
        for batch in batched(rows, _MOVES):
            numbers = sorted({_move_of(row) for row in batch} - {0})
            found = self._scope.call(
                move.model,
                "search_read",
                [["id", "in", numbers]],
                group=move.group,
                fields=["write_date"],
                order="id",
            )
            written = {number: moment_of(row["write_date"]) for number, row in by_id(found).items()}
            for row in batch:
                later = written.get(_move_of(row), "")
                if later > moment_of(row["write_date"]):
                    row["write_date"] = later


def _move_of(payment: Record) -> int:
    with suppress(MalformedValueError):  # reported when the payment itself is read
        return related_id(payment, "move_id")
    return 0
