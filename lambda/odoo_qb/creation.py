"""One document in QuickBooks for one bill: looked for, tried, looked for again.

An attempt is written down before it is sent, with its request id and its bytes. While nobody
knows what came of it, it is repeated as it was; another one follows only a definitive refusal,
or a look at a time when QuickBooks can no longer be working on any sending that it did not
answer. A refusal is definitive at such a time, too: before, it may be of the repeat alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import ledger
from odoo_qb.bill import amount_text, money
from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.faults import RequestKnown
from odoo_qb.item import open_attempt, stamp
from odoo_qb.ledger import Posting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw
    from odoo_qb.ledger import Entity, Payload
    from odoo_qb.quickbooks import QuickBooksCompany

WAIT_SECONDS: Final = 60
SERVER_LIMIT: Final = timedelta(seconds=150)  # QuickBooks itself gives up after 120
FOUND: Final = frozenset({"different", "total"})  # refusals that are about a document of ours
BODY_IN_ITEM: Final = 50_000  # characters; longer ones lie in S3: an item holds 400 kB in all
_DUPLICATE: Final = "6140"
_UNKNOWN_ID: Final = "610"
# What QuickBooks itself, not a gateway, says of a closed company: a repeat might be told the
# same when the company is open again.
_ANSWERED: Final = frozenset({"100", "110", "120", "6190"})
_HALF_A_CENT: Final = Decimal("0.005")
# What the card shows of a payload; the bill's digest has the rest that matters.
_SHOWN: Final = ("VendorRef", "Line", "TxnTaxDetail")


class NotCreated(Exception):  # noqa: N818 - posting makes a status of it
    """QuickBooks refused the document itself, for good: a next attempt may be made."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


