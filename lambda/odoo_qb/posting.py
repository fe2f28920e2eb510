"""Post an approved bill to QuickBooks: once, and as it was approved.

look → claim and store the attempt → create → compare the total → attach → POSTED. The claim is
conditional on the bill as it was read before the look, so nobody else can have made anything
since. A bill that was tried before is claimed before the look. Whatever dies on the way is
repeated; the look and the attempt's request id see to it that this creates nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb import ledger, reference
from odoo_qb.attaching import attach_all
from odoo_qb.checks import few
from odoo_qb.creation import (
    FOUND,
    WAIT_SECONDS,
    Creation,
    NotCreated,
    closed,
    is_over,
    posting_of,
    under_way,
)
from odoo_qb.errors import Conflict, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.item import bill_of, open_attempt, stamp
from odoo_qb.linking import link_as_asked
from odoo_qb.preflight import preflight
from odoo_qb.remembered import note_id
from odoo_qb.vendors import vendor_id

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
        from being POSTED. While a company must be connected again its bills wait as they are,
        and their messages are WAITING and cost nothing.
        """
        item = self.table.get(entry_id)
        if item is None or int(item["revision"]) != revision:
            return "OUTDATED"  # amended since: a new decision brings a new message
        company = item["company"]
        is_asked_to_link = item["status"] == "POST_FAILED" and item.get("link")
        if item["status"] not in {"APPROVED", "POSTING"} and not is_asked_to_link:
            return item["status"]
        if company in self.companies and self.quickbooks(company).is_broken():
            return "WAITING"
        try:
            if is_asked_to_link:
                return link_as_asked(self, item)
            return self._post(item, message_id, last_try=last_try)
        except Disconnected as refusal:
            self.disconnected(company, refusal)
            return "WAITING"

    def _post(self, item: Item, message_id: str, *, last_try: bool) -> str:
        self._wait_for_others(item, message_id)
        work = _Work(poster=self, item=item, message_id=message_id, began=self.clock())
        try:
            if item["status"] == "POSTING" or item.get("attempts"):
                work.claim()
            status = work.post(last_try=last_try)
        except _Changed as changed:
            work.be_certain()
            status = work.ask_again([str(c) for c in changed.args])
        except NotCreated as error:
            status = work.fail(error.refusal, outcome=error.refusal.code or "refused")
        except Disconnected as refusal:
            work.wait_for_connection(str(refusal))
            raise
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
        snapshot = reference.load(self.documents, company)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = reference.sync(quickbooks, self.documents, company.key, now)
        return snapshot

    def note_of(self, bill: Bill) -> Raw:
        """What the table remembers of the bill's vendor."""
        return self.table.read_note(note_id(bill)) if bill.vendor else {}

    def shown(self, entity: str, found: Raw) -> Raw:
        """A document of QuickBooks as the card shows it."""
        return {
            "type": entity,
            "id": str(found["Id"]),
            "doc_number": str(found.get("DocNumber", "")),
            "url": f"{self.web_url}/app/{entity.lower()}?txnId={found['Id']}",
            "posted_at": stamp(self.clock()),
        }

    def _wait_for_others(self, item: Item, message_id: str) -> None:
        claim = item.get("claim") or {}
        held = item["status"] == "POSTING" and claim.get("until", "") > stamp(self.clock())
        if held and claim.get("message_id") != message_id:
            raise Throttled("Another delivery of this bill is being posted.", WAIT_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Work:
    """The posting of one bill; `item` is the bill as last written or read.

    Until it `is_claimed`, somebody else may write to the bill, and then it is not posted here.
    """

    poster: Poster
    item: Item
    message_id: str
    began: datetime  # before QuickBooks was looked at
    is_claimed: bool = False
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
            self._check_realm(earlier, company)
            creation = self._creation(bill, posting_of(earlier, poster.documents), quickbooks)
            found = creation.look()
        if found is None:
            creation = self._creation(bill, self._posting(bill, company, quickbooks), quickbooks)
            found = creation.look()
        is_adopted = found is not None and not item.get("attempts")
        if found is None:
            found = creation.create()
        self.claim()  # what is adopted has no attempt that did it
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
            documents=self.poster.documents,
        )

    def _check_realm(self, attempt: Raw, company: Company) -> None:
        """Where an earlier try went is where the bill may be: a company may change its realm."""
        if attempt["realm"] != company.realm_id:
            said = (
                f"An earlier try to post this bill went to another QuickBooks company (realm"
                f" {attempt['realm']}), and nobody knows what came of it: look for the number"
                f" {attempt['doc_number']} there and delete it, then retry."
            )
            raise NotCreated(Refused(said, code="realm"))

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
        note = poster.note_of(bill)
        self.snapshot = self.snapshot or poster.snapshot(company, quickbooks)
        flight = preflight(bill, company, self.snapshot, note)
        if flight.problems and self._may_be_outdated():
            self.snapshot = self._synced(company, quickbooks)
            flight = preflight(bill, company, self.snapshot, note)
        self.flight = flight
        if flight.problems:
            raise Refused(" ".join(flight.problems), code="preflight")
        changes = flight.changes(self.item.get("preflight", {}))
        if changes:
            raise _Changed(*changes)
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
        if earlier and not is_over(earlier, self.began):
            self.release()
            raise under_way(earlier, self.poster.clock())

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
            "revision": int(self.item["revision"]) + 1,
        }
        if self.flight:
            outdated = self.item.get("preflight", {}).get("warnings", ())
            own = [w for w in self.item["warnings"] if w not in outdated]
            values["warnings"] = few([*own, *self.flight.warnings])
            values["preflight"] = self.flight.shown()
        return self._change("READY_FOR_APPROVAL", values, note=" ".join(changes))

    def wait_for_connection(self, reason: str) -> None:
        """The company is not connected: the bill waits as approved, nothing is burnt."""
        self._change("APPROVED", {}, note=reason)

    def claim(self) -> None:
        """Keep everybody else from the bill until it is posted or the claim ends."""
        if not self.is_claimed:
            self._claim_with({})

    def _claim_with(self, values: Mapping[str, object]) -> None:
        """Claim the bill as it was read: whoever wrote to it since was faster."""
        now = self.poster.clock()
        claim = {"message_id": self.message_id, "until": stamp(now + CLAIM)}
        claimed = {**values, "claim": claim}
        try:
            self.item = self.poster.table.change(
                self.item, to="POSTING", actor=ACTOR, now=now, values=claimed, show=False
            )
        except Conflict as error:
            raise Unavailable("The bill changed while it was being claimed.") from error
        self.is_claimed = True

    def release(self) -> None:
        """Let the next delivery in at once; if this fails, the claim ends by itself."""
        if not self.is_claimed:
            return
        now = stamp(self.poster.clock())
        free = {"claim": {"message_id": self.message_id, "until": now}}
        self._change("POSTING", free, show=False)

    def _store(self, attempts: Sequence[Raw]) -> Item:
        if self.is_claimed:
            self._change("POSTING", {"attempts": attempts}, show=False)
        else:
            self._claim_with({"attempts": attempts})
        return self.item

    def _change(
        self, to: Status, values: Mapping[str, object], *, show: bool = True, note: str = ""
    ) -> Status:
        """Write on top of whatever else was written to our bill meanwhile.

        While a bill is POSTING under our claim nobody else may move it, but a later change of
        it in Odoo may be noted; then the write is done on the newer version.
        """
        self.claim()
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
