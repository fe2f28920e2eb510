"""What a run met, and which part of it the extractor answers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from odoo_qb.extraction.answer import answer_to
from odoo_qb.extraction.left_out import LeftOut
from odoo_qb.extraction.outcome import Outcome, OutcomeName
from odoo_qb.extraction.report import Findings, Report, ReportedBill, Tally
from odoo_qb.extraction.request import Request


def a_reported(name: OutcomeName, number: int = 1, **fields: Any) -> ReportedBill:
    outcome = Outcome(name=name, **fields)
    return ReportedBill(
        entry_id=f"odoo-{number}", name=f"BILL/{number}", outcome=outcome, company="north"
    )


def a_report(*bills: ReportedBill, **fields: Any) -> Report:
    given: dict[str, Any] = {
        "companies": {},
        "left_alone": {},
        "kept": [],
        "not_seen": None,
        "left_out": [],
        "clock": [],
        "left_alone_before": {},
        "not_found": [],
        "read": len(bills),
        "not_yet_read": 0,
    }
    return Report(bills=bills, **given | fields)


READY = a_reported("ready", total="1.00 USD")
BLOCKED = a_reported("blocked", 2, total="2.00 USD", problems=["No date."])


def test_what_is_ready_is_listed_only_where_nothing_was_written() -> None:
    found = a_report(READY, BLOCKED)
    written = answer_to(Request(), found)
    assert [b["entry_id"] for b in written["bills"]] == ["odoo-2"]
    assert "dry_run" not in written
    tried = answer_to(Request(dry_run=True), found)
    assert [b["entry_id"] for b in tried["bills"]] == ["odoo-1", "odoo-2"]
    assert tried["dry_run"] == "nothing was written"


def test_bills_beyond_the_room_of_an_answer_are_counted() -> None:
    room = len(json.dumps(BLOCKED.row()))
    found = answer_to(Request(), a_report(BLOCKED, BLOCKED, BLOCKED), room)
    assert found["bills"] == [BLOCKED.row()]
    assert found["bills_not_listed"] == 2


@pytest.mark.parametrize(
    ("outcome", "row"),
    [
        (Outcome(name="unchanged"), {"outcome": "unchanged"}),
        (
            Outcome(name="ready", total="1.00 USD"),
            {"outcome": "ready", "total": "1.00 USD", "problems": [], "warnings": []},
        ),
        (
            Outcome(name="damaged", reason="its lines make no sense", about="BILL/1"),
            {"outcome": "damaged", "reason": "its lines make no sense", "about": "BILL/1"},
        ),
    ],
)
def test_an_outcome_is_answered_with_what_it_has(outcome: Outcome, row: dict[str, object]) -> None:
    assert outcome.row() == row


def test_a_tally_counts_everything_and_keeps_what_is_news() -> None:
    tally = Tally(reports_all=False)
    waits = a_reported("not yet read", 3)
    tally.add(Findings(bills=[READY, a_reported("unchanged", 2), waits], left_alone=["X", "X"]))
    tally.add(Findings(kept=["north: gone"], lacks_quickbooks_data=True))
    assert tally.counts == {"north": {"ready": 1, "unchanged": 1, "not yet read": 1}}
    assert tally.bills == [READY]
    assert (tally.left_alone, tally.kept, tally.lacks_quickbooks_data) == (
        {"X": 2},
        ["north: gone"],
        True,
    )
    assert tally.waiting == 1


def test_who_named_the_bills_learns_of_each() -> None:
    tally = Tally(reports_all=Request(odoo_ids=(1,)).reports_all)
    tally.add(Findings(bills=[a_reported("unchanged")]))
    assert [b.entry_id for b in tally.bills] == ["odoo-1"]
    assert not Request(since=date(2026, 1, 1)).reports_all


def test_bills_that_were_read_once_more_join_a_report_and_not_its_counts() -> None:
    late = LeftOut(about="odoo-9", line="It is dated before go-live.")
    first = a_report(READY, companies={"north": {"ready": 1}})
    joined = first.joined(a_report(BLOCKED, left_out=[late])).as_json()
    assert [b["outcome"] for b in joined["bills"]] == ["ready", "blocked"]
    assert joined["companies"] == {"north": {"ready": 1}}
    assert (joined["read"], joined["checked_again"], joined["left_out"]) == (1, 1, 1)
    assert "checked_again" not in first.as_json()
