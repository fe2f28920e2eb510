"""Decide a person's click, and reply to it.

A decision is about a digest: the content the person saw. It is one conditional write, so that only
the first of two people decides, and the other learns who it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.approval import approvers
from odoo_qb.approval.click import Click, Response
from odoo_qb.approval.policy import FIRST_OF_TWO, RULES, objection, rule_for
from odoo_qb.bill.delays import is_held, is_told
from odoo_qb.bill.follow_ups import possible_document
from odoo_qb.bill.item import approvals_of, document_of
from odoo_qb.bill.model import amount_text
from odoo_qb.bill.notices import bounded, is_escalated, notices_of
from odoo_qb.cards.status import stuck
from odoo_qb.errors import Conflict, Refused
from odoo_qb.slack.blocks import escaped, label
from odoo_qb.slack.workspace import is_of_organisation, is_ours
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.approval.policy import Rule
    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.queue import ApprovedQueue
    from odoo_qb.store.table import Table

logger = Logger(child=True)

STRANGER: Final = "Only members of this Slack workspace can decide on these bills."
OTHER_APP: Final = "This button belongs to another Slack app. Nothing was recorded."
_POSTERS: Final = frozenset({"link_existing", "attach_files"})  # besides approvals
# Slack takes 4,000 characters of text; a link signed with a role's credentials has up to 2,100.
_LINKS_LENGTH: Final = 3860
_TRIES: Final = 4  # attempts, if others write to the bill at the same time


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionService:
    """Checks and stores decisions; `channel` is for the cards of companies without their own."""

    table: Table
    queue: ApprovedQueue
    documents: Documents
    companies: Mapping[str, Company]
    channel: str
    clock: Callable[[], datetime]

    def decide(self, click: Click) -> Response:
        """Store the decision, unless the bill's state, the person or another decision forbids it.

        The write is conditional on what was read. A bill that changed in between is read again, and
        decided only if its content is still what the person saw.
        """
        tried: Json = {}
        for _ in range(_TRIES):
            item = self.table.get(click.entry_id)
            if item and tried and _is_last(item, tried):
                # AWS stored the write, but its answer was lost and the retry was refused.
                return self._done(item, click, tried["done"])
            refusal = self._refusal(item, click)
            if item is None or refusal:
                return refusal or _UNKNOWN
            now = self.clock()
            rule = rule_for(click.action_id, item, self.companies[item["company"]])
            values, remove = _written(item, click, rule, stamp(now))
            tried = {"at": stamp(now), "actor": click.person, "to": rule.after, "done": rule.done}
            try:
                decided = self.table.change(
                    item,
                    to=rule.after if rule.after != item["status"] else None,
                    actor=click.person,
                    now=now,
                    values=values,
                    remove=remove,
                    note=click.reason or rule.note.format(document=click.document),
                )
            except Conflict:
                continue
            return self._done(decided, click, rule.done)
        return Response(text="This bill is being updated. Try again in a moment.", item=item)

    def may_decide(self, click: Click) -> Response:
        """Whether the modal may open (`is_done`), or why this cannot be decided."""
        item = self.table.get(click.entry_id)
        refusal = self._refusal(item, click)
        return refusal or Response(text="", item=item, is_done=True)

    def view(self, click: Click) -> Response:
        """A link to the PDF, valid for five minutes, visible only to the person; logged."""
        item = self.table.get(click.entry_id)
        refusal, _ = self._not_theirs(item, click)
        if item is None or refusal:
            return refusal or _UNKNOWN
        found = [d for d in map(document_of, item["documents"]) if d.key and _is_pdf(d.type)]
        links: list[str] = []
        for number, pdf in list(enumerate(found, start=1))[click.first_file - 1 :]:
            label = f"Open the PDF of {name_of(item)}" if number == 1 else f"file {number}"
            link = f"<{self.documents.link(pdf)}|{label}>"
            if links and len(", ".join([*links, link])) > _LINKS_LENGTH:
                break
            links.append(link)
            logger.info(
                "PDF viewed",
                entry_id=click.entry_id,
                company=item["company"],
                person=click.person,
                key=pdf.key,
                version_id=pdf.version_id,
            )
        if not links:
            return Response(text="This bill has no PDF.", item=item)
        after = click.first_file + len(links)
        return Response(
            text=f"{', '.join(links)}. Expires in five minutes.",
            item=item,
            is_done=True,
            next_file=after if after <= len(found) else 0,
        )

    def _refusal(self, item: Item | None, click: Click) -> Response | None:
        refusal, email = self._not_theirs(item, click)
        if item is None or refusal:
            return refusal
        company = self.companies[item["company"]]
        why_not = objection(click.action_id, item, company, click.person, email)
        if not why_not and click.action_id == "close_invoice" and is_held(item, self.clock()):
            why_not = "This bill is being posted right now. Try again in a minute."
        if not why_not and click.realm not in {"", company.realm_id}:
            why_not = _another_company(company)
        return Response(text=why_not, item=item) if why_not else None

    def _not_theirs(self, item: Item | None, click: Click) -> tuple[Response | None, str]:
        """Why this person may not act on the bill at all; and their e-mail address, if known.

        Independent of which button was clicked.
        """
        if item is None:
            return _UNKNOWN, ""
        company = self.companies.get(item["company"])
        name = escaped(item["company"])
        if company is None:
            return Response(
                text=f"The company {name} is no longer configured. Tell the operator.",
                item=item,
            ), ""
        ids = approvers.sources(company, self.channel, escalated=is_escalated(item))
        person = approvers.known(self.table, ids, click.person, self.clock())
        # A person from a sister workspace decides only as a member of ours.
        is_here = is_ours(click.teams, person.home)
        if click.app != (person.app or click.app):
            why_not = OTHER_APP
        elif not is_here and not is_of_organisation(click.teams, click.organisation, person.home):
            why_not = STRANGER
        elif person.may_decide == "unknown":
            approvers.ask_about(self.table, ids, click.person)
            approvers.wake(self.table, item)
            why_not = (
                f"We haven't confirmed that you can approve {name}'s bills. If you can, try"
                " again in a minute."
            )
        elif person.may_decide == "no":
            why_not = f"You aren't an approver for {name}."
            if person.may_be_old:
                approvers.wake(self.table, item)
                why_not += " If you were just added, try again in a minute."
        elif item["digest"] != click.digest:
            why_not = (
                "This card is out of date: the bill has changed in Odoo since. Nothing was"
                " recorded."
            )
            return Response(text=why_not, item=item, is_outdated=True), ""
        elif click.revision not in {None, int(item["revision"])}:
            why_not = (
                "This card is being updated. Check it again before you decide. Nothing was"
                " recorded."
            )
        else:
            return None, person.email
        return Response(text=why_not, item=item), ""

    def _done(self, item: Item, click: Click, text: str) -> Response:
        """Queue the bill for the poster; the decision stands even if that fails."""
        if possible_document(item):
            text = f"{text} {escaped(possible_document(item))}"
        is_posters = item["status"] == "APPROVED" or click.action_id in _POSTERS
        if is_posters and not self._queued(item):
            text = _LATER
        return Response(text=text, item=item, is_done=True)

    def _queued(self, item: Item) -> bool:
        """Whether it was queued; if not, the sweep will queue it."""
        try:
            self.queue.send(item)
        except (BotoCoreError, ClientError):
            logger.exception("not queued: the sweep sends it", entry_id=item["entry_id"])
            return False
        return True


_UNKNOWN: Final = Response(text="This bill is no longer on record.")
_LATER: Final = "Decision saved. It couldn't be queued just now and will be sent automatically."


def _another_company(company: Company) -> str:
    return (
        "This link leads to another QuickBooks company. Open the bill in the QuickBooks"
        f" company of {escaped(company.key)} and copy the link from there."
    )


def name_of(item: Item) -> str:
    """The bill's name in a reply, as mrkdwn with foreign text escaped."""
    return label(item["odoo_name"], amount_text(item["amount_total"], item["currency"]))


