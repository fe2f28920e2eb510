"""Decide what to do with a bill: store, amend, withdraw or only note. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import sentences
from odoo_qb.bill import checks, digest_v1
from odoo_qb.bill.item import content, digests, is_too_large, lacks_quickbooks_data
from odoo_qb.bill.late_changes import afterwards
from odoo_qb.bill.model import DIGEST_VERSION, Bill, iso
from odoo_qb.extraction.approval_requests import (
    AFTERWARDS,
    amended,
    checked_again,
    new,
    request_approval,
)
from odoo_qb.extraction.comparison import DONE, Comparison
from odoo_qb.extraction.decision import Decision, ItemChange, Remark
from odoo_qb.extraction.outcome import Outcome
from odoo_qb.mapping.plan import PostingPlan
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.background import Background
    from odoo_qb.extraction.upgrade import FormerBill

_JUDGED: Final = "stored by version 1.0, and posted otherwise now"
_NAME: Final = 100
_STATES: Final = {"moved": "belongs to another company"}  # other states are Odoo's: "is cancel"
_UNCHANGED: Final = Decision(outcome=Outcome(name="unchanged"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Decides what to do with the bills of one run; `full` checks blocked ones again."""

    companies: Mapping[str, Company]
    full: bool
    now: datetime

    def decide(
        self,
        bill: Bill,
        item: Item | None,
        around: Background,
        plan: PostingPlan,
        before: FormerBill | None,
        stored: Callable[[Item], Bill],
    ) -> Decision:
        """What to do with a posted bill: a new or amended one needs approval.

        The vendor's name is part of the approved content only while QuickBooks has no such vendor:
        renaming one must not request approval again for all its bills. `before` is the same bill as
        version 1.0 read it; `stored` returns the bill in an item, and is called only if needed.
        """
        fields = content(bill, vendor_is_known=bool(plan.vendor_id))
        if is_too_large({**fields, "preflight": plan.shown()}):
            bill, plan, before = _without_texts(bill), PostingPlan(), None
            fields = content(bill)
        if item is None:
            fields |= self._checked(bill, around, plan)
            return request_approval(bill, fields, new(bill, fields, around.reference_id, self.now))
        both = Comparison(
            bill=bill,
            item=item,
            plan=plan,
            before=before,
            company=self.companies[bill.company],
            is_configured=item["company"] in self.companies,
            stored=cache(partial(stored, item)),
        )
        return self._decide_again(both, fields, around)

    def _decide_again(self, both: Comparison, fields: Item, around: Background) -> Decision:
        """What to do with a bill that is in the table already."""
        bill, item, plan = both.bill, both.item, both.plan
        is_same = both.is_same()
        if both.is_decided(is_same=is_same):
            return _changed_afterwards(both, fields["digest"], is_same=is_same)
        otherwise = both.posted_otherwise() if is_same else None
        if otherwise == []:
            return self._stands(item)
        is_checked = is_same and item["status"] != "WITHDRAWN" and not otherwise
        seen = lacks_quickbooks_data(item) and bool(plan.snapshot)
        if is_checked and not seen and not self._is_checked_again(item):
            return _paid(bill, item) or _noted(item, "")
        checked = self._checked(bill, around, plan)
        if is_checked and not seen and checked["problems"] == item["problems"]:
            return _UNCHANGED
        fields |= checked
        if is_checked:
            return request_approval(bill, fields, checked_again(item, checked))
        changes = otherwise or both.changes()
        note = _JUDGED if otherwise else "changed in Odoo"
        return request_approval(
            bill, fields, amended(item, fields, changes, note, around.reference_id)
        )

    def _checked(self, bill: Bill, around: Background, plan: PostingPlan) -> Item:
        """The results of the checks and the plan; a bill that is not posted needs no plan."""
        company = self.companies[bill.company]
        reason = checks.nothing_to_post(bill, company)
        blocking = () if reason or bill.unreadable else plan.problems
        notable = () if reason else (*around.warnings, *plan.warnings)
        close_day, earlier, today = company.books_close_day, around.earlier, self.now.date()
        found = checks.warnings(bill, earlier=earlier, today=today, books_close_day=close_day)
        return {
            "problems": sentences.shorten([*checks.problems(bill), *blocking]),
            "warnings": sentences.shorten([*found, *notable]),
            "duplicates": [e.entry_id for e in earlier[: checks.TWINS_NAMED]],
            "rate_doubt": around.rate_doubt,
            "nothing_to_post": reason,
            "preflight": {} if reason else plan.shown(),
        }

    def _is_checked_again(self, item: Item) -> bool:
        """Whether to check a blocked bill again; what 1.0 blocked was compared before."""
        is_blocked = item["status"] == "VALIDATION_FAILED"
        return self.full and is_blocked and not digest_v1.is_former(item["digest"])

    def _stands(self, item: Item) -> Decision:
        """Mark a bill of 1.0 as compared: it is posted as the card showed.

        An approved one is queued as if it had been approved now.
        """
        noted: Json = {"form": DIGEST_VERSION}
        if item["status"] == "APPROVED":
            noted["updated_at"] = stamp(self.now)
        return Decision(outcome=Outcome(name="unchanged"), write=Remark(item=item, values=noted))


