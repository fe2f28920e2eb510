"""One document in QuickBooks for one bill: looked for, tried, looked for again.

An attempt is written down before it is sent, with its request id and its bytes. While nobody
knows what came of it, it is repeated as it was; another one follows only a definitive refusal,
or a look at a time when QuickBooks can no longer be working on any sending that it did not
answer. A refusal is definitive at such a time, too: before, it may be of the repeat alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb import exact_json
from odoo_qb.bill.model import amount_text, money
from odoo_qb.bill.numbering import normalised, spellings
from odoo_qb.bill.open_attempt import open_attempt
from odoo_qb.errors import Altered, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.posting.attempts import (
    COMPANY_CLOSED,
    body_of,
    closed,
    content_of,
    is_over,
    may_be_there,
    places,
    under_way,
    with_next,
)
from odoo_qb.posting.document_diff import IDENTITY, differences, is_tax
from odoo_qb.posting.payload import (
    DOC_NUMBER_LENGTH,
    entry_id_of,
    is_numbered_as_made,
    typed_number,
)
from odoo_qb.quickbooks.error_codes import RequestKnown
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.store.documents import Documents

FOUND: Final = frozenset({"different", "tax", "total"})  # refusals: about a document of ours
BODY_IN_ITEM: Final = 50_000  # characters; longer ones lie in S3: an item holds 400 kB in all
_DUPLICATE: Final = "6140"
_UNKNOWN_ID: Final = "610"
_HALF_A_CENT: Final = Decimal("0.005")


class NotCreated(Exception):  # noqa: N818 - posting makes a status of it
    """QuickBooks refused the document itself, for good: a next attempt may be made."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True, kw_only=True)
