"""Runs over many bills: pages, files, and runs that are short of time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.extraction import (
    outcomes,
    run,
    run_at,
    utc_now,
)

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def test_hundreds_of_bills_of_one_second_come_in_one_run_and_few_calls(books: World) -> None:
    world = books
    for move in world.odoo.records["account.move"].values():
        if move["state"] == "posted":
            move["invoice_date"] = "2026-11-02"
    copies = world.odoo.add_copies(510)
    for move in world.odoo.records["account.move"].values():
        if move["id"] not in copies:
            move["invoice_date"] = "2025-06-01"
    report = run(world)
    assert set(world.items()) == {f"odoo-{n}" for n in copies}
    assert outcomes(report) == {"ready": 510}
    pages, files = 3, len(_files(world, copies))
    names = 3 + len(report["companies"])  # vendors, taxes, companies; accounts per company
    log_in_and_search = 4  # one for the files; after one try without a login, as 19 allows
    batches = files / 50 + pages  # the last of a page is not full
    assert report["odoo_calls"] <= log_in_and_search + names + pages * (3 + 1) + batches
    start = len(world.odoo.calls)
    # All share the watermark's second, in which another one might hide: they are read again.
    again = run_at(world, utc_now() + timedelta(minutes=16))
    assert outcomes(again) == {"unchanged": 510}
    assert "ir.attachment.read" not in world.odoo.calls[start:]
    idle = run_at(world, utc_now() + timedelta(minutes=32))
    assert idle["read"] == 0
    assert idle["odoo_calls"] == 2  # what changed, and which of the files


def _files(world: World, numbers: list[int]) -> list[int]:
    files = world.odoo.records["ir.attachment"].values()
    return [f["id"] for f in files if f["res_id"] in numbers and f["type"] == "binary"]


def test_bills_that_change_while_pages_are_read_are_neither_lost_nor_doubled(books: World) -> None:
    at = utc_now() - timedelta(hours=2)
    numbers = [books.odoo.new_bill(reference=f"A-{n}", at=at) for n in range(6)]
    amended: list[int] = []

    def amend_others(operation: str, _: Any) -> bool:
        if operation == "PutItem" and not amended:  # the first page is being stored
            amended.extend([numbers[0], numbers[5]])
            for number in amended:
                books.odoo.amend(number, lines=[("more", "200.00")])
        return False

    books.aws.refuses = amend_others
    run(books, page_size=2)
    run(books, page_size=2)
    totals = {i: item["amount_total"] for i, item in books.items().items()}
    assert totals == {f"odoo-{n}": 200 if n in amended else 100 for n in numbers}
    revisions = [books.item(f"odoo-{n}")["revision"] for n in numbers]
    assert revisions == [2, 1, 1, 1, 1, 1]  # the last one was read after its change


def test_a_run_that_is_short_of_time_says_so_and_the_next_one_goes_on(books: World) -> None:
    start = utc_now() - timedelta(hours=5)
    for n in range(6):
        books.odoo.new_bill(reference=f"A-{n}", at=start + timedelta(minutes=30 * n))
    short = run(books, page_size=2, seconds_left=lambda: 30.0)
    assert (short["read"], short["not_yet_read"]) == (2, 4)
    assert len(books.items()) == 2
    rest = run(books, page_size=4)
    assert rest["not_yet_read"] == 0
    assert len(books.items()) == 6
    assert rest["read"] < 6  # what was safe before is not all read again


def test_files_that_take_longer_than_a_run_may_are_stored_as_far_as_it_came(
    books: World,
) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(7)]
    for number in numbers:  # two of these files are read at once
        books.odoo.attach(number, "scan.pdf", f"%PDF {number}".encode().ljust(3_000_000))
    stored = []
    for _ in range(4):
        start = len(books.odoo.calls)

        def seconds_left(start: int = start) -> float:
            return 240.0 - 190 * books.odoo.calls[start:].count("ir.attachment.read")

        report = run(books, seconds_left=seconds_left)
        stored.append(len(books.items()))
        assert report["not_yet_read"] == 7 - stored[-1]
        assert all(b["outcome"] == "ready" for b in report["bills"])
    assert stored == [2, 4, 6, 7]
    puts = [a["Key"] for operation, a in books.aws.calls if operation == "PutObject"]
    assert len(puts) == len(set(puts)) == 7  # none was read twice
