"""One document in QuickBooks for one bill: looked for, tried, looked for again.

An attempt is written down before it is sent, with its request id and its bytes. While nobody
knows what came of it, it is repeated as it was; another one follows only a definitive refusal,
or a look at a time when QuickBooks can no longer be working on the first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import ledger
from odoo_qb.bill import amount_text, money
from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.faults import RequestKnown
from odoo_qb.item import stamp
from odoo_qb.ledger import Posting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from odoo_qb.bill import Bill
    from odoo_qb.item import Item, Raw
    from odoo_qb.ledger import Entity, Payload
    from odoo_qb.quickbooks import QuickBooksCompany

WAIT_SECONDS: Final = 60
SERVER_LIMIT: Final = timedelta(seconds=150)  # QuickBooks itself gives up after 120
FOUND: Final = frozenset({"different", "total"})  # refusals that are about a document of ours
_DUPLICATE: Final = "6140"
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
    """

    bill: Bill
    item: Item
    posting: Posting
    quickbooks: QuickBooksCompany
    clock: Callable[[], datetime]
    store: Callable[[Sequence[Raw]], Item]
    is_first: bool = False

    def look(self) -> Raw | None:
        """Our document, if QuickBooks has it; Refused if another one stands in its place.

        An earlier attempt may have had another number and date, if the bill was amended since.
        """
        mark, payload = ledger.marker(self.bill.entry_id), self.posting.payload
        places = {(self.posting.entity, payload["DocNumber"], payload["TxnDate"])}
        places |= {(a["entity"], a["doc_number"], a["day"]) for a in self.item.get("attempts", ())}
        current: list[Raw] = []
        for entity, number, day in sorted(places):
            rows = self.quickbooks.numbered(entity, number, day)
            ours = [r for r in rows if mark in str(r.get("PrivateNote", ""))]
            if ours:
                self._recognise(entity, ours[0])
                return ours[0]
            if (entity, number) == (self.posting.entity, payload["DocNumber"]):
                current = rows
        self._refuse_foreign(current)
        return None

    def create(self) -> Raw:
        """Store the attempt, then make it; after an ambiguous answer make it again, then look.

        Raises NotCreated when QuickBooks will not have it.
        """
        attempt = self._attempt()
        try:
            return self._create(attempt)
        except (Disconnected, Throttled):
            raise
        except Unavailable:
            pass  # nobody knows: the same request again is answered as the first was
        try:
            return self._create(attempt)
        except Throttled:
            raise
        except Unavailable as error:
            found = self.look()
            if found:
                return found
            if isinstance(error, RequestKnown) and is_over(attempt, self.clock()):
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

    def _create(self, attempt: Raw) -> Raw:
        entity = self.posting.entity
        try:
            return self.quickbooks.create(entity, attempt["body"], attempt["request_id"])
        except Disconnected as refusal:
            if refusal.code in _ANSWERED:
                self.item = self.store(closed(self.item.get("attempts", ()), refusal.code))
            raise
        except Refused as refusal:
            found = self._own() if refusal.code == _DUPLICATE else None
            if found is None:
                raise NotCreated(refusal) from refusal
            return found

    def _own(self) -> Raw | None:
        """Our own document under a number that is taken: of a try whose answer was lost."""
        try:
            return self.look()
        except Refused as other:
            if other.code != _DUPLICATE:
                raise
            raise NotCreated(other) from other

    def _attempt(self) -> Raw:
        """The open attempt if it is of this content, else the next one, stored."""
        attempts: Sequence[Raw] = self.item.get("attempts", ())
        now, content = self.clock(), self._content()
        last = open_attempt(self.item)
        if last:
            if last["content"] == content:
                return last
            if not is_over(last, now):
                raise Throttled("An earlier try may still be under way.", WAIT_SECONDS)
            attempts = closed(attempts, "absent")
        number = len(attempts) + 1
        payload = self.posting.payload
        attempt: Raw = {
            "number": number,
            "at": stamp(now),
            "request_id": f"oqb-{_hash(self.bill.entry_id, content, str(number))[:40]}",
            "digest": self.item["digest"],
            "content": content,
            "entity": self.posting.entity,
            "doc_number": payload["DocNumber"],
            "day": payload["TxnDate"],
            "body": ledger.to_json(payload),
            "outcome": "",
        }
        self.item = self.store([*attempts, attempt])
        self.is_first = True
        return attempt

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

    def _refuse_foreign(self, rows: Sequence[Raw]) -> None:
        """The same number of the same vendor, entered by somebody else: not ours to judge."""
        payload = self.posting.payload
        number = payload["DocNumber"].casefold()
        for row in rows:
            is_vendors = row.get("VendorRef", {}).get("value") == payload["VendorRef"]["value"]
            is_foreign = "[odoo-" not in str(row.get("PrivateNote", ""))
            if is_vendors and is_foreign and str(row.get("DocNumber", "")).casefold() == number:
                raise Refused(
                    f"QuickBooks already has {self.posting.entity} {row['Id']} with the number"
                    f" {payload['DocNumber']} of this vendor, entered by somebody else:"
                    " link it if it is this bill, else correct the reference in Odoo.",
                    code=_DUPLICATE,
                )


def open_attempt(item: Item) -> Raw | None:
    """The attempt of which nobody knows yet what came of it."""
    attempts = item.get("attempts", ())
    return dict(attempts[-1]) if attempts and not attempts[-1]["outcome"] else None


def posting_of(attempt: Raw) -> Posting:
    """What an open attempt sent."""
    payload = cast("Payload", json.loads(attempt["body"], parse_float=Decimal))
    return Posting(entity=cast("Entity", attempt["entity"]), payload=payload)


def is_over(attempt: Raw, now: datetime) -> bool:
    """Whether QuickBooks can no longer be working on an attempt."""
    return str(attempt["at"]) <= stamp(now - SERVER_LIMIT)


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
