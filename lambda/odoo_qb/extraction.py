"""Bring what changed in Odoo into the table: new bills, amended ones, withdrawn ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from odoo_qb import books
from odoo_qb.afterwards import without_later_files
from odoo_qb.background import Background, Surroundings
from odoo_qb.bill import DIGEST_VERSION
from odoo_qb.digest_v1 import is_former
from odoo_qb.errors import Conflict, Refused, Unavailable
from odoo_qb.files import Files
from odoo_qb.item import bill_of, is_blind, stamp
from odoo_qb.judging import Before, is_to_be_judged
from odoo_qb.keeping import DONE, NOT_YET_READ, Keeping, tried
from odoo_qb.outlook import Outlook
from odoo_qb.request import Request
from odoo_qb.vanished import find_vanished
from odoo_qb.watermark import position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.books import Changed
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw
    from odoo_qb.odoo import Odoo
    from odoo_qb.records import Entry
    from odoo_qb.settings import Company
    from odoo_qb.statuses import Status
    from odoo_qb.store import Table
    from odoo_qb.watermark import Position

LEASE: Final = timedelta(minutes=6)  # longer than the function may run
_LEASE_TRIES: Final = 24
_LEASE_PAUSE: Final = 5.0  # seconds
_THREADS: Final = 8
_SECONDS_FOR_A_PAGE: Final = 60.0
_NO_NEWS: Final = frozenset({"unchanged", "ignored", NOT_YET_READ})
_BLIND: Final = "asked_before_quickbooks_was_read"  # whether there may be such bills
_FORM: Final = "form"  # up to which digest version waiting bills were compared
_REOPENED_WITHIN: Final = timedelta(hours=1)  # some runs may fail; the daily one looks at all
_WAITING: Final[tuple[Status, ...]] = ("READY_FOR_APPROVAL", "VALIDATION_FAILED")
_TO_BE_POSTED: Final[tuple[Status, ...]] = ("APPROVED", "POST_FAILED")


class Busy(Refused):
    """Another extraction is running; what this one would have found is not lost."""


@dataclass(slots=True)
class _Tally:
    """What a run has met so far."""

    request: Request
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_alone: Counter[str] = field(default_factory=Counter)
    rows: list[Raw] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    companies: list[str] | None = None
    is_blind: bool = False

    @property
    def waiting(self) -> int:
        """How many were met whose files the run had no time for."""
        return sum(counts[NOT_YET_READ] for counts in self.counts.values())

    def add(self, company: str, outcome: Raw) -> None:
        self.counts.setdefault(company, Counter())[outcome["outcome"]] += 1
        if outcome["outcome"] not in _NO_NEWS or self.tells_all:
            self.rows.append(outcome)

    @property
    def tells_all(self) -> bool:
        """Whether somebody named the bills, and is told of each what became of it."""
        return bool(self.request.odoo_ids) and not self.request.full

    def names(self, odoo: Odoo) -> list[str]:
        """The companies that our user sees in Odoo, which is asked once a run."""
        if self.companies is None:
            self.companies = books.companies(odoo)
        return self.companies


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a run needs. `seconds_left` is how long it may still take.

    Bills dated before `extract_since`, or their company's own, are not asked about, unless they
    are in the table; nor are those from before `kept_since`, which the table may have forgotten.
    """

    odoo: Odoo
    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    extract_since: date
    kept_since: date
    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    page_size: int = books.PAGE_SIZE

    def run(self, request: Request, now: datetime) -> Raw:
        """Read, check and store; returns the counts of what was met, by company.

        A bill that cannot be stored stops the watermark before it, and nothing else.
        """
        if request.dry_run:
            return self._run(request, now)
        self._take_lease(request, now)
        try:
            report = self._run(request, now)
            if request.is_plain:
                report["checked_again"] = self._look_again(report, now)
        finally:
            spoken = {"speaks": self.odoo.speaks} if self.odoo.speaks else {}
            self.table.write_note(self._note_id, spoken, remove=["lease_until"])
        return report

    def _look_again(self, report: Raw, now: datetime) -> int:
        """Read once more what is not new in Odoo and yet not as it should be; returns how many.

        That is what changed in Odoo while it was being posted and then was not, and, once
        QuickBooks or the settings are no longer the same, what they may have blocked: whoever
        opened the missing account need not wait for the daily run.
        """
        amended = self._read_again(self._amended(now), report, now)
        former = self._read_again(self._former(now), report, now)
        state, waiting = self._waiting_for_news(now)
        again = self._read_again(waiting, report, now)
        if again and not again["not_yet_read"]:
            self.table.write_note(self._note_id, {"checked_with": state})
        return sum(int(r["read"]) for r in (amended, former, again) if r)

    def _read_again(self, entry_ids: Sequence[str], report: Raw, now: datetime) -> Raw | None:
        """Add to a run's report what reading these bills gave; None if they were not read.

        None of it is so urgent that its failure were the run's own.
        """
        if not entry_ids or not self._has_time():
            return None
        ids = tuple(int(i.removeprefix("odoo-")) for i in entry_ids)
        try:
            again = self._run(Request(odoo_ids=ids, full=True), now)
        except Unavailable:
            return None
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            return None  # a company was hidden from our user; the daily run tells what it misses
        report["bills"] += again["bills"]
        return again

    def _amended(self, now: datetime) -> list[str]:
        """What is to be posted although it is known to have changed in Odoo meanwhile."""
        ids = [i for s in _TO_BE_POSTED for i in self.table.in_status(s, until=now)]
        outlook = Outlook(self.table, self.documents, self.companies)
        return [
            item["entry_id"]
            for item in self.table.get_many(ids).values()
            if (item["status"] in _TO_BE_POSTED and item.get("amended_after"))
            or (is_to_be_judged(item) and outlook.is_known(item["company"]))
        ]

    def _former(self, now: datetime) -> list[str]:
        """The waiting bills of 1.0 that nobody has compared yet with what is posted now.

        Once there are none, the only ones to come are those that 1.0 knew as rejected, and that
        were reopened since.
        """
        is_over = self.table.read_note(self._note_id).get(_FORM) == DIGEST_VERSION
        since = stamp(now - _REOPENED_WITHIN) if is_over else "0"
        statuses = _WAITING[:1] if is_over else _WAITING
        ids = [i for s in statuses for i in self.table.in_status(s, since=since, until=now)]
        found = [i for i in self.table.get_many(ids).values() if is_to_be_judged(i)]
        if not found and not is_over:
            self.table.write_note(self._note_id, {_FORM: DIGEST_VERSION})
        outlook = Outlook(self.table, self.documents, self.companies)
        return [i["entry_id"] for i in found if outlook.is_known(i["company"])]

    def _waiting_for_news(self, now: datetime) -> tuple[str, list[str]]:
        """What is blocked, or asked about before QuickBooks was read, if there is news since.

        And what that news is known by: all that is known of QuickBooks, and the settings.
        """
        note = self.table.read_note(self._note_id)
        outlook = Outlook(self.table, self.documents, self.companies)
        blocked = list(self.table.in_status("VALIDATION_FAILED", until=now))
        asked = self.table.in_status("READY_FOR_APPROVAL", until=now) if note.get(_BLIND) else ()
        unseen = [item for item in self.table.get_many(asked).values() if is_blind(item)]
        if note.get(_BLIND) and not unseen:
            self.table.write_note(self._note_id, {}, remove=[_BLIND])
        blind = [i["entry_id"] for i in unseen if outlook.is_known(i["company"])]
        if not blocked and not blind:
            return "", []
        told = f"{outlook.taken_at()} {sorted(self.companies.items())}"
        state = hashlib.sha256(told.encode()).hexdigest()
        if note.get("checked_with") == state:
            return state, []
        return state, [*blind, *blocked]

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
                    condition="attribute_not_exists(lease_until) OR lease_until < :now",
                    condition_values={"now": stamp(now)},
                )
            except Conflict:
                if left:
                    self.sleep(_LEASE_PAUSE)
            else:
                return
        raise Busy("Another extraction is running: try again in some minutes.")

    def _run(self, request: Request, now: datetime) -> Raw:
        note = self.table.read_note(self._note_id)
        position = position_of(note)
        # A function that starts anew need not find it out; a full run does, after an upgrade.
        is_all = request.full and not request.odoo_ids
        self.odoo.speaks = None if is_all else self.odoo.speaks or note.get("speaks")
        calls_before = self.odoo.calls
        tally, keeping = _Tally(request=request), self._keeping(request, now)
        outlook = Outlook(self.table, self.documents, self.companies)
        around = Surroundings(table=self.table, companies=self.companies, dry_run=request.dry_run)
        found = self._find(request, position)
        known = request.is_plain and position.knows(found)
        ids = [] if known else [c.odoo_id for c in found]
        age = {i: n for n, i in enumerate(ids)}
        if is_all:
            ids = self._by_need(ids, tally, keeping)
        latest: dict[int, str] = {}
        safe, is_safe = 0, True
        reader = books.Books(self.odoo, {c.odoo_company: c.key for c in self.companies.values()})
        start = 0
        while start < len(ids) and not (start and not self._has_time()):
            batch = ids[start : start + self.page_size]
            start += len(batch)
            page = reader.page(sorted(batch, key=lambda i: age.get(i, -1)))
            latest |= {e.odoo_id: e.written for e in page}
            is_safe = self._page(page, tally, keeping, outlook, around) and is_safe
            safe = start if is_safe else safe
            if request.is_plain:
                position = self._move(position, found, safe, latest, now)
        if tally.is_blind and not request.dry_run:
            self.table.write_note(self._note_id, {_BLIND: True})
        return {
            "companies": {key: dict(c) for key, c in sorted(tally.counts.items())},
            "left_alone": dict(tally.left_alone),
            "bills": tally.rows,
            "kept": tally.kept,
            "not_seen": self._not_seen(tally, is_all=is_all),
            **self._cut(request),
            "not_found": [i for i in request.odoo_ids if i not in latest],
            "read": len(latest),
            "not_yet_read": len(ids) - start + tally.waiting,
            "odoo_calls": self.odoo.calls - calls_before,
        }

    def _keeping(self, request: Request, now: datetime) -> Keeping:
        return Keeping(
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            full=request.full,
            dry_run=request.dry_run,
            now=now,
        )

    def _find(self, request: Request, position: Position) -> Sequence[Changed]:
        if request.odoo_ids:
            return [books.Changed(odoo_id=i) for i in request.odoo_ids]
        again = request.full or request.since is not None or request.company
        first = min((self.extracted_since(key) for key in self.companies), default=date.min)
        dated_from = max(request.since or first, first)
        search_from = "" if again else position.search_from
        return books.search_changed(self.odoo, watermark=search_from, dated_from=dated_from)

    def _cut(self, request: Request) -> Raw:
        """That bills of a date that was asked for are left alone, if there may be such."""
        keys = [request.company] if request.company else sorted(self.companies)
        first = {key: self.extracted_since(key) for key in keys}
        cut = {
            k: day.isoformat() for k, day in first.items() if request.since and day > request.since
        }
        return {"left_alone_before": cut} if cut else {}

    def _by_need(self, listed: list[int], tally: _Tally, keeping: Keeping) -> list[int]:
        """In which order a full run reads, whose time may end: what is open, then the newest.

        On the way the bills that Odoo no longer has are withdrawn; open ones that it did not list
        but still has are read, too.
        """
        first: list[int] = []
        open_ids: set[int] = set()
        for key, company in self.companies.items():
            if tally.request.company not in {"", key}:
                continue
            of_open = find_vanished(self.table, self.odoo, company, listed, "open")
            of_posted = find_vanished(self.table, self.odoo, company, listed, "posted")
            open_ids |= of_open.all_ids
            first += of_open.still_there
            tally.kept += [v.kept for v in (of_open, of_posted) if v.kept]
            gone = (*of_open.gone, *of_posted.gone)
            for item in self.table.get_many(f"odoo-{i}" for i in gone).values():
                found = {"entry_id": item["entry_id"], "bill": item["odoo_name"]}
                tally.add(key, found | tried(partial(keeping.withdraw, item, "deleted")))
        first += [i for i in listed if i in open_ids]
        return [*first, *(i for i in reversed(listed) if i not in open_ids)]

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
        before: Position,
        found: Sequence[Changed],
        safe: int,
        latest: Mapping[int, str],
        now: datetime,
    ) -> Position:
        """Note how far everything is safe."""
        position = before.after(found, safe, latest, now)
        if position != before:
            self.table.write_note(self._note_id, position.note())
        return position

    def _page(
        self,
        page: Sequence[Entry],
        tally: _Tally,
        keeping: Keeping,
        outlook: Outlook,
        around: Surroundings,
    ) -> bool:
        """Store a page (of the company that is asked for); whether all of it is safe."""
        keys = {c.odoo_company: c.key for c in self.companies.values()}
        only = tally.request.company
        stored = self.table.get_many(f"odoo-{e.odoo_id}" for e in page)
        tally.left_alone.update(e.odoo_company for e in page if e.odoo_company not in keys)
        for entry in (e for e in page if e.odoo_company not in keys or only):
            if only not in {"", keys.get(entry.odoo_company)} or entry.odoo_company not in keys:
                self._left_alone(entry, stored.get(f"odoo-{entry.odoo_id}"), tally, keeping)
        entries = [e for e in page if e.odoo_company in keys]
        entries = [e for e in entries if only in {"", keys[e.odoo_company]}]
        asked = [e.bill for e in entries if e.bill and self._is_asked(e.bill, stored)]
        files = Files(asked, stored)
        if not keeping.dry_run:
            files.bring(self.odoo, self.documents, self._has_time)
        bills = {
            b.entry_id: without_later_files(files.completed(b), stored.get(b.entry_id))
            for b in asked
        }
        flights = outlook.of(list(bills.values()))
        backgrounds = around.of(list(bills.values()), flights, outlook.remembered(), stored)
        befores = self._befores(entries, bills, stored, outlook)
        tally.is_blind |= any(not f.snapshot for f in flights.values())

        def outcome(entry: Entry) -> Raw:
            entry_id = f"odoo-{entry.odoo_id}"
            bill, item = bills.get(entry_id), stored.get(entry_id)
            if entry.state != "posted":
                return keeping.withdraw(item, entry.state)
            if bill is None:
                since = self.extracted_since(keys[entry.odoo_company])
                return {"outcome": "ignored", "reason": f"it is dated before {since.isoformat()}"}
            if files.is_waiting(bill):
                return {"outcome": NOT_YET_READ}
            return keeping.save(
                bill,
                item,
                backgrounds.get(entry_id, Background()),
                flights[entry_id],
                befores.get(entry_id),
            )

        with ThreadPoolExecutor(_THREADS) as pool:
            outcomes = list(pool.map(lambda e: tried(partial(outcome, e)), entries))
        for entry, result in zip(entries, outcomes, strict=True):
            tally.add(keys[entry.odoo_company], _named(entry) | result)
        return all(o["outcome"] not in {"not stored", NOT_YET_READ} for o in outcomes)

    def _befores(
        self,
        entries: Sequence[Entry],
        bills: Mapping[str, Bill],
        stored: Mapping[str, Item],
        outlook: Outlook,
    ) -> dict[str, Before]:
        """Of the bills that 1.0 stored: what 1.0 would read now, and what it stored.

        What may still be asked about is compared with QuickBooks, too.
        """
        found: dict[str, Before] = {}
        for entry in entries:
            entry_id = f"odoo-{entry.odoo_id}"
            item, bill = stored.get(entry_id), bills.get(entry_id)
            if item is None or bill is None or entry.former is None:
                continue
            if not is_former(item["digest"]):
                continue
            former = replace(entry.former, documents=bill.documents, unreadable=bill.unreadable)
            found[entry_id] = Before(bill=former)
            if item["status"] not in DONE and item["company"] in self.companies:
                kept = bill_of(item, self.documents.lines(item))
                found[entry_id] = Before(bill=former, stored=kept)
        open_ones = [b for b in found.values() if b.stored]
        as_stored = outlook.of([b.stored for b in open_ones if b.stored])
        as_read = outlook.of([b.bill for b in open_ones])
        return {
            i: replace(b, stored_flight=as_stored[i], bill_flight=as_read[i]) if b.stored else b
            for i, b in found.items()
        }

    def _has_time(self) -> bool:
        return self.seconds_left() >= _SECONDS_FOR_A_PAGE

    def _left_alone(self, entry: Entry, item: Item | None, tally: _Tally, keeping: Keeping) -> None:
        """A document of a company that is not ours, or not the one that is asked for.

        One that was ours is withdrawn, unless it is our company that has another name by now.
        """
        company = self.companies.get(item["company"]) if item else None
        is_asked_for = tally.request.company in {"", company.key if company else ""}
        if company and is_asked_for and company.odoo_company in tally.names(self.odoo):
            tally.add(company.key, _named(entry) | tried(partial(keeping.withdraw, item, "moved")))
        elif tally.tells_all:
            reason = f"it belongs to {entry.odoo_company}"
            tally.rows.append(_named(entry) | {"outcome": "ignored", "reason": reason})

    def extracted_since(self, key: str) -> date:
        """From which bill date on anybody of a company is asked."""
        return max(self.companies[key].extract_since or self.extract_since, self.kept_since)

    def _is_asked(self, bill: Bill, stored: Mapping[str, Item]) -> bool:
        """Whether anybody is asked about it: a bill from before go-live is not."""
        since = self.extracted_since(bill.company)
        too_old = bill.bill_date is not None and bill.bill_date < since
        return bill.entry_id in stored or not too_old


def _named(entry: Entry) -> Raw:
    return {"entry_id": f"odoo-{entry.odoo_id}", "bill": entry.odoo_name}
