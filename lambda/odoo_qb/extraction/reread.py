"""Bills to read again although they did not change in Odoo: something else may have changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.item import lacks_quickbooks_data
from odoo_qb.bill.model import DIGEST_VERSION
from odoo_qb.extraction.outcome import DAMAGED, NOT_STORED
from odoo_qb.extraction.upgrade import is_to_be_judged
from odoo_qb.mapping.batch import BatchPlanner
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.extraction.report import ReportedBill
    from odoo_qb.guarding import BadRecords
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

# Whether approval may have been requested before QuickBooks was read.
ASKED_BEFORE_QUICKBOOKS: Final = "asked_before_quickbooks_was_read"
_FORM: Final = "form"  # the digest version up to which waiting bills were compared
_REOPENED_WITHIN: Final = timedelta(hours=1)  # in case some runs fail; the daily one checks all
_WAITING: Final[tuple[Status, ...]] = ("READY_FOR_APPROVAL", "VALIDATION_FAILED")
TO_BE_POSTED: Final[tuple[Status, ...]] = ("APPROVED", "POST_FAILED")
_AGAIN_AT_MOST: Final = 100  # bills with a damaged record; each is read in every run


@dataclass(frozen=True, slots=True, kw_only=True)
class RereadBills:
    """Finds these bills; the note `note_id` stores what was checked."""

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    bad_records: BadRecords
    note_id: str

    def amended(self, now: datetime) -> list[str]:
        """Bills waiting to be posted that are known to have changed in Odoo."""
        ids = [i for s in TO_BE_POSTED for i in self.table.in_status(s, until=now)]
        planner = BatchPlanner(self.table, self.documents, self.companies)

        def is_amended(item: Item) -> bool:
            if item["status"] in TO_BE_POSTED and item.get("amended_after"):
                return True
            return is_to_be_judged(item) and planner.is_known(item["company"])

        found = self.bad_records.where(self.table.get_many(ids).values(), is_amended)
        return [item["entry_id"] for item in found]

    def former(self, now: datetime) -> list[str]:
        """The waiting bills of 1.0 not yet compared with what is posted now.

        Once there are none, only bills that 1.0 stored as rejected can follow, when reopened.
        """
        is_over = self.table.read_note(self.note_id).get(_FORM) == DIGEST_VERSION
        since = stamp(now - _REOPENED_WITHIN) if is_over else "0"
        statuses = _WAITING[:1] if is_over else _WAITING
        ids = [i for s in statuses for i in self.table.in_status(s, since=since, until=now)]
        found = self.bad_records.where(self.table.get_many(ids).values(), is_to_be_judged)
        if not found and not is_over:
            self.table.write_note(self.note_id, {_FORM: DIGEST_VERSION})
        planner = BatchPlanner(self.table, self.documents, self.companies)
        return [i["entry_id"] for i in found if planner.is_known(i["company"])]

    def waiting_for_news(self, now: datetime) -> tuple[str, list[str]]:
        """Bills blocked, or shown before QuickBooks was read, if QuickBooks or settings changed.

        Returns first a hash of the settings and of when QuickBooks was read, to compare next time.
        """
        note = self.table.read_note(self.note_id)
        planner = BatchPlanner(self.table, self.documents, self.companies)
        blocked = list(self.table.in_status("VALIDATION_FAILED", until=now))
        asked = (
            self.table.in_status("READY_FOR_APPROVAL", until=now)
            if note.get(ASKED_BEFORE_QUICKBOOKS)
            else ()
        )
        unseen = self.bad_records.where(self.table.get_many(asked).values(), lacks_quickbooks_data)
        if note.get(ASKED_BEFORE_QUICKBOOKS) and not unseen:
            self.table.write_note(self.note_id, {}, remove=[ASKED_BEFORE_QUICKBOOKS])
        known = self.bad_records.where(unseen, lambda i: planner.is_known(i["company"]))
        blind = [i["entry_id"] for i in known]
        if not blocked and not blind:
            return "", []
        known_by = f"{planner.taken_at()} {sorted(self.companies.items())}"
        state = hashlib.sha256(known_by.encode()).hexdigest()
        if note.get("checked_with") == state:
            return state, []
        return state, [*blind, *blocked]

    def damaged(self, bills: Sequence[ReportedBill]) -> list[str]:
        """The bills that an earlier run could not process, without those in this run's report."""
        noted = self.table.read_note(self.note_id).get(DAMAGED)
        met = {bill.entry_id for bill in bills}
        ids = noted if isinstance(noted, list) else []
        return [i for i in ids if isinstance(i, str) and i not in met]

    def note_damaged(self, bills: Sequence[ReportedBill], unread: Sequence[str]) -> None:
        """Store which bills could not be processed, because the watermark moves past them."""
        noted = self.table.read_note(self.note_id).get(DAMAGED, [])
        rows = [b.entry_id for b in bills if b.outcome.name in {DAMAGED, NOT_STORED}]
        found = sorted({*rows, *unread})[:_AGAIN_AT_MOST] if unread or rows else []
        if noted != found:
            self.table.write_note(self.note_id, {DAMAGED: found})
