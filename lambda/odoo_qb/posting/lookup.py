"""Find a bill's document in QuickBooks, and check that it is the bill as approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb import exact_json
from odoo_qb.bill.model import amount_text, money
from odoo_qb.bill.numbering import normalised, spellings
from odoo_qb.errors import Refused
from odoo_qb.posting.attempts import content_of, may_be_there, places
from odoo_qb.posting.document_diff import IDENTITY, differences, is_tax
from odoo_qb.posting.payload import (
    DOC_NUMBER_LENGTH,
    entry_id_of,
    is_numbered_as_made,
    typed_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.client import QuickBooksClient

DUPLICATE: Final = "6140"
_HALF_A_CENT: Final = Decimal("0.005")


@dataclass(slots=True, kw_only=True)
class DocumentLookup:
    """Looks for a posting's document, and checks whether what it finds is this bill.

    `similar` are sentences about documents of others with the same number in another spelling and
    another total, for a person to know.
    """

    bill: Bill
    posting: Posting
    quickbooks: QuickBooksClient
    similar: list[str] = field(default_factory=list)

    def look(self, item: Item, *, for_others: bool = True) -> Json | None:
        """Our document, if QuickBooks has it; Refused if someone else's has its number.

        An earlier attempt may have had another number and date, if the bill was amended since.
        Documents of others are checked only with `for_others`, that is before creating this one.
        """
        payload = self.posting.payload
        here = (self.posting.entity, str(payload["DocNumber"]), str(payload["TxnDate"]))
        others: list[Json] = []
        marked: dict[tuple[str, str], Json] = {}
        for entity, number, day in sorted({here, *places(item.get("attempts", ()))}):
            is_current = (entity, number) == here[:2]
            typed = self._typed_numbers() if is_current else ()
            rows = self.quickbooks.find_by_doc_number(entity, number, day, *typed)
            ours = [r for r in rows if entry_id_of(r) == self.bill.entry_id]
            marked |= {(entity, str(r["Id"])): r for r in ours}
            others = rows if is_current else others
        if marked:
            return self._recognised(marked, item)
        if for_others:
            self._refuse_foreign(others)
        return None

    def compare(self, found: Json) -> None:
        """Raise Refused if the document's total or tax differs from what was posted."""
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
                f"QuickBooks has {document} for this bill with the right total, but its tax"
                " is split differently among the rates.",
                remedy="Correct it there by hand, then retry.",
                code="tax",
                document=document,
            )

    def _recognised(self, marked: Mapping[tuple[str, str], Json], item: Item) -> Json:
        """The document with our marker that is this bill as approved; otherwise a person decides.

        People copy documents including the memo, so the marker alone is not enough: vendor, date,
        number and total must match. Of several, the oldest one counts.
        """
        judged = [
            (self._differing(kind, row, item), kind, row) for (kind, _), row in marked.items()
        ]
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
            f"QuickBooks has {document} for this bill, but with a different"
            f" {', '.join(differing)}. Someone changed or copied it there, or it dates from"
            " before the bill was amended.",
            remedy="Correct it there by hand, then retry.",
            code="different",
            document=document,
        )

    def _differing(self, entity: str, row: Json, item: Item) -> list[str]:
        """How a document with our marker differs from this bill.

        A document that may have been made from other content must match completely. In one made
        from this content, later edits in QuickBooks are accepted.
        """
        attempts: Sequence[Json] = item.get("attempts", ())
        content, found = content_hash(item, self.posting), differences(self.posting, entity, row)
        is_of_another = bool(attempts) and attempts[-1]["content"] != content
        if is_of_another or any(a["content"] != content for a in attempts if may_be_there(a)):
            return found
        return [d for d in found if d in IDENTITY]

    def _typed_numbers(self) -> tuple[str, ...]:
        """Other numbers under which a person may have entered it.

        The beginning of a long number, or the number with another separator.
        """
        typed, number = typed_number(self.bill), self.posting.payload["DocNumber"]
        others = [typed, *spellings(typed, DOC_NUMBER_LENGTH)]
        return tuple(n for n in dict.fromkeys(others) if n not in {"", number})

    def _refuse_foreign(self, rows: Sequence[Json]) -> None:
        """Raise Refused if the vendor's number was entered by someone else: a person must decide.

        That includes a copy that someone made of our document, which keeps the memo but not the
        number. In another spelling it counts only with the same total; otherwise the card warns.
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
                    f"QuickBooks already has {entity} {row['Id']} with the number {number}"
                    " of this vendor, entered by someone else.",
                    remedy="Link it if it is this bill; otherwise correct the reference in Odoo.",
                    code=DUPLICATE,
                )
            total = amount_text(money(str(row.get("TotalAmt", 0))), self.bill.currency)
            self.similar.append(
                f"QuickBooks already has {entity} {row['Id']} with the number {number} of this"
                f" vendor, for {total}: check that it is another bill."
            )


def content_hash(item: Item, posting: Posting) -> str:
    """A hash that identifies the content of an attempt."""
    return content_of(item["digest"], exact_json.to_json(posting.payload))


def is_total(found: Json, total: Decimal) -> bool:
    """Whether a QuickBooks document has this total, to the cent."""
    return abs(money(str(found.get("TotalAmt", 0))) - total) < _HALF_A_CENT
