"""What a person decides by a click: approve, reject, acknowledge, retry, close, reopen, take back.

A decision is about a digest: the content the person saw. It is one conditional write, so that
of two people only the first decides, and the other is told who it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import approvers
from odoo_qb.blocks import escaped
from odoo_qb.card import notices_of, summary
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

logger = Logger(child=True)

_TRIES: Final = 4  # how often a decision is tried on a bill that others write to
REASON_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A button: in which status it counts, where it leads, what its person is told."""

    before: Status
    after: Status
    done: str
    note: str = ""


_WAITS_AGAIN: Final = "It waits for a decision again."
RULES: Final[dict[str, Rule]] = {
    "approve_invoice": Rule(
        before="READY_FOR_APPROVAL",
        after="APPROVED",
        done="Approved. It is on its way to QuickBooks; the card will say when it is there.",
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
        done="It is on its way to QuickBooks again; the card will say when it is there.",
        note="to be posted again",
    ),
    "close_invoice": Rule(
        before="POST_FAILED",
        after="ACKNOWLEDGED",
        done="Closed. It will not be posted.",
        note="closed without posting",
    ),
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
class Answer:
    """What the person is told, and the bill as it then stands (None: there is no such bill).

    `is_outdated` says that the card they clicked shows content that is no longer the bill's.
    """

    text: str
    item: Item | None = None
    is_done: bool = False
    is_outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What deciding needs; `channel` is where cards go of companies without their own."""

    table: Table
    queue: Queue
    documents: Documents
    companies: Mapping[str, Company]
    channel: str
    clock: Callable[[], datetime]

    def decide(self, click: Click) -> Answer:
        """Write the decision, unless the bill, the person or somebody else stands against it.

        The write is conditional on what was read; a bill that changed in between is read
        again, and decided only if its content still is what the person saw.
        """
        rule = RULES[click.action_id]
        for _ in range(_TRIES):
            item = self.table.get(click.entry_id)
            refusal = self._refusal(item, click, rule)
            if item is None or refusal:
                return refusal or _UNKNOWN
            now = self.clock()
            values, remove = _written(item, click, rule, stamp(now))
            try:
                decided = self.table.change(
                    item,
                    to=rule.after,
                    actor=click.person,
                    now=now,
                    values=values,
                    remove=remove,
                    note=click.reason or rule.note,
                )
            except Conflict:
                continue
            queued = rule.after != "APPROVED" or self._queued(decided)
            return Answer(text=rule.done if queued else _LATER, item=decided, is_done=True)
        return Answer(text="Others are changing this bill right now: try again.", item=item)

    def may_reject(self, click: Click) -> Answer:
        """Whether a reason may be asked for (`is_done`), or why the bill cannot be rejected."""
        item = self.table.get(click.entry_id)
        refusal = self._refusal(item, click, RULES["reject_invoice"])
        return refusal or Answer(text="", item=item, is_done=True)

    def view(self, click: Click) -> Answer:
        """A link to the PDF that lasts five minutes, for the person alone; logged."""
        item = self.table.get(click.entry_id)
        refusal = self._not_theirs(item, click)
        if item is None or refusal:
            return refusal or _UNKNOWN
        found = (d for d in map(document_of, item["documents"]) if d.key and _is_pdf(d.type))
        pdf = next(found, None)
        if pdf is None:
            return Answer(text="There is no PDF of this bill.", item=item)
        logger.info(
            "PDF viewed",
            entry_id=click.entry_id,
            company=item["company"],
            person=click.person,
            key=pdf.key,
            version_id=pdf.version_id,
        )
        link = f"<{self.documents.link(pdf)}|Open the PDF of {escaped(summary(item))}>"
        return Answer(text=f"{link}: the link lasts five minutes.", item=item, is_done=True)

    def _refusal(self, item: Item | None, click: Click, rule: Rule) -> Answer | None:
        refusal = self._not_theirs(item, click)
        if item is None or refusal:
            return refusal
        objection = ""
        if item["status"] != rule.before:
            objection = _standing(item)
        elif rule.after == "APPROVED" and item["nothing_to_post"]:
            objection = f"{escaped(item['nothing_to_post'])} Acknowledge it instead."
        elif click.action_id == "acknowledge_intercompany" and not item["nothing_to_post"]:
            objection = "This bill is to be posted: approve or reject it."
        elif click.action_id == "take_back" and _is_being_tried(item):
            # What became of that try is not known yet: QuickBooks may have the bill.
            objection = "It is being posted already and cannot be taken back."
        return Answer(text=objection, item=item) if objection else None

    def _not_theirs(self, item: Item | None, click: Click) -> Answer | None:
        """Why this person cannot act on what they saw, whatever they want to do with it."""
        if item is None:
            return _UNKNOWN
        company = self.companies.get(item["company"])
        name = escaped(item["company"])
        if company is None:
            return Answer(text=f"The company {name} is no longer configured.", item=item)
        ids = approvers.sources(company, self.channel)
        allowed = approvers.may_decide(self.table, ids, click.person, self.clock())
        if allowed == "unknown":
            self._ask_again_who_may(item)
            return Answer(
                text=f"You are not known yet as an approver of {name}'s bills. If you are one,"
                " try again in a minute.",
                item=item,
            )
        if allowed == "no":
            return Answer(text=f"You may not decide about bills of {name}.", item=item)
        if item["digest"] != click.digest:
            return Answer(
                text="This card is outdated: the bill changed in Odoo since. Nothing was decided.",
                item=item,
                is_outdated=True,
            )
        return None

    def _ask_again_who_may(self, item: Item) -> None:
        """Wake the notifier, which reads the approvers from Slack; the bill is left as it is."""
        version = {"version": item["version"]}
        try:
            self.table.write_note(
                item["entry_id"],
                {"card_due": item["version"]},
                condition="version = :version",
                condition_values=version,
            )
        except Conflict:
            return  # whoever changed the bill woke it

    def _queued(self, item: Item) -> bool:
        """Whether the queue took it; if not, the bill stays APPROVED and the sweep sends it."""
        try:
            self.queue.send(item)
        except (BotoCoreError, ClientError):
            logger.exception("not queued: the sweep sends it", entry_id=item["entry_id"])
            return False
        return True


_UNKNOWN: Final = Answer(text="This bill is no longer known here.")
_LATER: Final = (
    "Approved. The way to QuickBooks is blocked just now; it goes there by itself later."
)


def _written(item: Item, click: Click, rule: Rule, at: str) -> tuple[Raw, list[str]]:
    """The attributes a decision sets, and those it removes."""
    if rule.after == "READY_FOR_APPROVAL":
        return {"approvals": []}, ["decided_by", "decided_at", "rejection_reason"]
    if click.action_id == "retry_posting":
        return {}, ["error"]  # it is the same approval, of the same content
    values: Raw = {"decided_by": click.person, "decided_at": at}
    if click.action_id == "close_invoice":
        return values, []  # the card goes on saying why it could not be posted
    if rule.after == "APPROVED":
        approval = {"by": click.person, "at": at, "digest": click.digest}
        values["approvals"] = [*item["approvals"], approval]
    elif rule.after == "REJECTED":
        values["rejection_reason"] = click.reason
        notice = {
            "kind": "rejected",
            "due_at": at,
            "ts": "",
            "by": click.person,
            "reason": click.reason,
        }
        values["notices"] = [*notices_of(item), notice]
    return values, ["error"]


def _is_being_tried(item: Item) -> bool:
    attempts = item.get("attempts", [])
    return bool(attempts) and not attempts[-1]["outcome"]


def _standing(item: Item) -> str:
    """Where a bill stands, for somebody whose click came too late."""
    who = f" by <@{item['decided_by']}>" if item.get("decided_by") else ""
    return {
        "VALIDATION_FAILED": "This bill is blocked until it is mended in Odoo.",
        "READY_FOR_APPROVAL": "This bill waits for a decision: its card has the buttons.",
        "APPROVED": f"Already approved{who}.",
        "POSTING": f"Already approved{who}; it is being posted right now.",
        "POSTED": f"Already approved{who} and posted to QuickBooks.",
        "ALREADY_IN_QB": f"Already approved{who}; QuickBooks has it.",
        "POST_FAILED": f"Already approved{who}, but it could not be posted: the card says why.",
        "REJECTED": f"Already rejected{who}.",
        "ACKNOWLEDGED": f"Already {'closed' if item.get('error') else 'acknowledged'}{who}.",
        "WITHDRAWN": "This bill is no longer posted in Odoo: there is nothing to decide.",
    }[item["status"]]


def _is_pdf(mime_type: str) -> bool:
    return mime_type == "application/pdf"
