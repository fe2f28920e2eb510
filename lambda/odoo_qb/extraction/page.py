"""Compare, check and store one page of Odoo's documents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.item import bill_of
from odoo_qb.bill.late_changes import without_later_files
from odoo_qb.extraction.background import Background
from odoo_qb.extraction.decide import withdraw
from odoo_qb.extraction.files import FileStage
from odoo_qb.extraction.former_bills import former_bills
from odoo_qb.extraction.outcome import (
    DAMAGED,
    NOT_STORED,
    NOT_YET_READ,
    Outcome,
    capture_outcome,
    damaged,
)
from odoo_qb.extraction.report import Findings, ReportedBill
from odoo_qb.guarding import DAMAGE, flaw_of
from odoo_qb.odoo.records import POSTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.extraction.background import BackgroundReader
    from odoo_qb.extraction.bill_writer import BillWriter
    from odoo_qb.extraction.decide import Decider
    from odoo_qb.extraction.odoo_companies import OdooCompanies
    from odoo_qb.extraction.request import Request
    from odoo_qb.extraction.scope import Scope
    from odoo_qb.extraction.upgrade import FormerBill
    from odoo_qb.guarding import BadRecords
    from odoo_qb.mapping.batch import BatchPlanner
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

_THREADS: Final = 8
_LEFT_FOR_THE_NEXT_RUN: Final = frozenset({NOT_STORED, NOT_YET_READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """What was found on a page; `is_safe` if the next run need not read any of it again."""

    findings: Findings
    is_safe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known about a page's documents, by entry_id; `compared` are the bills to compare."""

    stored: Mapping[str, Item]
    compared: Sequence[Bill]
    files: FileStage
    bills: Mapping[str, Bill]
    plans: Mapping[str, PostingPlan]
    backgrounds: Mapping[str, Background]
    befores: Mapping[str, FormerBill]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageStore:
    """Stores the pages of one run."""

    odoo: OdooClient
    table: Table
    documents: Documents
    scope: Scope
    request: Request
    decider: Decider
    writer: BillWriter
    planner: BatchPlanner
    background_reader: BackgroundReader
    odoo_companies: OdooCompanies
    bad_records: BadRecords
    has_time: Callable[[], bool]

    def store(self, page: Sequence[OdooDocument]) -> StoredPage:
        """Store a page; only the requested company's documents, if there is one."""
        stored = self.table.get_many(f"odoo-{e.odoo_id}" for e in page)
        keys = self.scope.keys
        wanted = {name for name, key in keys.items() if self.request.company in {"", key}}
        others = [e for e in page if e.odoo_company not in wanted]
        entries = [e for e in page if e.odoo_company in wanted]
        left_alone = [self._left_alone(e, stored.get(f"odoo-{e.odoo_id}")) for e in others]
        known = self._known(entries, stored)

        def attempt(entry: OdooDocument) -> Outcome:
            item = stored.get(f"odoo-{entry.odoo_id}")
            return capture_outcome(partial(self._outcome, entry, known), item)

        late = self.scope.late(entries, {*known.bills, *stored})
        with ThreadPoolExecutor(_THREADS) as pool:
            outcomes = list(pool.map(attempt, entries))
        done = [
            _reported(e, o, keys[e.odoo_company]) for e, o in zip(entries, outcomes, strict=True)
        ]
        unknown = [e for e in others if e.odoo_company and e.odoo_company not in keys]
        findings = Findings(
            bills=[*left_alone, *done],
            left_alone=[e.odoo_company for e in unknown],
            unknown=frozenset(e.odoo_company for e in unknown if e.state == POSTED),
            left_out=late,
            lacks_quickbooks_data=any(not plan.snapshot for plan in known.plans.values()),
        )
        is_safe = all(o.name not in _LEFT_FOR_THE_NEXT_RUN for o in outcomes)
        return StoredPage(findings=findings, is_safe=is_safe)

    def _known(self, entries: Sequence[OdooDocument], stored: Mapping[str, Item]) -> _Known:
        """Store the files, and look the bills up in the table and in QuickBooks' lists."""
        compared = self.scope.bills(entries, stored)
        files = FileStage(compared, stored)
        if not self.request.dry_run:
            files.bring(self.odoo, self.documents, self.has_time)
        bills = self._one_by_one(compared, partial(_completed, files, stored))
        plans = self._one_by_one(bills.values(), self.planner.of)

        def background(some: list[Bill]) -> dict[str, Background]:
            known = self.background_reader.of(some, plans, self.planner.remembered(), stored)
            return {b.entry_id: known.get(b.entry_id, Background()) for b in some}

        readable = [b for b in bills.values() if b.entry_id in plans]
        backgrounds = self._one_by_one(readable, background)
        befores = former_bills(
            entries,
            bills,
            stored,
            companies=self.scope.companies,
            documents=self.documents,
            planner=self.planner,
            bad_records=self.bad_records,
        )
        return _Known(
            stored=stored,
            compared=compared,
            files=files,
            bills=bills,
            plans=plans,
            backgrounds=backgrounds,
            befores=befores,
        )

    def _outcome(self, entry: OdooDocument, known: _Known) -> Outcome:
        """Decide about one document and store that; each reason not to is one line."""
        entry_id = f"odoo-{entry.odoo_id}"
        bill, item = known.bills.get(entry_id), known.stored.get(entry_id)
        if item and flaw_of(item):
            return damaged(item)
        if entry.state != POSTED:
            return self.writer.apply(withdraw(item, entry.state))
        if entry.bill not in known.compared:
            since = self.scope.extracted_since(self.scope.keys[entry.odoo_company])
            return Outcome(name="ignored", reason=f"it is dated before {since.isoformat()}")
        if bill is None or entry_id not in known.backgrounds:
            return damaged(entry.bill)
        if known.files.is_waiting(bill):
            return Outcome(name=NOT_YET_READ)
        around, before = known.backgrounds[entry_id], known.befores.get(entry_id)
        plan = known.plans[entry_id]
        return self.writer.apply(
            self.decider.decide(bill, item, around, plan, before, self._stored)
        )

    def _stored(self, item: Item) -> Bill:
        return bill_of(item, self.documents.lines(item))

    def _left_alone(self, entry: OdooDocument, item: Item | None) -> ReportedBill:
        """A document of a company that is not configured or not requested.

        If it was one of ours it is withdrawn, unless our company was only renamed.
        """
        if not entry.odoo_company:
            why = entry.damage or "it belongs to no company. Open and check it in Odoo."
            return _reported(entry, Outcome(name=DAMAGED, reason=why))
        company = self.scope.companies.get(item.get("company", "")) if item else None
        is_asked_for = self.request.company in {"", company.key if company else ""}
        if company and is_asked_for and company.odoo_company in self.odoo_companies.names:
            act = partial(self._withdraw, item)
            return _reported(entry, capture_outcome(act, item), company.key)
        reason = f"it belongs to {entry.odoo_company}"
        return _reported(entry, Outcome(name="ignored", reason=reason))

    def _withdraw(self, item: Item | None) -> Outcome:
        return self.writer.apply(withdraw(item, "moved"))

    def _one_by_one[T](
        self, bills: Iterable[Bill], act: Callable[[list[Bill]], Mapping[str, T]]
    ) -> dict[str, T]:
        """What `act` returns for all; if one makes it fail, for each of the others."""
        bills = list(bills)
        try:
            return dict(act(bills))
        except DAMAGE:
            each = self.bad_records.each(bills, lambda bill: act([bill]))
            return {entry_id: found for some in each for entry_id, found in some.items()}


def _completed(
    files: FileStage, stored: Mapping[str, Item], bills: Sequence[Bill]
) -> dict[str, Bill]:
    """The bills with their documents as stored, without those attached after posting."""
    return {
        b.entry_id: without_later_files(files.completed(b), stored.get(b.entry_id)) for b in bills
    }


def _reported(entry: OdooDocument, outcome: Outcome, company: str = "") -> ReportedBill:
    return ReportedBill(
        entry_id=f"odoo-{entry.odoo_id}", name=entry.odoo_name, outcome=outcome, company=company
    )
