"""Create one document in QuickBooks for one bill: look, try, look again.

An attempt is stored before it is sent, with its request id and its bytes. While its result is
unknown, the same attempt is repeated. A new one follows only after a definitive refusal, or after a
look at a time when QuickBooks can no longer be working on an unanswered request. Only at such a
time is a refusal definitive, too: before, it may concern only the repeat.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb import exact_json
from odoo_qb.bill.open_attempt import open_attempt
from odoo_qb.errors import Altered, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.posting.attempts import (
    COMPANY_CLOSED,
    body_of,
    closed,
    is_over,
    under_way,
    with_next,
)
from odoo_qb.posting.lookup import DUPLICATE, DocumentLookup, content_hash
from odoo_qb.quickbooks.error_codes import RequestKnown
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.store.documents import Documents

FOUND: Final = frozenset({"different", "tax", "total"})  # refusals because of a document of ours
BODY_IN_ITEM: Final = 50_000  # characters; longer ones go to S3, because an item holds 400 kB
_UNKNOWN_ID: Final = "610"


class NotCreated(Exception):  # noqa: N818 - posting makes a status of it
    """QuickBooks definitively refused the document: another attempt may be made."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True, kw_only=True)
class DocumentCreation:
    """Creates the document of one posting; `store` stores attempts and returns the item.

    With `is_brief`, for a bill delayed for long, it is sent once without an immediate repeat.
    `is_first` says afterwards whether nothing of this posting was sent before. `looked_at` is when
    QuickBooks was last searched for the document.
    """

    lookup: DocumentLookup
    item: Item
    clock: Callable[[], datetime]
    store: Callable[[Sequence[Json]], Item]
    documents: Documents
    is_brief: bool = False
    is_first: bool = False
    looked_at: datetime | None = None

    @property
    def bill(self) -> Bill:
        """The bill."""
        return self.lookup.bill

    @property
    def posting(self) -> Posting:
        """The document to create."""
        return self.lookup.posting

    @property
    def quickbooks(self) -> QuickBooksClient:
        """The client of its company."""
        return self.lookup.quickbooks

    def look(self, *, for_others: bool = True) -> Json | None:
        """Our document, if QuickBooks has it; see DocumentLookup."""
        self.looked_at = self.clock()
        return self.lookup.look(self.item, for_others=for_others)

    def create(self) -> Json:
        """Store the attempt, then send it; after an unclear answer repeat it, then look.

        Raises NotCreated if QuickBooks refuses it.
        """
        self._open_attempt()
        try:
            return self._repeated() if not self.is_first else self._sent()
        except Disconnected as refusal:
            if self.is_first and refusal.code in COMPANY_CLOSED:
                self.item = self.store(closed(self.item.get("attempts", ()), refusal.code))
            raise
        except Throttled:
            raise
        except Unavailable as error:
            unanswered = error
        if not self.is_brief:  # the same request gets the first one's answer
            try:
                return self._repeated()
            except Throttled:
                raise
            except Unavailable as error:
                unanswered = error
        found = self.look()
        if found:
            return found
        if isinstance(unanswered, RequestKnown) and self._is_over():
            lost = "QuickBooks received an earlier attempt but has no document for it."
            raise NotCreated(Refused(lost, remedy="Retry.", code="600")) from unanswered
        raise unanswered

    def _sent(self) -> Json:
        """The document created by the open attempt; NotCreated if it was refused."""
        attempt = self._now_open()
        entity = self.posting.entity
        try:
            body = body_of(attempt, self.documents)
            return self.quickbooks.create(entity, body, attempt["request_id"])
        except (Altered, Disconnected):
            raise
        except Refused as refusal:
            found = self._own() if refusal.code == DUPLICATE else None
            if found is None:
                raise NotCreated(refusal) from refusal
            return found

    def _repeated(self) -> Json:
        """Send an attempt again that may not have been answered.

        QuickBooks may then be working on it again, so the time is stored first; an answer to the
        repeat does not settle the requests before it. A success may be the answer from back then:
        if the document was deleted since, only a person may decide to create it again.
        """
        unanswered = str(self._now_open()["sent_at"])
        self._note(sent_at=stamp(self.clock()))
        try:
            made = self._sent()
        except RequestKnown:
            self._note(sent_at=unanswered)
            raise
        except Disconnected as refusal:
            if refusal.code in COMPANY_CLOSED:
                self._note(sent_at=unanswered, refused=refusal.code)
            raise
        except NotCreated as refused:
            self._note(sent_at=unanswered)
            if not self._is_over():
                raise under_way(self._now_open(), self.clock()) from refused
            raise
        self._confirm(str(made["Id"]))
        return made

    def _confirm(self, document_id: str) -> None:
        entity = self.posting.entity
        try:
            self.quickbooks.read(entity, document_id)
        except Refused as refusal:
            if refusal.code != _UNKNOWN_ID:
                raise
            gone = Refused(
                f"QuickBooks no longer has {entity} {document_id}, which was posted for this"
                " bill: someone deleted it there.",
                remedy="Retry to post it again, or close the bill.",
                code="deleted",
                tid=refusal.tid,
            )
            raise NotCreated(gone) from refusal

    def _note(self, **values: str) -> None:
        """Record when the open attempt was sent, or why a repeat was `refused`."""
        attempts = list(self.item.get("attempts", ()))
        self.item = self.store([*attempts[:-1], {**attempts[-1], **values}])

    def _is_over(self) -> bool:
        """Whether QuickBooks could no longer be working on it at the last look."""
        return self.looked_at is not None and is_over(self._now_open(), self.looked_at)

    def _now_open(self) -> Json:
        return dict(self.item["attempts"][-1])

    def _own(self) -> Json | None:
        """Our own document under a number that is taken, from an attempt whose answer was lost."""
        try:
            return self.look()
        except Refused as other:
            if other.code != DUPLICATE:
                raise
            raise NotCreated(other) from other

    def _open_attempt(self) -> None:
        """The open attempt for this content, or the next one, stored."""
        attempts: Sequence[Json] = self.item.get("attempts", ())
        now, wanted = self.clock(), content_hash(self.item, self.posting)
        last = open_attempt(self.item)
        if last:
            refused = str(last.get("refused", ""))  # a repeat might get the same answer forever
            if last["content"] == wanted and not (refused and self._is_over()):
                return
            if not self._is_over():
                raise under_way(last, now)
            attempts = closed(attempts, refused or "absent")
        number = int(attempts[-1]["number"]) + 1 if attempts else 1
        payload, body = self.posting.payload, exact_json.to_json(self.posting.payload)
        request_id = f"oqb-{_hash(self.bill.entry_id, wanted, str(number))[:40]}"
        key = ""
        if len(body) > BODY_IN_ITEM:
            key, text = f"attempts/{self.bill.entry_id}/{request_id}.json", body
            self.documents.write(key, text)
            body = ""
        attempt: Json = {
            "number": number,
            "at": stamp(now),
            "sent_at": stamp(now),
            "realm": self.quickbooks.realm_id,
            "request_id": request_id,
            "digest": self.item["digest"],
            "revision": int(self.item["revision"]),
            "content": wanted,
            "entity": self.posting.entity,
            "doc_number": payload["DocNumber"],
            "day": payload["TxnDate"],
            "body": body,
            "body_key": key,
            "outcome": "",
        }
        if self.posting.total != self.bill.amount_total:
            attempt["total"] = self.posting.total
        self.item = self.store(with_next(attempts, attempt))
        self.is_first = True


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
