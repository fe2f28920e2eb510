"""Post an approved bill to QuickBooks: once, and as it was approved.

claim → look → store the attempt → create → compare the total → attach → POSTED. Whatever
dies on the way is repeated from the claim; the look and the attempt's request id see to it
that repeating creates nothing twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb import ledger, reference
from odoo_qb.attaching import attach_all
from odoo_qb.bill import amount_text, money
from odoo_qb.errors import Conflict, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.item import bill_of, stamp
from odoo_qb.preflight import preflight
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
CLAIMED_SECONDS: Final = 60
SNAPSHOT_AGE: Final = timedelta(hours=24)
_SERVER_LIMIT: Final = timedelta(seconds=150)  # QuickBooks itself gives up after 120
_DUPLICATE: Final = "6140"
_HALF_A_CENT: Final = Decimal("0.005")


class _NotCreated(Exception):  # noqa: N818 - never leaves this module
    """QuickBooks refused the document itself, for good: a next attempt may be made."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


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
        if item["status"] not in {"APPROVED", "POSTING"}:
            return item["status"]
        if company in self.companies and self.quickbooks(company).is_broken():
            return "WAITING"
        work = _Work(poster=self, item=self._claimed(item, message_id), message_id=message_id)
        try:
            status = work.post(last_try=last_try)
        except _Changed as changed:
            status = work.ask_again([str(c) for c in changed.args])
        except _NotCreated as error:
            status = work.fail(error.refusal, outcome=error.refusal.code or "refused")
        except Disconnected as refusal:
            work.wait_for_connection(str(refusal))
            self.disconnected(company, refusal)
            return "WAITING"
        except Refused as refusal:
            status = work.fail(refusal, outcome="")
        except Unavailable:
            work.release()
            raise
        return status

    def _claimed(self, item: Item, message_id: str) -> Item:
        now = self.clock()
        claim = item.get("claim") or {}
        held = item["status"] == "POSTING" and claim.get("until", "") > stamp(now)
        if held and claim.get("message_id") != message_id:
            raise Throttled("Another delivery of this bill is being posted.", CLAIMED_SECONDS)
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

    def post(self, *, last_try: bool) -> Status:
        """From the look to POSTED; raises what stands in the way."""
        poster, item = self.poster, self.item
        company = poster.companies.get(item["company"])
        if company is None:
            raise Refused(f"The company {item['company']} is no longer configured.", code="company")
        if not item["approvals"] or item["approvals"][-1]["digest"] != item["digest"]:
            raise _Changed("What was approved is no longer what would be posted.")
        quickbooks = poster.quickbooks(company.key)
        bill = bill_of(item, poster.documents.lines(item))
        flight = self._preflight(bill, company, quickbooks, item)
        vendor = vendor_id(bill, company, flight, quickbooks, poster.table, poster.clock())
        posting = ledger.posting(bill, flight, vendor)
        found = self._look(bill, posting, quickbooks)
        adopted = found is not None and not item.get("attempts")
        fresh = found is None
        if found is None:
            found = self._create(bill, posting, quickbooks)
        self._compare(bill, posting, found)
        attached, trouble = attach_all(
            bill,
            (posting.entity, str(found["Id"])),
            quickbooks,
            poster.documents,
            fresh=fresh,
            last_try=last_try,
        )
        return self._posted(posting, found, adopted=adopted, attached=attached, trouble=trouble)

    def _preflight(
        self, bill: Bill, company: Company, quickbooks: QuickBooksCompany, item: Item
    ) -> Preflight:
        """What QuickBooks would do now; it must be what the card said."""
        snapshot = self._snapshot(company, quickbooks)
        note_id = f"vendor#{company.key}#{bill.vendor.odoo_id if bill.vendor else ''}"
        flight = preflight(bill, company, snapshot, self.poster.table.read_note(note_id))
        changes = flight.changes(item.get("preflight", {}))
        if changes:
            raise _Changed(*changes)
        if flight.problems:
            raise Refused(flight.problems[0], code="preflight")
        return flight

    def _snapshot(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        poster, now = self.poster, self.poster.clock()
        snapshot = reference.load(poster.documents, company.key)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = reference.sync(quickbooks, poster.documents, company.key, now)
        return snapshot

    def _look(self, bill: Bill, posting: Posting, quickbooks: QuickBooksCompany) -> Raw | None:
        """Our document, if QuickBooks has it; Refused if another one stands in its place.

        An earlier attempt may have had another number and date, if the bill was amended since.
        """
        mark = ledger.marker(bill.entry_id)
        places = {(posting.entity, posting.payload["DocNumber"], posting.payload["TxnDate"])}
        places |= {(a["entity"], a["doc_number"], a["day"]) for a in self.item.get("attempts", ())}
        current = []
        for entity, number, day in sorted(places):
            rows = quickbooks.numbered(entity, number, day)
            ours = [r for r in rows if mark in str(r.get("PrivateNote", ""))]
            if ours:
                self._recognise(posting, entity, ours[0])
                return ours[0]
            if (entity, number) == (posting.entity, posting.payload["DocNumber"]):
                current = rows
        self._refuse_foreign(posting, current)
        return None

    def _recognise(self, posting: Posting, entity: str, found: Raw) -> None:
        """A document with our marker must be this bill, else a person decides."""
        same = (
            entity == posting.entity
            and found.get("VendorRef", {}).get("value") == posting.payload["VendorRef"]["value"]
            and str(found.get("TxnDate", "")) == posting.payload["TxnDate"]
        )
        if not same:
            raise Refused(
                f"QuickBooks has {entity} {found['Id']} for this bill, with another vendor or date:"
                " somebody changed it there, or it is from before the bill was amended. Correct it"
                " there by hand, then link it.",
                code="different",
            )

    def _refuse_foreign(self, posting: Posting, rows: Sequence[Raw]) -> None:
        """The same number of the same vendor, entered by somebody else: not ours to judge."""
        number = posting.payload["DocNumber"].casefold()
        for row in rows:
            same_vendor = (
                row.get("VendorRef", {}).get("value") == (posting.payload["VendorRef"]["value"])
            )
            foreign = "[odoo-" not in str(row.get("PrivateNote", ""))
            if same_vendor and foreign and str(row.get("DocNumber", "")).casefold() == number:
                raise Refused(
                    f"QuickBooks already has {posting.entity} {row['Id']} with the number"
                    f" {posting.payload['DocNumber']} of this vendor, entered by somebody else:"
                    " link it if it is this bill, else correct the reference in Odoo.",
                    code="6140",
                )

    def _create(self, bill: Bill, posting: Posting, quickbooks: QuickBooksCompany) -> Raw:
        """Store the attempt, then make it; after an ambiguous answer make it again, then look.

        The attempt that is still open is repeated with its own bytes and request id.
        """
        attempt = self._attempt(posting)
        for last in (False, True):
            try:
                return quickbooks.create(posting.entity, attempt["body"], attempt["request_id"])
            except Disconnected:
                raise
            except Refused as refusal:
                # The number may be taken by our own document, of a try whose answer was lost.
                found = None
                if refusal.code == _DUPLICATE:
                    found = self._look(bill, posting, quickbooks)
                if found is None:
                    raise _NotCreated(refusal) from refusal
                return found
            except Throttled:
                raise
            except Unavailable:
                if not last:
                    continue
                found = self._look(bill, posting, quickbooks)
                if found is None:
                    raise
                return found
        raise AssertionError  # the last try returns or raises

    def _attempt(self, posting: Posting) -> Raw:
        """The open attempt if it has what was approved, else the next one, stored.

        An open attempt for other content is given up only when QuickBooks can no longer be
        working on it; the look has shown that it came to nothing.
        """
        item = self.item
        attempts: list[Raw] = [dict(a) for a in item.get("attempts", ())]
        now = self.poster.clock()
        if attempts and not attempts[-1]["outcome"]:
            if attempts[-1]["digest"] == item["digest"]:
                return attempts[-1]
            if attempts[-1]["at"] > stamp(now - _SERVER_LIMIT):
                raise Throttled("An earlier try may still be under way.", CLAIMED_SECONDS)
            attempts = _closed(attempts, "absent")
        number = len(attempts) + 1
        attempt: Raw = {
            "number": number,
            "at": stamp(now),
            "request_id": request_id(item["entry_id"], item["digest"], str(number)),
            "digest": item["digest"],
            "entity": posting.entity,
            "doc_number": posting.payload["DocNumber"],
            "day": posting.payload["TxnDate"],
            "body": ledger.to_json(posting.payload),
            "outcome": "",
        }
        self._change("POSTING", {"attempts": [*attempts, attempt]}, show=False)
        return attempt

    def _compare(self, bill: Bill, posting: Posting, found: Raw) -> None:
        total = money(str(found.get("TotalAmt", 0)))
        if abs(total - bill.amount_total) >= _HALF_A_CENT:
            raise Refused(
                f"QuickBooks has {posting.entity} {found['Id']} for this bill with a total of"
                f" {amount_text(total, bill.currency)} instead of"
                f" {amount_text(bill.amount_total, bill.currency)}: correct it there by hand,"
                " then link it.",
                code="total",
            )

    def _posted(
        self,
        posting: Posting,
        found: Raw,
        *,
        adopted: bool,
        attached: list[str],
        trouble: list[str],
    ) -> Status:
        page = "vendorcredit" if posting.entity == "VendorCredit" else "bill"
        to: Status = "ALREADY_IN_QB" if adopted else "POSTED"
        values: Raw = {
            "quickbooks": {
                "type": posting.entity,
                "id": str(found["Id"]),
                "doc_number": str(found.get("DocNumber", "")),
                "url": f"{self.poster.web_url}/app/{page}?txnId={found['Id']}",
                "attachments": attached,
                "not_attached": trouble,
                "posted_at": stamp(self.poster.clock()),
            },
            "attempts": _closed(self.item.get("attempts", ()), "created"),
        }
        return self._change(to, values)

    def fail(self, refusal: Refused, *, outcome: str) -> Status:
        """A definitive no: a person decides what follows. `outcome` closes the open attempt."""
        error = {"code": refusal.code, "message": str(refusal), "tid": refusal.tid}
        values: Raw = {"error": error}
        if outcome:
            values["attempts"] = _closed(self.item.get("attempts", ()), outcome)
        return self._change("POST_FAILED", values, note=str(refusal))

    def ask_again(self, changes: list[str]) -> Status:
        """What would be posted is not what was shown: the decision is asked for again."""
        values: Raw = {
            "approvals": [],
            "changes": changes,
            "preflight": {},
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


def _closed(attempts: Sequence[Raw], outcome: str) -> list[Raw]:
    """The attempts with the open one closed; its bytes are needed no more."""
    return [
        a if a["outcome"] else {k: v for k, v in a.items() if k != "body"} | {"outcome": outcome}
        for a in attempts
    ]


def request_id(*parts: Any) -> str:  # noqa: ANN401 - anything with a text
    """At most 50 characters, the same for the same parts: QuickBooks answers a repeat alike."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()
    return f"oqb-{digest[:40]}"
