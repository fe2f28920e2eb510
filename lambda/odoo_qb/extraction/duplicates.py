"""Find earlier bills that a bill may duplicate, by its QuickBooks vendor and its number.

Bills with the same vendor and number share a note (`reference#<realm>#<vendor>#<number>`). The
vendor is QuickBooks', by its id or, until it has one, by its future name; the number is the
vendor's, without regard to how it was typed. Version 1.0 used Odoo's vendor
(`reference#<company>#<partner>#…`). Bills with only the same date and amount are found among open
bills and the vendor's last posted ones, without a note.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb import table_keys
from odoo_qb.bill.checks import EarlierBill
from odoo_qb.bill.model import iso
from odoo_qb.bill.numbering import as_in_1_0, normalised
from odoo_qb.quickbooks.names import basic
from odoo_qb.store.vendor_notes import all_remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan

_PART_BYTES: Final = 500  # of a name or number: a table key may have 2,048
# These will not be paid, so they cannot be paid twice.
_ENDED: Final[frozenset[Status]] = frozenset({"WITHDRAWN", "REJECTED", "ACKNOWLEDGED"})
UNDER_WAY: Final[tuple[Status, ...]] = (
    "READY_FOR_APPROVAL",
    "VALIDATION_FAILED",
    "APPROVED",
    "POSTING",
    "POST_FAILED",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedBill:
    """The parts of a bill that are compared to find duplicates."""

    entry_id: str
    odoo_name: str
    company: str
    is_credit: bool
    partner: int
    vendor: str  # its name in Odoo
    vendor_id: str  # in QuickBooks; "" if unknown
    reference: str
    day: str
    amount_total: Decimal
    currency: str

    @property
    def number(self) -> str:
        """The vendor's number, normalised."""
        return normalised(self.reference)

    def is_of_vendor(self, other: ComparedBill) -> bool:
        """Whether both have the same vendor, in Odoo or in QuickBooks."""
        if self.partner == other.partner:
            return True
        if self.vendor_id and other.vendor_id:
            return self.vendor_id == other.vendor_id
        return _plain(self.vendor) == _plain(other.vendor)

    def earlier(self, bill: ComparedBill, *, is_alike: bool) -> EarlierBill:
        """What a later bill's warning needs to know about this one."""
        return EarlierBill(
            entry_id=self.entry_id,
            odoo_name=self.odoo_name,
            amount_total=self.amount_total,
            currency=self.currency,
            reference=self.reference,
            vendor="" if self.partner == bill.partner else self.vendor,
            is_alike=is_alike,
        )


def vendor_keys(bill: Bill, plan: PostingPlan, note: Json, realm: str) -> list[str]:
    """The keys for a bill's vendor in notes, the one for writing first.

    These are its QuickBooks ids, one per currency, and the names it has or had; `note` is the note
    of Odoo's vendor. Empty without a vendor.
    """
    if bill.vendor is None:
        return []
    used = all_remembered(note, realm)
    names = [bill.vendor.name, plan.vendor_name, *(u.name for u in used)]
    ids = [plan.vendor_id, *(u.id for u in used)]
    # "=" keeps names apart from ids, because a name may be all digits.
    keys = [*(i for i in ids if i), *(f"={_part(_plain(n))}" for n in names if n)]
    return list(dict.fromkeys(keys))


def realm_of(company: Company) -> str:
    """The owner of vendor ids: the QuickBooks realm, or the company until that is known."""
    return company.realm_id or company.key


def reference_ids(bill: Bill, plan: PostingPlan, note: Json, company: Company) -> list[str]:
    """The notes for the bill's vendor and number, the one for writing first.

    Empty without a number; the last one is version 1.0's.
    """
    number, realm = _part(normalised(bill.bill_reference)), realm_of(company)
    if not number or bill.vendor is None:
        return []
    former = _part(as_in_1_0(bill.bill_reference))
    keys = vendor_keys(bill, plan, note, realm)
    return [
        *(table_keys.reference(realm, key, number) for key in keys),
        table_keys.reference(bill.company, bill.vendor.odoo_id, former),
    ]


def compared_bill(bill: Bill, plan: PostingPlan) -> ComparedBill:
    """The compared parts of a bill that was just read."""
    return ComparedBill(
        entry_id=bill.entry_id,
        odoo_name=bill.odoo_name,
        company=bill.company,
        is_credit=bill.is_credit,
        partner=bill.vendor.odoo_id if bill.vendor else 0,
        vendor=bill.vendor.name if bill.vendor else "",
        vendor_id=plan.vendor_id,
        reference=bill.bill_reference,
        day=iso(bill.bill_date),
        amount_total=bill.amount_total,
        currency=bill.currency,
    )


