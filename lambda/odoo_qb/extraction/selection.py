"""Select which bills a run reads, in which order; deleted ones are withdrawn on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.extraction.decide import withdraw
from odoo_qb.extraction.deletions import find_vanished
from odoo_qb.extraction.left_out import not_mailed
from odoo_qb.extraction.odoo_changes import WATCHED_AT_ONCE, OdooChanges, clock_of, find_changes
from odoo_qb.extraction.outcome import capture_outcome
from odoo_qb.extraction.report import Findings, ReportedBill
from odoo_qb.extraction.request import Request
from odoo_qb.extraction.reread import TO_BE_POSTED
from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.odoo import search

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.extraction.bill_writer import BillWriter
    from odoo_qb.extraction.deletions import Kind, Vanished
    from odoo_qb.extraction.outcome import Outcome
    from odoo_qb.extraction.scope import Scope
    from odoo_qb.extraction.watermark import Watermark
    from odoo_qb.guarding import BadRecords
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.store.table import Table

# These may still be posted as they are, so each run checks that they are still in Odoo.
_WATCHED: Final[tuple[Status, ...]] = ("READY_FOR_APPROVAL", *TO_BE_POSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Asks Odoo and the table which bills to read."""

    odoo: OdooClient
    table: Table
    scope: Scope
    writer: BillWriter
    bad_records: BadRecords
    watched_at_once: int = WATCHED_AT_ONCE

    def find(
        self, request: Request, position: Watermark, now: datetime
    ) -> tuple[OdooChanges, list[Findings]]:
        """The documents for a request, and what was found while searching."""
        if request.odoo_ids:
            named = [search.Changed(odoo_id=i) for i in request.odoo_ids]
            return OdooChanges(changed=named, listed_ids=frozenset(), now=now), []
        first = self.scope.first_day
        dated_from = max(request.since or first, first)
        if request.is_plain:
            watched = self._watched(now)
            found = find_changes(
                self.odoo,
                position,
                dated_from,
                watched,
                now,
                self.bad_records,
                self.watched_at_once,
            )
            return found, self._look_for(set(watched) - found.listed_ids)
        listed = search.search_changed(
            self.odoo, watermark="", dated_from=dated_from, bad_records=self.bad_records
        )
        findings = []
        if request == Request(full=True):
            numbers = {c.odoo_id for c in listed}
            late = [i for i in search.entered_late(self.odoo, first) if i not in numbers]
            few, many = not_mailed(late, self.table, first)
            listed = [*(search.Changed(odoo_id=i) for i in few), *listed]  # these are read last
            findings = [Findings(left_out=many)]
        clock = clock_of(self.odoo, listed, now)
        return OdooChanges(changed=listed, listed_ids=frozenset(), now=clock), findings

    def by_need(self, listed: list[int], company: str) -> tuple[list[int], list[Findings]]:
        """The order for a full run, whose time may end: open bills first, then the newest.

        Bills that Odoo no longer has are withdrawn on the way; open ones that Odoo has but did not
        list are read, too. Only bills of `company`, if one is given.
        """
        first: list[int] = []
        open_ids: set[int] = set()
        findings = []
        for key in self.scope.companies:
            if company not in {"", key}:
                continue
            of_open, met = self._withdraw_vanished(key, "open", listed)
            _, met_posted = self._withdraw_vanished(key, "posted", listed)
            findings += [met, met_posted]
            open_ids |= of_open.all_ids
            first += of_open.still_there
        first += [i for i in listed if i in open_ids]
        return [*first, *(i for i in reversed(listed) if i not in open_ids)], findings

    def _watched(self, now: datetime) -> list[int]:
        """The waiting and approved bills; if the table cannot list them, none, and a report."""
        try:
            ids = [i for s in _WATCHED for i in self.table.in_status(s, until=now)]
        except OF_AWS as error:
            what = f"{of_aws(error)}; waiting bills were not checked against Odoo."
            self.bad_records.note("The table's list of waiting bills", what)
            return []
        return self.bad_records.numbers(ids)

    def _look_for(self, missing: set[int]) -> list[Findings]:
        """Check waiting and approved bills that Odoo did not list."""
        if not missing:
            return []
        items = self.table.get_many(f"odoo-{i}" for i in sorted(missing)).values()
        findings = []
        for key in sorted(set(self.bad_records.each(items, lambda item: item["company"]))):
            if key in self.scope.companies:
                ids = {
                    i
                    for status in _WATCHED
                    for i in self.bad_records.numbers(self.table.in_company(key, status))
                }
                findings.append(self._withdraw_vanished(key, "open", ids - missing)[1])
        return findings

    def _withdraw_vanished(
        self, key: str, kind: Kind, listed: Collection[int]
    ) -> tuple[Vanished, Findings]:
        """Withdraw a company's bills that Odoo no longer has."""
        company = self.scope.companies[key]
        found = find_vanished(self.table, self.odoo, company, listed, kind, self.bad_records)
        items = self.table.get_many(f"odoo-{i}" for i in found.gone).values()
        bills = [
            ReportedBill(
                company=key,
                entry_id=item["entry_id"],
                name=str(item.get("odoo_name", "")),
                outcome=self._withdraw(item),
            )
            for item in items
        ]
        return found, Findings(bills=bills, kept=[found.kept] if found.kept else [])

    def _withdraw(self, item: Item) -> Outcome:
        return capture_outcome(lambda: self.writer.apply(withdraw(item, "deleted")), item)
