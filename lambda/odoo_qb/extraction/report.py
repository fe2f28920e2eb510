"""A run's report, from which the extractor makes its answer, the e-mails and the log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from odoo_qb.extraction.outcome import NOT_YET_READ

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.left_out import LeftOut
    from odoo_qb.extraction.outcome import Outcome

_NO_NEWS: Final = frozenset({"unchanged", "ignored", NOT_YET_READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBill:
    """A bill and its outcome; `company` is the company key it is counted under, if any."""

    entry_id: str
    name: str
    outcome: Outcome
    company: str = ""

    def row(self) -> Json:
        """The bill as JSON for the function's answer."""
        return {"entry_id": self.entry_id, "bill": self.name, **self.outcome.row()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a part of a run found."""

    bills: Sequence[ReportedBill] = ()
    left_alone: Sequence[str] = ()  # unconfigured companies, one entry per document
    unknown: frozenset[str] = frozenset()  # those of them with posted documents
    left_out: Sequence[LeftOut] = ()
    kept: Sequence[str] = ()  # why bills that Odoo does not list were not withdrawn
    lacks_quickbooks_data: bool = False  # whether approval was requested before QuickBooks was read


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a run has found so far. Bills without news are only counted."""

    reports_all: bool  # whether a person named the bills, and gets the outcome of each
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    left_alone: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    bills: list[ReportedBill] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    lacks_quickbooks_data: bool = False

    def add(self, found: Findings) -> None:
        """Count the findings, and keep those with news."""
        for bill in found.bills:
            name = bill.outcome.name
            if bill.company:
                self.counts.setdefault(bill.company, Counter())[name] += 1
            if name not in _NO_NEWS or self.reports_all:
                self.bills.append(bill)
        self.left_alone.update(found.left_alone)
        self.unknown |= found.unknown
        self.left_out += found.left_out
        self.kept += found.kept
        self.lacks_quickbooks_data |= found.lacks_quickbooks_data

    @property
    def waiting(self) -> int:
        """How many bills have files that the run had no time for."""
        return sum(counts[NOT_YET_READ] for counts in self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found and did.

    `not_seen` are the configured companies that Odoo does not have, None if that was not checked;
    `left_alone_before` is the day before which a company's bills are left alone although they were
    requested; `checked_again` counts bills read once more, None in a run that does not do that.
    """

    companies: Mapping[str, Mapping[str, int]]
    left_alone: Mapping[str, int]
    bills: Sequence[ReportedBill]
    kept: Sequence[str]
    not_seen: Sequence[str] | None
    left_out: Sequence[LeftOut]
    clock: Sequence[str]
    left_alone_before: Mapping[str, str]
    not_found: Sequence[int]
    read: int
    not_yet_read: int
    checked_again: int | None = None
    odoo_calls: int = 0

    def joined(self, again: Report) -> Report:
        """The report with the bills of another one, which are counted only as read once more."""
        return replace(
            self,
            bills=[*self.bills, *again.bills],
            left_out=[*self.left_out, *again.left_out],
            checked_again=(self.checked_again or 0) + again.read,
        )

    def as_json(self) -> Json:
        """The report as JSON; what was left out is only counted, because it is mailed."""
        found: Json = {
            "companies": {key: dict(counts) for key, counts in self.companies.items()},
            "left_alone": dict(self.left_alone),
            "bills": [bill.row() for bill in self.bills],
            "kept": list(self.kept),
            "not_seen": None if self.not_seen is None else list(self.not_seen),
            "left_out": len(self.left_out),
            "clock": list(self.clock),
            "not_found": list(self.not_found),
            "read": self.read,
            "not_yet_read": self.not_yet_read,
            "odoo_calls": self.odoo_calls,
        }
        if self.left_alone_before:
            found["left_alone_before"] = dict(self.left_alone_before)
        if self.checked_again is not None:
            found["checked_again"] = self.checked_again
        return found
