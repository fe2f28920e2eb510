"""What a person may decide, in which status, and how many must approve. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.authors import is_author
from odoo_qb.bill.delays import is_told
from odoo_qb.bill.item import approvals_of, approved_by
from odoo_qb.bill.late_changes import afterwards
from odoo_qb.bill.open_attempt import open_attempt
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.slack.blocks import escaped, people

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A button: the statuses in which it works, the next status, and the reply."""

    before: Status
    after: Status
    done: str
    note: str = ""


_WAITS_AGAIN: Final = "It's awaiting a decision again."
RULES: Final[dict[str, Rule]] = {
    "approve_invoice": Rule(
        before="READY_FOR_APPROVAL",
        after="APPROVED",
        done="Approved. It's on its way to QuickBooks; the card will show when it's there.",
    ),
    "reject_invoice": Rule(
        before="READY_FOR_APPROVAL", after="REJECTED", done="Rejected. It will not be posted."
    ),
    "acknowledge_intercompany": Rule(
        before="READY_FOR_APPROVAL",
        after="ACKNOWLEDGED",
        done="Acknowledged. It will not be posted.",
    ),
    "take_back": Rule(
        before="APPROVED",
        after="READY_FOR_APPROVAL",
        done=f"Taken back. {_WAITS_AGAIN}",
        note="approval taken back",
    ),
    "reopen_invoice": Rule(
        before="REJECTED",
        after="READY_FOR_APPROVAL",
        done=f"Reopened. {_WAITS_AGAIN}",
        note="reopened",
    ),
    "retry_posting": Rule(
        before="POST_FAILED",
        after="APPROVED",
        done="It's on its way to QuickBooks again; the card will show when it's there.",
        note="to be posted again",
    ),
    "link_existing": Rule(
        before="POST_FAILED",
        after="POST_FAILED",  # until the poster has compared them
        done="It's being compared with the bill in QuickBooks; the card will show the result.",
        note="asked to link to number {document} in QuickBooks",
    ),
    "close_invoice": Rule(
        before="POST_FAILED",
        after="ACKNOWLEDGED",
        done="Closed. It will not be posted.",
        note="closed without posting",
    ),
    "attach_files": Rule(
        before="POSTED",
        after="POSTED",  # or ALREADY_IN_QB: the status stays
        done="The new files are being sent to QuickBooks; the card will show when they're there.",
        note="asked to attach the new files",
    ),
}
FIRST_OF_TWO: Final = Rule(
    before="READY_FOR_APPROVAL",
    after="READY_FOR_APPROVAL",
    done="Approval recorded. A second approver must also approve this bill.",
    note="first of two approvals",
)


def needs_two(item: Item, company: Company) -> bool:
    """Whether two people must approve: the total in the company's currency is above its limit.

    The total depends on the exchange rate. If the rate is far from the usual one, two people must
    approve; if no rate is known yet, the amount counts regardless of its currency.
    """
    limit, doubt = company.two_approvals_above, item.get("rate_doubt", "")
    if limit is None:
        return False
    is_above = abs(item["company_total"]) > limit
    return is_above or doubt == "far" or (doubt == "unknown" and item["amount_total"] > limit)


def rule_for(action_id: str, item: Item, company: Company) -> Rule:
    """What a button does with this bill; the first of two approvals does not approve it yet."""
    if action_id == "attach_files":
        return replace(RULES[action_id], after=item["status"])
    is_first = action_id == "approve_invoice" and not approvals_of(item)
    return FIRST_OF_TWO if is_first and needs_two(item, company) else RULES[action_id]


def objection(action_id: str, item: Item, company: Company, person: str, email: str) -> str:
    """Why a person may not do this, as mrkdwn; "" if they may.

    `email` is the person's address in Slack, if known.
    """
    if action_id == "attach_files":
        is_offered = item["status"] in IN_QUICKBOOKS and item.get("added_files")
        return "" if is_offered else standing(item)
    is_stuck = action_id == "close_invoice" and is_told(item)
    if item["status"] != RULES[action_id].before and not is_stuck:
        return standing(item)
    why_not = ""
    match action_id:
        case "approve_invoice" if item["nothing_to_post"]:
            why_not = f"{escaped(item['nothing_to_post'])} Acknowledge it instead."
        case "approve_invoice":
            why_not = _not_this_approver(item, company, person, email)
        case "acknowledge_intercompany" if not item["nothing_to_post"]:
            why_not = "This bill has to be posted. Approve or reject it."
        case "retry_posting" if item.get("amended_after"):
            became = escaped(afterwards(item, item["amended_after"]))
            why_not = f"This bill {became} The old version won't be posted."
        case "take_back" if open_attempt(item):
            # The result of that attempt is unknown: QuickBooks may have the bill.
            why_not = "It's already being posted and can't be taken back."
    return why_not


def _not_this_approver(item: Item, company: Company, person: str, email: str) -> str:
    """Why this person may not approve: two approvals need two people, authors need another."""
    if any(a["by"] == person for a in approvals_of(item)):
        return "You've already approved this bill. A second approver must also approve it."
    if is_author(item, email) and not needs_two(item, company):
        return "You entered or edited this bill in Odoo. Someone else must approve it."
    return ""


def standing(item: Item) -> str:
    """The bill's state, for a person who clicked too late; mrkdwn."""
    who = f" by <@{item['decided_by']}>" if item.get("decided_by") else ""
    approved = (
        f"Already approved by {people(approved_by(item))}"
        if approved_by(item)
        else (f"Already approved{who}")
    )
    return {
        "VALIDATION_FAILED": "This bill is blocked. Its card says why.",
        "READY_FOR_APPROVAL": "This bill is awaiting a decision. Use the buttons on its card.",
        "APPROVED": f"{approved}.",
        "POSTING": f"{approved}. It's being posted right now.",
        "POSTED": f"{approved} and posted to QuickBooks.",
        "ALREADY_IN_QB": f"{approved}. It's already in QuickBooks.",
        "POST_FAILED": f"{approved}, but posting failed. The card says why.",
        "REJECTED": f"Already rejected{who}.",
        "ACKNOWLEDGED": f"Already {'closed' if item.get('error') else 'acknowledged'}{who}.",
        "WITHDRAWN": "This bill is no longer posted in Odoo. There's nothing to decide.",
    }[item["status"]]
