"""Bring what changed in Odoo into the table: new bills, amended ones, withdrawn ones."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.digest_v1 import is_former
from odoo_qb.bill.item import bill_of
from odoo_qb.bill.late_changes import without_later_files
from odoo_qb.errors import Conflict, Refused, Unavailable
from odoo_qb.extraction.background import Background, Surroundings
from odoo_qb.extraction.bill_writer import DONE, NOT_YET_READ, BillWriter
from odoo_qb.extraction.deletions import find_vanished
from odoo_qb.extraction.files import FileStage
from odoo_qb.extraction.left_out import late_bill, not_told, unknown_company
from odoo_qb.extraction.news import News, clock_of, clock_troubles, news
from odoo_qb.extraction.request import Request
from odoo_qb.extraction.reread import BLIND, TO_BE_POSTED, Again
from odoo_qb.extraction.upgrade import Before
from odoo_qb.extraction.watermark import Watermark, position_of
from odoo_qb.guarding import (
    DAMAGE,
    DAMAGED,
    OF_AWS,
    Faults,
    capture_outcome,
    damaged,
    flaw_of,
    of_aws,
)
from odoo_qb.mapping.batch import BatchPlanner
from odoo_qb.odoo import reader, search
from odoo_qb.odoo.client import PAGE_SIZE
from odoo_qb.odoo.records import POSTED
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.deletions import Kind, Vanished
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

LEASE: Final = timedelta(minutes=6)  # longer than the function may run
_LEASE_TRIES: Final = 24
_LEASE_PAUSE: Final = 5.0  # seconds
_THREADS: Final = 8
_SECONDS_FOR_A_PAGE: Final = 60.0
_NO_NEWS: Final = frozenset({"unchanged", "ignored", NOT_YET_READ})
# What may still be posted as it is: that it is still in Odoo is asked in every run.
_WATCHED: Final[tuple[Status, ...]] = ("READY_FOR_APPROVAL", *TO_BE_POSTED)


class Busy(Refused):
    """Another extraction is running; what this one would have found is not lost."""


@dataclass(slots=True)
class _Tally:
    """What a run has met so far."""

    request: Request
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_alone: Counter[str] = field(default_factory=Counter)
    left_out: list[Json] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)  # companies of posted ones that are left alone
    rows: list[Json] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    companies: list[str] | None = None
    is_blind: bool = False

    @property
    def waiting(self) -> int:
        """How many were met whose files the run had no time for."""
        return sum(counts[NOT_YET_READ] for counts in self.counts.values())

    def add(self, company: str, outcome: Json) -> None:
        self.counts.setdefault(company, Counter())[outcome["outcome"]] += 1
        if outcome["outcome"] not in _NO_NEWS or self.tells_all:
            self.rows.append(outcome)

    @property
    def tells_all(self) -> bool:
        """Whether somebody named the bills, and is told of each what became of it."""
        return bool(self.request.odoo_ids) and not self.request.full

    def names(self, odoo: OdooClient) -> list[str]:
        """The companies that our user sees in Odoo, which is asked once a run."""
        if self.companies is None:
            self.companies = search.companies(odoo)
        return self.companies


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRun:
    """What a run needs. `seconds_left` is how long it may still take.

    Bills dated before `extract_since`, or their company's own, are not asked about, unless they
    are in the table; nor are those from before `kept_since`, which the table may have forgotten.
    Records with which nothing can be done are named in `faults`.
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
    faults: Faults = field(default_factory=Faults)

    def run(self, request: Request, now: datetime) -> Json:
        """Read, check and store; returns the counts of what was met, by company.

        A bill that cannot be stored stops the watermark before it, and nothing else.
        """
        calls_before = self.odoo.calls
        if request.dry_run:
            report = self._run(request, now)
        else:
            self._take_lease(request, now)
            try:
                report = self._run(request, now)
                if request.is_plain:
                    report["checked_again"] = self._look_again(report, now)
            finally:
                spoken = {"speaks": self.odoo.protocol} if self.odoo.protocol else {}
                self.table.write_note(self._note_id, spoken, remove=["lease_until"])
        report["odoo_calls"] = self.odoo.calls - calls_before
        return report

    def _look_again(self, report: Json, now: datetime) -> int:
        """Read once more what is not new in Odoo and yet not as it should be; returns how many.

        That is what changed in Odoo while it was being posted and then was not, and, once
        QuickBooks or the settings are no longer the same, what they may have blocked: whoever
        opened the missing account need not wait for the daily run. So are bills whose record in the
        table is damaged, until somebody has corrected it.
        """
        again = Again(
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            faults=self.faults,
            note_id=self._note_id,
        )
        noted = again.damaged(report)
        corrected = self._read_again(noted, report, now)
        again.note_damaged(report, noted if corrected is None else [])
        amended = self._read_again(again.amended(now), report, now)
        former = self._read_again(again.former(now), report, now)
        state, waiting = again.waiting_for_news(now)
        checked = self._read_again(waiting, report, now)
        if checked and not checked["not_yet_read"]:
            self.table.write_note(self._note_id, {"checked_with": state})
        return sum(int(r["read"]) for r in (corrected, amended, former, checked) if r)

    def _read_again(self, entry_ids: Sequence[str], report: Json, now: datetime) -> Json | None:
        """Add to a run's report what reading these bills gave; None if they were not read.

        None of it is so urgent that its failure were the run's own.
        """
        if not entry_ids or not self._has_time():
            return None
        ids = tuple(self.faults.numbers(entry_ids))
        try:
            again = self._run(Request(odoo_ids=ids, full=True), now)
        except Unavailable:
            return None
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            return None  # a company was hidden from our user; the daily run tells what it misses
        report["bills"] += again["bills"]
        report["left_out"] += again["left_out"]
        return again

    @property
    def _note_id(self) -> str:
        return f"watermark#{self.odoo.database}"

    def _take_lease(self, request: Request, now: datetime) -> None:
        """One run at a time: the schedule's gives way to another, any other waits for it."""
        for left in reversed(range(1 if request.is_plain else _LEASE_TRIES)):
            try:
                self.table.write_note(
                    self._note_id,
                    {"lease_until": stamp(now + LEASE)},
                    condition=(
                        "attribute_not_exists(lease_until) OR"
                        " NOT attribute_type(lease_until, :text) OR"
                        " lease_until < :now OR lease_until > :never"
                    ),
                    # None is given for so long: such a one is no lease of ours.
                    condition_values={
                        "now": stamp(now),
                        "never": stamp(now + 2 * LEASE),
                        "text": "S",
                    },
                )
            except Conflict:
                if left:
                    self.sleep(_LEASE_PAUSE)
            else:
                return
        raise Busy("Another extraction is running: try again in some minutes.")

    def _run(self, request: Request, now: datetime) -> Json:
        note = self.table.read_note(self._note_id)
        position = self._position(note, now)
        is_all = request.full and not request.odoo_ids
        if is_all:
            self.odoo.start_over()  # after an upgrade of Odoo, or once our key was revoked
        else:  # a function that starts anew need not find it out
            self.odoo.protocol = self.odoo.protocol or note.get("speaks")
        tally, keeping = _Tally(request=request), self._keeping(request, now)
        outlook = BatchPlanner(self.table, self.documents, self.companies)
        around = Surroundings(
            table=self.table,
            companies=self.companies,
            dry_run=request.dry_run,
            faults=self.faults,
        )
        found = self._find(request, position, now, tally, keeping)
        known = request.is_plain and position.knows(found.changed)
        ids = [] if known else [c.odoo_id for c in found.changed]
        age = {i: n for n, i in enumerate(ids)}
        if is_all:
            ids = self._by_need(ids, tally, keeping)
        met: set[int] = set()
        safe, is_safe = 0, True
        bills = reader.BillReader(
            self.odoo, {c.odoo_company: c.key for c in self.companies.values()}
        )
        start = 0
        while start < len(ids) and not (start and not self._has_time()):
            batch = ids[start : start + self.page_size]
            start += len(batch)
            page = bills.page(sorted(batch, key=lambda i: age.get(i, -1)))
            met |= {e.odoo_id for e in page}
            is_safe = self._page(page, tally, keeping, outlook, around) and is_safe
            safe = start if is_safe else safe
            if request.is_plain:
                position = self._move(position, found, safe, now)
        if tally.is_blind and not request.dry_run:
            self.table.write_note(self._note_id, {BLIND: True})
        not_seen = self._not_seen(tally, is_all=is_all)
        if not_seen == []:  # else it may be one of ours under another name
            tally.left_out += [unknown_company(name) for name in sorted(tally.unknown)]
        return {
            "companies": {key: dict(c) for key, c in sorted(tally.counts.items())},
            "left_alone": dict(tally.left_alone),
            "bills": tally.rows,
            "kept": tally.kept,
            "not_seen": not_seen,
            "left_out": tally.left_out,
            "clock": clock_troubles(found.now, found.changed, now),
            **self._cut(request),
            "not_found": [i for i in request.odoo_ids if i not in met],
            "read": len(met),
            "not_yet_read": len(ids) - start + tally.waiting,
        }

    def _position(self, note: Json, now: datetime) -> Watermark:
        """How far Odoo was read; where that is no date, all since go-live is read again."""
        try:
            return position_of(note, now)
        except ValueError:
            self.faults.note(
                self._note_id,
                "it did not say how far Odoo had been read, so all since go-live was read again."
                " There is nothing to do.",
            )
            return Watermark()

    def _keeping(self, request: Request, now: datetime) -> BillWriter:
        return BillWriter(
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            full=request.full,
            dry_run=request.dry_run,
            now=now,
        )

    def _find(
        self,
        request: Request,
        position: Watermark,
        now: datetime,
        tally: _Tally,
        keeping: BillWriter,
    ) -> News:
        if request.odoo_ids:
            named = [search.Changed(odoo_id=i) for i in request.odoo_ids]
            return News(changed=named, there=frozenset(), now=now)
        first = min((self.extracted_since(key) for key in self.companies), default=date.min)
        dated_from = max(request.since or first, first)
        if request.is_plain:
            watched = self._watched(now)
            found = news(self.odoo, position, dated_from, watched, now, self.faults)
            self._look_for(set(watched) - found.there, tally, keeping)
            return found
        listed = search.search_changed(
            self.odoo, watermark="", dated_from=dated_from, faults=self.faults
        )
        if request == Request(full=True):
            numbers = {c.odoo_id for c in listed}
            late = [i for i in search.entered_late(self.odoo, first) if i not in numbers]
            few, many = not_told(late, self.table, first)
            listed = [*(search.Changed(odoo_id=i) for i in few), *listed]  # they are read last
            tally.left_out += many
        return News(changed=listed, there=frozenset(), now=clock_of(self.odoo, listed, now))

    def _watched(self, now: datetime) -> list[int]:
        """What waits or is approved; nothing, said so, while the table cannot list it."""
        try:
            ids = [i for s in _WATCHED for i in self.table.in_status(s, until=now)]
        except OF_AWS as error:
            what = f"{of_aws(error)}; whether waiting bills are still in Odoo was not asked."
            self.faults.note("The table's list of what waits", what)
            return []
        return self.faults.numbers(ids)

    def _look_for(self, missing: set[int], tally: _Tally, keeping: BillWriter) -> None:
        """Look closer at what waits, or is approved, and that Odoo did not list any more."""
        if not missing:
            return
        items = self.table.get_many(f"odoo-{i}" for i in sorted(missing)).values()
        for key in sorted(set(self.faults.each(items, lambda item: item["company"]))):
            if key in self.companies:
                ids = {
                    i
                    for status in _WATCHED
                    for i in self.faults.numbers(self.table.in_company(key, status))
                }
                self._withdraw_vanished(key, "open", ids - missing, tally, keeping)

    def _cut(self, request: Request) -> Json:
        """That bills of a date that was asked for are left alone, if there may be such."""
        keys = [request.company] if request.company else sorted(self.companies)
        first = {key: self.extracted_since(key) for key in keys}
        cut = {
            k: day.isoformat() for k, day in first.items() if request.since and day > request.since
        }
        return {"left_alone_before": cut} if cut else {}

    def _by_need(self, listed: list[int], tally: _Tally, keeping: BillWriter) -> list[int]:
        """In which order a full run reads, whose time may end: what is open, then the newest.

        On the way the bills that Odoo no longer has are withdrawn; open ones that it did not list
        but still has are read, too.
        """
        first: list[int] = []
        open_ids: set[int] = set()
        for key in self.companies:
            if tally.request.company not in {"", key}:
                continue
            of_open = self._withdraw_vanished(key, "open", listed, tally, keeping)
            self._withdraw_vanished(key, "posted", listed, tally, keeping)
            open_ids |= of_open.all_ids
            first += of_open.still_there
        first += [i for i in listed if i in open_ids]
        return [*first, *(i for i in reversed(listed) if i not in open_ids)]

    def _withdraw_vanished(
        self, key: str, kind: Kind, listed: Collection[int], tally: _Tally, keeping: BillWriter
    ) -> Vanished:
        """Withdraw the bills of a company that Odoo did not list because it no longer has them."""
        company = self.companies[key]
        found = find_vanished(self.table, self.odoo, company, listed, kind, self.faults)
        tally.kept += [found.kept] if found.kept else []
        for item in self.table.get_many(f"odoo-{i}" for i in found.gone).values():
            row = {"entry_id": item["entry_id"], "bill": str(item.get("odoo_name", ""))}
            tally.add(key, row | capture_outcome(partial(keeping.withdraw, item, "deleted"), item))
        return found

    def _not_seen(self, tally: _Tally, *, is_all: bool) -> list[str] | None:
        """The configured companies that Odoo does not have under their name; None: not asked.

        It is asked about once a day, and when bills of a company that is not configured turn up:
        it may be one of ours that was renamed.
        """
        if not is_all and not (tally.request.is_plain and tally.left_alone):
            return None
        names = tally.names(self.odoo)
        shown = ", ".join(f'"{n}"' for n in names)
        return [
            f'{key}: Odoo shows our user no company "{company.odoo_company}", so its bills are not'
            f" read. It shows {shown}: correct odoo_company in company_settings, or give the user"
            " that company in Odoo."
            for key, company in sorted(self.companies.items())
            if company.odoo_company not in names
        ]

    def _move(
        self,
        before: Watermark,
        found: News,
        safe: int,
        now: datetime,
    ) -> Watermark:
        """Note how far everything is safe."""
        position = before.after(found.changed, safe, now, found.now)
        if position != before:
            self.table.write_note(self._note_id, position.note())
        return position

    def _page(  # noqa: C901 - one reason not to store a bill is a line
        self,
        page: Sequence[OdooDocument],
        tally: _Tally,
        keeping: BillWriter,
        outlook: BatchPlanner,
        around: Surroundings,
    ) -> bool:
        """Store a page (of the company that is asked for); whether all of it is safe."""
        keys = {c.odoo_company: c.key for c in self.companies.values()}
        stored = self.table.get_many(f"odoo-{e.odoo_id}" for e in page)
        entries = self._asked_for(page, stored, tally, keeping)
        asked = self._bills(entries, stored)
        files = FileStage(asked, stored)
        if not keeping.dry_run:
            files.bring(self.odoo, self.documents, self._has_time)
        bills = self._one_by_one(asked, partial(_completed, files, stored))
        tally.left_out += self._late(entries, {*bills, *stored}, keys)
        plans = self._one_by_one(bills.values(), outlook.of)

        def background(some: list[Bill]) -> dict[str, Background]:
            known = around.of(some, plans, outlook.remembered(), stored)
            return {b.entry_id: known.get(b.entry_id, Background()) for b in some}

        readable = [b for b in bills.values() if b.entry_id in plans]
        backgrounds = self._one_by_one(readable, background)
        befores = self._befores(entries, bills, stored, outlook)
        tally.is_blind |= any(not f.snapshot for f in plans.values())

        def outcome(entry: OdooDocument) -> Json:
            entry_id = f"odoo-{entry.odoo_id}"
            bill, item = bills.get(entry_id), stored.get(entry_id)
            if item and flaw_of(item):
                return damaged(item)
            if entry.state != POSTED:
                return keeping.withdraw(item, entry.state)
            if entry.bill not in asked:
                since = self.extracted_since(keys[entry.odoo_company])
                return {"outcome": "ignored", "reason": f"it is dated before {since.isoformat()}"}
            if bill is None or entry_id not in backgrounds:
                return damaged(entry.bill)
            if files.is_waiting(bill):
                return {"outcome": NOT_YET_READ}
            return keeping.save(
                bill, item, backgrounds[entry_id], plans[entry_id], befores.get(entry_id)
            )

        def attempt(entry: OdooDocument) -> Json:
            return capture_outcome(partial(outcome, entry), stored.get(f"odoo-{entry.odoo_id}"))

        with ThreadPoolExecutor(_THREADS) as pool:
            outcomes = list(pool.map(attempt, entries))
        for entry, result in zip(entries, outcomes, strict=True):
            tally.add(keys[entry.odoo_company], _named(entry) | result)
        return all(o["outcome"] not in {"not stored", NOT_YET_READ} for o in outcomes)

    def _asked_for(
        self,
        page: Sequence[OdooDocument],
        stored: Mapping[str, Item],
        tally: _Tally,
        keeping: BillWriter,
    ) -> list[OdooDocument]:
        """The documents of our companies, or of the one that is asked for; the others are told."""
        only = tally.request.company
        ours = {c.odoo_company: c.key for c in self.companies.values()}
        wanted = {name for name, key in ours.items() if only in {"", key}}
        for entry in (e for e in page if e.odoo_company not in wanted):
            if not entry.odoo_company:
                why = entry.damage or "it belongs to no company: open and check it in Odoo."
                tally.rows.append(_named(entry) | {"outcome": DAMAGED, "reason": why})
                continue
            if entry.odoo_company not in ours:
                tally.left_alone[entry.odoo_company] += 1
                tally.unknown |= {entry.odoo_company} if entry.state == POSTED else set()
            self._left_alone(entry, stored.get(f"odoo-{entry.odoo_id}"), tally, keeping)
        return [e for e in page if e.odoo_company in wanted]

    def _one_by_one[T](
        self, bills: Iterable[Bill], act: Callable[[list[Bill]], Mapping[str, T]]
    ) -> dict[str, T]:
        """What `act` gives for all; where one of them fails it, for each that does not."""
        bills = list(bills)
        try:
            return dict(act(bills))
        except DAMAGE:
            each = self.faults.each(bills, lambda bill: act([bill]))
            return {entry_id: found for some in each for entry_id, found in some.items()}

    def _late(
        self, entries: Iterable[OdooDocument], asked: Collection[str], keys: Mapping[str, str]
    ) -> list[Json]:
        """The bills that are left alone by their date although they were entered since."""
        left = (e for e in entries if f"odoo-{e.odoo_id}" not in asked)
        found = (late_bill(e, self._go_live(keys[e.odoo_company])) for e in left)
        return [row for row in found if row]

    def _befores(
        self,
        entries: Sequence[OdooDocument],
        bills: Mapping[str, Bill],
        stored: Mapping[str, Item],
        outlook: BatchPlanner,
    ) -> dict[str, Before]:
        """Of the bills that 1.0 stored: what 1.0 would read now, and what it stored.

        What may still be asked about is compared with QuickBooks, too.
        """

        def before(entry: OdooDocument) -> dict[str, Before]:
            entry_id = f"odoo-{entry.odoo_id}"
            item, bill = stored.get(entry_id), bills.get(entry_id)
            if item is None or bill is None or entry.former is None:
                return {}
            if not is_former(item["digest"]):
                return {}
            former = replace(entry.former, documents=bill.documents, unreadable=bill.unreadable)
            if item["status"] in DONE or item["company"] not in self.companies:
                return {entry_id: Before(bill=former)}
            kept = bill_of(item, self.documents.lines(item))
            return {entry_id: Before(bill=former, stored=kept)}

        each = self.faults.each(entries, before)
        found = {entry_id: b for some in each for entry_id, b in some.items()}
        open_ones = [b for b in found.values() if b.stored]
        as_stored = outlook.of([b.stored for b in open_ones if b.stored])
        as_read = outlook.of([b.bill for b in open_ones])
        return {
            i: replace(b, stored_plan=as_stored[i], bill_plan=as_read[i]) if b.stored else b
            for i, b in found.items()
        }

    def _has_time(self) -> bool:
        return self.seconds_left() >= _SECONDS_FOR_A_PAGE

    def _left_alone(
        self, entry: OdooDocument, item: Item | None, tally: _Tally, keeping: BillWriter
    ) -> None:
        """A document of a company that is not ours, or not the one that is asked for.

        One that was ours is withdrawn, unless it is our company that has another name by now.
        """
        company = self.companies.get(item.get("company", "")) if item else None
        is_asked_for = tally.request.company in {"", company.key if company else ""}
        if company and is_asked_for and company.odoo_company in tally.names(self.odoo):
            act = partial(keeping.withdraw, item, "moved")
            tally.add(company.key, _named(entry) | capture_outcome(act, item))
        elif tally.tells_all:
            reason = f"it belongs to {entry.odoo_company}"
            tally.rows.append(_named(entry) | {"outcome": "ignored", "reason": reason})

    def extracted_since(self, key: str) -> date:
        """From which bill date on anybody of a company is asked."""
        return max(self._go_live(key), self.kept_since)

    def _go_live(self, key: str) -> date:
        return self.companies[key].extract_since or self.extract_since

    def _bills(self, entries: Iterable[OdooDocument], stored: Mapping[str, Item]) -> list[Bill]:
        """The bills to compare and to ask about: one from before go-live is not, unless it was.

        Nor is one whose record is damaged: with that nothing can be compared.
        """
        found = []
        for bill in (e.bill for e in entries if e.bill):
            since, item = self.extracted_since(bill.company), stored.get(bill.entry_id)
            too_old = bill.bill_date is not None and bill.bill_date < since
            if (item and not flaw_of(item)) or (item is None and not too_old):
                found.append(bill)
        return found


def _completed(
    files: FileStage, stored: Mapping[str, Item], bills: Sequence[Bill]
) -> dict[str, Bill]:
    """Bills with their documents as they are stored, but for what came once they were posted."""
    return {
        b.entry_id: without_later_files(files.completed(b), stored.get(b.entry_id)) for b in bills
    }


def _named(entry: OdooDocument) -> Json:
    return {"entry_id": f"odoo-{entry.odoo_id}", "bill": entry.odoo_name}
