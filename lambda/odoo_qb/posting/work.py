"""One posting of an approved bill, from the first look to POSTED, under its claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.bill.delays import is_known
from odoo_qb.bill.item import is_unjudged
from odoo_qb.bill.open_attempt import is_decided_anew, open_attempt
from odoo_qb.errors import Refused
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.posting import payload
from odoo_qb.posting.attachments import attach_all
from odoo_qb.posting.attempts import closed, is_over, posting_of, under_way
from odoo_qb.posting.creation import DocumentCreation, NotCreated
from odoo_qb.posting.lookup import DocumentLookup
from odoo_qb.posting.vendors import vendor_id
from odoo_qb.quickbooks.error_codes import GONE
from odoo_qb.sentences import shorten
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.posting.claim import Claim
    from odoo_qb.posting.context import PostingContext
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.quickbooks.snapshot import Snapshot


logger = Logger(child=True)

SNAPSHOT_FRESH: Final = timedelta(minutes=1)  # reading it again would show nothing new


class Changed(Exception):  # noqa: N818 - never leaves this package
    """QuickBooks would book something else than the card said; the arguments say what."""


class Amended(Exception):  # noqa: N818 - never leaves this package
    """The bill changed in Odoo and QuickBooks does not have it: this content is not posted."""


@dataclass(slots=True, kw_only=True)
class PostingAttempt:
    """The posting of one bill under its claim."""

    context: PostingContext
    claim: Claim
    began: datetime  # before the first look in QuickBooks
    snapshot: Snapshot | None = None
    plan: PostingPlan | None = None

    @property
    def item(self) -> Item:
        """The bill as last written or read."""
        return self.claim.item

    def post(self, *, last_try: bool) -> Status:
        """Post, from the first look to POSTED; raises what prevents it.

        If QuickBooks refuses because the snapshot is outdated, it is tried once with a new one.
        """
        try:
            return self._once(last_try=last_try)
        except NotCreated as error:
            is_stored = is_unjudged(self.item)  # the bytes are from 1.0; there are no others
            if error.refusal.code not in GONE or is_stored or not self._may_be_outdated():
                raise
            self.claim.store(closed(self.item.get("attempts", ()), error.refusal.code))
            self.snapshot = None
            return self._once(last_try=last_try, read_again=True)

    def _once(self, *, last_try: bool, read_again: bool = False) -> Status:
        context, item = self.context, self.item
        company = context.companies.get(item["company"])
        if company is None:
            raise Refused(
                f"The company {item['company']} is no longer configured. Tell the operator.",
                code="company",
            )
        if not item["approvals"] or item["approvals"][-1]["digest"] != item["digest"]:
            raise Changed("The approved version is no longer the one that would be posted.")
        quickbooks = context.quickbooks(company.key)
        bill = context.bill(item)
        if read_again:
            self.snapshot = self.context.synced(company, quickbooks)
        earlier, found = open_attempt(item), None
        if earlier:
            self._check_realm(earlier, company)
        if earlier and not is_decided_anew(earlier, item):
            creation = self._creation(
                bill, posting_of(earlier, context.documents, bill), quickbooks
            )
            found = creation.look(for_others=False)
        if found is None and is_amended(item):
            raise Amended
        if found is None and not (earlier and is_unjudged(item)):
            creation = self._creation(bill, self._posting(bill, company, quickbooks), quickbooks)
            found = creation.look()
            unseen = [s for s in creation.lookup.similar if s not in item.get("changes", ())]
            if found is None and unseen:  # who approves again has seen the warning
                raise Changed(*unseen)
        is_adopted = found is not None and not item.get("attempts")
        if found is None:
            found = creation.create()
        self.claim.take()  # a document that is adopted has no attempt
        creation.lookup.compare(found)
        attached, trouble = attach_all(
            bill,
            (creation.posting.entity, str(found["Id"])),
            quickbooks,
            context.documents,
            fresh=creation.is_first,
            last_try=last_try,
            altered=self.mail_alteration,
        )
        values: Json = {
            "quickbooks": {
                **context.shown(creation.posting.entity, found, quickbooks.realm_id),
                "attachments": attached,
                "not_attached": trouble,
            },
            "attempts": closed(self.item.get("attempts", ()), "created"),
        }
        return self.claim.change("ALREADY_IN_QB" if is_adopted else "POSTED", values)

    def _creation(
        self, bill: Bill, posting: Posting, quickbooks: QuickBooksClient
    ) -> DocumentCreation:
        return DocumentCreation(
            lookup=DocumentLookup(bill=bill, posting=posting, quickbooks=quickbooks),
            item=self.item,
            clock=self.context.clock,
            store=self.claim.store,
            documents=self.context.documents,
            is_brief=is_known(self.item, self.claim.message_id),
        )

    def _check_realm(self, attempt: Json, company: Company) -> None:
        """Raise Refused if an earlier attempt went to another realm, which may have the bill."""
        if attempt["realm"] != company.realm_id:
            elsewhere = Refused(
                "An earlier attempt to post this bill went to another QuickBooks company"
                f" (realm {attempt['realm']}), and its outcome is unknown.",
                remedy=f"Look there for number {attempt['doc_number']} and delete it, then retry.",
                code="realm",
            )
            raise NotCreated(elsewhere)

    def _posting(self, bill: Bill, company: Company, quickbooks: QuickBooksClient) -> Posting:
        plan = self._preflight(bill, company, quickbooks)
        vendor = vendor_id(bill, plan, quickbooks, self.context.table, self.context.clock())
        if plan.is_foreign and not (plan.payable_id or plan.vendor_id):
            # With the first vendor in a currency QuickBooks creates its payable account.
            self.snapshot = self.context.synced(company, quickbooks)
            plan = self._preflight(bill, company, quickbooks)
        return payload.posting(bill, plan, vendor)

    def _preflight(self, bill: Bill, company: Company, quickbooks: QuickBooksClient) -> PostingPlan:
        """The plan made now; it must be what the card said."""
        context = self.context
        note = context.note_of(bill)
        self.snapshot = self.snapshot or context.snapshot(company, quickbooks)
        plan = plan_posting(bill, company, self.snapshot, note)
        if plan.problems and self._may_be_outdated():
            self.snapshot = self.context.synced(company, quickbooks)
            plan = plan_posting(bill, company, self.snapshot, note)
        self.plan = plan
        if plan.problems:
            raise Refused(" ".join(plan.problems), code="preflight")
        changes = plan.changes(self.item.get("preflight", {}))
        if changes:
            raise Changed(*changes)
        return plan

    def _may_be_outdated(self) -> bool:
        old = stamp(self.context.clock() - SNAPSHOT_FRESH)
        return self.snapshot is None or self.snapshot.taken_at < old

    def be_certain(self) -> None:
        """Raise Throttled while an attempt may still become a document."""
        earlier = open_attempt(self.item)
        if earlier and not is_over(earlier, self.began):
            self.claim.release()
            raise under_way(earlier, self.context.clock())

    def fail(self, refusal: Refused, *, outcome: str) -> Status:
        """Store a definitive refusal, for a person to decide. `outcome` closes the open attempt."""
        values: Json = {"error": refusal.as_error()}
        log_refusal(self.item, refusal)
        if outcome:
            values["attempts"] = closed(self.item.get("attempts", ()), outcome)
        return self.claim.change("POST_FAILED", values, note=str(refusal))

    def mail_alteration(self, reason: str) -> None:
        """Mail that the stored bill was changed outside this system."""
        self.context.mail_alteration(self.item, reason)

    def ask_again(self, changes: list[str]) -> Status:
        """Request approval again, because what would be posted differs from the card."""
        values: Json = {
            "approvals": [],
            "changes": changes,
            "revision": int(self.item["revision"]) + 1,
        }
        if self.plan:
            outdated = self.item.get("preflight", {}).get("warnings", ())
            own = [w for w in self.item["warnings"] if w not in outdated]
            values["warnings"] = shorten([*own, *self.plan.warnings])
            values["preflight"] = self.plan.shown()
        return self.claim.change("READY_FOR_APPROVAL", values, note=" ".join(changes))

    def hand_back(self) -> Status:
        """Return the bill to the extractor, because it changed in Odoo."""
        earlier, values = open_attempt(self.item), dict[str, object]()
        if earlier and not is_decided_anew(earlier, self.item):  # it was looked up
            values["attempts"] = closed(self.item["attempts"], "absent")
        return self.claim.change("APPROVED", values, note="changed in Odoo: to be read again")

    def wait_for_connection(self, reason: str) -> None:
        """Let the bill wait as approved, because the company is not connected."""
        self.claim.change("APPROVED", {}, note=reason)


def log_refusal(item: Item, refusal: Refused) -> None:
    """Log why a bill was refused, with the trace id for Intuit's support."""
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
