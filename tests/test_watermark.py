"""The watermark: never past what is not safe, and never asking in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from odoo_qb.books import Changed
from odoo_qb.watermark import LOOKBACK, Position, position_of

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def at(minutes: float, number: int = 1, files: tuple[int, ...] = ()) -> Changed:
    written = NOON + timedelta(minutes=minutes)
    return Changed(odoo_id=number, written=f"{written:%Y-%m-%d %H:%M:%S}", files=files)


def test_the_next_search_looks_back() -> None:
    assert Position().search_from == ""
    assert Position(written="2026-11-21 12:00:00").search_from == "2026-11-21 11:45:00"
    assert timedelta(minutes=15) == LOOKBACK


def test_it_moves_only_over_what_is_safe() -> None:
    found = [at(0, 1), at(1, 2), at(2, 3)]
    before = Position(written="2026-11-21 11:00:00")
    assert before.after(found, 0, {}, LATER) == before
    assert before.after(found, 2, {}, LATER) == Position(written="2026-11-21 12:01:00")
    assert before.after(found, 3, {}, LATER).written == "2026-11-21 12:02:00"


def test_it_never_moves_back() -> None:
    before = Position(written="2026-11-21 13:00:00")
    assert before.after([at(0)], 1, {}, LATER).written == "2026-11-21 13:00:00"
    assert before.after([], 0, {}, LATER).written == "2026-11-21 13:00:00"


def test_what_was_written_while_it_was_read_moves_it_no_further() -> None:
    latest = {1: "2026-11-21 18:00:00"}
    assert Position().after([at(0)], 1, latest, LATER).written == "2026-11-21 12:00:00"


def test_the_same_answer_again_is_known() -> None:
    found = [at(-60, 1), at(-10, 2), at(0, 3)]
    position = Position().after(found, 3, {}, LATER)
    assert position.knows([at(0, 3), at(-10, 2)])  # what the next search reaches back to
    assert not position.knows(found)
    assert position_of(dict(position.note())) == position


@pytest.mark.parametrize(
    "changed",
    [
        [at(-10, 2)],
        [at(-10, 2), at(0, 3), at(-14, 4)],
        [at(-10, 2), at(0.1, 3)],
        [at(-10, 2), at(0, 3, files=(9,))],
        [],
    ],
    ids=["one less", "committed late", "written again", "a file more", "nothing"],
)
def test_any_other_answer_is_read(changed: list[Changed]) -> None:
    position = Position().after([at(-10, 2), at(0, 3)], 2, {}, LATER)
    assert position.knows([at(-10, 2), at(0, 3)])
    assert not position.knows(changed)


def test_an_old_bill_with_a_new_file_stays_in_the_answer() -> None:
    found = [at(-600, 1, files=(9,)), at(0, 2)]
    latest = {1: "2026-11-21 12:00:00", 2: "2026-11-21 12:00:00"}
    assert Position().after(found, 2, latest, LATER).knows(found)


def test_what_was_just_written_is_read_once_more() -> None:
    """Odoo tells no fractions of a second: a second change may hide in the one that was seen."""
    found = [at(0)]
    soon = Position().after(found, 1, {}, NOON + timedelta(minutes=14))
    assert not soon.knows(found)
    assert soon.after(found, 1, {}, NOON + timedelta(minutes=15)).knows(found)


def test_nothing_is_known_before_a_whole_run_was_safe() -> None:
    assert not Position().knows([])
    assert not Position().after([at(0, 1), at(0, 2)], 1, {}, LATER).knows([at(0, 1), at(0, 2)])
