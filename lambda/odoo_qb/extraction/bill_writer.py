"""What becomes of one bill in the table: stored, amended, withdrawn, or only compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import sentences
from odoo_qb.bill import authors, checks, digest_v1
from odoo_qb.bill.changes import as_named_before, changes
from odoo_qb.bill.history import history_entry
from odoo_qb.bill.item import bill_of, content, digests, is_too_large, lacks_quickbooks_data
from odoo_qb.bill.late_changes import added_files, afterwards
from odoo_qb.bill.model import DIGEST_VERSION, Bill, amount_text, iso
from odoo_qb.extraction.upgrade import FORM, READ, form_differs, is_to_be_judged, posted_otherwise
from odoo_qb.mapping.plan import PostingPlan
from odoo_qb.mapping.vendor import stays_payee
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.background import Background
    from odoo_qb.extraction.upgrade import Before
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

ACTOR: Final = "extractor"
_JUDGED: Final = "stored by version 1.0, and posted otherwise now"
_NAME: Final = 100
_STATES: Final = {"moved": "belongs to another company"}  # others are Odoo's own: "is cancel"
NOT_YET_READ: Final = "not yet read"  # the outcome where the run had no time for a bill's files
DONE: Final = frozenset({"POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"})
_CLOSED: Final = DONE | {"REJECTED"}
# What an earlier decision or failure left, and a new question must not show.
_AFTERWARDS: Final = ("amended_after", "amended_changes", "added_files")
_UNDONE: Final = ("decided_by", "decided_at", "rejection_reason", "error", "trouble")
_DECISION: Final = (*_UNDONE, *_AFTERWARDS)
_TOLD: Final = 5  # of what changed afterwards


@dataclass(frozen=True, slots=True, kw_only=True)
class BillWriter:
    """What keeping needs. `full` checks blocked bills again, `dry_run` writes nothing.

    Each method answers with an outcome: {"outcome": "ready"} and so on.
    """

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    full: bool
    dry_run: bool
    now: datetime

    def save(
        self,
        bill: Bill,
        item: Item | None,
        around: Background,
        plan: PostingPlan,
        before: Before | None = None,
    ) -> Json:
        """Store what is new or was amended in a posted bill, and ask about it.

        The vendor's name is part of what is approved only while QuickBooks has no such vendor:
        a renamed one must not have all its bills asked about again. `before` is the same bill as
        version 1.0 knew it.
        """
        fields = content(bill, vendor_is_known=bool(plan.vendor_id))
        if is_too_large({**fields, "preflight": plan.shown()}):
            bill, plan, before = _without_texts(bill), PostingPlan(), None
            fields = content(bill)
        is_same = item is not None and self._is_same(bill, item, plan, before)
        if item and self._is_decided(bill, item, is_same=is_same):
            known = item.get("amended_after", "")  # which stands while Odoo cannot be read
            change = known if bill.unreadable else "" if is_same else str(fields["digest"])
            if before and known in digests(before.bill, known):
                change = known
            difference = self._difference(bill, item, plan, before)
            return self._compare(item, change, difference, bill)
        judged = self._judged(bill, item, plan, before) if item and is_same else None
        if item and judged is not None and not judged:
            return self._stands(item)
        again = is_same and item is not None and item["status"] != "WITHDRAWN" and not judged
        seen = bool(item and lacks_quickbooks_data(item) and plan.snapshot)
        if again and item and not (seen or self._is_checked_again(item)):
            return self._paid(bill, item) or self._compare(item, "")
        checked = _checked(bill, around, plan, self.companies[bill.company], self.now.date())
        if again and item and not seen and checked["problems"] == item["problems"]:
            return {"outcome": "unchanged"}
        fields |= checked
        if not self.dry_run and not all(d.sha256 for d in bill.documents):
            return {"outcome": "not stored", "reason": "its files could not be stored"}
        if not self.dry_run and again and item:
            self._check_again(item, checked)
        elif not self.dry_run:
            now_different = judged or (self._changes(bill, item, plan, before) if item else [])
            note = "" if judged else "changed in Odoo"
            self._store(bill, fields, item, now_different, note, around.reference_id)
        return {
            "outcome": "blocked" if fields["problems"] else "ready",
            "total": amount_text(bill.amount_total, bill.currency),
            "problems": fields["problems"],
            "warnings": fields["warnings"],
        }

    def _is_same(self, bill: Bill, item: Item, plan: PostingPlan, before: Before | None) -> bool:
        """Whether a bill's content is what the table has of it, whatever it is called by now.

        A renamed account, tax or term is the one that was asked about: who renames it must not
        have all the bills asked about again, nor mark what was posted as changed. What 1.0 stored
        is compared as 1.0 read it.
        """
        if digest_v1.is_former(item["digest"]):
            if before is None:
                return False
            bill = before.bill
        if item["digest"] in digests(bill, item["digest"]):
            return True
        if item["status"] == "VALIDATION_FAILED" or lacks_quickbooks_data(item):
            return False  # by its new name QuickBooks may know it
        named = as_named_before(bill, bill_of(item, self.documents.lines(item)))
        if item["status"] in _CLOSED and item["company"] not in self.companies:
            named = replace(named, company=item["company"])  # the key alone is another
        found = digests(named, item["digest"])
        if plan.vendor_how == "remembered":  # whatever it was called then
            found |= digests(_with_vendor_named_before(named, item), item["digest"])
        return item["digest"] in found

    def _judged(
        self, bill: Bill, item: Item, plan: PostingPlan, before: Before | None
    ) -> list[str] | None:
        """In what an open bill that 1.0 stored is posted otherwise now; [] where it is not.

        None where that is no question, or cannot be told before QuickBooks is read.
        """
        if before is None or not is_to_be_judged(item) or not plan.snapshot:
            return None
        if item["status"] == "VALIDATION_FAILED":
            return [FORM]
        nothing = checks.nothing_to_post(bill, self.companies[bill.company])
        return posted_otherwise(item, bill, plan, before, nothing)

    def _stands(self, item: Item) -> Json:
        """Note that a bill of 1.0 is posted as it was shown: nobody needs to compare it again.

        One that is approved is sent to be posted as if it had been approved now.
        """
        noted: Json = {"form": DIGEST_VERSION}
        if item["status"] == "APPROVED":
            noted["updated_at"] = stamp(self.now)
        if not self.dry_run:
            self.table.note_on_bill(
                item["entry_id"],
                noted,
                condition="version = :was",
                condition_values={"was": item["version"]},
            )
        return {"outcome": "unchanged"}

    def _is_decided(self, bill: Bill, item: Item, *, is_same: bool) -> bool:
        """Whether what becomes of it in Odoo is only noted.

        A bill of which there was nothing to post is decided anew once there is something.
        """
        was_nothing = item["status"] == "ACKNOWLEDGED" and bool(item["nothing_to_post"])
        if was_nothing and not is_same and not bill.unreadable:
            return bool(checks.nothing_to_post(bill, self.companies[bill.company]))
        return item["status"] in DONE

    def _is_checked_again(self, item: Item) -> bool:
        """Whether a blocked bill may be fine by now; what 1.0 blocked is judged before."""
        is_blocked = item["status"] == "VALIDATION_FAILED"
        return self.full and is_blocked and not digest_v1.is_former(item["digest"])

    def withdraw(self, item: Item | None, state: str) -> Json:
        """A draft, cancelled or deleted document: only one that was asked about is of interest."""
        if item is None or item["status"] == "WITHDRAWN":
            return {"outcome": "ignored", "reason": f"it {_STATES.get(state, f'is {state}')}"}
        if item["status"] in DONE:
            return self._compare(item, state)
        if not self.dry_run:
            self.table.change(
                item,
                to="WITHDRAWN",
                actor=ACTOR,
                now=self.now,
                values={"approvals": []},
                remove=[k for k in _AFTERWARDS if k in item],
                note=f"{_STATES.get(state, f'is {state}')} in Odoo",
            )
        return {"outcome": "withdrawn"}

    def _changes(
        self, bill: Bill, item: Item, plan: PostingPlan, before: Before | None
    ) -> list[str]:
        """What became different in Odoo since a bill was stored; like is compared with like."""
        stored = bill_of(item, self.documents.lines(item))
        now = as_named_before(before.bill if before else bill, stored)
        found = changes(stored, now, same_payee=stays_payee(item, plan))
        is_posted = not checks.nothing_to_post(bill, self.companies[bill.company])
        is_known = bool(before and before.bill_plan.snapshot)
        if before and is_known and is_posted and form_differs(plan, before):
            found.append(FORM)
        return found

    def _difference(
        self, bill: Bill, item: Item, plan: PostingPlan, before: Before | None
    ) -> Callable[[], Json]:
        """What to note of a bill that became another after its end, once it is to be noted."""

        def found() -> Json:
            stored = before.stored if before else None
            stored = stored or bill_of(item, self.documents.lines(item))
            now = before.bill if before else bill
            said = changes(stored, as_named_before(now, stored), same_payee=stays_payee(item, plan))
            with_its_files = replace(bill, documents=stored.documents)
            former = before and replace(before, bill=replace(now, documents=stored.documents))
            is_more = self._is_same(with_its_files, item, plan, former)
            new = added_files(stored, now) if is_more else []
            return {"amended_changes": sentences.shorten(said, _TOLD), "added_files": new}

        return found

    def _paid(self, bill: Bill, item: Item) -> Json | None:
        """Have the card of a bill that waits say what was paid of it: nobody is asked anew."""
        is_news = checks.paid(item.get("payment_state", "")) != checks.paid(bill.payment_state)
        if item["status"] != "READY_FOR_APPROVAL" or not is_news:
            return None
        said = checks.paid(bill.payment_state) or "It is not paid in Odoo any more."
        if not self.dry_run:
            values = {"payment_state": bill.payment_state}
            self.table.change(item, actor=ACTOR, now=self.now, values=values, note=said)
        return {"outcome": "noted", "reason": said}

    def _store(
        self,
        bill: Bill,
        fields: Item,
        item: Item | None,
        now_different: list[str],
        note: str,
        reference_id: str,
    ) -> None:
        """Write a bill that is new, or whose content or form is; `note` says why."""
        if fields["lines_key"]:
            self.documents.keep_lines(bill, fields["lines_key"])
        if item is None:
            status = _status_of(fields)
            self.table.put_new(_first(fields, bill, status, self.now), reference_id)
            return
        self.table.change(
            item,
            to=_status_of(fields),
            actor=ACTOR,
            now=self.now,
            values={
                **fields,
                "authors": authors.with_earlier(item, fields["authors"]),
                "revision": int(item["revision"]) + 1,
                "approvals": [],
                "changes": sentences.shorten(
                    _since_shown(item, str(fields["digest"]), now_different)
                ),
            },
            remove=[k for k in (*_DECISION, "form") if k in item],
            note=note or _JUDGED,
            reference_id=reference_id,
        )

    def _check_again(self, item: Item, checked: Item) -> None:
        """Write what the checks say now of a content that was stored before.

        Who was asked before QuickBooks was read did not see where the bill goes.
        """
        values: Json = dict(checked)
        if lacks_quickbooks_data(item):
            found = [READ] if item["cards"] else []
            values |= {"revision": int(item["revision"]) + 1, "approvals": []}
            values["changes"] = sentences.shorten([*item.get("changes", ()), *found])
        self.table.change(
            item,
            to=_status_of(checked),
            actor=ACTOR,
            now=self.now,
            values=values,
            note="checked again",
        )

    def _compare(
        self,
        item: Item,
        change: str,
        difference: Callable[[], Json] | None = None,
        bill: Bill | None = None,
    ) -> Json:
        """Say what a bill became in Odoo ("": what it was), and do no more.

        One that has a later date by now is kept for as long as it might be asked about.
        """
        if item.get("amended_after", "") == change:
            return {"outcome": "unchanged"}
        values: Json = {"amended_changes": [], "added_files": []}
        if change and difference:
            values |= difference()
        if not self.dry_run:
            remove: list[str] = []
            bill_date = iso(bill.bill_date) if bill else ""
            if "expires_at" in item and bill_date > item["bill_date"]:
                kept = self.table.expiry(bill_date, datetime.min.replace(tzinfo=UTC))
                values |= {k: max(v, int(item["expires_at"])) for k, v in kept.items()}
                remove = [] if kept else ["expires_at"]
            self.table.change(
                item,
                actor=ACTOR,
                now=self.now,
                values={"amended_after": change, **values},
                remove=remove,
                note="changed in Odoo afterwards" if change else "as it was in Odoo again",
            )
        return {
            "outcome": "changed afterwards",
            "reason": afterwards(cast("Item", {**item, **values}), change),
        }


def _checked(
    bill: Bill, around: Background, plan: PostingPlan, company: Company, today: date
) -> Item:
    """What the checks and the preflight say of a bill; what is not posted needs no preflight."""
    reason = checks.nothing_to_post(bill, company)
    blocking = () if reason or bill.unreadable else plan.problems
    notable = () if reason else (*around.warnings, *plan.warnings)
    close_day, earlier = company.books_close_day, around.earlier
    found = checks.warnings(bill, earlier=earlier, today=today, books_close_day=close_day)
    return {
        "problems": sentences.shorten([*checks.problems(bill), *blocking]),
        "warnings": sentences.shorten([*found, *notable]),
        "duplicates": [e.entry_id for e in earlier[: checks.TWINS_NAMED]],
        "rate_doubt": around.rate_doubt,
        "nothing_to_post": reason,
        "preflight": {} if reason else plan.shown(),
    }


def _status_of(checked: Item) -> Status:
    return "VALIDATION_FAILED" if checked["problems"] else "READY_FOR_APPROVAL"


def _since_shown(item: Item, digest: str, found: list[str]) -> list[str]:
    """What became different since a card last showed the bill; nothing if none ever did.

    What was stored since and never shown is part of it.
    """
    shown = item["cards"][-1]["digest"] if item["cards"] else digest
    if digest == shown:
        return []
    unseen = [] if item["digest"] == shown else item.get("changes", [])
    return list(dict.fromkeys([*unseen, *found]))


def _with_vendor_named_before(bill: Bill, item: Item) -> Bill:
    """The bill as if its vendor still had the name that was asked about."""
    before = item["vendor"]
    if not before or bill.vendor is None or int(before["odoo_id"]) != bill.vendor.odoo_id:
        return bill
    return replace(bill, vendor=replace(bill.vendor, name=str(before["name"])))


def _without_texts(bill: Bill) -> Bill:
    """What is left to tell of a bill that the table cannot hold."""
    return Bill(
        company=bill.company,
        odoo_id=bill.odoo_id,
        odoo_name=bill.odoo_name[:_NAME],
        move_type=bill.move_type,
        vendor=None,
        currency=bill.currency,
        amount_untaxed=bill.amount_untaxed,
        amount_tax=bill.amount_tax,
        amount_total=bill.amount_total,
        bill_date=bill.bill_date,
        unreadable="Its texts are too long to be kept: shorten the names of its files, vendor,"
        " accounts and so on in Odoo.",
    )


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
