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

from aws_lambda_powertools import Logger

from odoo_qb.bill.delays import is_held, is_known
from odoo_qb.bill.digest_v1 import is_unjudged
from odoo_qb.bill.item import bill_of, digests
from odoo_qb.bill.open_attempt import finishes_as_stored, is_decided_anew, open_attempt
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.errors import Altered, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.mapping.preflight import preflight
from odoo_qb.posting import payload
from odoo_qb.posting.attachments import attach_all
from odoo_qb.posting.attempts import closed, is_over, posting_of, under_way
from odoo_qb.posting.claim import Claim
from odoo_qb.posting.creation import FOUND, Creation, NotCreated
from odoo_qb.posting.delays import note_trouble
from odoo_qb.posting.later_files import attach_as_asked
from odoo_qb.posting.linking import link_as_asked
from odoo_qb.posting.vendors import vendor_id
from odoo_qb.quickbooks import deep_links, sync
from odoo_qb.quickbooks.error_codes import GONE
from odoo_qb.sentences import few
from odoo_qb.store.vendor_notes import note_id
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Raw
    from odoo_qb.mapping.plan import Preflight
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.client import QuickBooksCompany
    from odoo_qb.quickbooks.snapshot import Snapshot
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

logger = Logger(child=True)

WAIT_SECONDS: Final = 60
SNAPSHOT_AGE: Final = timedelta(hours=24)
SNAPSHOT_FRESH: Final = timedelta(minutes=1)  # reading it again would tell nothing new


class _Changed(Exception):  # noqa: N818 - never leaves this module
    """QuickBooks would do something else than the card said; the arguments say what."""


