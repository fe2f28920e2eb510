"""Which earlier bill a bill may be a duplicate of: by its vendor in QuickBooks and its number.

Bills of one vendor and number meet in a note (`reference#<realm>#<vendor>#<number>`): the vendor is
QuickBooks', by its id or, until it has one, by the name it will have; the number is the vendor's
however it was typed. Version 1.0 kept them by Odoo's vendor (`reference#<company>#<partner>#…`).
Bills that only have date and amount in common are found among those that are under way and those
of the vendor that were posted last: no note is written for them.
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

_PART_BYTES: Final = 500  # of a name or number: a key of the table takes 2,048
# What nobody pays any more is no bill to be paid twice.
_ENDED: Final[frozenset[Status]] = frozenset({"WITHDRAWN", "REJECTED", "ACKNOWLEDGED"})
UNDER_WAY: Final[tuple[Status, ...]] = (
    "READY_FOR_APPROVAL",
    "VALIDATION_FAILED",
    "APPROVED",
    "POSTING",
    "POST_FAILED",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A bill as others are compared with it."""

    entry_id: str
    odoo_name: str
    company: str
    is_credit: bool
    partner: int
    vendor: str  # its name in Odoo
    vendor_id: str  # in QuickBooks; "" where it is not known
    reference: str
    day: str
    amount_total: Decimal
    currency: str

    @property
    def number(self) -> str:
        """The vendor's number however it was typed."""
        return normalised(self.reference)

    def is_of_vendor(self, other: Seen) -> bool:
        """Whether the same is to be paid: one vendor of Odoo's, or one of QuickBooks'."""
        if self.partner == other.partner:
            return True
        if self.vendor_id and other.vendor_id:
            return self.vendor_id == other.vendor_id
        return _plain(self.vendor) == _plain(other.vendor)

    def earlier(self, bill: Seen, *, is_alike: bool) -> EarlierBill:
        """What the warning of a later bill needs of it."""
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
    """What a bill's vendor goes by in the notes' keys, the one it is noted under first.

    QuickBooks' ids of it, one a currency, and the names it has or had; `note` is what is
    remembered of Odoo's vendor. None where there is no vendor.
    """
    if bill.vendor is None:
        return []
    used = all_remembered(note, realm)
    names = [bill.vendor.name, plan.vendor_name, *(u.name for u in used)]
    ids = [plan.vendor_id, *(u.id for u in used)]
    # A name may be anything, an id is digits: neither is taken for the other.
    keys = [*(i for i in ids if i), *(f"={_part(_plain(n))}" for n in names if n)]
    return list(dict.fromkeys(keys))


def realm_of(company: Company) -> str:
    """The books in which a vendor has its id: QuickBooks', until they are known Odoo's."""
    return company.realm_id or company.key


def reference_ids(bill: Bill, plan: PostingPlan, note: Json, company: Company) -> list[str]:
    """The notes under which bills of the vendor and number meet, the one to write to first.

    None without a number; the last is that of version 1.0.
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


def seen_bill(bill: Bill, plan: PostingPlan) -> Seen:
    """A bill that was just read."""
    return Seen(
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


def seen_item(item: Item) -> Seen:
    """A bill of the table."""
    vendor = item["vendor"] or {"odoo_id": 0, "name": ""}
    return Seen(
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


def seen_before(note: Json, bill: Seen) -> Iterable[Seen]:
    """The last posted bills of a bill's vendor, as its note keeps them."""
    for kept in note.get("recent", ()):
        yield Seen(
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
    """Bills by the notes they are in: those of the table, and those of this run."""

    def __init__(self) -> None:
        self._holders: dict[str, list[str]] = {}
        self._seen: dict[str, Seen] = {}

    def learn(self, notes: Mapping[str, Json]) -> list[str]:
        """Take over what notes say; the ids of the bills they name."""
        for note_id, note in notes.items():
            held = self._holders.setdefault(note_id, [])
            held += [i for i in sorted(note.get("bills", ())) if i not in held]
        return sorted({i for n in notes for i in self._holders[n]})

    def know(self, items: Iterable[Item]) -> None:
        """Take over the bills that notes name; one that was taken back cannot be doubled."""
        for item in items:
            if item["status"] != "WITHDRAWN":
                self._seen.setdefault(item["entry_id"], seen_item(item))

    def before(self, bill: Seen, note_ids: Sequence[str]) -> list[Seen]:
        """Those met before this one, which is met by that.

        A bill that was met before warned the later ones: it is warned of those before it alone. A
        note also names bills that had the number once.
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
        self._seen: defaultdict[tuple[object, ...], dict[str, Seen]] = defaultdict(dict)

    def know(self, items: Iterable[Item]) -> None:
        """Take over bills of the table, except those that ended unposted."""
        for item in items:
            if item["status"] not in _ENDED:
                self.add(seen_item(item))

    def add(self, bill: Seen) -> None:
        """Keep a bill for those that come after it."""
        self._seen[_alike(bill)][bill.entry_id] = bill

    def before(self, bill: Seen, posted: Iterable[Seen], *, is_new: bool) -> list[Seen]:
        """Those of the vendor with the same date and amount, by another number or none.

        One that is not new warned the later ones, or is posted.
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


def _is_duplicate(one: Seen, other: Seen) -> bool:
    """A credit note may quote the number of the bill it is about, and is no second one of it."""
    same = (one.company, one.number, one.is_credit) == (
        other.company,
        other.number,
        other.is_credit,
    )
    return same and one.is_of_vendor(other)


def _alike(bill: Seen) -> tuple[object, ...]:
    return (bill.company, bill.is_credit, bill.day, bill.amount_total, bill.currency)


def _plain(name: str) -> str:
    """A vendor's name as QuickBooks compares it, without what tells its currencies apart."""
    base, bracket, rest = name.rstrip().rpartition(" (")
    is_suffixed = bracket and (rest == "vendor)" or (len(rest) == 4 and rest[:3].isupper()))  # noqa: PLR2004 - "EUR)"
    return " ".join(basic(base if is_suffixed else name).replace(":", "-").split()).casefold()


def _part(text: str) -> str:
    """A part of a key: a text too long for one is replaced by its hash."""
    if len(text.encode()) > _PART_BYTES:
        return hashlib.sha256(text.encode()).hexdigest()
    return text


def _odoo_id(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))
