"""Bring changes in Odoo into the table: new, amended and withdrawn bills."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb import table_keys
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.extraction.background import BackgroundReader
from odoo_qb.extraction.bill_writer import BillWriter
from odoo_qb.extraction.decide import Decider
from odoo_qb.extraction.left_out import unknown_company
from odoo_qb.extraction.odoo_changes import WATCHED_AT_ONCE, clock_troubles
from odoo_qb.extraction.odoo_companies import OdooCompanies
from odoo_qb.extraction.page import PageStore
from odoo_qb.extraction.report import Report, Tally
from odoo_qb.extraction.request import Request
from odoo_qb.extraction.reread import ASKED_BEFORE_QUICKBOOKS, RereadBills
from odoo_qb.extraction.scope import Scope
from odoo_qb.extraction.selection import Selection
from odoo_qb.extraction.watermark import Watermark, position_of
from odoo_qb.guarding import BadRecords
from odoo_qb.mapping.batch import BatchPlanner
from odoo_qb.odoo.client import PAGE_SIZE
from odoo_qb.odoo.reader import BillReader
from odoo_qb.store.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.odoo_changes import OdooChanges
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

LEASE: Final = timedelta(minutes=6)  # longer than the function may run
_LEASE_TRIES: Final = 24
_LEASE_PAUSE: Final = 5.0  # seconds
_SECONDS_FOR_A_PAGE: Final = 60.0


class Busy(Refused):
    """Another extraction is running; nothing is lost, because a later run finds the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRun:
    """One run of the extraction. `seconds_left` is how long it may still take.

    Bills dated before `extract_since`, or their company's own day, need no approval unless they are
    in the table. Nor do bills from before `kept_since`, which the table may have deleted. Records
    that cannot be processed are reported in `bad_records`. A page has `page_size` bills, and one
    call searches for `watched_at_once` ids.
    """

    odoo: OdooClient
    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    extract_since: date
    kept_since: date
    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    page_size: int = PAGE_SIZE
    watched_at_once: int = WATCHED_AT_ONCE
    bad_records: BadRecords = field(default_factory=BadRecords)

    def run(self, request: Request, now: datetime) -> Report:
        """Read, check and store; returns what was found.

        A bill that cannot be stored only stops the watermark before it.
        """
        calls_before = self.odoo.calls
        if request.dry_run:
            report = self._run(request, now)
        else:
            lease = self._take_lease(request, now)
            try:
                report = self._run(request, now)
                if request.is_plain:
                    report = self._look_again(report, now)
            finally:
                spoken = {"speaks": self.odoo.protocol} if self.odoo.protocol else {}
                self._lease.give_back(lease, spoken)
        return replace(report, odoo_calls=self.odoo.calls - calls_before)

    def _look_again(self, report: Report, now: datetime) -> Report:
        """Read bills again that did not change in Odoo but need another look.

        These are bills that changed in Odoo while posting failed; after a change of QuickBooks or
        the settings, the bills they may have blocked, so that nobody waits for the daily run after
        creating a missing account; and bills with a damaged record, until it is corrected. Returns
        the report with what was found.
        """
        again = RereadBills(
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            bad_records=self.bad_records,
            note_id=self._note_id,
        )
        report = replace(report, checked_again=0)
        noted = again.damaged(report.bills)
        corrected = self._read_again(noted, now)
        report = report.joined(corrected) if corrected else report
        again.note_damaged(report.bills, noted if corrected is None else [])
        amended = self._read_again(again.amended(now), now)
        former = self._read_again(again.former(now), now)
        state, waiting = again.waiting_for_news(now)
        checked = self._read_again(waiting, now)
        if checked and not checked.not_yet_read:
            self.table.write_note(self._note_id, {"checked_with": state})
        for more in (amended, former, checked):
            report = report.joined(more) if more else report
        return report

    def _read_again(self, entry_ids: Sequence[str], now: datetime) -> Report | None:
        """The report about these bills; None if they were not read.

        A failure here is not urgent, so it does not fail the run.
        """
        if not entry_ids or not self._has_time():
            return None
        ids = tuple(self.bad_records.numbers(entry_ids))
        try:
            return self._run(Request(odoo_ids=ids, full=True), now)
        except Unavailable:
            return None
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            return None  # a company is hidden from our user; the daily run reports it

    @property
    def _note_id(self) -> str:
        return table_keys.watermark(self.odoo.database)

    @property
    def _lease(self) -> Lease:
        return Lease(table=self.table, note_id=self._note_id, lasts=LEASE)

    def _take_lease(self, request: Request, now: datetime) -> str:
        """Take the lease; a scheduled run gives way to another run, any other waits for it."""
        for left in reversed(range(1 if request.is_plain else _LEASE_TRIES)):
            lease = self._lease.take(now)
            if lease:
                return lease
            if left:
                self.sleep(_LEASE_PAUSE)
        raise Busy("Another extraction is running. Try again in a few minutes.")

    def _run(self, request: Request, now: datetime) -> Report:
        note = self.table.read_note(self._note_id)
        position = self._position(note, now)
        is_all = request.full and not request.odoo_ids
        if is_all:
            self.odoo.start_over()  # Odoo may have been upgraded, or our key revoked
        else:  # a cold start need not find it out again
            self.odoo.protocol = self.odoo.protocol or note.get("speaks")
        scope, tally = self._scope, Tally(reports_all=request.reports_all)
        odoo_companies = OdooCompanies(self.odoo)
        writer = self._writer(request, now)
        selection = Selection(
            odoo=self.odoo,
            table=self.table,
            scope=scope,
            writer=writer,
            bad_records=self.bad_records,
            watched_at_once=self.watched_at_once,
        )
        found, met_on_the_way = selection.find(request, position, now)
        known = request.is_plain and position.knows(found.changed)
        ids = [] if known else [c.odoo_id for c in found.changed]
        age = {i: n for n, i in enumerate(ids)}
        if is_all:
            ids, met_later = selection.by_need(ids, request.company)
            met_on_the_way = [*met_on_the_way, *met_later]
        for findings in met_on_the_way:
            tally.add(findings)
        pages = self._pages(request, now, writer, odoo_companies)
        met: set[int] = set()
        start, safe, is_safe = 0, 0, True
        for start, page in self._read(ids, age):
            met |= {e.odoo_id for e in page}
            stored = pages.store(page)
            tally.add(stored.findings)
            is_safe = is_safe and stored.is_safe
            safe = start if is_safe else safe
            if request.is_plain:
                position = self._move(position, found, safe, now)
        if tally.lacks_quickbooks_data and not request.dry_run:
            self.table.write_note(self._note_id, {ASKED_BEFORE_QUICKBOOKS: True})
        # Checked once a day, and when bills of an unconfigured company turn up, which may be one of
        # ours that was renamed.
        is_asked = is_all or (request.is_plain and tally.left_alone)
        not_seen = odoo_companies.not_seen(self.companies) if is_asked else None
        if not_seen == []:  # otherwise it may be one of ours under another name
            tally.left_out += [unknown_company(name) for name in sorted(tally.unknown)]
        keys = [request.company] if request.company else sorted(self.companies)
        return Report(
            companies=dict(sorted(tally.counts.items())),
            left_alone=tally.left_alone,
            bills=tally.bills,
            kept=tally.kept,
            not_seen=not_seen,
            left_out=tally.left_out,
            clock=clock_troubles(found.now, found.changed, now),
            left_alone_before=scope.left_alone_before(keys, request.since),
            not_found=[i for i in request.odoo_ids if i not in met],
            read=len(met),
            not_yet_read=len(ids) - start + tally.waiting,
        )

    def _read(
        self, ids: Sequence[int], age: Mapping[int, int]
    ) -> Iterator[tuple[int, list[OdooDocument]]]:
        """The documents page by page while there is time, each with how many ids are read by then.

        Pages follow the order of `ids`; within a page the oldest change comes first, by `age`.
        """
        bills = BillReader(self.odoo, self._scope.keys)
        start = 0
        while start < len(ids) and not (start and not self._has_time()):
            batch = ids[start : start + self.page_size]
            start += len(batch)
            yield start, bills.page(sorted(batch, key=lambda i: age.get(i, -1)))

    def _position(self, note: Json, now: datetime) -> Watermark:
        """How far Odoo was read; if that is not a valid date, everything since go-live is read."""
        try:
            return position_of(note, now)
        except ValueError:
            self.bad_records.note(
                self._note_id,
                "it did not say how far Odoo had been read, so everything since go-live was"
                " read again. Nothing to do.",
            )
            return Watermark()

    def _move(self, before: Watermark, found: OdooChanges, safe: int, now: datetime) -> Watermark:
        """Store how far everything is in the table."""
        position = before.after(found.changed, safe, now, found.now)
        if position != before:
            self.table.write_note(self._note_id, position.note())
        return position

    @property
    def _scope(self) -> Scope:
        return Scope(
            companies=self.companies, extract_since=self.extract_since, kept_since=self.kept_since
        )

    def _writer(self, request: Request, now: datetime) -> BillWriter:
        return BillWriter(
            table=self.table, documents=self.documents, dry_run=request.dry_run, now=now
        )

    def _pages(
        self, request: Request, now: datetime, writer: BillWriter, odoo_companies: OdooCompanies
    ) -> PageStore:
        return PageStore(
            odoo=self.odoo,
            table=self.table,
            documents=self.documents,
            scope=self._scope,
            request=request,
            decider=Decider(companies=self.companies, full=request.full, now=now),
            writer=writer,
            planner=BatchPlanner(self.table, self.documents, self.companies),
            background_reader=BackgroundReader(
                table=self.table,
                companies=self.companies,
                dry_run=request.dry_run,
                bad_records=self.bad_records,
            ),
            odoo_companies=odoo_companies,
            bad_records=self.bad_records,
            has_time=self._has_time,
        )

    def _has_time(self) -> bool:
        return self.seconds_left() >= _SECONDS_FOR_A_PAGE
