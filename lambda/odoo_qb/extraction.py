"""Bring what changed in Odoo into the table: new bills, amended ones, withdrawn ones."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import checks, odoo
from odoo_qb.checks import Earlier
from odoo_qb.documents import is_pdf
from odoo_qb.errors import Conflict, Refused
from odoo_qb.item import content, document_of, stamp
from odoo_qb.store import history_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.bill import Bill, Document
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw, Status
    from odoo_qb.odoo import Entry, Odoo
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

ACTOR: Final = "extractor"
LOOKBACK: Final = timedelta(minutes=15)  # Odoo's write_date is when a transaction began
LEASE: Final = timedelta(minutes=6)  # longer than the function may run
_THREADS: Final = 8
_SECONDS_FOR_A_PAGE: Final = 60.0
_DONE: Final = frozenset({"POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run is asked for. Only a plain run (all defaults) moves the watermark."""

    company: str = ""
    since: date | None = None
    odoo_ids: tuple[int, ...] = ()
    full: bool = False
    dry_run: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether this run is the schedule's: everything since the last one."""
        return self == Request()


def request_of(event: Mapping[str, object], companies: Mapping[str, Company]) -> Request:
    """The request in an invocation's payload; Refused with one sentence if it is none."""
    known = {"company", "since", "entry_ids", "full", "dry_run"}
    unknown = sorted(set(event) - known)
    if unknown:
        raise Refused(f"{unknown[0]} is not known here: use {', '.join(sorted(known))}.")
    company = event.get("company") or ""
    if company not in {"", *companies}:
        raise Refused(f"There is no company {company}: it is one of {', '.join(companies)}.")
    for flag in ("full", "dry_run"):
        if not isinstance(event.get(flag, False), bool):
            raise Refused(f"{flag} is true or false.")
    return Request(
        company=str(company),
        since=_since(event.get("since")),
        odoo_ids=_ids(event.get("entry_ids")),
        full=bool(event.get("full")),
        dry_run=bool(event.get("dry_run")),
    )