@dataclass(slots=True, kw_only=True)
class Creation:
    """The way of one posting into QuickBooks; `store` keeps attempts and answers the item.

    `is_first` tells afterwards whether nothing of this posting was ever sent before.
    `looked_at` is when QuickBooks was last asked for the document.
    """

    bill: Bill
    item: Item
    posting: Posting
    quickbooks: QuickBooksCompany
    clock: Callable[[], datetime]
    store: Callable[[Sequence[Raw]], Item]
    documents: Documents
    is_first: bool = False
    looked_at: datetime | None = None

    def look(self) -> Raw | None:
        """Our document, if QuickBooks has it; Refused if another one stands in its place.

        An earlier attempt may have had another number and date, if the bill was amended since.
        """
        self.looked_at = self.clock()
        mark, payload = ledger.marker(self.bill.entry_id), self.posting.payload
        places = {(self.posting.entity, payload["DocNumber"], payload["TxnDate"])}
        places |= {(a["entity"], a["doc_number"], a["day"]) for a in self.item.get("attempts", ())}
        current: list[Raw] = []
        for entity, number, day in sorted(places):
            is_current = (entity, number) == (self.posting.entity, payload["DocNumber"])
            others = self._typed_numbers() if is_current else ()
            rows = self.quickbooks.numbered(entity, number, day, *others)
            ours = [r for r in rows if mark in str(r.get("PrivateNote", ""))]
            if ours:
                self._recognise(entity, ours[0])
                return ours[0]
            if is_current:
                current = rows
        self._refuse_foreign(current)
        return None

    def create(self) -> Raw:
        """Store the attempt, then make it; after an ambiguous answer make it again, then look.

        Raises NotCreated when QuickBooks will not have it.
        """
        self._open_attempt()
        try:
            return self._repeated() if not self.is_first else self._sent()
        except (Disconnected, Throttled):
            raise
        except Unavailable:
            pass  # nobody knows: the same request again is answered as the first was
        try:
            return self._repeated()
        except Throttled:
            raise
        except Unavailable as error:
            found = self.look()
            if found:
                return found
            if isinstance(error, RequestKnown) and self._is_over():
                lost = "QuickBooks knows of a try to make this, but has no document of it: retry."
                raise NotCreated(Refused(lost, code="600")) from error
            raise

    def compare(self, found: Raw) -> None:
        """Refused when the document's total is not the bill's."""
        if not is_total(found, self.bill):
            total, currency = money(str(found.get("TotalAmt", 0))), self.bill.currency
            raise Refused(
                f"QuickBooks has {self.posting.entity} {found['Id']} for this bill with a total of"
                f" {amount_text(total, currency)} instead of"
                f" {amount_text(self.bill.amount_total, currency)}: correct it there by hand,"
                " then retry.",
                code="total",
            )

    def _sent(self) -> Raw:
        """What QuickBooks made of the open attempt; NotCreated where it refused."""
        attempt = self._now_open()
        entity = self.posting.entity
        try:
            return self.quickbooks.create(entity, self._body(attempt), attempt["request_id"])
        except Disconnected as refusal:
            if refusal.code in _ANSWERED:
                self.item = self.store(closed(self.item.get("attempts", ()), refusal.code))
            raise
        except Refused as refusal:
            found = self._own() if refusal.code == _DUPLICATE else None
            if found is None:
                raise NotCreated(refusal) from refusal
            return found

    def _repeated(self) -> Raw:
        """The same, after a sending that QuickBooks did not answer, as far as anybody knows.

        From the repeat on it may be at work again, so its time is noted before; an answered one
        leaves the sendings before it. Success may be the answer of back then: a document that
        was deleted since is not made again unasked.
        """
        unanswered = str(self._now_open()["sent_at"])
        self._note_sent(stamp(self.clock()))
        try:
            made = self._sent()
        except RequestKnown:
            self._note_sent(unanswered)
            raise
        except NotCreated as refused:
            self._note_sent(unanswered)
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
            gone = (
                f"QuickBooks no longer has {entity} {document_id}, which was made for this bill:"
                " somebody deleted it there. Retry to make it again, or close the bill."
            )
            raise NotCreated(Refused(gone, code="deleted", tid=refusal.tid)) from refusal

    def _note_sent(self, at: str) -> None:
        attempts = list(self.item.get("attempts", ()))
        self.item = self.store([*attempts[:-1], {**attempts[-1], "sent_at": at}])

    def _is_over(self) -> bool:
        """Whether the last look came when QuickBooks could no longer be working on it."""
        return self.looked_at is not None and is_over(self._now_open(), self.looked_at)

    def _now_open(self) -> Raw:
        return dict(self.item["attempts"][-1])

    def _body(self, attempt: Raw) -> str:
        return attempt["body"] or self.documents.text(attempt["body_key"])

    def _own(self) -> Raw | None:
        """Our own document under a number that is taken: of a try whose answer was lost."""
        try:
            return self.look()
        except Refused as other:
            if other.code != _DUPLICATE:
                raise
            raise NotCreated(other) from other

    def _open_attempt(self) -> None:
        """Have an open attempt of this content: the one there is, else the next one, stored."""
        attempts: Sequence[Raw] = self.item.get("attempts", ())
        now, content = self.clock(), self._content()
        last = open_attempt(self.item)
        if last:
            if last["content"] == content:
                return
            if not self._is_over():
                raise under_way(last, now)
            attempts = closed(attempts, "absent")
        number = len(attempts) + 1
        payload, body = self.posting.payload, ledger.to_json(self.posting.payload)
        request_id = f"oqb-{_hash(self.bill.entry_id, content, str(number))[:40]}"
        key = ""
        if len(body) > BODY_IN_ITEM:
            key, text = f"attempts/{self.bill.entry_id}/{request_id}.json", body
            self.documents.write(key, text)
            body = ""
        attempt: Raw = {
            "number": number,
            "at": stamp(now),
            "sent_at": stamp(now),
            "realm": self.quickbooks.realm_id,
            "request_id": request_id,
            "digest": self.item["digest"],
            "content": content,
            "entity": self.posting.entity,
            "doc_number": payload["DocNumber"],
            "day": payload["TxnDate"],
            "body": body,
            "body_key": key,
            "outcome": "",
        }
        self.item = self.store([*attempts, attempt])
        self.is_first = True

    def _content(self) -> str:
        shown = {name: self.posting.payload.get(name) for name in _SHOWN}
        return _hash(self.item["digest"], ledger.to_json(shown))

    def _recognise(self, entity: str, found: Raw) -> None:
        """A document with our marker must be this bill as approved, else a person decides."""
        payload = self.posting.payload
        attempts: Sequence[Raw] = self.item.get("attempts", ())
        is_this = (
            entity == self.posting.entity
            and found.get("VendorRef", {}).get("value") == payload["VendorRef"]["value"]
            and str(found.get("TxnDate", "")) == payload["TxnDate"]
        )
        is_earlier = bool(attempts) and attempts[-1]["content"] != self._content()
        if is_earlier or not is_this:
            raise Refused(
                f"QuickBooks has {entity} {found['Id']} for this bill, with another content:"
                " somebody changed it there, or it is from before the bill was amended. Correct it"
                " there by hand, then link it.",
                code="different",
            )

    def _typed_numbers(self) -> tuple[str, ...]:
        """Under what else a person may have entered it: a long number's beginning, as it is."""
        typed = ledger.typed_number(self.bill)
        return (typed,) if typed not in {"", self.posting.payload["DocNumber"]} else ()

    def _refuse_foreign(self, rows: Sequence[Raw]) -> None:
        """The same number of the same vendor, entered by somebody else: not ours to judge."""
        payload = self.posting.payload
        numbers = {n.casefold() for n in (payload["DocNumber"], *self._typed_numbers())}
        for row in rows:
            is_vendors = row.get("VendorRef", {}).get("value") == payload["VendorRef"]["value"]
            is_foreign = "[odoo-" not in str(row.get("PrivateNote", ""))
            if is_vendors and is_foreign and str(row.get("DocNumber", "")).casefold() in numbers:
                raise Refused(
                    f"QuickBooks already has {self.posting.entity} {row['Id']} with the number"
                    f" {row['DocNumber']} of this vendor, entered by somebody else:"
                    " link it if it is this bill, else correct the reference in Odoo.",
                    code=_DUPLICATE,
                )


