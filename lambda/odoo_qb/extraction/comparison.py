"""A bill as it was just read, beside what the table has of it. No I/O but one question to S3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from odoo_qb import sentences
from odoo_qb.bill import checks, digest_v1
from odoo_qb.bill.changes import as_named_before, changes
from odoo_qb.bill.item import digests, lacks_quickbooks_data
from odoo_qb.bill.late_changes import added_files
from odoo_qb.extraction.upgrade import FORM, form_differs, is_to_be_judged, posted_otherwise
from odoo_qb.mapping.vendor import stays_payee

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.upgrade import Before
    from odoo_qb.mapping.plan import PostingPlan

# What is at its end; what became of it in Odoo since is only noted.
DONE: Final = frozenset({"POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"})
_CLOSED: Final = DONE | {"REJECTED"}
_MOST_CHANGES: Final = 5  # of what became different after a bill's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One bill twice: `bill` is Odoo's, `item` the table's.

    `stored` gives the bill in the item; of a long one S3 has the lines, so it is asked for only
    where the digests do not tell. `before` is the same bill as version 1.0 knew it.
    `is_configured` says whether the company in the item is one of ours by that key.
    """

    bill: Bill
    item: Item
    plan: PostingPlan
    before: Before | None
    company: Company
    is_configured: bool
    stored: Callable[[], Bill]

    def is_same(self) -> bool:
        """Whether a bill's content is what the table has of it, whatever it is called by now.

        A renamed account, tax or term is still the approved one: renaming it must not request
        approval again for all its bills, nor mark what was posted as changed. What 1.0 stored
        is compared as 1.0 read it.
        """
        bill, item = self.bill, self.item
        if digest_v1.is_former(item["digest"]):
            if self.before is None:
                return False
            bill = self.before.bill
        if item["digest"] in digests(bill, item["digest"]):
            return True
        if item["status"] == "VALIDATION_FAILED" or lacks_quickbooks_data(item):
            return False  # by its new name QuickBooks may know it
        named = as_named_before(bill, self.stored())
        if item["status"] in _CLOSED and not self.is_configured:
            named = replace(named, company=item["company"])  # the key alone is another
        found = digests(named, item["digest"])
        if self.plan.vendor_how == "remembered":  # whatever it was called then
            found |= digests(_with_vendor_named_before(named, item), item["digest"])
        return item["digest"] in found

    def is_decided(self, *, is_same: bool) -> bool:
        """Whether a change in Odoo is only noted.

        A bill of which there was nothing to post is decided anew once there is something.
        """
        was_nothing = self.item["status"] == "ACKNOWLEDGED" and bool(self.item["nothing_to_post"])
        if was_nothing and not is_same and not self.bill.unreadable:
            return bool(checks.nothing_to_post(self.bill, self.company))
        return self.item["status"] in DONE

    def posted_otherwise(self) -> list[str] | None:
        """In what an open bill that 1.0 stored is posted otherwise now; [] where it is not.

        None where that is no question, or cannot be told before QuickBooks is read.
        """
        if self.before is None or not is_to_be_judged(self.item) or not self.plan.snapshot:
            return None
        if self.item["status"] == "VALIDATION_FAILED":
            return [FORM]
        nothing = checks.nothing_to_post(self.bill, self.company)
        return posted_otherwise(self.item, self.bill, self.plan, self.before, nothing)

    def changes(self) -> list[str]:
        """What became different in Odoo since a bill was stored; like is compared with like."""
        before, stored = self.before, self.stored()
        now = as_named_before(before.bill if before else self.bill, stored)
        found = changes(stored, now, same_payee=stays_payee(self.item, self.plan))
        is_posted = not checks.nothing_to_post(self.bill, self.company)
        is_known = bool(before and before.bill_plan.snapshot)
        if before and is_known and is_posted and form_differs(self.plan, before):
            found.append(FORM)
        return found

    def changes_afterwards(self) -> Json:
        """What to note of a bill that became another after its end."""
        before = self.before
        stored = (before.stored if before else None) or self.stored()
        now = before.bill if before else self.bill
        same_payee = stays_payee(self.item, self.plan)
        found = changes(stored, as_named_before(now, stored), same_payee=same_payee)
        with_its_files = replace(
            self,
            bill=replace(self.bill, documents=stored.documents),
            before=before and replace(before, bill=replace(now, documents=stored.documents)),
        )
        new = added_files(stored, now) if with_its_files.is_same() else []
        return {"amended_changes": sentences.shorten(found, _MOST_CHANGES), "added_files": new}


def _with_vendor_named_before(bill: Bill, item: Item) -> Bill:
    """The bill as if its vendor still had the name on the card."""
    before = item["vendor"]
    if not before or bill.vendor is None or int(before["odoo_id"]) != bill.vendor.odoo_id:
        return bill
    return replace(bill, vendor=replace(bill.vendor, name=str(before["name"])))
