"""Compare a bill as just read with its item. Only I/O: a long bill's lines from S3."""

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
    from odoo_qb.extraction.upgrade import FormerBill
    from odoo_qb.mapping.plan import PostingPlan

# Finished bills; later changes in Odoo are only noted.
DONE: Final = frozenset({"POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"})
_CLOSED: Final = DONE | {"REJECTED"}
_MOST_CHANGES: Final = 5  # changes noted after a bill's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One bill as in Odoo (`bill`) and as in the table (`item`).

    `stored` returns the bill in the item; a long bill's lines are in S3, so it is called only if
    the digests do not tell. `before` is the same bill as version 1.0 read it. `is_configured` says
    whether the item's company is still a key in the settings.
    """

    bill: Bill
    item: Item
    plan: PostingPlan
    before: FormerBill | None
    company: Company
    is_configured: bool
    stored: Callable[[], Bill]

    def is_same(self) -> bool:
        """Whether a bill's content is the stored one, even if its accounts or terms were renamed.

        A renamed account, tax or term is still the approved one: renaming it must not request
        approval again for all its bills, nor mark posted ones as changed. What 1.0 stored is
        compared as 1.0 read it.
        """
        bill, item = self.bill, self.item
        if digest_v1.is_former(item["digest"]):
            if self.before is None:
                return False
            bill = self.before.bill
        if item["digest"] in digests(bill, item["digest"]):
            return True
        if item["status"] == "VALIDATION_FAILED" or lacks_quickbooks_data(item):
            return False  # QuickBooks may know the new name
        named = as_named_before(bill, self.stored())
        if item["status"] in _CLOSED and not self.is_configured:
            named = replace(named, company=item["company"])  # only the key has changed
        found = digests(named, item["digest"])
        if self.plan.vendor_how == "remembered":  # whatever its name was then
            found |= digests(_with_vendor_named_before(named, item), item["digest"])
        return item["digest"] in found

    def is_decided(self, *, is_same: bool) -> bool:
        """Whether a change in Odoo is only noted.

        A bill that had nothing to post needs a decision once it has.
        """
        was_nothing = self.item["status"] == "ACKNOWLEDGED" and bool(self.item["nothing_to_post"])
        if was_nothing and not is_same and not self.bill.unreadable:
            return bool(checks.nothing_to_post(self.bill, self.company))
        return self.item["status"] in DONE

    def posted_otherwise(self) -> list[str] | None:
        """How an open bill that 1.0 stored would now be posted differently; [] if it would not.

        None if that does not apply, or is unknown until QuickBooks is read.
        """
        if self.before is None or not is_to_be_judged(self.item) or not self.plan.snapshot:
            return None
        if self.item["status"] == "VALIDATION_FAILED":
            return [FORM]
        nothing = checks.nothing_to_post(self.bill, self.company)
        return posted_otherwise(self.item, self.bill, self.plan, self.before, nothing)

    def changes(self) -> list[str]:
        """What changed in Odoo since a bill was stored; both sides in the same form."""
        before, stored = self.before, self.stored()
        now = as_named_before(before.bill if before else self.bill, stored)
        found = changes(stored, now, same_payee=stays_payee(self.item, self.plan))
        is_posted = not checks.nothing_to_post(self.bill, self.company)
        is_known = bool(before and before.bill_plan.snapshot)
        if before and is_known and is_posted and form_differs(self.plan, before):
            found.append(FORM)
        return found

    def changes_afterwards(self) -> Json:
        """What to note about a bill that changed after its end."""
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
