"""What a person decides by a click: approve, reject, acknowledge, look at the PDF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.card import escaped, summary
from odoo_qb.errors import Conflict
from odoo_qb.item import document_of, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw, Status
    from odoo_qb.settings import Company
    from odoo_qb.store import Table
    from odoo_qb.sweep import Queue

_TRIES: Final = 4  # how often a decision is tried on a bill that others write to

_DECISIONS: Final[dict[str, Status]] = {
    "approve_invoice": "APPROVED",
    "reject_invoice": "REJECTED",
    "acknowledge_intercompany": "ACKNOWLEDGED",
}
_DONE: Final[dict[Status, str]] = {
    "APPROVED": "Approved. It is on its way to QuickBooks; the card will say when it is there.",
    "REJECTED": "Rejected. It will not be posted.",
    "ACKNOWLEDGED": "Acknowledged. It will not be posted.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A person's wish about a bill as it was shown: `digest` names that content."""

    person: str
    action_id: str
    entry_id: str
    digest: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What deciding needs. Each method answers with a sentence for the person who clicked."""

    table: Table
    queue: Queue
    documents: Documents
    companies: Mapping[str, Company]
    clock: Callable[[], datetime]

    def decide(self, click: Click) -> str:
        """Write the decision, unless the bill, the person or somebody else stands against it.

        The write is conditional on what was read; a bill that changed in between is read
        again, and decided only if its content still is what the person saw.
        """
        to = _DECISIONS[click.action_id]
        for _ in range(_TRIES):
            item = self.table.get(click.entry_id)
            objection = self._objection(item, click, to)
            if item is None or objection:
                return objection
            now = self.clock()
            values = _decision(item, click, to, stamp(now))
            try:
                decided = self.table.change(
                    item, to=to, actor=click.person, now=now, values=values, note=click.reason
                )
            except Conflict:
                continue
            if to == "APPROVED":
                self.queue.send(decided)
            return _DONE[to]
        return "Others are changing this bill right now: try again."

    def view(self, click: Click) -> str:
        """A link to the PDF that lasts five minutes, for the person alone."""
        item = self.table.get(click.entry_id)
        if item is None or not item["pdf_key"]:
            return "There is no PDF of this bill."
        objection = self._not_allowed(item, click.person)
        if objection:
            return objection
        pdf = next(d for d in map(document_of, item["documents"]) if d.key and _is_pdf(d.type))
        link = self.documents.link(pdf)
        return f"<{link}|Open the PDF of {escaped(summary(item))}>: the link lasts five minutes."

    def may_reject(self, click: Click) -> tuple[Item | None, str]:
        """The bill to ask a reason for, or why it cannot be rejected."""
        item = self.table.get(click.entry_id)
        return item, self._objection(item, click, "REJECTED")

    def _objection(self, item: Item | None, click: Click, to: Status) -> str:
        if item is None:
            return "This bill is no longer known here."
        if item["status"] != "READY_FOR_APPROVAL":
            return _already(item)
        if item["digest"] != click.digest:
            return (
                "This card is outdated: the bill changed in Odoo since. Decide on its newer card."
            )
        if to == "APPROVED" and item["nothing_to_post"]:
            return f"{item['nothing_to_post']} Acknowledge it instead."
        if to == "ACKNOWLEDGED" and not item["nothing_to_post"]:
            return "This bill is to be posted: approve or reject it."
        return self._not_allowed(item, click.person)

    def _not_allowed(self, item: Item, person: str) -> str:
        company = self.companies.get(item["company"])
        if company is None:
            return f"The company {escaped(item['company'])} is no longer configured."
        if company.approvers and person not in company.approvers:
            return f"You may not decide about bills of {escaped(item['company'])}."
        return ""


def _decision(item: Item, click: Click, to: Status, at: str) -> Raw:
    values: Raw = {"decided_by": click.person, "decided_at": at}
    if to == "REJECTED":
        values["rejection_reason"] = click.reason
    if to == "APPROVED":
        approval = {"by": click.person, "at": at, "digest": click.digest}
        values["approvals"] = [*item["approvals"], approval]
    return values


def _already(item: Item) -> str:
    who = f" by <@{item['decided_by']}>" if item.get("decided_by") else ""
    status = item["status"]
    if status in {"APPROVED", "POSTING", "POSTED", "ALREADY_IN_QB", "POST_FAILED"}:
        return f"Already approved{who}."
    if status == "VALIDATION_FAILED":
        return "This bill changed in Odoo and is blocked until it is mended there."
    return f"Already {status.lower()}{who}."


def _is_pdf(mime_type: str) -> bool:
    return mime_type == "application/pdf"
