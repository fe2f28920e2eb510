"""Random runs with a dozen seeds; `make soak` runs more and longer ones."""

from __future__ import annotations

from collections import Counter

from tests.simulation.invariants import KEPT
from tests.simulation.soak import soaked, summary

SEEDS = range(1, 13)
BILLS = 8
HOURS = 8


def test_whatever_goes_wrong_all_bills_end_as_promised() -> None:
    result = summary(soaked(list(SEEDS), BILLS, HOURS), BILLS, HOURS)
    assert not result["broken"], result["broken"]
    assert result["seeds"] == "1 to 12"
    assert result["events"]["bills"] == len(SEEDS) * BILLS
    # A run in which nothing goes wrong would prove nothing.
    happened = set(result["events"])
    assert {
        "a function was killed",
        "AWS did not do as asked",
        "AWS delivered twice",
        "Odoo committed late",
        "a click came twice",
        "a click came late",
        "a company was connected again",
        "bills amended",
        "bills cancelled",
        "its bill changed meanwhile",
        "its bill was clicked meanwhile",
        "people were told that it is done",
        "a company in QuickBooks was read-only for a while",
        "Odoo's clock was days ahead",
        "an answer was garbage: an empty object",
        "the watermark's note was overwritten with what is no date",
        "two vendors were merged in Odoo",
        "bills deleted",
    } <= happened
    kinds = Counter(event.partition(":")[0] for event in result["events"])
    assert kinds["an answer was garbage"] > 20
    assert kinds["an item was made by hand"] > 3
    assert set(result["promises_checked"]) == set(KEPT)
    assert min(result["promises_checked"].values()) == len(SEEDS)
    print(result)  # noqa: T201 - shown with -s
