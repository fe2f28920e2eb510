"""Bring what changed in Odoo into the table: new bills, amended ones, withdrawn ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from odoo_qb import books
from odoo_qb.duplicates import earlier_bills
from odoo_qb.errors import Conflict, Refused
from odoo_qb.files import Files
from odoo_qb.item import stamp
from odoo_qb.keeping import Keeping, tried
from odoo_qb.outlook import Outlook
from odoo_qb.request import Request
from odoo_qb.vanished import find_vanished
from odoo_qb.watermark import position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.books import Changed, Entry
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw
    from odoo_qb.odoo import Odoo
    from odoo_qb.settings import Company
    from odoo_qb.store import Table
    from odoo_qb.watermark import Position

LEASE: Final = timedelta(minutes=6)  # longer than the function may run
_LEASE_TRIES: Final = 24
_LEASE_PAUSE: Final = 5.0  # seconds
_AGAIN: Final = 500  # blocked bills looked at again in one run
_THREADS: Final = 8
_SECONDS_FOR_A_PAGE: Final = 60.0
_NO_NEWS: Final = frozenset({"unchanged", "ignored"})


class Busy(Refused):
    """Another extraction is running; what this one would have found is not lost."""


@dataclass(slots=True)
class _Tally:
    """What a run has met so far."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_alone: Counter[str] = field(default_factory=Counter)
    rows: list[Raw] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def add(self, company: str, outcome: Raw) -> None:
        self.counts.setdefault(company, Counter())[outcome["outcome"]] += 1
        if outcome["outcome"] not in _NO_NEWS:
            self.rows.append(outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a run needs. `seconds_left` is how long it may still take.

    Bills dated before `extract_since` are not asked about, unless they are in the table.
    """

    odoo: Odoo
    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    extract_since: date
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
                report["checked_again"] = self._check_again(now)
        finally:
            spoken = {"speaks": self.odoo.speaks} if self.odoo.speaks else {}
            self.table.write_note(self._note_id, spoken, remove=["lease_until"])
        return report

    def _check_again(self, now: datetime) -> int:
        """Look again at what is blocked, once QuickBooks or the settings are no longer the same.

        Whoever opened the missing account need not wait for the daily run.
        """
        blocked = list(self.table.in_status("VALIDATION_FAILED", until=now))[:_AGAIN]
        if not blocked:
            return 0
        outlook = Outlook(self.table, self.documents, self.companies)
        state = f"{outlook.taken_at()} {sorted(self.companies.items())}"
        checked_with = hashlib.sha256(state.encode()).hexdigest()
        if self.table.read_note(self._note_id).get("checked_with") == checked_with:
            return 0
        ids = tuple(int(i.removeprefix("odoo-")) for i in blocked)
        try:
            self._run(Request(odoo_ids=ids, full=True), now)
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            return 0  # a company was hidden from our user; the daily run tells what it misses
        self.table.write_note(self._note_id, {"checked_with": checked_with})
        return len(ids)

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
        tally, keeping = _Tally(), self._keeping(request, now)
        outlook = Outlook(self.table, self.documents, self.companies)
        found = self._find(request, position)
        known = request.is_plain and position.knows(found)
        ids = [] if known else [c.odoo_id for c in found]
        if request.full and not request.odoo_ids:
            ids += self._vanished(ids, tally, keeping, request.company)
        latest: dict[int, str] = {}
        safe, is_safe = 0, True
        reader = books.Books(self.odoo, {c.odoo_company: c.key for c in self.companies.values()})
        start = 0
        while start < len(ids) and not (start and self.seconds_left() < _SECONDS_FOR_A_PAGE):
            batch = ids[start : start + self.page_size]
            start += len(batch)
            page = reader.page(batch)
            latest |= {e.odoo_id: e.written for e in page}
            is_safe = self._page(page, tally, keeping, outlook, request.company) and is_safe
            safe = start if is_safe else safe
            if request.is_plain:
                position = self._move(position, found, safe, latest, now)
        return {
            "companies": {key: dict(c) for key, c in sorted(tally.counts.items())},
            "left_alone": dict(tally.left_alone),
            "bills": tally.rows,
            "kept": tally.kept,
            "not_found": [i for i in request.odoo_ids if i not in latest],
            "read": len(latest),
            "not_yet_read": len(ids) - start,
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
        dated_from = max(request.since or self.extract_since, self.extract_since)
        search_from = "" if again else position.search_from
        return books.search_changed(self.odoo, watermark=search_from, dated_from=dated_from)

    def _vanished(
        self, listed: Sequence[int], tally: _Tally, keeping: Keeping, only: str
    ) -> list[int]:
        """Withdraw the open bills that Odoo no longer has; the ids of others it did not list."""
        still_there: list[int] = []
        for key, company in self.companies.items():
            if only not in {"", key}:
                continue
            vanished = find_vanished(self.table, self.odoo, company, listed)
            still_there += vanished.still_there
            tally.kept += [vanished.kept] if vanished.kept else []
            for item in self.table.get_many(f"odoo-{i}" for i in vanished.gone).values():
                found = {"entry_id": item["entry_id"], "bill": item["odoo_name"]}
                tally.add(key, found | tried(partial(keeping.withdraw, item, "deleted")))
        return still_there

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
        only: str,
    ) -> bool:
        """Store a page (of the company `only`); whether all of it is safe."""
        keys = {c.odoo_company: c.key for c in self.companies.values()}
        entries = [e for e in page if only in {"", keys.get(e.odoo_company)}]
        tally.left_alone.update(e.odoo_company for e in page if e.odoo_company not in keys)
        entries = [e for e in entries if e.odoo_company in keys]
        stored = self.table.get_many(f"odoo-{e.odoo_id}" for e in entries)
        asked = [e.bill for e in entries if e.bill and self._is_asked(e.bill, stored)]
        files = Files(asked, stored)
        if not keeping.dry_run:
            files.bring(self.odoo, self.documents)
        bills = {b.entry_id: files.completed(b) for b in asked}
        earlier = earlier_bills(self.table, list(bills.values()))
        flights = outlook.of(list(bills.values()))

        def outcome(entry: Entry) -> Raw:
            entry_id = f"odoo-{entry.odoo_id}"
            bill, item = bills.get(entry_id), stored.get(entry_id)
            if entry.state != "posted":
                return keeping.withdraw(item, entry.state)
            if bill is None:
                return {"outcome": "ignored"}
            return keeping.save(bill, item, earlier.get(entry_id, []), flights[entry_id])

        with ThreadPoolExecutor(_THREADS) as pool:
            outcomes = list(pool.map(lambda e: tried(partial(outcome, e)), entries))
        for entry, result in zip(entries, outcomes, strict=True):
            found = {"entry_id": f"odoo-{entry.odoo_id}", "bill": entry.odoo_name}
            tally.add(keys[entry.odoo_company], found | result)
        return all(o["outcome"] != "not stored" for o in outcomes)

    def _is_asked(self, bill: Bill, stored: Mapping[str, Item]) -> bool:
        """Whether anybody is asked about it: a bill from before go-live is not."""
        too_old = bill.bill_date is not None and bill.bill_date < self.extract_since
        return bill.entry_id in stored or not too_old
