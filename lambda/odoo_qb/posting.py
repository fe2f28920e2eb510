"""Post an approved bill to QuickBooks: once, and as it was approved.

claim → look → store the attempt → create → compare the total → attach → POSTED. Whatever
dies on the way is repeated from the claim; the look and the attempt's request id see to it
that repeating creates nothing twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb import ledger, reference
from odoo_qb.bill import amount_text, money
from odoo_qb.errors import Conflict, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.item import bill_of, stamp
from odoo_qb.quickbooks import UPLOAD_BYTES, UPLOAD_TYPES, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.bill import Bill, Document
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw, Status
    from odoo_qb.ledger import Posting
    from odoo_qb.quickbooks import QuickBooksCompany
    from odoo_qb.reference import Snapshot
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

ACTOR: Final = "poster"
CLAIM: Final = timedelta(minutes=3)  # longer than the function may run
SNAPSHOT_AGE: Final = timedelta(hours=24)
_CENT: Final = Decimal("0.005")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What posting needs; `quickbooks` gives the connected company for a company key."""

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    quickbooks: Callable[[str], QuickBooksCompany]
    web_url: str
    clock: Callable[[], datetime]

    def post(self, entry_id: str, revision: int, message_id: str) -> str:
        """Post one bill; returns its status afterwards.

        Raises Unavailable (Throttled) when the message must come again; the claim then is
        free for it.
        """
        item = self.table.get(entry_id)
        if item is None or int(item["revision"]) != revision:
            return "OUTDATED"  # amended since: a new decision brings a new message
        if item["status"] not in {"APPROVED", "POSTING"}:
            return item["status"]
        item = self._claim(item, message_id)
        try:
            return self._post(item)
        except Refused as refusal:
            if isinstance(refusal, Disconnected):
                return self._back(entry_id, refusal)
            return self._failed(entry_id, refusal)
        except Unavailable:
            self._release(entry_id, message_id)
            raise

    def _claim(self, item: Item, message_id: str) -> Item:
        now = self.clock()
        claim = item.get("claim") or {}
        held = item["status"] == "POSTING" and claim.get("until", "") > stamp(now)
        if held and claim.get("message_id") != message_id:
            raise Throttled("Another delivery of this bill is being posted.", 60)
        claimed = {"claim": {"message_id": message_id, "until": stamp(now + CLAIM)}}
        try:
            return self.table.change(
                item, to="POSTING", actor=ACTOR, now=now, values=claimed, show=False
            )
        except Conflict as error:
            raise Unavailable("The bill changed while it was being claimed.") from error

    def _release(self, entry_id: str, message_id: str) -> None:
        """Let the next delivery in at once; if this fails, the claim ends by itself."""
        item = self.table.get(entry_id)
        if item and item["status"] == "POSTING":
            free = {"claim": {"message_id": message_id, "until": stamp(self.clock())}}
            self._change(entry_id, "POSTING", free, show=False)

    def _post(self, item: Item) -> Status:
        if not item.get("approvals") or item["approvals"][-1]["digest"] != item["digest"]:
            raise Refused("What was approved is no longer what would be posted.", code="digest")
        company = self.companies.get(item["company"])
        if company is None:
            raise Refused(f"The company {item['company']} is no longer configured.", code="company")
        quickbooks = self.quickbooks(company.key)
        bill = bill_of(item, self.documents.lines(item))
        posting = self._posting(bill, company, quickbooks)
        adopted = not item.get("attempts")  # what is found then was not made by a try of ours
        found = self._find(bill, posting, quickbooks)
        if found is None:
            adopted = False
            item, attempt = self._attempt(item, posting)
            found = quickbooks.create(posting.entity, attempt["body"], attempt["request_id"])
            self._compare(bill, posting, found)
            attached: list[str] = []
        else:
            attached = _names(quickbooks.attachments(posting.entity, str(found["Id"])))
        attached += self._attach(bill, posting, quickbooks, str(found["Id"]), attached)
        return self._posted(item, posting, found, attached, adopted=adopted)

    def _posting(self, bill: Bill, company: Company, quickbooks: QuickBooksCompany) -> Posting:
        snapshot = self._snapshot(company, quickbooks)
        accounts = ledger.account_ids(bill, snapshot, company)
        vendor_id = self._vendor(bill, company, snapshot, quickbooks)
        return ledger.posting(bill, vendor_id=vendor_id, accounts=accounts)

    def _snapshot(self, company: Company, quickbooks: QuickBooksCompany) -> Snapshot:
        now = self.clock()
        snapshot = reference.load(self.documents, company.key)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = reference.sync(quickbooks, self.documents, company.key, now)
        return snapshot

    def _vendor(
        self, bill: Bill, company: Company, snapshot: Snapshot, quickbooks: QuickBooksCompany
    ) -> str:
        """QuickBooks' vendor for the bill: remembered, else found by its exact name, else new."""
        if bill.vendor is None:
            raise Refused("The bill has no vendor.", code="vendor")
        note_id = f"vendor#{company.key}#{bill.vendor.odoo_id}"
        known = self.table.read_note(note_id).get(f"id_{bill.currency}")
        if known:
            return str(known)
        home = snapshot.home_currency or bill.company_currency
        name = ledger.vendor_name(bill.vendor, bill.currency, home)
        vendor_id = _exact(quickbooks, name) or self._new_vendor(bill, name, quickbooks)
        self.table.write_note(note_id, {f"id_{bill.currency}": vendor_id})
        return vendor_id

    def _new_vendor(self, bill: Bill, name: str, quickbooks: QuickBooksCompany) -> str:
        payload: Raw = {"DisplayName": name, "CurrencyRef": {"value": bill.currency}}
        if bill.vendor and "@" in bill.vendor.email:
            payload["PrimaryEmailAddr"] = {"Address": bill.vendor.email[:100]}
        try:
            created = quickbooks.create(
                "Vendor", ledger.to_json(payload), _request_id("vendor", name, bill.company)
            )
        except Refused as refusal:
            if refusal.code != "6240":
                raise
            raise Refused(
                f"QuickBooks has a customer, an employee or an inactive vendor called {name}:"
                " rename that one or make it active, then retry.",
                code="6240",
                tid=refusal.tid,
            ) from refusal
        return str(created["Id"])

    def _find(self, bill: Bill, posting: Posting, quickbooks: QuickBooksCompany) -> Raw | None:
        """Our document, if QuickBooks has it; Refused if another one stands in its place."""
        rows = quickbooks.find(posting)
        ours = [r for r in rows if ledger.marker(bill.entry_id) in str(r.get("PrivateNote", ""))]
        if ours:
            self._compare(bill, posting, ours[0])
            return ours[0]
        vendor_id = posting.payload["VendorRef"]["value"]
        number = posting.payload["DocNumber"]
        for row in rows:
            same_vendor = row.get("VendorRef", {}).get("value") == vendor_id
            foreign = "[odoo-" not in str(row.get("PrivateNote", ""))
            if same_vendor and foreign and row.get("DocNumber") == number:
                raise Refused(
                    f"QuickBooks already has {posting.entity} {row['Id']} with the number"
                    f" {number} of this vendor, entered by somebody else: close this one if it"
                    " is the same bill, else correct the reference in Odoo.",
                    code="6140",
                )
        return None

    def _attempt(self, item: Item, posting: Posting) -> tuple[Item, Raw]:
        """The attempt that is still open, repeated as it was; else the next one, stored."""
        attempts = list(item.get("attempts", ()))
        if attempts and not attempts[-1]["outcome"]:
            return item, attempts[-1]
        number = len(attempts) + 1
        attempt: Raw = {
            "number": number,
            "request_id": _request_id(item["entry_id"], item["digest"], str(number)),
            "digest": item["digest"],
            "body": ledger.to_json(posting.payload),
            "outcome": "",
        }
        stored = self._change(
            item["entry_id"], "POSTING", {"attempts": [*attempts, attempt]}, show=False
        )
        return stored, attempt

    def _compare(self, bill: Bill, posting: Posting, found: Raw) -> None:
        total = money(str(found.get("TotalAmt", 0)))
        if abs(total - bill.amount_total) >= _CENT:
            raise Refused(
                f"QuickBooks has {posting.entity} {found['Id']} for this bill with a total of"
                f" {amount_text(total, bill.currency)} instead of"
                f" {amount_text(bill.amount_total, bill.currency)}: correct it there by hand.",
                code="total",
            )

    def _attach(
        self,
        bill: Bill,
        posting: Posting,
        quickbooks: QuickBooksCompany,
        document_id: str,
        attached: Sequence[str],
    ) -> list[str]:
        """Upload what is not attached yet, within QuickBooks' limits."""
        files = [
            (d, self.documents.read(d))
            for d in attachable(bill.documents)
            if d.name not in attached
        ]
        if not files:
            return []
        names = ",".join(d.sha256 for d, _ in files)
        request_id = _request_id(bill.entry_id, document_id, names)
        answers = quickbooks.attach(posting.entity, document_id, files, request_id)
        return _names(answers)

    def _posted(
        self, item: Item, posting: Posting, found: Raw, attached: list[str], *, adopted: bool
    ) -> Status:
        now = self.clock()
        page = "vendorcredit" if posting.entity == "VendorCredit" else "bill"
        to: Status = "ALREADY_IN_QB" if adopted else "POSTED"
        values: Raw = {
            "quickbooks": {
                "type": posting.entity,
                "id": str(found["Id"]),
                "doc_number": str(found.get("DocNumber", "")),
                "url": f"{self.web_url}/app/{page}?txnId={found['Id']}",
                "attachments": attached,
                "posted_at": stamp(now),
            },
            "attempts": _closed(item.get("attempts", ()), "created"),
        }
        return self._change(item["entry_id"], to, values)["status"]

    def _failed(self, entry_id: str, refusal: Refused) -> Status:
        item = self._now(entry_id)
        error = {"code": refusal.code, "message": str(refusal), "tid": refusal.tid}
        values = {"error": error, "attempts": _closed(item.get("attempts", ()), refusal.code)}
        return self._change(entry_id, "POST_FAILED", values, note=str(refusal))["status"]

    def _back(self, entry_id: str, refusal: Disconnected) -> Status:
        """The company is not connected: the bill waits as approved, nothing is burnt."""
        company = self._now(entry_id)["company"]
        connection = {"state": "NEEDS_RECONNECT", "reason": str(refusal), "at": stamp(self.clock())}
        self.table.write_note(f"connection#{company}", connection)
        return self._change(entry_id, "APPROVED", {}, note=str(refusal))["status"]

    def _now(self, entry_id: str) -> Item:
        item = self.table.get(entry_id)
        if item is None:
            raise Unavailable(f"{entry_id} is not in the table.")
        return item

    def _change(
        self,
        entry_id: str,
        to: Status,
        values: Mapping[str, object],
        *,
        show: bool = True,
        note: str = "",
    ) -> Item:
        """Write on top of whatever else was written to our bill meanwhile.

        While a bill is POSTING nobody else may move it, but Odoo's later change of it may be
        noted; then the write is done on the newer version.
        """
        for _ in range(5):
            item = self._now(entry_id)
            if item["status"] != "POSTING":
                break
            try:
                return self.table.change(
                    item, to=to, actor=ACTOR, now=self.clock(), values=values, show=show, note=note
                )
            except Conflict:
                continue
        raise Unavailable("The bill changed while it was being posted.")


