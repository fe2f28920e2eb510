"""Store what was decided about a bill, if its item has not changed since it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from odoo_qb.extraction.approval_requests import ACTOR
from odoo_qb.extraction.decision import ItemChange, NewItem, Remark
from odoo_qb.extraction.outcome import NOT_STORED, Outcome

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.decision import Decision
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class BillWriter:
    """Stores bills; writes nothing if `dry_run`."""

    table: Table
    documents: Documents
    dry_run: bool
    now: datetime

    def apply(self, decision: Decision) -> Outcome:
        """Store the decision; returns its outcome, or "not stored" if a file is missing.

        Conflict if someone else changed the bill meanwhile.
        """
        if self.dry_run or decision.write is None:
            return decision.outcome
        bill = decision.content
        if bill and not all(d.sha256 for d in bill.documents):
            return Outcome(name=NOT_STORED, reason="its files could not be stored")
        match decision.write:
            case NewItem(item=item, reference_id=reference_id):
                self._keep_lines(bill, item["lines_key"])
                self.table.put_new(item, reference_id)
            case ItemChange() as change:
                self._keep_lines(bill, str(change.values.get("lines_key", "")))
                self._change(change)
            case Remark(item=item, values=values):
                self.table.note_on_bill(
                    item["entry_id"],
                    values,
                    condition="version = :was",
                    condition_values={"was": item["version"]},
                )
        return decision.outcome

    def _keep_lines(self, bill: Bill | None, key: str) -> None:
        """Store the lines of a long bill in S3, before its item refers to them."""
        if bill and key:
            self.documents.keep_lines(bill, key)

    def _change(self, change: ItemChange) -> None:
        values: Json = dict(change.values)
        remove = list(change.remove)
        if change.later_date:
            kept = self.table.expiry(change.later_date, datetime.min.replace(tzinfo=UTC))
            values |= {k: max(v, int(change.item["expires_at"])) for k, v in kept.items()}
            remove += [] if kept else ["expires_at"]
        self.table.change(
            change.item,
            to=change.to,
            actor=ACTOR,
            now=self.now,
            values=values,
            remove=remove,
            note=change.note,
            reference_id=change.reference_id,
        )
