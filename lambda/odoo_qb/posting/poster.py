"""Post an approved bill to QuickBooks: once, and as it was approved.

look → claim and store the attempt → create → compare the total → attach → POSTED. The claim is
conditional on the bill as it was read before the look, so no one else can have created anything
since. A bill with earlier attempts is claimed before the look. After a crash everything is
repeated; the look and the attempt's request id ensure that nothing is created twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.delays import is_held, is_known
from odoo_qb.bill.item import is_unjudged
from odoo_qb.bill.open_attempt import finishes_as_stored, open_attempt
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.errors import Altered, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.posting.claim import Claim
from odoo_qb.posting.context import PostingContext
from odoo_qb.posting.creation import FOUND, NotCreated
from odoo_qb.posting.delays import note_trouble
from odoo_qb.posting.later_files import attach_as_asked
from odoo_qb.posting.linking import link_as_asked
from odoo_qb.posting.work import Amended, Changed, PostingAttempt, is_amended

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item


WAIT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster(PostingContext):
    """Posts, links and attaches the bills that the queue delivers."""

    def post(  # noqa: PLR0911 - each reason to leave a bill alone is a line
        self, entry_id: str, revision: int, message_id: str, *, last_try: bool = False
    ) -> str:
        """Post one bill; returns its status afterwards, or OUTDATED, AMENDED or WAITING.

        Raises Unavailable (Throttled) if the message must come again; the claim is released. With
        `last_try` a file that cannot be attached no longer keeps a bill from being POSTED. While a
        company must be connected again, its bills stay as they are and their messages end as
        WAITING. A bill known to have changed in Odoo is not started: it is AMENDED and waits for
        the extractor to read it again.
        """
        item = self.table.get(entry_id)
        if item is None or int(item["revision"]) != revision:
            return "OUTDATED"  # amended since; a new decision will send a new message
        company = item["company"]
        is_asked_to_link = item["status"] == "POST_FAILED" and item.get("link")
        is_asked_to_attach = item["status"] in IN_QUICKBOOKS and item.get("attach")
        is_asked = is_asked_to_link or is_asked_to_attach
        if item["status"] not in {"APPROVED", "POSTING"} and not is_asked:
            return item["status"]
        is_broken = company in self.companies and self.quickbooks(company).is_broken()
        is_left = item["status"] == "APPROVED" and is_amended(item) and not open_attempt(item)
        if is_broken or is_left:
            return "WAITING" if is_broken else "AMENDED"
        try:
            if is_asked_to_link:
                return link_as_asked(self, item)
            if is_asked_to_attach:
                return attach_as_asked(self, item, message_id, last_try=last_try)
            return self._post(item, message_id, last_try=last_try)
        except Disconnected as refusal:
            self.disconnected(company, refusal)
            return "WAITING"

    def note_trouble(self, entry_id: str, message_id: str, reason: str) -> bool:
        """Note why a bill was not posted; returns whether it was delayed before this message.

        If so, its company's other bills do not wait for its next attempts.
        """
        item = self.table.get(entry_id)
        if item is None or item["status"] not in {"APPROVED", "POSTING"}:
            return False
        note_trouble(self.table, item, message_id, reason, self.clock())
        return is_known(item, message_id)

    def _post(  # noqa: C901 - what a posting may end with is a line each
        self, item: Item, message_id: str, *, last_try: bool
    ) -> str:
        self._wait_for_others(item, message_id)
        claim = Claim(table=self.table, clock=self.clock, message_id=message_id, item=item)
        work = PostingAttempt(context=self, claim=claim, began=self.clock())
        if is_unjudged(item) and not finishes_as_stored(item) and item["company"] in self.companies:
            return self._left_to_be_judged(claim)
        try:
            if item["status"] == "POSTING" or item.get("attempts"):
                claim.take()
            status = work.post(last_try=last_try)
        except Changed as changed:
            work.be_certain()
            status = work.ask_again([str(c) for c in changed.args])
        except Amended:
            work.be_certain()
            status = work.hand_back()
        except NotCreated as error:
            status = work.fail(error.refusal, outcome=error.refusal.code or "refused")
        except Disconnected as refusal:
            work.wait_for_connection(str(refusal))
            raise
        except Refused as refusal:
            if refusal.code not in FOUND:
                work.be_certain()
            if isinstance(refusal, Altered):
                work.mail_alteration(str(refusal))
            status = work.fail(refusal, outcome="")
        except Unavailable:
            claim.release()
            raise
        return status

    def _left_to_be_judged(self, claim: Claim) -> str:
        """Leave a bill that 1.0 stored until the extractor knows whether it is posted as shown.

        The extractor needs a QuickBooks snapshot for that. A bill that 1.0 was posting, with
        nothing sent, returns to approved.
        """
        item = claim.item
        if item["status"] == "POSTING":
            claim.change("APPROVED", {}, note="to be compared with what is posted now")
        company = self.companies[item["company"]]
        self.snapshot(company, self.quickbooks(company.key))
        return "AMENDED"

    def _wait_for_others(self, item: Item, message_id: str) -> None:
        is_mine = (item.get("claim") or {}).get("message_id") == message_id
        if is_held(item, self.clock()) and not is_mine:
            raise Throttled("Another run is posting this bill.", WAIT_SECONDS)
