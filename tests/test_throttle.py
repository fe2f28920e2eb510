"""Calls kept apart, and nobody kept waiting in vain."""

from __future__ import annotations

from odoo_qb.throttle import Throttle

HOUR = 3600.0  # so long that no machine is slow enough to make a difference


def test_a_call_waits_for_what_is_left_of_the_gap_and_the_first_one_for_all_of_it() -> None:
    waits: list[float] = []
    pace = Throttle(HOUR, waits.append)
    pace.wait()
    pace.last -= HOUR / 2
    pace.wait()
    assert [round(w / HOUR, 1) for w in waits] == [1.0, 0.5]


def test_nobody_waits_when_the_last_call_was_long_ago() -> None:
    waits: list[float] = []
    pace = Throttle(HOUR, waits.append)
    pace.last -= 2 * HOUR
    pace.wait()
    assert waits == []
    pace.wait()
    assert len(waits) == 1