def compared_item(item: Item) -> ComparedBill:
    """The compared parts of a bill in the table."""
    vendor = item["vendor"] or {"odoo_id": 0, "name": ""}
    return ComparedBill(
        entry_id=item["entry_id"],
        odoo_name=item["odoo_name"],
        company=item["company"],
        is_credit=item["move_type"] == "in_refund",
        partner=int(vendor["odoo_id"]),
        vendor=str(vendor["name"]),
        vendor_id=str((item.get("preflight") or {}).get("vendor_id", "")),
        reference=item["bill_reference"],
        day=item["bill_date"],
        amount_total=item["amount_total"],
        currency=item["currency"],
    )


def last_posted(note: Json, bill: ComparedBill) -> Iterable[ComparedBill]:
    """The vendor's last posted bills, from its note."""
    for kept in note.get("recent", ()):
        yield ComparedBill(
            entry_id=kept["entry_id"],
            odoo_name=kept["name"],
            company=bill.company,
            is_credit=kept.get("move_type") == "in_refund",
            partner=bill.partner,
            vendor=bill.vendor,
            vendor_id="",
            reference="",
            day=kept["date"],
            amount_total=kept["total"],
            currency=kept["currency"],
        )


class ByNumber:
    """Bills by the notes that name them: from the table and from this run."""

    def __init__(self) -> None:
        self._holders: dict[str, list[str]] = {}
        self._seen: dict[str, ComparedBill] = {}

    def learn(self, notes: Mapping[str, Json]) -> list[str]:
        """Add notes; returns the ids of the bills that they name."""
        for note_id, note in notes.items():
            held = self._holders.setdefault(note_id, [])
            held += [i for i in sorted(note.get("bills", ())) if i not in held]
        return sorted({i for n in notes for i in self._holders[n]})

    def know(self, items: Iterable[Item]) -> None:
        """Add the bills that notes name, without withdrawn ones."""
        for item in items:
            if item["status"] != "WITHDRAWN":
                self._seen.setdefault(item["entry_id"], compared_item(item))

    def before(self, bill: ComparedBill, note_ids: Sequence[str]) -> list[ComparedBill]:
        """The bills before this one, which is then added.

        If this bill is in the note already, later bills have warnings about it, so only bills with
        smaller ids are returned. A note may also name bills that no longer have the number.
        """
        held = list(dict.fromkeys(i for n in note_ids for i in self._holders.get(n, ())))
        if bill.entry_id in held:
            held = [i for i in held if _odoo_id(i) < _odoo_id(bill.entry_id)]
        for note_id in note_ids:
            self._holders.setdefault(note_id, []).append(bill.entry_id)
        known = sorted((i for i in held if i in self._seen), key=_odoo_id)
        found = [self._seen[i] for i in known if i != bill.entry_id]
        self._seen[bill.entry_id] = bill
        return [s for s in found if _is_duplicate(s, bill)]


class ByAmount:
    """Bills by company, kind, date and amount."""

    def __init__(self) -> None:
        self._seen: defaultdict[tuple[object, ...], dict[str, ComparedBill]] = defaultdict(dict)

    def know(self, items: Iterable[Item]) -> None:
        """Add bills from the table, except those that ended unposted."""
        for item in items:
            if item["status"] not in _ENDED:
                self.add(compared_item(item))

    def add(self, bill: ComparedBill) -> None:
        """Add a bill, for later ones to be compared with."""
        self._seen[_alike(bill)][bill.entry_id] = bill

    def before(
        self, bill: ComparedBill, posted: Iterable[ComparedBill], *, is_new: bool
    ) -> list[ComparedBill]:
        """The vendor's bills with the same date and amount but another number or none.

        If this bill is not new, later ones have warnings about it, so only smaller ids count.
        """
        if not bill.amount_total or not bill.day:
            return []
        known = {s.entry_id: s for s in posted if _alike(s) == _alike(bill)}
        known |= self._seen.get(_alike(bill), {})
        return [
            s
            for i, s in known.items()
            if i != bill.entry_id
            and (is_new or _odoo_id(i) < _odoo_id(bill.entry_id))
            and s.is_of_vendor(bill)
            and (not bill.number or s.number != bill.number)
        ]


def _is_duplicate(one: ComparedBill, other: ComparedBill) -> bool:
    """Whether both are the same kind; a credit note may quote the number of its bill."""
    same = (one.company, one.number, one.is_credit) == (
        other.company,
        other.number,
        other.is_credit,
    )
    return same and one.is_of_vendor(other)


def _alike(bill: ComparedBill) -> tuple[object, ...]:
    return (bill.company, bill.is_credit, bill.day, bill.amount_total, bill.currency)


def _plain(name: str) -> str:
    """A vendor's name as QuickBooks compares it, without a currency suffix."""
    base, bracket, rest = name.rstrip().rpartition(" (")
    is_suffixed = bracket and (rest == "vendor)" or (len(rest) == 4 and rest[:3].isupper()))  # noqa: PLR2004 - "EUR)"
    return " ".join(basic(base if is_suffixed else name).replace(":", "-").split()).casefold()


def _part(text: str) -> str:
    """A part of a key; text that is too long is replaced by its hash."""
    if len(text.encode()) > _PART_BYTES:
        return hashlib.sha256(text.encode()).hexdigest()
    return text


def _odoo_id(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))