def is_repeated(item: Item, click: Click) -> bool:
    """Whether the same person did this already: Slack sends a click again if the reply was late."""
    if click.action_id == "link_existing":
        link = item.get("link") or {}
        is_same = (link.get("by"), link.get("id")) == (click.person, click.document)
        return is_same and link.get("realm", "") == click.realm
    is_theirs = item.get("decided_by") == click.person and item["digest"] == click.digest
    return is_theirs and item["status"] == RULES[click.action_id].after


def _written(item: Item, click: Click, rule: Rule, at: str) -> tuple[Json, list[str]]:
    """The attributes that a decision sets, and those it removes."""
    request: Json = {"by": click.person, "at": at, "digest": click.digest}
    decided: Json = {"decided_by": click.person, "decided_at": at}
    approvals: Json = {"approvals": [*approvals_of(item), request]}
    rejected: Json = {"kind": "rejected", "due_at": at, "ts": "", "by": click.person}
    rejected["reason"] = click.reason
    rejected["card"] = item["cards"][-1]["ts"] if item["cards"] else ""
    reason: Json = {
        "rejection_reason": click.reason,
        "notices": bounded([*notices_of(item), rejected]),
    }
    in_realm: Json = {"realm": click.realm} if click.realm else {}
    # A new revision, so that the earlier click has no effect if Slack sends it again.
    anew: Json = {"approvals": [], "revision": int(item["revision"]) + 1}
    undone = ["decided_by", "decided_at", "rejection_reason", "trouble"]
    closing = decided | ({"error": Refused(stuck(item)).as_error()} if is_told(item) else {})
    written: dict[str, tuple[Json, list[str]]] = {
        "approve_invoice": ({**approvals, **decided}, ["error", "trouble"]),
        "reject_invoice": ({**decided, **reason}, ["error"]),
        "acknowledge_intercompany": (decided, ["error"]),
        "take_back": (anew, undone),
        "reopen_invoice": (anew, undone),
        # The same approval of the same content.
        "retry_posting": ({}, ["error", "link", "trouble"]),
        "link_existing": ({"link": {**request, "id": click.document, **in_realm}}, []),
        # The card still says why it was not posted.
        "close_invoice": (closing, ["link", "trouble"]),
        # Only the files that the person saw are attached, even if more are added meanwhile.
        "attach_files": ({"attach": {**request, "files": item.get("added_files", [])}}, []),
    }
    if rule is FIRST_OF_TWO:
        return approvals, []
    return written[click.action_id]


def _is_last(item: Item, tried: Json) -> bool:
    """Whether the bill's last change is the attempted one."""
    last = item["history"][-1]
    return all(last[k] == tried[k] for k in ("at", "actor", "to"))


def _is_pdf(mime_type: str) -> bool:
    return mime_type == "application/pdf"
