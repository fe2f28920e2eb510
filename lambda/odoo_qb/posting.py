"""Post an approved bill to QuickBooks: once, and as it was approved.

claim → look → store the attempt → create → compare the total → attach → POSTED. Whatever
dies on the way is repeated from the claim; the look and the attempt's request id see to it
that repeating creates nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb import ledger, reference
from odoo_qb.attaching import attach_all
from odoo_qb.creation import (
    FOUND,
    WAIT_SECONDS,
    Creation,
    NotCreated,
    closed,
    is_over,
    open_attempt,
    posting_of,
)
from odoo_qb.errors import Conflict, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.item import bill_of, stamp
from odoo_qb.linked import link_as_asked
from odoo_qb.preflight import preflight
from odoo_qb.vendors import note_id, vendor_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill import Bill
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw, Status
    from odoo_qb.ledger import Posting
    from odoo_qb.preflight import Preflight
    from odoo_qb.quickbooks import QuickBooksCompany
    from odoo_qb.reference import Snapshot
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

ACTOR: Final = "poster"
CLAIM: Final = timedelta(minutes=3)  # longer than the function may run
SNAPSHOT_AGE: Final = timedelta(hours=24)
SNAPSHOT_FRESH: Final = timedelta(minutes=1)  # reading it again would tell nothing new
_GONE: Final = frozenset({"610", "2500"})  # what an old snapshot may explain


class _Changed(Exception):  # noqa: N818 - never leaves this module
    """QuickBooks would do something else than the card said; the arguments say what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What posting needs; `quickbooks` gives the connected company for a company key.

    `disconnected` is told of a company that must be connected again, and by what refusal.
    """

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    quickbooks: Callable[[str], QuickBooksCompany]
    disconnected: Callable[[str, Disconnected], None]
    web_url: str
    clock: Callable[[], datetime]

    def post(self, entry_id: str, revision: int, message_id: str, *, last_try: bool = False) -> str:
        """Post one bill; returns its status afterwards, or OUTDATED, or WAITING.

        Raises Unavailable (Throttled) when the message must come again; the claim then is
        free for it. With `last_try` a document that cannot be attached no longer keeps a bill
        from being POSTED. While a company must be connected again its bills wait, APPROVED,
        and their messages are WAITING and cost nothing.
        """
        item = self.table.get(entry_id)
        if item is None or int(item["revision"]) != revision:
            return "OUTDATED"  # amended since: a new decision brings a new message
        company = item["company"]
        if item["status"] == "POST_FAILED" and item.get("link"):
            return link_as_asked(self, item)
        if item["status"] not in {"APPROVED", "POSTING"}:
            return item["status"]
        if company in self.companies and self.quickbooks(company).is_broken():
            return "WAITING"
        return self._post(item, message_id, last_try=last_try)

    def _post(self, item: Item, message_id: str, *, last_try: bool) -> str:
        company = item["company"]
        work = _Work(poster=self, item=self._claimed(item, message_id), message_id=message_id)
        try:
            status = work.post(last_try=last_try)
        except _Changed as changed:
            work.be_certain()
            status = work.ask_again([str(c) for c in changed.args])
        except NotCreated as error:
            status = work.fail(error.refusal, outcome=error.refusal.code or "refused")
        except Disconnected as refusal:
            work.wait_for_connection(str(refusal))
            self.disconnected(company, refusal)
            return "WAITING"
        except Refused as refusal:
            if refusal.code not in FOUND:
                work.be_certain()
            status = work.fail(refusal, outcome="")
        except Unavailable:
            work.release()
            raise
        return status

    def snapshot(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        """What QuickBooks consists of, read again when the last reading is too old."""
        now = self.clock()
        snapshot = reference.load(self.documents, company.key)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = reference.sync(quickbooks, self.documents, company.key, now)
        return snapshot

    def shown(self, entity: str, found: Raw) -> Raw:
        """A document of QuickBooks as the card shows it."""
        return {
            "type": entity,
            "id": str(found["Id"]),
            "doc_number": str(found.get("DocNumber", "")),
            "url": f"{self.web_url}/app/{entity.lower()}?txnId={found['Id']}",
            "posted_at": stamp(self.clock()),
        }

    def _claimed(self, item: Item, message_id: str) -> Item:
        now = self.clock()
        claim = item.get("claim") or {}
        held = item["status"] == "POSTING" and claim.get("until", "") > stamp(now)
        if held and claim.get("message_id") != message_id:
            raise Throttled("Another delivery of this bill is being posted.", WAIT_SECONDS)
        claimed = {"claim": {"message_id": message_id, "until": stamp(now + CLAIM)}}
        try:
            return self.table.change(
                item, to="POSTING", actor=ACTOR, now=now, values=claimed, show=False
            )
        except Conflict as error:
            raise Unavailable("The bill changed while it was being claimed.") from error


@dataclass(slots=True, kw_only=True)
class _Work:
    """The posting of one claimed bill; `item` is the bill as last written or read."""

    poster: Poster
    item: Item
    message_id: str
    snapshot: Snapshot | None = None
    flight: Preflight | None = None

    def post(self, *, last_try: bool) -> Status:
        """From the look to POSTED; raises what stands in the way.

        What QuickBooks refuses because the snapshot was old is tried once more with a new one.
        """
        try:
            return self._once(last_try=last_try)
        except NotCreated as error:
            if error.refusal.code not in _GONE or not self._may_be_outdated():
                raise
            self._store(closed(self.item.get("attempts", ()), error.refusal.code))
            self.snapshot = None
            return self._once(last_try=last_try, read_again=True)

    def _once(self, *, last_try: bool, read_again: bool = False) -> Status:
        poster, item = self.poster, self.item
        company = poster.companies.get(item["company"])
        if company is None:
            raise Refused(f"The company {item['company']} is no longer configured.", code="company")
        if not item["approvals"] or item["approvals"][-1]["digest"] != item["digest"]:
            raise _Changed("What was approved is no longer what would be posted.")
        quickbooks = poster.quickbooks(company.key)
        bill = bill_of(item, poster.documents.lines(item))
        if read_again:
            self.snapshot = self._synced(company, quickbooks)
        earlier, found = open_attempt(item), None
        if earlier:
            creation = self._creation(bill, posting_of(earlier), quickbooks)
            found = creation.look()
        if found is None:
            creation = self._creation(bill, self._posting(bill, company, quickbooks), quickbooks)
            found = creation.look()
        is_adopted = found is not None and not item.get("attempts")
        if found is None:
            found = creation.create()
        creation.compare(found)
        attached, trouble = attach_all(
            bill,
            (creation.posting.entity, str(found["Id"])),
            quickbooks,
            poster.documents,
            fresh=creation.is_first,
            last_try=last_try,
        )
        values: Raw = {
            "quickbooks": {
                **poster.shown(creation.posting.entity, found),
                "attachments": attached,
                "not_attached": trouble,
            },
            "attempts": closed(self.item.get("attempts", ()), "created"),
        }
        return self._change("ALREADY_IN_QB" if is_adopted else "POSTED", values)

    def _creation(self, bill: Bill, posting: Posting, quickbooks: QuickBooksCompany) -> Creation:
        return Creation(
            bill=bill,
            item=self.item,
            posting=posting,
            quickbooks=quickbooks,
            clock=self.poster.clock,
            store=self._store,
        )

    def _posting(self, bill: Bill, company: Company, quickbooks: QuickBooksCompany) -> Posting:
        flight = self._preflight(bill, company, quickbooks)
        vendor = vendor_id(bill, flight, quickbooks, self.poster.table, self.poster.clock())
        if flight.is_foreign and not (flight.payable_id or flight.vendor_id):
            # With the first vendor of a currency QuickBooks opens its payable account.
            self.snapshot = self._synced(company, quickbooks)
            flight = self._preflight(bill, company, quickbooks)
        return ledger.posting(bill, flight, vendor)

    def _preflight(self, bill: Bill, company: Company, quickbooks: QuickBooksCompany) -> Preflight:
        """What QuickBooks would do now; it must be what the card said."""
        poster = self.poster
        remembered = poster.table.read_note(note_id(bill))
        self.snapshot = self.snapshot or poster.snapshot(company, quickbooks)
        flight = preflight(bill, company, self.snapshot, remembered)
        if flight.problems and self._may_be_outdated():
            self.snapshot = self._synced(company, quickbooks)
            flight = preflight(bill, company, self.snapshot, remembered)
        self.flight = flight
        changes = flight.changes(self.item.get("preflight", {}))
        if changes:
            raise _Changed(*changes)
        if flight.problems:
            raise Refused(" ".join(flight.problems), code="preflight")
        return flight

    def _may_be_outdated(self) -> bool:
        old = stamp(self.poster.clock() - SNAPSHOT_FRESH)
        return self.snapshot is None or self.snapshot.taken_at < old

    def _synced(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        poster = self.poster
        return reference.sync(quickbooks, poster.documents, company.key, poster.clock())

    def be_certain(self) -> None:
        """Raise Throttled while an attempt may still become a document: no status fits both."""
        earlier = open_attempt(self.item)
        if earlier and not is_over(earlier, self.poster.clock()):
            self.release()
            raise Throttled("An earlier try may still be under way.", WAIT_SECONDS)

    def fail(self, refusal: Refused, *, outcome: str) -> Status:
        """A definitive no: a person decides what follows. `outcome` closes the open attempt."""
        error = {"code": refusal.code, "message": str(refusal), "tid": refusal.tid}
        values: Raw = {"error": error}
        if outcome:
            values["attempts"] = closed(self.item.get("attempts", ()), outcome)
        return self._change("POST_FAILED", values, note=str(refusal))

    def ask_again(self, changes: list[str]) -> Status:
        """What would be posted is not what was shown: the decision is asked for again."""
        values: Raw = {
            "approvals": [],
            "changes": changes,
            "preflight": self.flight.shown() if self.flight else self.item.get("preflight", {}),
            "revision": int(self.item["revision"]) + 1,
        }
        return self._change("READY_FOR_APPROVAL", values, note=" ".join(changes))

    def wait_for_connection(self, reason: str) -> None:
        """The company is not connected: the bill waits as approved, nothing is burnt."""
        self._change("APPROVED", {}, note=reason)

    def release(self) -> None:
        """Let the next delivery in at once; if this fails, the claim ends by itself."""
        now = stamp(self.poster.clock())
        free = {"claim": {"message_id": self.message_id, "until": now}}
        self._change("POSTING", free, show=False)

    def _store(self, attempts: Sequence[Raw]) -> Item:
        self._change("POSTING", {"attempts": attempts}, show=False)
        return self.item

    def _change(
        self, to: Status, values: Mapping[str, object], *, show: bool = True, note: str = ""
    ) -> Status:
        """Write on top of whatever else was written to our bill meanwhile.

        While a bill is POSTING under our claim nobody else may move it, but a later change of
        it in Odoo may be noted; then the write is done on the newer version.
        """
        for _ in range(5):
            now = self.poster.clock()
            try:
                self.item = self.poster.table.change(
                    self.item, to=to, actor=ACTOR, now=now, values=values, show=show, note=note
                )
            except Conflict:
                self._read_again()
                continue
            return to
        raise Unavailable("The bill changes faster than it can be posted.")

    def _read_again(self) -> None:
        item = self.poster.table.get(self.item["entry_id"])
        claim = (item.get("claim") or {}) if item else {}
        if not item or item["status"] != "POSTING" or claim.get("message_id") != self.message_id:
            raise Unavailable("Somebody else has taken over the posting of this bill.")
        self.item = item