def _since(value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Refused(f"since is a bill date like 2026-01-31, not {value}.") from None


def _ids(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    numbers = [str(n).removeprefix("odoo-") for n in names]
    if not numbers or not all(n.isdecimal() for n in numbers):
        raise Refused('entry_ids is a list like ["odoo-42"].')
    return tuple(int(n) for n in numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a run needs. `seconds_left` is how long it may still take."""

    odoo: Odoo
    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    extract_since: date
    seconds_left: Callable[[], float]

    def run(self, request: Request, now: datetime) -> Raw:
        """Read, check and store; returns the counts of what was met, by company.

        A bill that cannot be stored stops the watermark before it, and nothing else.
        """
        note_id = f"watermark#{self.odoo.database}"
        if not request.dry_run:
            self._take_lease(note_id, now)
        try:
            return self._run(request, note_id, now)
        finally:
            if not request.dry_run:
                self.table.write_note(note_id, {}, remove=["lease_until"])

    def _take_lease(self, note_id: str, now: datetime) -> None:
        try:
            self.table.write_note(
                note_id,
                {"lease_until": stamp(now + LEASE)},
                condition="attribute_not_exists(lease_until) OR lease_until < :now",
                condition_values={"now": stamp(now)},
            )
        except Conflict:
            raise Refused("Another extraction is running: try again in some minutes.") from None

    def _run(self, request: Request, note_id: str, now: datetime) -> Raw:
        watermark = str(self.table.read_note(note_id).get("written", ""))
        calls_before = self.odoo.calls
        keys = {c.odoo_company: c.key for c in self.companies.values()}
        ids = self._ids(request, watermark)
        counts: dict[str, Counter[str]] = {key: Counter() for key in self.companies}
        left_alone: Counter[str] = Counter()
        rows: list[Raw] = []
        seen = safe = 0
        for page in odoo.Books(self.odoo, keys).pages(ids):
            if self.seconds_left() < _SECONDS_FOR_A_PAGE and seen:
                break
            seen += len(page)
            wanted = []
            for entry in page:
                key = keys.get(entry.odoo_company)
                if key is None:
                    left_alone[entry.odoo_company] += 1
                elif request.company in {"", key}:
                    wanted.append(entry)
            outcomes = self._page(wanted, keys, request, now)
            for entry, outcome in zip(wanted, outcomes, strict=True):
                counts[keys[entry.odoo_company]][outcome["outcome"]] += 1
                rows.append(outcome)
            if request.is_plain and safe == seen - len(page):
                safe += self._move_watermark(note_id, page, outcomes, watermark)
        return {
            "companies": {key: dict(c) for key, c in counts.items() if c},
            "left_alone": dict(left_alone),
            "bills": [r for r in rows if r["outcome"] not in {"unchanged", "ignored"}],
            "read": seen,
            "not_yet_read": len(ids) - seen,
            "odoo_calls": self.odoo.calls - calls_before,
        }

    def _ids(self, request: Request, watermark: str) -> Sequence[int]:
        if request.odoo_ids:
            return request.odoo_ids
        again = request.full or request.since is not None or request.company
        back = "" if again or not watermark else _earlier(watermark)
        dated_from = max(request.since or self.extract_since, self.extract_since)
        return odoo.search_changed(self.odoo, watermark=back, dated_from=dated_from)

    def _move_watermark(
        self, note_id: str, page: Sequence[Entry], outcomes: Sequence[Raw], watermark: str
    ) -> int:
        """Note how far everything is safe; returns how many documents of the page are."""
        if any(o["outcome"] == "not stored" for o in outcomes):
            return 0
        written = max((e.written for e in page), default="")
        if written > watermark:
            self.table.write_note(note_id, {"written": written})
        return len(page)

    def _page(
        self, entries: Sequence[Entry], keys: Mapping[str, str], request: Request, now: datetime
    ) -> list[Raw]:
        """One outcome for each entry, in their order."""
        stored = self.table.get_many(f"odoo-{e.odoo_id}" for e in entries)
        bills = self._with_documents(
            [e.bill for e in entries if e.bill and self._is_asked(e.bill, stored)],
            stored,
            keep=not request.dry_run,
        )
        earlier = self._earlier_bills(list(bills.values()))

        def outcome(entry: Entry) -> Raw:
            entry_id = f"odoo-{entry.odoo_id}"
            found: Raw = {"entry_id": entry_id, "bill": entry.odoo_name}
            bill = bills.get(entry_id)
            company = self.companies[keys[entry.odoo_company]]
            try:
                if entry.state != "posted":
                    return found | self._withdraw(stored.get(entry_id), entry, request, now)
                if bill is None:
                    return found | {"outcome": "ignored"}
                return found | self._save(
                    bill, stored.get(entry_id), earlier.get(entry_id, []), company, request, now
                )
            except (Conflict, BotoCoreError, ClientError) as error:
                return found | {"outcome": "not stored", "reason": type(error).__name__}

        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(outcome, entries))

    def _is_asked(self, bill: Bill, stored: Mapping[str, Item]) -> bool:
        """Whether anybody is asked about it: a bill from before go-live is not."""
        too_old = bill.bill_date is not None and bill.bill_date < self.extract_since
        return bill.entry_id in stored or not too_old

    def _with_documents(
        self, bills: Sequence[Bill], stored: Mapping[str, Item], *, keep: bool
    ) -> dict[str, Bill]:
        """The bills with their files stored, by entry_id.

        A file already stored under the same Odoo id and checksum is not read again.
        """
        files = _Files(bills, stored)
        with ThreadPoolExecutor(_THREADS) as pool:
            pending = [
                pool.submit(files.keep, self.documents, document, data)
                for document, data in odoo.read_files(self.odoo, files.missing() if keep else ())
            ]
        for future in pending:
            future.result()
        return {b.entry_id: files.completed(b) for b in bills}

    def _earlier_bills(self, bills: Sequence[Bill]) -> dict[str, list[Earlier]]:
        """Other bills of the same company, vendor and reference met before each bill."""
        numbered = [b for b in bills if _reference_id(b)]
        notes = self.table.get_many(_reference_id(b) for b in numbered)
        holders = {note_id: sorted(note.get("bills", ())) for note_id, note in _raw(notes)}
        items = self.table.get_many(
            i
            for b in numbered
            for i in holders.get(_reference_id(b), ())
            if b.entry_id not in holders[_reference_id(b)]
        )
        seen = {i: _earlier_of(item) for i, item in items.items()}
        found: dict[str, list[Earlier]] = {}
        for bill in numbered:
            holding = holders.setdefault(_reference_id(bill), [])
            before = holding
            if bill.entry_id in holding:  # met before: later ones were warned of this one
                before = [i for i in holding if _number(i) < bill.odoo_id]
            else:
                holding.append(bill.entry_id)
            found[bill.entry_id] = [seen[i] for i in before if i in seen and i != bill.entry_id]
            seen[bill.entry_id] = Earlier(
                entry_id=bill.entry_id,
                odoo_name=bill.odoo_name,
                amount_total=bill.amount_total,
                currency=bill.currency,
            )
        return found

    def _save(
        self,
        bill: Bill,
        item: Item | None,
        earlier: Sequence[Earlier],
        company: Company,
        request: Request,
        now: datetime,
    ) -> Raw:
        fields = content(bill)
        if item and item["digest"] == fields["digest"] and item["status"] != "WITHDRAWN":
            return {"outcome": "unchanged"}
        if item and item["status"] in _DONE:
            return self._note_change(item, str(fields["digest"]), request, now)
        problems = checks.problems(bill)
        fields["problems"] = list(problems)
        fields["warnings"] = list(checks.warnings(bill, earlier=earlier, today=now.date()))
        fields["nothing_to_post"] = checks.nothing_to_post(bill, company)
        status: Status = "VALIDATION_FAILED" if problems else "READY_FOR_APPROVAL"
        outcome = {
            "outcome": "blocked" if problems else "ready",
            "total": f"{bill.amount_total:f} {bill.currency}",
            "problems": fields["problems"],
            "warnings": fields["warnings"],
        }
        if request.dry_run:
            return outcome
        if not all(d.sha256 for d in bill.documents):
            return {"outcome": "not stored", "reason": "its files could not be stored"}
        if fields["lines_key"]:
            self.documents.keep_lines(bill, fields["lines_key"])
        if item is None:
            self.table.put_new(_first(fields, bill, status, now), _reference_id(bill))
        else:
            values = {**fields, "revision": int(item["revision"]) + 1, "approvals": []}
            self.table.change(
                item,
                to=status,
                actor=ACTOR,
                now=now,
                values=values,
                note="changed in Odoo",
                reference_id=_reference_id(bill),
            )
        return outcome

    def _withdraw(self, item: Item | None, entry: Entry, request: Request, now: datetime) -> Raw:
        """A draft or cancelled document: only one that was asked about is of interest."""
        if item is None or item["status"] == "WITHDRAWN":
            return {"outcome": "ignored"}
        if item["status"] in _DONE:
            return self._note_change(item, entry.state, request, now)
        if not request.dry_run:
            note = f"is {entry.state} in Odoo"
            self.table.change(
                item, to="WITHDRAWN", actor=ACTOR, now=now, values={"approvals": []}, note=note
            )
        return {"outcome": "withdrawn"}

    def _note_change(self, item: Item, what: str, request: Request, now: datetime) -> Raw:
        """Changed after it was decided for good: say so, post nothing."""
        if item.get("amended_after") == what:
            return {"outcome": "unchanged"}
        if not request.dry_run:
            note = "changed in Odoo afterwards"
            values = {"amended_after": what}
            self.table.change(item, actor=ACTOR, now=now, values=values, note=note)
        return {"outcome": "changed afterwards"}


def _first(fields: Item, bill: Bill, status: Status, now: datetime) -> Item:
    """A bill's item as it is first stored; only one that can be decided is owed a card."""
    item: Item = {
        **fields,
        "entry_id": bill.entry_id,
        "status": status,
        "revision": 1,
        "version": 1,
        "approvals": [],
        "cards": [],
        "attempts": [],
        "created_at": stamp(now),
        "updated_at": stamp(now),
        "history": [history_entry([], now, ACTOR, "", status, fields["digest"])],
    }
    if status == "READY_FOR_APPROVAL":
        item["card_due"] = 1
    return item


class _Files:
    """The files of a page of bills: which are stored already, which are being stored."""

    def __init__(self, bills: Sequence[Bill], stored: Mapping[str, Item]) -> None:
        self._bills = bills
        self._known = {b.entry_id: _known_documents(stored.get(b.entry_id)) for b in bills}
        self._owner = {d.odoo_id: b for b in bills for d in b.documents}
        self._kept: dict[int, Document] = {}
        self._broken: dict[int, str] = {}

    def missing(self) -> list[Document]:
        """The documents whose bytes are to be read from Odoo."""
        return [
            d
            for b in self._bills
            for d in b.documents
            if (d.odoo_id, d.checksum) not in self._known[b.entry_id]
        ]

    def keep(self, documents: Documents, document: Document, data: bytes | None) -> None:
        """Store one; a PDF by name that is none by content is an ordinary file."""
        bill = self._owner[document.odoo_id]
        if data is None:
            self._broken[document.odoo_id] = document.name
            return
        if document.type == "application/pdf" and not is_pdf(data):
            document = replace(document, type="application/octet-stream")
        main = bill.documents[0].odoo_id == document.odoo_id and document.type == "application/pdf"
        try:
            self._kept[document.odoo_id] = documents.keep(bill, document, data, main=main)
        except (BotoCoreError, ClientError):
            return  # left without a hash, by which the bill is seen to be incomplete

    def completed(self, bill: Bill) -> Bill:
        """The bill with its documents as they are stored."""
        known = self._known[bill.entry_id]
        broken = [self._broken[d.odoo_id] for d in bill.documents if d.odoo_id in self._broken]
        if broken:
            sentence = f"The file {broken[0]} could not be read from Odoo: attach it there again."
            return replace(bill, unreadable=sentence)
        documents = tuple(
            known.get((d.odoo_id, d.checksum)) or self._kept.get(d.odoo_id, d)
            for d in bill.documents
        )
        return replace(bill, documents=documents)


def _known_documents(item: Item | None) -> dict[tuple[int, str], Document]:
    documents = [document_of(d) for d in item["documents"]] if item else []
    return {(d.odoo_id, d.checksum): d for d in documents if d.sha256}


def _number(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))


def _raw(items: Mapping[str, Any]) -> list[tuple[str, Raw]]:
    return list(items.items())


def _earlier_of(item: Item) -> Earlier:
    return Earlier(
        entry_id=item["entry_id"],
        odoo_name=item["odoo_name"],
        amount_total=item["amount_total"],
        currency=item["currency"],
    )


def _reference_id(bill: Bill) -> str:
    """The note under which bills of one company, vendor and reference meet; "" without one."""
    number = checks.normalised_reference(bill.bill_reference)
    if not number or bill.vendor is None:
        return ""
    return f"reference#{bill.company}#{bill.vendor.odoo_id}#{number}"


def _earlier(watermark: str) -> str:
    """The watermark less the look-back, in the form Odoo compares with."""
    instant = datetime.strptime(watermark, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) - LOOKBACK
    return f"{instant:%Y-%m-%d %H:%M:%S}"