class DocumentCreation:
    """The way of one posting into QuickBooks; `store` keeps attempts and answers the item.

    `is_brief` where a bill is long known not to get through: then it is sent once, and not again
    at once. `is_first` tells afterwards whether nothing of this posting was ever sent before.
    `similar` says which documents of others have the number in another spelling and another total:
    a person should know. `looked_at` is when QuickBooks was last asked for the document.
    """

    bill: Bill
    item: Item
    posting: Posting
    quickbooks: QuickBooksClient
    clock: Callable[[], datetime]
    store: Callable[[Sequence[Json]], Item]
    documents: Documents
    is_brief: bool = False
    is_first: bool = False
    similar: list[str] = field(default_factory=list)
    looked_at: datetime | None = None

    def look(self, *, for_others: bool = True) -> Json | None:
        """Our document, if QuickBooks has it; Refused if another one stands in its place.

        An earlier attempt may have had another number and date, if the bill was amended since.
        Documents of others count only `for_others`: where this very posting is to be made.
        """
        self.looked_at = self.clock()
        payload = self.posting.payload
        here = (self.posting.entity, str(payload["DocNumber"]), str(payload["TxnDate"]))
        others: list[Json] = []
        marked: dict[tuple[str, str], Json] = {}
        for entity, number, day in sorted({here, *places(self.item.get("attempts", ()))}):
            is_current = (entity, number) == here[:2]
            typed = self._typed_numbers() if is_current else ()
            rows = self.quickbooks.find_by_doc_number(entity, number, day, *typed)
            ours = [r for r in rows if entry_id_of(r) == self.bill.entry_id]
            marked |= {(entity, str(r["Id"])): r for r in ours}
            others = rows if is_current else others
        if marked:
            return self._recognised(marked)
        if for_others:
            self._refuse_foreign(others)
        return None

    def create(self) -> Json:
        """Store the attempt, then make it; after an ambiguous answer make it again, then look.

        Raises NotCreated when QuickBooks will not have it.
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
        if not self.is_brief:  # the same request again is answered as the first was
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

    def compare(self, found: Json) -> None:
        """Refused when the document has another total or tax than was to be posted."""
        document = f"{self.posting.entity} {found['Id']}"
        if not is_total(found, self.posting.total):
            total, currency = money(str(found.get("TotalAmt", 0))), self.bill.currency
            raise Refused(
                f"QuickBooks has {document} for this bill with a total of"
                f" {amount_text(total, currency)} instead of"
                f" {amount_text(self.posting.total, currency)}.",
                remedy="Correct it there by hand, then retry.",
                code="total",
                document=document,
            )
        if not is_tax(self.posting, found):
            raise Refused(
                f"QuickBooks has {document} for this bill with the right total, but with its tax"
                " divided otherwise among the rates.",
                remedy="Correct it there by hand, then retry.",
                code="tax",
                document=document,
            )

    def _sent(self) -> Json:
        """What QuickBooks made of the open attempt; NotCreated where it refused."""
        attempt = self._now_open()
        entity = self.posting.entity
        try:
            body = body_of(attempt, self.documents)
            return self.quickbooks.create(entity, body, attempt["request_id"])
        except (Altered, Disconnected):
            raise
        except Refused as refusal:
            found = self._own() if refusal.code == _DUPLICATE else None
            if found is None:
                raise NotCreated(refusal) from refusal
            return found

    def _repeated(self) -> Json:
        """The same, after a sending that QuickBooks did not answer, as far as anybody knows.

        From the repeat on it may be at work again, so its time is noted before; an answered one
        leaves the sendings before it. Success may be the answer of back then: a document that
        was deleted since is not made again unasked.
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
                f"QuickBooks no longer has {entity} {document_id}, which was made for this bill:"
                " somebody deleted it there.",
                remedy="Retry to make it again, or close the bill.",
                code="deleted",
                tid=refusal.tid,
            )
            raise NotCreated(gone) from refusal

    def _note(self, **values: str) -> None:
        """Write down of the open attempt when it was sent, or by what a repeat was `refused`."""
        attempts = list(self.item.get("attempts", ()))
        self.item = self.store([*attempts[:-1], {**attempts[-1], **values}])

    def _is_over(self) -> bool:
        """Whether the last look came when QuickBooks could no longer be working on it."""
        return self.looked_at is not None and is_over(self._now_open(), self.looked_at)

    def _now_open(self) -> Json:
        return dict(self.item["attempts"][-1])

    def _own(self) -> Json | None:
        """Our own document under a number that is taken: of a try whose answer was lost."""
        try:
            return self.look()
        except Refused as other:
            if other.code != _DUPLICATE:
                raise
            raise NotCreated(other) from other

    def _open_attempt(self) -> None:
        """Have an open attempt of this content: the one there is, else the next one, stored."""
        attempts: Sequence[Json] = self.item.get("attempts", ())
        now, content = self.clock(), self._content()
        last = open_attempt(self.item)
        if last:
            refused = str(last.get("refused", ""))  # a repeat might be told the same for ever
            if last["content"] == content and not (refused and self._is_over()):
                return
            if not self._is_over():
                raise under_way(last, now)
            attempts = closed(attempts, refused or "absent")
        number = int(attempts[-1]["number"]) + 1 if attempts else 1
        payload, body = self.posting.payload, exact_json.to_json(self.posting.payload)
        request_id = f"oqb-{_hash(self.bill.entry_id, content, str(number))[:40]}"
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
            "content": content,
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

    def _content(self) -> str:
        return content_of(self.item["digest"], exact_json.to_json(self.posting.payload))

    def _recognised(self, marked: Mapping[tuple[str, str], Json]) -> Json:
        """Which of the documents with our marker is this bill as approved, else a person decides.

        People copy documents there, memo and all, so the marker alone tells nothing: vendor, date,
        number and total must be this bill's. Of several the first one made is it.
        """
        judged = [(self._differing(kind, row), kind, row) for (kind, _), row in marked.items()]
        judged.sort(key=lambda found: int(found[2]["Id"]))
        whole = [row for differing, _, row in judged if not differing]
        for row in whole:
            if is_total(row, self.posting.total):
                return row
        if whole:
            self.compare(whole[0])
        differing, entity, row = min(judged, key=lambda found: len(found[0]))
        document = f"{entity} {row['Id']}"
        raise Refused(
            f"QuickBooks has {document} for this bill, with another {', '.join(differing)}:"
            " somebody changed or copied it there, or it is from before the bill was amended.",
            remedy="Correct it there by hand, then retry.",
            code="different",
            document=document,
        )

    def _differing(self, entity: str, row: Json) -> list[str]:
        """In what a document with our marker is not this bill.

        One that may have been made for another content must have been corrected to this one in
        everything; of one made for this content what somebody tidied up there is theirs to know.
        """
        attempts: Sequence[Json] = self.item.get("attempts", ())
        content, found = self._content(), differences(self.posting, entity, row)
        is_of_another = bool(attempts) and attempts[-1]["content"] != content
        if is_of_another or any(a["content"] != content for a in attempts if may_be_there(a)):
            return found
        return [d for d in found if d in IDENTITY]

    def _typed_numbers(self) -> tuple[str, ...]:
        """Under what else a person may have entered it: a long number's beginning, as it is.

        Or the number with another separator in it.
        """
        typed, number = typed_number(self.bill), self.posting.payload["DocNumber"]
        others = [typed, *spellings(typed, DOC_NUMBER_LENGTH)]
        return tuple(n for n in dict.fromkeys(others) if n not in {"", number})

    def _refuse_foreign(self, rows: Sequence[Json]) -> None:
        """The same number of the same vendor, entered by somebody else: not ours to judge.

        So is a copy that somebody made of a document of ours: it keeps the memo, not the number.
        In another spelling it is the same where its total is, too; otherwise a person is told.
        """
        payload, entity = self.posting.payload, self.posting.entity
        typed = typed_number(self.bill)
        exact = {n.casefold() for n in (payload["DocNumber"], typed) if n}
        alike = {normalised(n) for n in exact}
        self.similar = []
        for row in rows:
            number = str(row.get("DocNumber", ""))
            is_vendors = row.get("VendorRef", {}).get("value") == payload["VendorRef"]["value"]
            if not is_vendors or is_numbered_as_made(row) or normalised(number) not in alike:
                continue
            if number.casefold() in exact or is_total(row, self.posting.total):
                raise Refused(
                    f"QuickBooks already has {entity} {row['Id']} with the number"
                    f" {number} of this vendor, entered by somebody else.",
                    remedy="Link it if it is this bill, else correct the reference in Odoo.",
                    code=_DUPLICATE,
                )
            total = amount_text(money(str(row.get("TotalAmt", 0))), self.bill.currency)
            self.similar.append(
                f"QuickBooks already has {entity} {row['Id']} with the number {number} of this"
                f" vendor, for {total}: check that it is another bill."
            )


def is_total(found: Json, total: Decimal) -> bool:
    """Whether a document of QuickBooks has this total, to the cent."""
    return abs(money(str(found.get("TotalAmt", 0))) - total) < _HALF_A_CENT


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