def attachable(documents: Sequence[Document]) -> list[Document]:
    """The documents QuickBooks takes, each content once, within 100 MB in all."""
    chosen: dict[str, Document] = {}
    size = 0
    for document in documents:
        ending = document.name.rpartition(".")[2].lower()
        allowed = ending in UPLOAD_TYPES or document.type == "application/pdf"
        if not allowed or document.sha256 in chosen or size + document.size > UPLOAD_BYTES:
            continue
        chosen[document.sha256] = document
        size += document.size
    return list(chosen.values())


def _exact(quickbooks: QuickBooksCompany, name: str) -> str:
    """The id of the vendor of exactly this name; QuickBooks itself compares without case."""
    statement = f"select * from Vendor where DisplayName = '{quoted(name)}'"  # noqa: S608 - no SQL
    rows = quickbooks.query(statement)
    exact = [r for r in rows if str(r.get("DisplayName", "")).casefold() == name.casefold()]
    return str(exact[0]["Id"]) if exact else ""


def _closed(attempts: Sequence[Raw], outcome: str) -> list[Raw]:
    """The attempts with the open one closed; its bytes are needed no more."""
    return [
        a if a["outcome"] else {k: v for k, v in a.items() if k != "body"} | {"outcome": outcome}
        for a in attempts
    ]


def _names(rows: Sequence[Any]) -> list[str]:
    return [str(row.get("FileName", "")) for row in rows]


def _request_id(*parts: str) -> str:
    """At most 50 characters, the same for the same parts."""
    digest = hashlib.sha256("|".join(parts).encode()).hexdigest()
    return f"oqb-{digest[:40]}"
