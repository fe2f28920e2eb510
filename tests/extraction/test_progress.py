"""How far Odoo was read: nothing is missed, and a failure stops only what comes after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import extractor
from odoo_qb.extraction.request import request_of
from odoo_qb.guarding import BadRecords
from tests.support.extraction import (
    COMPANY,
    outcomes,
    put_in,
    run,
    utc_now,
    written,
)
from tests.support.racing_table import Race, racing

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_a_transaction_that_commits_late_is_not_missed(books: World) -> None:
    books.odoo.new_bill(reference="A")
    run(books)
    late = books.odoo.new_bill(reference="B", at=utc_now() - timedelta(minutes=14))
    run(books)
    assert books.item(f"odoo-{late}")["status"] == "READY_FOR_APPROVAL"


def test_a_file_attached_later_makes_a_new_revision(books: World) -> None:
    number = books.odoo.new_bill(at=utc_now() - timedelta(days=3))
    books.odoo.new_bill(reference="B", at=utc_now() - timedelta(hours=1))
    run(books)
    before = books.item(f"odoo-{number}")
    books.odoo.attach(number, "late.pdf", b"%PDF late")
    run(books)
    after = books.item(f"odoo-{number}")
    assert (before["revision"], after["revision"]) == (1, 2)
    assert after["pdf_key"]
    assert "card_due" in after


def test_two_changes_within_one_second_are_both_seen(books: World) -> None:
    second = (utc_now() - timedelta(minutes=5)).replace(microsecond=100_000)
    number = books.odoo.new_bill(at=second)
    run(books, now=second + timedelta(seconds=0.3))
    books.odoo.amend(number, lines=[("x", "7.00")], at=second.replace(microsecond=800_000))
    run(books)
    assert books.item(f"odoo-{number}")["amount_total"] == 7


@pytest.mark.parametrize("service", ["table", "bucket"])
def test_the_watermark_never_passes_a_bill_that_could_not_be_stored(
    books: World, service: str
) -> None:
    start = utc_now() - timedelta(hours=8)
    numbers = []
    for n in range(6):
        at = start + timedelta(hours=n)
        numbers.append(books.odoo.new_bill(reference=f"A-{n}", at=at))
        books.odoo.attach(numbers[n], "bill.pdf", b"%PDF one", at=at)
    broken = f"odoo-{numbers[3]}"

    def refuses(operation: str, arguments: Any) -> bool:
        if service == "bucket":
            return operation == "PutObject" and broken in arguments["Key"]
        return operation == "PutItem" and arguments["Item"]["entry_id"]["S"] == broken

    books.aws.refuses = refuses
    report = run(books, page_size=2)
    assert outcomes(report) == {"ready": 5, "not stored": 1}
    assert broken not in books.items()
    assert written(books) < f"{start + timedelta(hours=3):%Y-%m-%d %H:%M:%S}"
    books.aws.refuses = lambda _operation, _arguments: False
    assert outcomes(run(books, page_size=2))["ready"] == 1
    assert set(books.items()) == {f"odoo-{n}" for n in numbers}
    assert {i["version"] for i in books.items().values()} == {1}
    assert written(books) == f"{start + timedelta(hours=5):%Y-%m-%d %H:%M:%S}"


def test_a_bill_somebody_else_changes_at_the_same_moment_comes_next_time(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.odoo.amend(number, lines=[("x", "7.00")])
    race = Race(outdated=[books.item(f"odoo-{number}")])
    put_in(books, number, "APPROVED")
    items = racing(books, race)
    stale = replace(extractor.wired.run(lambda: 240.0, utc_now(), BadRecords()), table=items)
    report = stale.run(request_of({}, {}), utc_now())
    assert [b.outcome.reason for b in report.bills] == ["someone else changed it at the same time"]
    run(books)
    assert books.item(f"odoo-{number}")["amount_total"] == 7
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_only_a_plain_run_moves_the_watermark(books: World) -> None:
    number = books.odoo.new_bill()
    for event in ({"full": True}, {"since": "2026-01-01"}, {"entry_ids": [number]}):
        run(books, **event)
        assert written(books) == ""
    run(books, company=COMPANY)
    assert written(books) == ""
    run(books)
    assert written(books) != ""