def posting_of(attempt: Raw, documents: Documents) -> Posting:
    """What an open attempt sent."""
    body = attempt["body"] or documents.text(attempt["body_key"])
    payload = cast("Payload", json.loads(body, parse_float=Decimal))
    return Posting(entity=cast("Entity", attempt["entity"]), payload=payload)


def is_over(attempt: Raw, now: datetime) -> bool:
    """Whether QuickBooks can no longer be working on an attempt, whenever it was sent."""
    return str(attempt["sent_at"]) <= stamp(now - SERVER_LIMIT)


def under_way(attempt: Raw, now: datetime) -> Throttled:
    """Nothing is certain before QuickBooks can no longer be working on an attempt."""
    over_at = datetime.fromisoformat(attempt["sent_at"]) + SERVER_LIMIT
    seconds = max(1, int((over_at - now).total_seconds()) + 1)
    return Throttled("An earlier try may still be under way.", seconds)


def closed(attempts: Sequence[Raw], outcome: str) -> list[Raw]:
    """The attempts with the open one closed; its bytes are needed no more."""
    return [
        a if a["outcome"] else {k: v for k, v in a.items() if k != "body"} | {"outcome": outcome}
        for a in attempts
    ]


def is_total(found: Raw, bill: Bill) -> bool:
    """Whether a document of QuickBooks has the bill's total, to the cent."""
    return abs(money(str(found.get("TotalAmt", 0))) - bill.amount_total) < _HALF_A_CENT


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
