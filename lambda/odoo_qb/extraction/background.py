"""What the table knows about a page's bills: possible duplicates, vendors, usual rates.

All notes of a page are read in one batch; open bills are read only if something is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import table_keys
from odoo_qb.bill import exchange_rates
from odoo_qb.bill.item import digests, is_unjudged, lacks_quickbooks_data
from odoo_qb.bill.status import FINAL
from odoo_qb.extraction import shared_contacts
from odoo_qb.extraction.duplicates import (
    UNDER_WAY,
    ByAmount,
    ByNumber,
    compared_bill,
    compared_item,
    last_posted,
    reference_ids,
)
from odoo_qb.guarding import OF_AWS, BadRecords, of_aws

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odoo_qb.bill.checks import EarlierBill
    from odoo_qb.bill.exchange_rates import Doubt
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.duplicates import ComparedBill
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.store.table import Table

_AT_ONCE: Final = 100  # bills; little is kept of each


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known about one bill; `reference_id` is the note to add it to, "" for none.

    `earlier` are the bills that it may duplicate, those with the same number first.
    """

    earlier: tuple[EarlierBill, ...] = ()
    warnings: tuple[str, ...] = ()
    rate_doubt: Doubt = ""
    reference_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """A bill, and the notes that may concern it."""

    bill: Bill
    plan: PostingPlan
    remembered: Json
    of_number: Sequence[str]
    of_vendor: Sequence[str]
    of_rate: str

    @property
    def note_ids(self) -> list[str]:
        """The ids of all of these notes."""
        return [*self.of_number, *self.of_vendor, *([self.of_rate] if self.of_rate else [])]


@dataclass(slots=True, kw_only=True)
class BackgroundReader:
    """Reads the background of a run's bills, page by page; writes nothing if `dry_run`."""

    table: Table
    companies: Mapping[str, Company]
    dry_run: bool
    bad_records: BadRecords = field(
        default_factory=BadRecords
    )  # damaged bills, which are not compared
    _by_amount: ByAmount = field(default_factory=ByAmount)
    _are_known: set[str] = field(default_factory=set)  # companies whose open bills were read

    def of(
        self,
        bills: Sequence[Bill],
        plans: Mapping[str, PostingPlan],
        remembered: Mapping[str, Json],
        stored: Mapping[str, Item],
    ) -> dict[str, Background]:
        """The background of each bill that may be stored or checked again, by entry_id.

        `remembered` has the notes of their vendors, `stored` their items in the table.
        """
        found: dict[str, Background] = {}
        near = [
            self._near(b, plans[b.entry_id], remembered.get(b.entry_id, {}))
            for b in bills
            if _is_news(b, stored.get(b.entry_id))
        ]
        notes = cast("dict[str, Json]", self.table.get_many(i for n in near for i in n.note_ids))
        by_number = ByNumber()
        numbered = {i: n for i, n in notes.items() if table_keys.is_reference(i)}
        by_number.know(self._sound(by_number.learn(numbered)))
        for one in near:
            bill, company = one.bill, self.companies[one.bill.company]
            seen = compared_bill(bill, one.plan)
            duplicates = by_number.before(seen, one.of_number)
            alike = self._alike(seen, one.remembered, stored.get(bill.entry_id))
            met = {d.entry_id for d in duplicates}
            shared = shared_contacts.sharing(bill, one.plan, one.of_vendor, notes)
            self._note_contact(shared, notes)
            rate = notes.get(one.of_rate, {})
            found[bill.entry_id] = Background(
                earlier=(
                    *(d.earlier(seen, is_alike=False) for d in duplicates),
                    *(a.earlier(seen, is_alike=True) for a in alike if a.entry_id not in met),
                ),
                warnings=(
                    *shared_contacts.warnings(one.plan, shared),
                    *exchange_rates.warnings(bill, rate, company),
                ),
                rate_doubt=exchange_rates.doubt(bill, rate),
                reference_id=one.of_number[0] if one.of_number else "",
            )
        return found

    def _near(self, bill: Bill, plan: PostingPlan, remembered: Json) -> _Near:
        company = self.companies[bill.company]
        return _Near(
            bill=bill,
            plan=plan,
            remembered=remembered,
            of_number=reference_ids(bill, plan, remembered, company),
            of_vendor=shared_contacts.note_ids(bill, plan, remembered, company),
            of_rate=exchange_rates.note_id(bill),
        )

    def _alike(self, seen: ComparedBill, remembered: Json, item: Item | None) -> list[ComparedBill]:
        """The vendor's bills with the same date and amount as this one."""
        self._read_under_way(seen.company)
        posted = last_posted(remembered, seen)
        alike = self._by_amount.before(seen, posted, is_new=item is None)
        if item is None or item["status"] in UNDER_WAY:
            self._by_amount.add(seen)
        return alike

    def _read_under_way(self, company: str) -> None:
        """Read a company's open bills, once per run."""
        if company in self._are_known:
            return
        self._are_known.add(company)
        try:
            ids = [i for s in UNDER_WAY for i in self.table.in_company(company, s)]
        except OF_AWS as error:  # a missing warning must not keep a bill from being stored
            what = f"{of_aws(error)}. Possible duplicates by date and amount were not checked."
            self.bad_records.note(f"{company}: its list of open bills", what)
            return
        for start in range(0, len(ids), _AT_ONCE):
            self._by_amount.know(self._sound(ids[start : start + _AT_ONCE]))

    def _sound(self, entry_ids: Iterable[str]) -> list[Item]:
        return self.bad_records.where(self.table.get_many(entry_ids).values(), compared_item)

    def _note_contact(self, shared: shared_contacts.Sharing, notes: dict[str, Json]) -> None:
        """Note a new contact of a vendor, also for the following bills of this page."""
        if not shared.note_id:
            return
        values = dict(shared.values or {})
        notes[shared.note_id] = {**notes.get(shared.note_id, {}), **values}
        if not self.dry_run:
            self.table.write_note(shared.note_id, values)


def _is_news(bill: Bill, item: Item | None) -> bool:
    """Whether a bill may be stored or checked again; otherwise its background is not needed."""
    if item is None or item["status"] in {"VALIDATION_FAILED", "WITHDRAWN"}:
        return True
    if item["status"] in FINAL and not item["nothing_to_post"]:
        return False  # a change is only noted
    return (
        lacks_quickbooks_data(item)
        or is_unjudged(item)
        or item["digest"] not in digests(bill, item["digest"])
    )
