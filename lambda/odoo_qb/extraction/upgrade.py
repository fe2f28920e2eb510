"""Whether a bill that version 1.0 stored would now be posted differently, and how. No I/O.

1.0 posted a bill's lines; now each row of Odoo's journal is posted. If both book the same cents on
the same accounts with the same codes, the decision stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.bill import digest_v1
from odoo_qb.bill.item import is_unjudged, lacks_quickbooks_data
from odoo_qb.bill.model import amount_text
from odoo_qb.bill.open_attempt import finishes_as_stored
from odoo_qb.mapping.plan import PostingPlan

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.journal import Booking
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json

FORM: Final = (
    "The bill itself has not changed, only how it is posted: QuickBooks now gets each row of"
    " Odoo's journal entry."
)
READ: Final = "QuickBooks has been read since. Check where the bill will be posted."
_AGAIN: Final = "Earlier approvals no longer count."
_WAITING: Final = frozenset({"VALIDATION_FAILED", "READY_FOR_APPROVAL", "APPROVED"})
_NOTHING: Final[Booking] = ({}, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerBill:
    """A bill as 1.0 stored it (`stored`), and as 1.0 would read it now (`bill`).

    Each has a posting plan; empty if it is not needed.
    """

    bill: Bill
    stored: Bill | None = None
    bill_plan: PostingPlan = field(default_factory=PostingPlan)
    stored_plan: PostingPlan = field(default_factory=PostingPlan)


def is_to_be_judged(item: Item) -> bool:
    """Whether an open bill of 1.0 must still be compared with what would be posted now.

    If QuickBooks may have it already, it is finished as it was sent instead.
    """
    is_waiting = item["status"] in _WAITING and not finishes_as_stored(item)
    return is_waiting and is_unjudged(item)


def posted_otherwise(
    item: Item, bill: Bill, plan: PostingPlan, before: FormerBill, nothing: str
) -> list[str]:
    """How a bill that 1.0 stored is now posted differently, for its approver; [] if it is not.

    `nothing` is why there is nothing to post, if so.
    """
    if before.stored is None:
        return [FORM]
    if nothing or item["nothing_to_post"]:
        found = _nothing_before_or_now(item, bill, plan, nothing)
    elif lacks_quickbooks_data(item):
        return [READ]
    else:
        found = _other_places(item, bill, plan, before)
    is_approved = item["status"] == "APPROVED" or bool(item["approvals"])
    return [*found, _AGAIN] if found and is_approved else found


def form_differs(plan: PostingPlan, before: FormerBill) -> bool:
    """Whether 1.0 would book the bill, as it is now, differently."""
    return digest_v1.booking(before.bill, before.bill_plan.shown()) != plan.booking()


def _nothing_before_or_now(item: Item, bill: Bill, plan: PostingPlan, nothing: str) -> list[str]:
    if nothing == item["nothing_to_post"]:
        return []
    if nothing:
        return [f"It now only needs to be acknowledged. {nothing}"]
    if bill.amount_total:
        return ["It now has to be posted; before, it only needed to be acknowledged."]
    return [FORM, *_booked_otherwise(_NOTHING, plan.booking(), {}, plan, bill.currency)]


def _other_places(item: Item, bill: Bill, plan: PostingPlan, before: FormerBill) -> list[str]:
    """How accounts, codes or cents differ from the card.

    For a bill approved before QuickBooks was read, the current snapshot is used.
    """
    was_read = bool(item["preflight"].get("snapshot"))
    shown = item["preflight"] if was_read else before.stored_plan.shown()
    then = digest_v1.booking(before.stored, shown) if before.stored else None
    now, still = plan.booking(), before.stored_plan.booking()
    if now is not None and then == now == still:
        return []
    moved = plan.changes(shown)
    if (
        then is not None
        and now is not None
        and now == still
        and moved
        and _amounts_agree(then, now)
    ):
        return moved  # accounts or settings changed, as they may at any time
    return [FORM, *_booked_otherwise(then, now, shown, plan, bill.currency)]


def _amounts_agree(before: Booking | None, now: Booking | None) -> bool:
    """Whether two bookings differ only in their accounts or codes."""
    if before is None or now is None:
        return False
    return sorted(before[0].values()) == sorted(now[0].values()) and before[1] == now[1]


def _booked_otherwise(
    before: Booking | None, now: Booking | None, shown: Json, plan: PostingPlan, currency: str
) -> list[str]:
    """By account: what is booked now instead of what 1.0 would have booked.

    For a bill that is blocked now: what would have been booked.
    """
    if before is None:
        return []
    names = {str(t["id"]): str(t["name"]) for t in shown.get("accounts", {}).values()}
    names |= {t.id: t.name for t in plan.accounts.values()}
    codes = {str(t["id"]): str(t["name"]) for t in (shown.get("tax_codes") or {}).values()}
    codes |= {t.id: t.name for t in (plan.tax_codes or {}).values()}

    def where(place: tuple[str, str]) -> str:
        account, code = place
        return names.get(account, account) + (f" ({codes.get(code, code)})" if code else "")

    def text(cents: int) -> str:
        return amount_text(Decimal(cents) / 100, currency) if cents else "nothing"

    if now is None:
        parts = [f"{where(place)} {text(cents)}" for place, cents in before[0].items()]
        parts += [f"tax {text(before[1])}"] if before[1] else []
        return [f"Before, this would have been booked: {', '.join(parts) or 'nothing'}."]
    places = {place: where(place) for place in (*before[0], *now[0])}
    pairs = [(name, before[0].get(p, 0), now[0].get(p, 0)) for p, name in places.items()]
    pairs.append(("Tax", before[1], now[1]))
    return [f"{name}: {text(new)} (was {text(old)})." for name, old, new in pairs if old != new]