class _Amended(Exception):  # noqa: N818 - never leaves this module
    """Odoo has another content by now, and QuickBooks has none: this one is not made any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What posting needs; `quickbooks` gives the connected company for a company key.

    `disconnected` is told of a company that must be connected again, and by what refusal; `alarm`
    mails its subject and text to whoever runs this.
    """

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    quickbooks: Callable[[str], QuickBooksCompany]
    disconnected: Callable[[str, Disconnected], None]
    alarm: Callable[[str, str], None]
    web_url: str
    clock: Callable[[], datetime]

    def post(  # noqa: PLR0911 - each reason to leave a bill alone is a line
        self, entry_id: str, revision: int, message_id: str, *, last_try: bool = False
    ) -> str:
        """Post one bill; returns its status afterwards, or OUTDATED, AMENDED or WAITING.

        Raises Unavailable (Throttled) when the message must come again; the claim then is
        free for it. With `last_try` a document that cannot be attached no longer keeps a bill
        from being POSTED. While a company must be connected again its bills wait as they are,
        and their messages are WAITING and cost nothing. Nothing is begun for a bill that is
        known to have changed in Odoo: AMENDED ones wait for the extractor, which reads them again.
        """
        item = self.table.get(entry_id)
        if item is None or int(item["revision"]) != revision:
            return "OUTDATED"  # amended since: a new decision brings a new message
        company = item["company"]
        is_asked_to_link = item["status"] == "POST_FAILED" and item.get("link")
        is_asked_to_attach = item["status"] in IN_QUICKBOOKS and item.get("attach")
        is_asked = is_asked_to_link or is_asked_to_attach
        if item["status"] not in {"APPROVED", "POSTING"} and not is_asked:
            return item["status"]
        is_broken = company in self.companies and self.quickbooks(company).is_broken()
        is_left = item["status"] == "APPROVED" and is_amended(item) and not open_attempt(item)
        if is_broken or is_left:
            return "WAITING" if is_broken else "AMENDED"
        try:
            if is_asked_to_link:
                return link_as_asked(self, item)
            if is_asked_to_attach:
                return attach_as_asked(self, item, message_id, last_try=last_try)
            return self._post(item, message_id, last_try=last_try)
        except Disconnected as refusal:
            self.disconnected(company, refusal)
            return "WAITING"

    def note_trouble(self, entry_id: str, message_id: str, reason: str) -> bool:
        """Note why a bill did not get to QuickBooks; whether it was in trouble before this message.

        Such a one gives way: its company's other bills do not wait behind its next tries.
        """
        item = self.table.get(entry_id)
        if item is None or item["status"] not in {"APPROVED", "POSTING"}:
            return False
        note_trouble(self.table, item, message_id, reason, self.clock())
        return is_known(item, message_id)

    def _post(  # noqa: C901 - what a posting may end with is a line each
        self, item: Item, message_id: str, *, last_try: bool
    ) -> str:
        self._wait_for_others(item, message_id)
        claim = Claim(table=self.table, clock=self.clock, message_id=message_id, item=item)
        work = _Work(poster=self, claim=claim, began=self.clock())
        if is_unjudged(item) and not finishes_as_stored(item) and item["company"] in self.companies:
            return self._left_to_be_judged(claim)
        try:
            if item["status"] == "POSTING" or item.get("attempts"):
                claim.take()
            status = work.post(last_try=last_try)
        except _Changed as changed:
            work.be_certain()
            status = work.ask_again([str(c) for c in changed.args])
        except _Amended:
            work.be_certain()
            status = work.hand_back()
        except NotCreated as error:
            status = work.fail(error.refusal, outcome=error.refusal.code or "refused")
        except Disconnected as refusal:
            work.wait_for_connection(str(refusal))
            raise
        except Refused as refusal:
            if refusal.code not in FOUND:
                work.be_certain()
            if isinstance(refusal, Altered):
                work.tell_of_alteration(str(refusal))
            status = work.fail(refusal, outcome="")
        except Unavailable:
            claim.release()
            raise
        return status

    def _left_to_be_judged(self, claim: Claim) -> str:
        """A bill that 1.0 stored: the extractor first sees whether it is still posted as shown.

        For that it needs to know what QuickBooks consists of. One that 1.0 left half-way, with
        nothing sent, waits as approved.
        """
        item = claim.item
        if item["status"] == "POSTING":
            claim.change("APPROVED", {}, note="to be compared with what is posted now")
        company = self.companies[item["company"]]
        self.snapshot(company, self.quickbooks(company.key))
        return "AMENDED"

    def bill(self, item: Item) -> Bill:
        """The bill as it was approved, with all its lines; Altered where it is another by now.

        The digest is made of the content again: whoever changed an amount in the table, or a line
        in S3, left the digest and the approval as they were.
        """
        rows = self.documents.lines(item)
        if rows == []:
            raise Refused(
                "The lines of this bill are gone from S3.",
                remedy=f"Restore {item['lines_key']} there, then retry; or enter the bill in"
                " QuickBooks by hand and close it here.",
                code="lines",
            )
        bill = bill_of(item, rows)
        if item["digest"] not in digests(bill, item["digest"]):
            raise Altered(
                "The content of this bill is not what was approved: it was changed past Odoo and"
                " this system. Nothing was sent.",
                remedy="Tell whoever runs this. Once the bill changes in Odoo, approval will be"
                " requested again; or enter it in QuickBooks by hand and close it here.",
                code="altered",
            )
        return bill

    def snapshot(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        """What QuickBooks consists of, read again when the last reading is too old."""
        now = self.clock()
        snapshot = sync.load(self.documents, company)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = self.synced(company, quickbooks)
        return snapshot

    def synced(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        """What QuickBooks consists of, read now."""
        now = self.clock()
        found = sync.sync(quickbooks, self.documents, company.key, now)
        return sync.with_country(found, company)

    def note_of(self, bill: Bill) -> Raw:
        """What the table remembers of the bill's vendor."""
        return self.table.read_note(note_id(bill)) if bill.vendor else {}

    def shown(self, entity: str, found: Raw, realm_id: str) -> Raw:
        """A document of a QuickBooks company as the card shows it."""
        return {
            "type": entity,
            "id": str(found["Id"]),
            "doc_number": str(found.get("DocNumber", "")),
            "url": deep_links.build(self.web_url, realm_id, entity, str(found["Id"])),
            "posted_at": stamp(self.clock()),
        }

    def tell_of_alteration(self, item: Item, said: str) -> None:
        """Mail that what is stored of a bill was changed past this system."""
        logger.error("altered", entry_id=item["entry_id"], company=item["company"], reason=said)
        self.alarm(
            f"{item['company']}: a bill was changed past this system",
            f"{item['odoo_name']} ({item['entry_id']}): {said} See who may write to the table and"
            f' the bucket, and ask for the bill\'s story with {{"audit": "{item["entry_id"]}"}}.',
        )

    def _wait_for_others(self, item: Item, message_id: str) -> None:
        is_mine = (item.get("claim") or {}).get("message_id") == message_id
        if is_held(item, self.clock()) and not is_mine:
            raise Throttled("Another delivery of this bill is being posted.", WAIT_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Work:
    """The posting of one bill under its claim."""

    poster: Poster
    claim: Claim
    began: datetime  # before QuickBooks was looked at
    snapshot: Snapshot | None = None
    flight: Preflight | None = None

    @property
    def item(self) -> Item:
        """The bill as last written or read."""
        return self.claim.item

    def post(self, *, last_try: bool) -> Status:
        """From the look to POSTED; raises what stands in the way.

        What QuickBooks refuses because the snapshot was old is tried once more with a new one.
        """
        try:
            return self._once(last_try=last_try)
        except NotCreated as error:
            is_stored = is_unjudged(self.item)  # its bytes are 1.0's, and nobody made others
            if error.refusal.code not in GONE or is_stored or not self._may_be_outdated():
                raise
            self.claim.store(closed(self.item.get("attempts", ()), error.refusal.code))
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
        bill = poster.bill(item)
        if read_again:
            self.snapshot = self.poster.synced(company, quickbooks)
        earlier, found = open_attempt(item), None
        if earlier:
            self._check_realm(earlier, company)
        if earlier and not is_decided_anew(earlier, item):
            creation = self._creation(bill, posting_of(earlier, poster.documents, bill), quickbooks)
            found = creation.look(for_others=False)
        if found is None and is_amended(item):
            raise _Amended
        if found is None and not (earlier and is_unjudged(item)):
            creation = self._creation(bill, self._posting(bill, company, quickbooks), quickbooks)
            found = creation.look()
            unseen = [s for s in creation.similar if s not in item.get("changes", ())]
            if found is None and unseen:  # who approves again has seen it, and may know better
                raise _Changed(*unseen)
        is_adopted = found is not None and not item.get("attempts")
        if found is None:
            found = creation.create()
        self.claim.take()  # what is adopted has no attempt that did it
        creation.compare(found)
        attached, trouble = attach_all(
            bill,
            (creation.posting.entity, str(found["Id"])),
            quickbooks,
            poster.documents,
            fresh=creation.is_first,
            last_try=last_try,
            altered=self.tell_of_alteration,
        )
        values: Raw = {
            "quickbooks": {
                **poster.shown(creation.posting.entity, found, quickbooks.realm_id),
                "attachments": attached,
                "not_attached": trouble,
            },
            "attempts": closed(self.item.get("attempts", ()), "created"),
        }
        return self.claim.change("ALREADY_IN_QB" if is_adopted else "POSTED", values)

    def _creation(self, bill: Bill, posting: Posting, quickbooks: QuickBooksCompany) -> Creation:
        return Creation(
            bill=bill,
            item=self.item,
            posting=posting,
            quickbooks=quickbooks,
            clock=self.poster.clock,
            store=self.claim.store,
            documents=self.poster.documents,
            is_brief=is_known(self.item, self.claim.message_id),
        )

    def _check_realm(self, attempt: Raw, company: Company) -> None:
        """Where an earlier try went is where the bill may be: a company may change its realm."""
        if attempt["realm"] != company.realm_id:
            elsewhere = Refused(
                f"An earlier try to post this bill went to another QuickBooks company (realm"
                f" {attempt['realm']}), and nobody knows what came of it.",
                remedy=f"Look for the number {attempt['doc_number']} there and delete it, then"
                " retry.",
                code="realm",
            )
            raise NotCreated(elsewhere)

    def _posting(self, bill: Bill, company: Company, quickbooks: QuickBooksCompany) -> Posting:
        flight = self._preflight(bill, company, quickbooks)
        vendor = vendor_id(bill, flight, quickbooks, self.poster.table, self.poster.clock())
        if flight.is_foreign and not (flight.payable_id or flight.vendor_id):
            # With the first vendor of a currency QuickBooks opens its payable account.
            self.snapshot = self.poster.synced(company, quickbooks)
            flight = self._preflight(bill, company, quickbooks)
        return payload.posting(bill, flight, vendor)

    def _preflight(self, bill: Bill, company: Company, quickbooks: QuickBooksCompany) -> Preflight:
        """What QuickBooks would do now; it must be what the card said."""
        poster = self.poster
        note = poster.note_of(bill)
        self.snapshot = self.snapshot or poster.snapshot(company, quickbooks)
        flight = preflight(bill, company, self.snapshot, note)
        if flight.problems and self._may_be_outdated():
            self.snapshot = self.poster.synced(company, quickbooks)
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

    def be_certain(self) -> None:
        """Raise Throttled while an attempt may still become a document: no status fits both."""
        earlier = open_attempt(self.item)
        if earlier and not is_over(earlier, self.began):
            self.claim.release()
            raise under_way(earlier, self.poster.clock())

    def fail(self, refusal: Refused, *, outcome: str) -> Status:
        """A definitive no: a person decides what follows. `outcome` closes the open attempt."""
        values: Raw = {"error": refusal.as_error()}
        log_refusal(self.item, refusal)
        if outcome:
            values["attempts"] = closed(self.item.get("attempts", ()), outcome)
        return self.claim.change("POST_FAILED", values, note=str(refusal))

    def tell_of_alteration(self, said: str) -> None:
        """Mail that what is stored of the bill was changed past this system."""
        self.poster.tell_of_alteration(self.item, said)

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
        return self.claim.change("READY_FOR_APPROVAL", values, note=" ".join(changes))

    def hand_back(self) -> Status:
        """Odoo has another content by now: the extractor reads it and asks about that one."""
        earlier, values = open_attempt(self.item), dict[str, object]()
        if earlier and not is_decided_anew(earlier, self.item):  # it was looked for
            values["attempts"] = closed(self.item["attempts"], "absent")
        return self.claim.change("APPROVED", values, note="changed in Odoo: to be read again")

    def wait_for_connection(self, reason: str) -> None:
        """The company is not connected: the bill waits as approved, nothing is burnt."""
        self.claim.change("APPROVED", {}, note=reason)


def log_refusal(item: Item, refusal: Refused) -> None:
    """For whoever asks Intuit's support, or us: by what a bill was stopped, and its trace id."""
    logger.warning(
        "refused",
        entry_id=item["entry_id"],
        company=item["company"],
        code=refusal.code,
        tid=refusal.tid,
        reason=str(refusal),
    )


def is_amended(item: Item) -> bool:
    """Whether the bill is known to have changed in Odoo since it was approved."""
    return bool(item.get("amended_after"))
