"""What the table knows around the bills of a page: ones like them, their vendors, usual rates.

All notes of a page are read in one batch; bills that are under way only where something is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from odoo_qb import rates, sharing
from odoo_qb.duplicates import (
    UNDER_WAY,
    ByAmount,
    ByNumber,
    reference_ids,
    seen_before,
    seen_bill,
    seen_item,
)
from odoo_qb.guarding import Faults
from odoo_qb.item import digests, is_blind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odoo_qb.bill import Bill
    from odoo_qb.checks import Earlier
    from odoo_qb.item import Item, Raw
    from odoo_qb.preflight import Preflight
    from odoo_qb.rates import Doubt
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

_AT_ONCE: Final = 100  # bills: what is kept of each is a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known around one bill; `reference_id` is the note that is to name it, "" for none.

    `earlier` are the bills it may be a duplicate of, those of the same number first.
    """

    earlier: tuple[Earlier, ...] = ()
    warnings: tuple[str, ...] = ()
    rate_doubt: Doubt = ""
    reference_id: str = ""


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """The table as a run sees it around its bills, page by page; `dry_run` writes nothing."""

    table: Table
    companies: Mapping[str, Company]
    dry_run: bool
    faults: Faults = field(default_factory=Faults)  # damaged bills, with which none is compared
    _by_amount: ByAmount = field(default_factory=ByAmount)
    _are_known: set[str] = field(default_factory=set)  # companies whose bills under way were read

    def of(
        self,
        bills: Sequence[Bill],
        flights: Mapping[str, Preflight],
        remembered: Mapping[str, Raw],
        stored: Mapping[str, Item],
    ) -> dict[str, Background]:
        """The background of each bill, by entry_id.

        `remembered` has the note of each one's vendor in Odoo, `stored` what the table has of it.
        """
        own = [(b, flights[b.entry_id], remembered.get(b.entry_id, {})) for b in bills]
        of_number = {
            b.entry_id: reference_ids(b, f, note, self.companies[b.company]) for b, f, note in own
        }
        of_vendor = {
            b.entry_id: sharing.note_ids(b, f, note, self.companies[b.company])
            for b, f, note in own
        }
        of_rate = {b.entry_id: rates.note_id(b) for b in bills}
        wanted = [i for ids in (*of_number.values(), *of_vendor.values()) for i in ids]
        wanted += [i for i in of_rate.values() if i]
        notes = cast("dict[str, Raw]", self.table.get_many(wanted))
        by_number = ByNumber()
        numbered = {i: n for i, n in notes.items() if i.startswith("reference#")}
        by_number.know(self._sound(by_number.learn(numbered)))
        found: dict[str, Background] = {}
        for bill, flight, note in own:
            item, entry_id = stored.get(bill.entry_id), bill.entry_id
            company, ids = self.companies[bill.company], of_number[bill.entry_id]
            seen = seen_bill(bill, flight)
            twins = by_number.before(seen, ids)
            alike = self._alike(bill, flight, note, item)
            shared = sharing.sharing(bill, flight, of_vendor[entry_id], notes)
            rate = notes.get(of_rate[entry_id], {})
            if shared.note_id and _is_news(bill, item):
                self._note_contact(shared, notes)
            met = {t.entry_id for t in twins}
            found[entry_id] = Background(
                earlier=tuple(
                    [t.earlier(seen, is_alike=False) for t in twins]
                    + [a for a in alike if a.entry_id not in met]
                ),
                warnings=(
                    *sharing.warnings(flight, shared),
                    *rates.warnings(bill, rate, company),
                ),
                rate_doubt=rates.doubt(bill, rate),
                reference_id=ids[0] if ids else "",
            )
        return found

    def _alike(self, bill: Bill, flight: Preflight, note: Raw, item: Item | None) -> list[Earlier]:
        """The bills of the vendor that have date and amount in common with one that is news."""
        seen = seen_bill(bill, flight)
        alike: list[Earlier] = []
        if _is_news(bill, item):
            self._read_under_way(bill.company)
            posted = seen_before(note, seen)
            alike = [
                a.earlier(seen, is_alike=True)
                for a in self._by_amount.before(seen, posted, is_new=item is None)
            ]
        if item is None or item["status"] in UNDER_WAY:
            self._by_amount.add(seen)
        return alike

    def _read_under_way(self, company: str) -> None:
        """Read a company's bills under way, once a run."""
        if company in self._are_known:
            return
        self._are_known.add(company)
        ids = [i for s in UNDER_WAY for i in self.table.in_company(company, s)]
        for start in range(0, len(ids), _AT_ONCE):
            self._by_amount.know(self._sound(ids[start : start + _AT_ONCE]))

    def _sound(self, entry_ids: Iterable[str]) -> list[Item]:
        return self.faults.where(self.table.get_many(entry_ids).values(), seen_item)

    def _note_contact(self, shared: sharing.Sharing, notes: dict[str, Raw]) -> None:
        """Note a contact of a vendor, for the next ones of this page, too."""
        values = dict(shared.values or {})
        notes[shared.note_id] = {**notes.get(shared.note_id, {}), **values}
        if not self.dry_run:
            self.table.write_note(shared.note_id, values)


def _is_news(bill: Bill, item: Item | None) -> bool:
    """Whether a bill may be stored, or checked again: else nobody reads what is around it."""
    if item is None or item["status"] in {"VALIDATION_FAILED", "WITHDRAWN"}:
        return True
    return is_blind(item) or item["digest"] not in digests(bill, item["digest"])
