"""The watermark: never past what is not safe, and never asking in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from odoo_qb.extraction.watermark import (
    CLOCK_MARGIN,
    LOOKBACK,
    Watermark,
    as_instant,
    as_text,
    position_of,
)
from odoo_qb.odoo.search import Changed

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def at(
    minutes: float,
    number: int = 1,
    files: tuple[int, ...] = (),
    stamps: tuple[tuple[int, str, str], ...] = (),
) -> Changed:
    written = as_text(NOON + timedelta(minutes=minutes))
    return Changed(odoo_id=number, written=written, files=files, stamps=stamps)


def test_the_next_search_looks_back() -> None:
    assert Watermark().search_from == ""
    assert Watermark(written="2026-11-21 12:00:00").search_from == "2026-11-21 11:45:00"
    assert timedelta(minutes=15) == LOOKBACK


def test_it_moves_only_over_what_is_safe() -> None:
    found = [at(0, 1), at(1, 2), at(2, 3)]
    before = Watermark(written="2026-11-21 11:00:00")
    assert before.after(found, 0, LATER, LATER) == before
    assert before.after(found, 2, LATER, LATER) == Watermark(written="2026-11-21 12:01:00")
    assert before.after(found, 3, LATER, LATER).written == "2026-11-21 12:02:00"


def test_it_never_moves_back() -> None:
    before = Watermark(written="2026-11-21 13:00:00")
    assert before.after([at(0)], 1, LATER, LATER).written == "2026-11-21 13:00:00"
    assert before.after([], 0, LATER, LATER).written == "2026-11-21 13:00:00"


def test_a_date_that_is_yet_to_come_moves_it_no_further() -> None:
    found = [at(0, 1), at(3 * 24 * 60, 2)]
    position = Watermark().after(found, 2, LATER, LATER)
    assert position.written == "2026-11-21 12:00:00"
    assert position.knows(found), "it was not written a moment ago, whatever it says"


def test_it_is_never_beyond_odoos_own_clock() -> None:
    """What is written once that is behind must not lie before it."""
    before = Watermark(written="2026-11-21 12:00:00")
    three_days_ago = NOON - timedelta(days=3)
    after = before.after([at(0)], 1, LATER, three_days_ago)
    assert as_instant(after.written) == three_days_ago + CLOCK_MARGIN
    ahead = before.after([at(70)], 1, LATER, LATER + timedelta(days=3))
    assert as_instant(ahead.written) <= LATER + CLOCK_MARGIN


def test_the_same_answer_again_is_known() -> None:
    found = [at(-60, 1), at(-10, 2), at(0, 3)]
    position = Watermark().after(found, 3, LATER, LATER)
    assert position.knows([at(0, 3), at(-10, 2)])  # what the next search reaches back to
    assert not position.knows(found)
    assert position_of(dict(position.note()), LATER) == position


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
    position = Watermark().after([at(-10, 2), at(0, 3)], 2, LATER, LATER)
    assert position.knows([at(-10, 2), at(0, 3)])
    assert not position.knows(changed)


def test_an_old_bill_with_a_new_file_stays_in_the_answer() -> None:
    stamp = (9, "2026-11-21 12:00:00", "c0ffee")
    found = [at(-600, 1, files=(9,), stamps=(stamp,)), at(0, 2)]
    assert Watermark().after(found, 2, LATER, LATER).knows(found)


def test_a_file_whose_bytes_were_replaced_makes_another_answer() -> None:
    old, new = (9, "2026-11-21 12:00:00", "c0ffee"), (9, "2026-11-21 12:00:00", "decaf")
    found = [at(0, 1, files=(9,), stamps=(old,))]
    assert not Watermark().after(found, 1, LATER, LATER).knows([at(0, 1, (9,), (new,))])


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ({"written": "garbage"}, "garbage"),
        ({"written": 7}, "7"),
        ({"written": "2026-11-21"}, "2026-11-21"),
        ({"written": "2026-11-21 14:00:00"}, "yet to come"),
        ({"seen": "x", "read_at": "2026-11-21T12:00:00"}, "no zone"),
        ({"seen": "x", "read_at": ["never"]}, "never"),
    ],
)
def test_a_note_that_is_no_position_is_told_from_one(note: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        position_of(note, LATER)


def test_what_was_just_written_is_read_once_more() -> None:
    """Odoo tells no fractions of a second: a second change may hide in the one that was seen."""
    found = [at(0)]
    soon = Watermark().after(found, 1, *2 * [NOON + timedelta(minutes=14)])
    assert not soon.knows(found)
    assert soon.after(found, 1, *2 * [NOON + timedelta(minutes=15)]).knows(found)


def test_nothing_is_known_before_a_whole_run_was_safe() -> None:
    assert not Watermark().knows([])
    assert not Watermark().after([at(0, 1), at(0, 2)], 1, LATER, LATER).knows([at(0, 1), at(0, 2)])