def withdraw(item: Item | None, state: str) -> Decision:
    """What to do with a draft, cancelled or deleted document: withdraw it if it was requested."""
    why = _STATES.get(state, f"is {state}")
    if item is None or item["status"] == "WITHDRAWN":
        return Decision(outcome=Outcome(name="ignored", reason=f"it {why}"))
    if item["status"] in DONE:
        return _noted(item, state)
    change = ItemChange(
        item=item,
        to="WITHDRAWN",
        values={"approvals": []},
        remove=[k for k in AFTERWARDS if k in item],
        note=f"{why} in Odoo",
    )
    return Decision(outcome=Outcome(name="withdrawn"), write=change)


def _paid(bill: Bill, item: Item) -> Decision | None:
    """Show on a waiting bill's card what was paid in Odoo; this needs no new approval."""
    message = checks.paid(bill.payment_state)
    if (
        item["status"] != "READY_FOR_APPROVAL"
        or checks.paid(item.get("payment_state", "")) == message
    ):
        return None
    message = message or "It is no longer paid in Odoo."
    change = ItemChange(item=item, values={"payment_state": bill.payment_state}, note=message)
    return Decision(outcome=Outcome(name="noted", reason=message), write=change)


def _changed_afterwards(both: Comparison, digest: str, *, is_same: bool) -> Decision:
    """What to do with a finished bill that may have changed in Odoo."""
    item, bill, before = both.item, both.bill, both.before
    known = item.get("amended_after", "")  # kept while Odoo's bill cannot be read
    change = known if bill.unreadable else "" if is_same else digest
    if before and known in digests(before.bill, known):
        change = known
    return _noted(item, change, both)


def _noted(item: Item, change: str, both: Comparison | None = None) -> Decision:
    """Only note how a bill changed in Odoo ("": it changed back).

    If its date is later now, it is kept for as long as approval might be requested for it.
    """
    if item.get("amended_after", "") == change:
        return _UNCHANGED
    values: Json = {"amended_after": change, "amended_changes": [], "added_files": []}
    if change and both:
        values |= both.changes_afterwards()
    bill_date = iso(both.bill.bill_date) if both else ""
    reason = afterwards(cast("Item", {**item, **values}), change)
    return Decision(
        outcome=Outcome(name="changed afterwards", reason=reason),
        write=ItemChange(
            item=item,
            values=values,
            note="changed in Odoo afterwards" if change else "as it was in Odoo again",
            later_date=bill_date if "expires_at" in item and bill_date > item["bill_date"] else "",
        ),
    )


def _without_texts(bill: Bill) -> Bill:
    """The parts that can be stored of a bill that is too large for the table."""
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
        unreadable="Its texts are too long to store. Shorten the names of its files, vendor or"
        " accounts in Odoo.",
    )
