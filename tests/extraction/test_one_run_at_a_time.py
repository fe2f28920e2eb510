"""Only one extraction runs at a time."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import extractor
from odoo_qb.extraction.run import Busy
from odoo_qb.timestamps import stamp
from tests.support.extraction import (
    WATERMARK,
    outcomes,
    run,
    utc_now,
)

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_of_two_runs_at_once_the_schedules_gives_way(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.fail("slow", method="account.move.search_read", seconds=1.0)
    answers: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: answers.append(books.extract()))
    first.start()
    while "account.move.search_read" not in books.odoo.calls:
        first.join(0.01)
    second = books.extract()
    first.join()
    assert second["skipped"] == "Another extraction is running. Try again in a few minutes."
    assert outcomes(answers[0]) == {"ready": 1}
    assert books.item(f"odoo-{number}")["version"] == 1
    assert books.mails() == []


def test_a_full_run_waits_for_its_turn(books: World) -> None:
    books.odoo.new_bill()
    lease = {"lease_until": stamp(utc_now() + timedelta(minutes=6))}
    books.table.write_note(WATERMARK, lease)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            books.table.write_note(WATERMARK, {}, remove=["lease_until"])

    assert outcomes(run(books, full=True, sleep=sleep)) == {"ready": 1}
    assert slept == [5.0, 5.0, 5.0]
    books.table.write_note(WATERMARK, lease)
    with pytest.raises(Busy):
        run(books, full=True, sleep=slept.append)
    assert sum(slept) <= 150


def test_a_lease_that_a_crash_left_behind_ends_by_itself(books: World) -> None:
    books.odoo.new_bill()
    books.table.write_note(WATERMARK, {"lease_until": stamp(utc_now() - timedelta(seconds=1))})
    assert outcomes(run(books)) == {"ready": 1}


def test_a_run_that_fails_gives_the_lease_back(books: World) -> None:
    books.odoo.new_bill()
    books.odoo.fail("no_right", method="account.move.search_read")
    with pytest.raises(extractor.ExtractionFailed):
        books.extract()
    assert outcomes(books.extract()) == {"ready": 1}
