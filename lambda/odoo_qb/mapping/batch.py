"""Posting plans for the bills of one run, from snapshots and remembered vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.quickbooks import sync
from odoo_qb.store.vendor_notes import note_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.quickbooks.snapshot import Snapshot
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table


class BatchPlanner:
    """Plans how bills will be posted, from stored snapshots: QuickBooks is not called."""

    def __init__(
        self, table: Table, documents: Documents, companies: Mapping[str, Company]
    ) -> None:
        self._table = table
        self._documents = documents
        self._companies = companies
        self._snapshots: dict[str, Snapshot | None] = {}
        self._notes: dict[str, Json] = {}

    def of(self, bills: Sequence[Bill]) -> dict[str, PostingPlan]:
        """The plan for each bill, by entry_id."""
        ids = {note_id(b) for b in bills if b.vendor}
        notes = cast("Mapping[str, Json]", self._table.get_many(sorted(ids)))
        self._notes = {b.entry_id: notes.get(note_id(b), {}) for b in bills}
        return {
            b.entry_id: plan_posting(
                b,
                self._companies[b.company],
                self._snapshot(b.company),
                notes.get(note_id(b)),
            )
            for b in bills
        }

    def remembered(self) -> Mapping[str, Json]:
        """The vendor notes of the last planned bills, by entry_id."""
        return self._notes

    def taken_at(self) -> str:
        """When each company was last read; a newer reading makes blocked bills be checked again."""
        found = ((key, self._snapshot(key)) for key in sorted(self._companies))
        return " ".join(f"{key}@{s.taken_at if s else 'never'}" for key, s in found)

    def is_known(self, company: str) -> bool:
        """Whether a company's QuickBooks was ever read."""
        return company in self._companies and self._snapshot(company) is not None

    def _snapshot(self, company: str) -> Snapshot | None:
        if company not in self._snapshots:
            self._snapshots[company] = sync.load(self._documents, self._companies[company])
        return self._snapshots[company]
