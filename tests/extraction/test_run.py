"""From Odoo to the table: nothing lost, nothing twice, every change where it belongs."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import extractor
import poster
from odoo_qb.bill.history import verify_history
from odoo_qb.bill.item import bill_of
from odoo_qb.bill.status import TRANSITIONS
from odoo_qb.extraction.request import request_of
from odoo_qb.extraction.run import Busy
from odoo_qb.guarding import BadRecords
from odoo_qb.store.documents import Documents
from odoo_qb.timestamps import stamp
from tests.support.racing_table import Race, racing

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World

COMPANY = "1MD"
WATERMARK = "watermark#odoo"
# How a bill gets into each status, from READY_FOR_APPROVAL.
PATHS: dict[Status, tuple[Status, ...]] = {
    "READY_FOR_APPROVAL": (),
    "VALIDATION_FAILED": ("VALIDATION_FAILED",),
    "APPROVED": ("APPROVED",),
    "POSTING": ("APPROVED", "POSTING"),
    "POSTED": ("APPROVED", "POSTING", "POSTED"),
    "ALREADY_IN_QB": ("APPROVED", "POSTING", "ALREADY_IN_QB"),
    "POST_FAILED": ("APPROVED", "POSTING", "POST_FAILED"),
    "ACKNOWLEDGED": ("ACKNOWLEDGED",),
    "REJECTED": ("REJECTED",),
    "WITHDRAWN": ("WITHDRAWN",),
}
DECIDED_FOR_GOOD: tuple[Status, ...] = ("POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED")
OPEN: tuple[Status, ...] = (
    "READY_FOR_APPROVAL",
    "VALIDATION_FAILED",
    "APPROVED",
    "POST_FAILED",
    "REJECTED",
)
WRITES = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "PutObject",
    "Publish",
    "SendMessage",
}


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet."""
    world.forget_old_bills()
    return world


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(world: World, *, now: datetime | None = None, **event: Any) -> dict[str, Any]:
    """A run of the real wiring, at any time, with pages of any size."""
    given = ("page_size", "seconds_left", "sleep", "watched_at_once")
    changed = {k: event.pop(k) for k in given if k in event}
    now = now or utc_now()
    extraction = replace(extractor.wired.run(lambda: 240.0, now, BadRecords()), **changed)
    report = extraction.run(request_of(event, extractor.wired.companies), now)
    del world
    return report.as_json()


def outcomes(report: dict[str, Any]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in report["companies"].values():
        total.update(counts)
    return total


def put_in(world: World, number: int, status: Status) -> Item:
    """Bring a bill of the table into a status, as others would."""
    item = world.item(f"odoo-{number}")
    for step in PATHS[status]:
        values = {"decided_by": "U-1", "rejection_reason": "no", "problems": ["as it was"]}
        item = world.table.change(item, to=step, actor="tester", now=utc_now(), values=values)
    return item


def writes(world: World, start: int) -> list[tuple[str, Any]]:
    return [call for call in world.aws.calls[start:] if call[0] in WRITES]


# -- new bills -----------------------------------------------------------------------------


def test_a_posted_bill_waits_for_approval_with_all_of_its_content(books: World) -> None:
    number = books.odoo.new_bill(reference="A-1", lines=[("Boxes", "12.34"), ("Tape", "0.66")])
    books.odoo.attach(number, "bill.pdf", b"%PDF one")
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["version"]) == ("READY_FOR_APPROVAL", 1, 1)
    assert (item["company"], item["bill_reference"]) == (COMPANY, "A-1")
    assert item["pdf_key"] == f"pending/{COMPANY}/odoo-{number}.pdf"
    assert item["card_due"] == 1
    assert bill_of(item).digest() == item["digest"]
    assert verify_history(item["history"])
    documents = Documents(books.clients["s3"], books.names["bucket"])
    assert documents.read(bill_of(item).documents[0]) == b"%PDF one"


def test_drafts_and_cancelled_bills_are_ignored(books: World) -> None:
    books.odoo.new_bill(state="draft")
    books.odoo.cancel(books.odoo.new_bill())
    assert outcomes(run(books)) == {"ignored": 2}
    assert books.items() == {}


def test_a_draft_is_asked_about_once_it_is_posted(books: World) -> None:
    number = books.odoo.new_bill(state="draft")
    run(books)
    books.odoo.post(number)
    run(books)
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_bill_from_before_go_live_is_left_alone_even_when_it_is_touched(books: World) -> None:
    number = books.odoo.new_bill(bill_date="2025-12-31")
    same_day = books.odoo.new_bill(bill_date="2026-01-01")
    run(books)
    books.odoo.amend(number)
    run(books)
    run(books, full=True)
    run(books, entry_ids=[number], since="2020-01-01")
    assert list(books.items()) == [f"odoo-{same_day}"]


def test_what_the_table_has_forgotten_is_not_asked_about_again(
    books: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORD_RETENTION_DAYS", "10")
    today = utc_now().date()
    books.odoo.new_bill(bill_date=f"{today - timedelta(days=11)}")
    recent = books.odoo.new_bill(bill_date=f"{today - timedelta(days=10)}")
    run(books)
    assert list(books.items()) == [f"odoo-{recent}"]


def test_an_unconfigured_company_is_counted_and_left_alone(books: World) -> None:
    books.odoo.new_bill(company=1)
    books.odoo.new_bill(company=2)
    name = str(books.odoo.records["res.company"][2]["name"])
    everyone = json.loads(books.table.read_note("settings")["companies"])
    some = {k: v for k, v in everyone.items() if k != name}
    books.table.write_note("settings", {"companies": json.dumps(some)})
    books.restart()
    report = run(books)
    assert report["left_alone"] == {name: 1}
    assert outcomes(report) == {"ready": 1}
    assert len(books.items()) == 1


def test_a_bill_that_does_not_add_up_is_blocked_and_owes_no_card(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.amend(number, amount_total=99.0)
    assert outcomes(run(books)) == {"blocked": 1}
    item = books.item(f"odoo-{number}")
    assert item["status"] == "VALIDATION_FAILED"
    assert item["problems"][0].startswith("Its journal items add up to 100.00 USD")
    assert "card_due" not in item


def test_a_bill_that_cannot_be_read_is_blocked_and_stops_no_other(books: World) -> None:
    damaged, sound = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.odoo.amend(damaged, amount_total="a lot")
    assert outcomes(run(books)) == {"blocked": 1, "ready": 1}
    assert books.item(f"odoo-{sound}")["status"] == "READY_FOR_APPROVAL"
    (problem,) = books.item(f"odoo-{damaged}")["problems"]
    assert problem.startswith("This bill cannot be read")
    books.odoo.amend(damaged, amount_total=100.0)
    run(books)
    assert books.item(f"odoo-{damaged}")["status"] == "READY_FOR_APPROVAL"


def test_a_file_that_odoo_lost_blocks_its_bill_until_it_is_there_again(books: World) -> None:
    number = books.odoo.new_bill()
    file = books.odoo.attach(number, "bill.pdf", b"%PDF one")
    datas = books.odoo.records["ir.attachment"][file]["datas"]
    books.odoo.records["ir.attachment"][file]["datas"] = False
    other = books.odoo.new_bill(reference="B")
    assert outcomes(run(books)) == {"blocked": 1, "ready": 1}
    item = books.item(f"odoo-{number}")
    expected = "The file bill.pdf cannot be read from Odoo. Attach it there again."
    assert item["problems"] == [expected]
    assert books.item(f"odoo-{other}")["status"] == "READY_FOR_APPROVAL"
    books.odoo.records["ir.attachment"][file]["datas"] = datas
    run(books, full=True)
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    assert books.item(f"odoo-{number}")["pdf_key"]


def test_a_pdf_that_is_none_is_kept_as_a_file_and_warned_of(books: World) -> None:
    number = books.odoo.new_bill(reference="A")
    books.odoo.attach(number, "bill.pdf", b"<html>Please log in</html>", main=True)
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["pdf_key"] == ""
    assert item["documents"][0]["type"] == "application/octet-stream"
    assert item["warnings"][0] == "No PDF: there is nothing to check the figures against."


def test_the_lines_of_a_long_bill_are_kept_in_the_bucket(books: World) -> None:
    lines = [(f"Item {n}", f"{n}.10") for n in range(1, 151)]
    number = books.odoo.new_bill(lines=lines)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (len(item["lines"]), item["line_count"]) == (10, 150)
    documents = Documents(books.clients["s3"], books.names["bucket"])
    bill = bill_of(item, documents.lines(item))
    assert bill.digest() == item["digest"]
    assert [n.text for n in bill.lines] == [text for text, _ in lines]


@pytest.mark.parametrize("move_type", ["in_invoice", "in_refund"])
@pytest.mark.parametrize("to_largest_tax", [False, True])
def test_what_rounds_the_total_in_cash_is_a_line_on_its_account_or_tax(
    move_type: str, to_largest_tax: bool, books: World
) -> None:
    number = books.odoo.new_bill(lines=[("Boxes", "99.98")], move_type=move_type)
    lines = books.odoo.records["account.move.line"]
    [row] = [n for n in lines.values() if n["move_id"] == number and n["name"] == "Boxes"]
    booked = {"price_subtotal": 0.0, "amount_currency": -0.02 if "refund" in move_type else 0.02}
    tax = next(iter(books.odoo.records["account.tax"])) if to_largest_tax else False
    rounding = {"display_type": "rounding", "tax_line_id": tax, "name": "Rounding", "tax_ids": []}
    last_id = max(lines) + 1
    lines[last_id] = {**row, **rounding, **booked, "id": last_id}
    move = books.odoo.records["account.move"][number]
    move[f"amount_{'tax' if to_largest_tax else 'untaxed'}"] += 0.02
    move["amount_total"] += 0.02
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["problems"] == []
    [last] = [n for n in item["lines"] if n["text"] == "Rounding"]
    assert (last["kind"], last["amount"]) == (
        "tax" if to_largest_tax else "other",
        Decimal("0.02"),
    )
    assert last["account_code"] == item["lines"][0]["account_code"]
    assert [n.is_rounding for n in bill_of(item).lines] == [False, to_largest_tax]


def test_the_same_reference_warns_the_later_bill_however_often_it_is_amended(books: World) -> None:
    first = books.odoo.new_bill(reference="DUP 1")
    second = books.odoo.new_bill(reference="dup1", lines=[("x", "5.00")])
    books.odoo.new_bill(reference="DUP 1", vendor=15)
    books.odoo.new_bill(reference="DUP 1", company=2)
    run(books)
    books.odoo.amend(second, lines=[("x", "6.00")])
    run(books)
    name = books.item(f"odoo-{first}")["odoo_name"]
    warned = {i: w for i, item in books.items().items() for w in item["warnings"] if "dup" in w}
    assert list(warned) == [f"odoo-{second}"]
    assert f"{name} of this vendor has the reference DUP 1" in warned[f"odoo-{second}"]
    assert books.item(f"odoo-{second}")["duplicates"] == [f"odoo-{first}"]


def test_a_bill_that_lost_the_number_or_was_taken_back_warns_of_nothing(books: World) -> None:
    renumbered, cancelled = (books.odoo.new_bill(reference="DUP-1") for _ in range(2))
    run(books)
    books.odoo.amend(renumbered, ref="OTHER-1")
    books.odoo.cancel(cancelled)
    run(books)
    again = books.odoo.new_bill(reference="DUP-1")
    run(books)
    assert not [w for w in books.item(f"odoo-{again}")["warnings"] if "duplicate" in w]


# -- many bills ----------------------------------------------------------------------------


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


def run_at(world: World, now: datetime) -> dict[str, Any]:
    """A run when it is `now` at Odoo, too."""
    world.odoo.ahead = now - utc_now()
    return run(world, now=now)


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


# -- the watermark -------------------------------------------------------------------------


def written(world: World) -> str:
    return str(world.table.read_note(WATERMARK).get("written", ""))


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


# -- nothing changed -----------------------------------------------------------------------


def test_unchanged_bills_cost_no_write_and_an_idle_run_two_calls(world: World) -> None:
    world.extract()
    before = world.items()
    start = len(world.aws.calls)
    idle = world.extract()
    assert (idle["odoo_calls"], idle["read"]) == (2, 0)
    full = world.extract(full=True)
    assert sum(outcomes(full).values()) == 130
    assert set(outcomes(full)) == {"unchanged", "ignored"}
    notes = {w[1]["Key"]["entry_id"]["S"] for w in writes(world, start)}
    assert notes == {WATERMARK, "sweep"}
    assert world.items() == before


def test_a_payment_a_message_and_a_write_without_change_ask_nobody(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    before = books.item(f"odoo-{number}")
    books.odoo.pay(number)
    assert outcomes(run(books)) == {"noted": 1}
    books.show()
    books.odoo.amend(number, write_uid=12)
    assert outcomes(run(books)) == {"unchanged": 1}
    after = books.item(f"odoo-{number}")
    same = ("status", "revision", "digest", "approvals", "cards", "authors", "warnings")
    assert [after.get(k) for k in same] == [before.get(k) for k in same]
    assert after["version"] == before["version"] + 1  # the card says that it is paid, once


def test_a_payment_of_what_nobody_is_asked_about_any_more_is_no_news(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "APPROVED")
    books.odoo.pay(number)
    assert outcomes(run(books)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before


# -- changes in every status ---------------------------------------------------------------


def test_the_statuses_tried_here_are_all_there_are() -> None:
    assert {*OPEN, *DECIDED_FOR_GOOD, "WITHDRAWN"} == set(PATHS) == set(TRANSITIONS)


@pytest.mark.parametrize("status", OPEN)
def test_an_amended_bill_is_asked_about_anew(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, status)
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert item["digest"] != before["digest"]
    assert item["card_due"] == item["version"] == before["version"] + 1
    assert (item["approvals"], item["problems"]) == ([], [])
    assert not {"decided_by", "rejection_reason"} & set(item)
    assert verify_history(item["history"])


@pytest.mark.parametrize("status", OPEN)
def test_an_amendment_that_breaks_a_bill_blocks_it(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.amend(number, amount_total=1.0)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("VALIDATION_FAILED", 2)


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD)
def test_what_was_decided_for_good_is_left_and_the_change_noted(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, status)
    books.odoo.amend(number, lines=[("x", "7.00")])
    assert outcomes(run(books)) == {"changed afterwards": 1}
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["digest"]) == (status, 1, before["digest"])
    assert item["amount_total"] == 100
    assert item["amended_after"] not in {"", item["digest"]}
    assert item["card_due"] == item["version"]
    assert outcomes(run(books)) == {"unchanged": 1}
    books.odoo.amend(number, lines=[("Supplies", "100.00")])
    run(books)
    assert books.item(f"odoo-{number}")["amended_after"] == ""


def test_a_change_noted_during_a_posting_that_failed_is_asked_about_and_noted_no_more(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "POSTING")
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    noted = books.item(f"odoo-{number}")
    assert noted["amended_after"]
    books.table.change(noted, to="POST_FAILED", actor="poster", now=utc_now())
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert item["status"] == "READY_FOR_APPROVAL"
    assert item["amount_total"] == 7
    assert "amended_after" not in item


@pytest.mark.parametrize("becomes", ["amended", "cancelled"])
@pytest.mark.parametrize("status", ["APPROVED", "POST_FAILED"])
def test_what_changed_while_it_was_being_posted_is_read_again_although_odoo_has_no_news(
    books: World, status: Status, becomes: str
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=1))
    put_in(books, number, "POSTING")
    at = began + timedelta(minutes=10)
    if becomes == "amended":
        books.odoo.amend(number, lines=[("x", "7.00")], at=at)
    else:
        books.odoo.cancel(number, at=at)
    for minutes in (15, 30):
        run(books, now=began + timedelta(minutes=minutes))
    assert run(books)["read"] == 0
    noted = books.item(f"odoo-{number}")
    books.table.change(noted, to=status, actor="poster", now=utc_now())
    calls = len(books.odoo.calls)
    assert run(books)["checked_again"] == 1
    item = books.item(f"odoo-{number}")
    assert item["status"] == ("READY_FOR_APPROVAL" if becomes == "amended" else "WITHDRAWN")
    assert "amended_after" not in item
    assert len(books.odoo.calls) - calls > 1
    assert run(books)["odoo_calls"] == 1
    assert run(books)["checked_again"] == 0


@pytest.mark.parametrize("status", ["APPROVED", "POST_FAILED"])
def test_a_change_that_was_undone_in_odoo_no_longer_keeps_a_bill_from_being_posted(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "POSTING")
    books.odoo.amend(number, lines=[("x", "7.00")])
    run(books)
    noted = books.item(f"odoo-{number}")
    books.table.change(noted, to=status, actor="poster", now=utc_now())
    books.odoo.amend(number, lines=[("Supplies", "100.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["amended_after"]) == (status, 1, "")


def test_a_posted_bill_that_is_dated_ahead_afterwards_is_kept_until_it_is_too_old_to_ask(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "POSTED")
    books.odoo.amend(number, invoice_date="2041-05-01")
    assert outcomes(run(books)) == {"changed afterwards": 1}
    item = books.item(f"odoo-{number}")
    over = datetime(2041, 5, 2, tzinfo=UTC) + books.table._retention
    assert int(before["expires_at"]) < int(item["expires_at"]) == int(over.timestamp())


def test_a_bill_of_nothing_that_was_acknowledged_is_asked_about_once_it_has_a_total(
    books: World,
) -> None:
    number = books.odoo.new_bill(lines=[("Sample", "0.00")])
    run(books)
    done = put_in(books, number, "ACKNOWLEDGED")
    assert done["nothing_to_post"]
    assert "expires_at" in done
    books.odoo.amend(number, lines=[("Sample", "500.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert item["amount_total"] == 500
    assert item["nothing_to_post"] == ""
    assert not {"expires_at", "decided_by"} & set(item)


# -- what the card says has changed --------------------------------------------------------


def changes_on_card(world: World, number: int) -> list[str]:
    return list(world.item(f"odoo-{number}").get("changes", ()))


def test_what_changed_while_a_bill_was_blocked_is_on_the_card_that_asks_again(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    day = books.odoo.records["account.move"][number]["invoice_date"]
    books.odoo.amend(number, lines=[("Supplies", "900.00")])
    books.odoo.amend(number, invoice_date=False)
    run(books)
    assert books.item(f"odoo-{number}")["status"] == "VALIDATION_FAILED"
    books.show()
    books.odoo.amend(number, ref="R-2", invoice_date=day)
    run(books)
    told = changes_on_card(books, number)
    assert "The total changed from 100.00 USD to 900.00 USD." in told
    assert "The vendor's number changed from none to R-2." in told


def test_two_amendments_that_no_card_showed_in_between_are_both_told(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.show()
    books.odoo.amend(number, lines=[("Supplies", "900.00")])
    run(books)
    books.odoo.amend(number, ref="R-2")
    run(books)
    told = changes_on_card(books, number)
    assert "The total changed from 100.00 USD to 900.00 USD." in told
    assert "The vendor's number changed from none to R-2." in told
    books.show()
    books.odoo.amend(number, ref="R-3")
    run(books)
    assert changes_on_card(books, number) == ["The vendor's number changed from R-2 to R-3."]


def test_a_bill_that_nobody_was_asked_about_yet_has_not_changed_since(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.odoo.amend(number, ref="R-2")
    run(books)
    assert (books.item(f"odoo-{number}")["revision"], changes_on_card(books, number)) == (2, [])


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["READY_FOR_APPROVAL", "APPROVED", "POSTED", "REJECTED"])
def test_who_renames_an_account_a_tax_or_a_term_in_odoo_changes_no_bill(
    books: World, status: Status
) -> None:
    poster.lambda_handler({"action": "sync_reference"}, None)
    number = next(
        i
        for i in books.odoo.add_copies(60)
        if books.odoo.records["account.move"][i]["invoice_payment_term_id"]
        and books.odoo.records["account.move"][i]["amount_tax"]
    )
    books.odoo.amend(number, invoice_date="2026-11-02")
    run(books, entry_ids=[number])
    before = put_in(books, number, status)
    assert before["payment_terms"]
    assert any(n["taxes"] for n in before["lines"])
    for model in ("account.account", "account.tax", "account.payment.term"):
        for row in books.odoo.records.get(model, {}).values():
            row["name"] = row["display_name"] = f"{row['name']}, renamed"
    for relation, i in list(books.odoo.names):
        if relation == "account.payment.term":
            books.odoo.names[relation, i] += ", renamed"
    assert outcomes(run(books, entry_ids=[number])) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before
    tax = next(iter(books.odoo.records["account.tax"]))
    lines = books.odoo.records["account.move.line"].values()
    row = next(r for r in lines if r["move_id"] == number and r["tax_ids"])
    row["tax_ids"] = [i for i in books.odoo.records["account.tax"] if [i] != row["tax_ids"]][:1]
    assert tax
    assert "unchanged" not in outcomes(run(books, entry_ids=[number]))


def test_a_blocked_bill_takes_the_new_names_by_which_quickbooks_may_know_it(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, "VALIDATION_FAILED")
    for account in books.odoo.records["account.account"].values():
        account["name"] = "As it is called in QuickBooks"
    run(books, entry_ids=[number])
    [line] = [n for n in books.item(f"odoo-{number}")["lines"] if n["kind"] == "product"]
    assert line["account_name"] == "As it is called in QuickBooks"


# -- companies ---------------------------------------------------------------------------------


def renamed_company(world: World, name: str) -> None:
    company = world.odoo.records["res.company"][1]
    company["name"] = company["display_name"] = name


def test_a_company_that_odoo_does_not_have_is_named_and_none_of_its_bills_withdrawn(
    books: World,
) -> None:
    number = books.odoo.new_bill(reference="A")
    assert run(books)["not_seen"] is None
    renamed_company(books, f"{COMPANY} Inc.")
    books.odoo.new_bill(reference="B")
    books.odoo.amend(number)
    for is_full in (False, True):
        (line,) = run(books, full=is_full)["not_seen"]
        assert line.startswith(f'{COMPANY}: the Odoo user sees no company "{COMPANY}", so')
        assert f'"{COMPANY} Inc."' in line
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    renamed_company(books, COMPANY)
    assert run(books, full=True)["not_seen"] == []


@pytest.mark.parametrize(
    ("status", "becomes"), [("READY_FOR_APPROVAL", "WITHDRAWN"), ("POSTED", "POSTED")]
)
def test_a_bill_that_was_moved_to_a_company_that_is_not_ours_is_withdrawn_or_noted(
    books: World, status: Status, becomes: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    everyone = json.loads(books.table.read_note("settings")["companies"])
    other = str(books.odoo.records["res.company"][4]["name"])
    ours = {k: v for k, v in everyone.items() if k != other}
    books.table.write_note("settings", {"companies": json.dumps(ours)})
    books.restart()
    books.odoo.amend(number, company_id=4, lines=[("x", "5.00")])
    run(books)
    item = books.item(f"odoo-{number}")
    assert item["status"] == becomes
    assert item.get("amended_after", "") == ("moved" if status == "POSTED" else "")
    assert item["amount_total"] == 100


def test_a_company_whose_key_is_another_now_leaves_what_was_decided_as_it_is(
    books: World,
) -> None:
    posted, rejected, waiting = (books.odoo.new_bill(reference=f"A-{n}") for n in range(3))
    run(books)
    before = put_in(books, posted, "POSTED"), put_in(books, rejected, "REJECTED")
    everyone = json.loads(books.table.read_note("settings")["companies"])
    everyone["other-key"] = everyone.pop(COMPANY) | {"odoo_company": COMPANY}
    books.table.write_note("settings", {"companies": json.dumps(everyone)})
    books.restart()
    run(books, full=True)
    assert (books.item(f"odoo-{posted}"), books.item(f"odoo-{rejected}")) == before
    assert books.item(f"odoo-{waiting}")["company"] == "other-key"


def test_a_company_that_joins_later_has_its_own_go_live_day(books: World) -> None:
    early, late = (
        books.odoo.new_bill(company=2, bill_date=day, reference=day)
        for day in ("2026-11-14", "2026-11-15")
    )
    old = books.odoo.new_bill(company=1, bill_date="2025-12-31", reference="old")
    everyone = json.loads(books.table.read_note("settings")["companies"])
    name = str(books.odoo.records["res.company"][2]["name"])
    everyone[name]["extract_since"] = "2026-11-15"
    everyone[COMPANY]["extract_since"] = "2025-12-01"
    books.table.write_note("settings", {"companies": json.dumps(everyone)})
    books.restart()
    run(books, full=True)
    assert set(books.items()) == {f"odoo-{late}", f"odoo-{old}"}
    assert f"odoo-{early}" not in books.items()


@pytest.mark.parametrize("state", ["cancel", "draft"])
@pytest.mark.parametrize("status", OPEN)
def test_a_bill_taken_back_in_odoo_is_withdrawn_and_asked_about_when_posted_again(
    books: World, status: Status, state: str
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    (books.odoo.cancel if state == "cancel" else books.odoo.reset_to_draft)(number)
    assert outcomes(run(books)) == {"withdrawn": 1}
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["approvals"]) == ("WITHDRAWN", [])
    assert item["history"][-1]["note"] == f"is {state} in Odoo"
    assert outcomes(run(books)) == {"ignored": 1}
    if state == "cancel":
        books.odoo.reset_to_draft(number)
    books.odoo.post(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert verify_history(item["history"])


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD)
def test_a_decided_bill_taken_back_in_odoo_is_only_noted(books: World, status: Status) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.reset_to_draft(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["amended_after"]) == (status, "draft")
    books.odoo.post(number)
    run(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"], item["amended_after"]) == (status, 1, "")


def test_a_decided_bill_that_cannot_be_read_is_not_taken_for_amended(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "POSTED")
    books.odoo.amend(number, amount_total="a lot")
    assert outcomes(run(books)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before


def test_a_rejected_bill_that_did_not_change_is_not_asked_about_again(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    before = put_in(books, number, "REJECTED")
    books.odoo.amend(number)
    run(books)
    run(books, full=True)
    assert books.item(f"odoo-{number}") == before


# -- the full run --------------------------------------------------------------------------


def test_a_full_run_finds_what_an_incremental_one_cannot(books: World) -> None:
    number = books.odoo.new_bill(at=utc_now() - timedelta(days=2))
    file = books.odoo.attach(number, "a.pdf", b"%PDF", at=utc_now() - timedelta(days=2))
    books.odoo.new_bill(reference="newer")
    run(books)
    books.odoo.detach(file)
    account = books.odoo.records["account.account"]
    line = next(
        r for r in books.odoo.records["account.move.line"].values() if r["move_id"] == number
    )
    account[line["account_id"]]["name"] = "Renamed"
    run(books)
    assert books.item(f"odoo-{number}")["documents"]
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["documents"], item["revision"]) == ([], 2)
    assert item["lines"][0]["account_name"] == "Renamed"


@pytest.mark.parametrize("status", OPEN)
def test_an_open_bill_deleted_in_odoo_is_withdrawn_at_once_if_it_waits_else_by_the_full_run(
    books: World, status: Status
) -> None:
    number = books.odoo.new_bill()
    run(books)
    put_in(books, number, status)
    books.odoo.reset_to_draft(number)
    books.odoo.delete(number)
    assert outcomes(run(books, full=True, dry_run=True)) == {"withdrawn": 1}
    assert books.item(f"odoo-{number}")["status"] == status
    is_watched = status in {"READY_FOR_APPROVAL", "APPROVED", "POST_FAILED"}
    assert outcomes(run(books)) == ({"withdrawn": 1} if is_watched else {})
    assert outcomes(run(books, full=True)) == ({} if is_watched else {"withdrawn": 1})
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["history"][-1]["note"]) == ("WITHDRAWN", "is deleted in Odoo")
    assert outcomes(run(books, full=True)) == {}


@pytest.mark.parametrize("status", DECIDED_FOR_GOOD[:3])
def test_a_bill_that_is_posted_or_being_so_when_it_is_deleted_is_noted(
    books: World, status: Status
) -> None:
    number, other = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    run(books)
    put_in(books, number, status)
    put_in(books, other, "POSTED")
    books.odoo.reset_to_draft(number)
    books.odoo.delete(number)
    assert outcomes(run(books, full=True))["changed afterwards"] == 1
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["amended_after"]) == (status, "deleted")
    assert "changed afterwards" not in outcomes(run(books, full=True))
    assert books.item(f"odoo-{number}") == item


def test_never_too_many_posted_bills_are_noted_as_deleted_at_once(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(6)]
    run(books)
    for number in numbers:
        put_in(books, number, "POSTED")
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    (kept,) = run(books, full=True)["kept"]
    assert kept.startswith(f"{COMPANY}: 6 of 6 posted bills are gone from Odoo. That many")
    assert {i.get("amended_after") for i in books.items().values()} == {None}


def test_a_full_run_that_is_short_of_time_reads_what_is_open_and_the_newest(books: World) -> None:
    began = utc_now() - timedelta(days=2)
    numbers = [
        books.odoo.new_bill(reference=f"A-{n}", at=began + timedelta(hours=n)) for n in range(6)
    ]
    run(books)
    for number in numbers:
        if number != numbers[2]:
            put_in(books, number, "POSTED")
    for number in numbers:  # as if nothing but reading it could tell
        move = books.odoo.records["account.move"][number]
        books.odoo.amend(number, lines=[("x", "7.00")], at=move["write_date"])
    short = run(books, full=True, page_size=2, seconds_left=lambda: 30.0)
    assert (short["read"], short["not_yet_read"]) == (2, 4)
    seen = {n for n in numbers if books.item(f"odoo-{n}").get("amended_after")}
    assert books.item(f"odoo-{numbers[2]}")["amount_total"] == 7
    assert seen == {numbers[-1]}


def test_an_open_bill_dated_back_before_go_live_is_still_followed(books: World) -> None:
    number = books.odoo.new_bill()
    run(books)
    books.odoo.amend(number, invoice_date="2025-12-31", at=utc_now() - timedelta(days=1))
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["bill_date"], item["status"]) == ("2025-12-31", "READY_FOR_APPROVAL")
    books.odoo.cancel(number, at=utc_now() - timedelta(days=1))
    run(books, full=True)
    assert books.item(f"odoo-{number}")["status"] == "WITHDRAWN"


@pytest.mark.parametrize(("bills", "gone", "withdrawn"), [(12, 5, 5), (12, 6, 0), (35, 7, 7)])
def test_never_too_large_a_share_is_withdrawn_at_once(
    books: World, bills: int, gone: int, withdrawn: int
) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(bills)]
    other = books.odoo.new_bill(company=2)
    run(books)
    for number in (*numbers[:gone], other):
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    report = run(books, full=True)
    statuses = Counter(i["status"] for i in books.items().values() if i["company"] == COMPANY)
    assert statuses["WITHDRAWN"] == withdrawn
    assert books.item(f"odoo-{other}")["status"] == "WITHDRAWN"  # another company's share
    kept = [k for k in report["kept"] if k.startswith(f"{COMPANY}: {gone} of {bills} open bills")]
    assert len(kept) == (0 if withdrawn else 1)


def test_a_company_the_user_may_no_longer_see_loses_no_bill(books: World) -> None:
    number = books.odoo.new_bill(company=1)
    run(books)
    (user,) = books.odoo.users.values()
    books.odoo.admit(replace(user, companies=(2, 3, 4)))
    report = run(books, full=True)
    (kept,) = report["kept"]
    assert kept == (
        f"{COMPANY}: Odoo no longer lists 1 open bill. Nothing was changed. The Odoo user"
        " cannot see this company."
    )
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_full_run_of_one_company_withdraws_nothing_of_another(books: World) -> None:
    numbers = [books.odoo.new_bill(company=1), books.odoo.new_bill(company=2)]
    run(books)
    for number in numbers:
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    run(books, full=True, company=COMPANY)
    found = [books.item(f"odoo-{n}")["status"] for n in numbers]
    assert found == ["WITHDRAWN", "READY_FOR_APPROVAL"]


def test_a_blocked_bill_is_checked_again_by_a_full_run_without_a_new_revision(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    run(books)
    blocked = put_in(books, number, "VALIDATION_FAILED")
    run(books, full=True)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 1)
    assert (item["problems"], item["digest"]) == ([], blocked["digest"])
    assert item["history"][-1]["note"] == "checked again"


def test_a_blocked_bill_is_checked_again_when_quickbooks_was_read_anew(books: World) -> None:
    number = books.odoo.new_bill(lines=(("Supplies", "100.00"),))
    run(books)
    put_in(books, number, "VALIDATION_FAILED")
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    put_in(books, number, "VALIDATION_FAILED")
    assert run(books)["checked_again"] == 0  # nothing is known that was not known then
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_who_was_asked_before_quickbooks_was_read_is_asked_again_once_it_was(
    books: World,
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=20))
    books.show()
    before = books.item(f"odoo-{number}")
    assert before["preflight"]["snapshot"] == ""
    assert run(books)["checked_again"] == 0
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 1
    item = books.item(f"odoo-{number}")
    assert item["preflight"]["snapshot"]
    assert item["preflight"]["vendor_name"] == "Acme Botanicals LLC"
    assert not [w for w in item["warnings"] if "has not been read yet" in w]
    assert (item["status"], item["revision"], item["approvals"]) == ("READY_FOR_APPROVAL", 2, [])
    assert item["digest"] == before["digest"]
    assert changes_on_card(books, number) == [
        "QuickBooks has been read since. Check where the bill will be posted."
    ]
    assert "card_due" in item
    poster.lambda_handler({"action": "sync_reference"}, None)
    assert run(books)["checked_again"] == 0


def test_looking_again_never_fails_a_run_nor_takes_what_it_could_not_read_for_read(
    books: World,
) -> None:
    began = utc_now() - timedelta(hours=2)
    number = books.odoo.new_bill(at=began)
    run(books, now=began + timedelta(minutes=20))
    put_in(books, number, "VALIDATION_FAILED")
    books.odoo.fail("bad_gateway", method="account.move.read", times=3)
    extractor.wired.use(sleep=lambda _seconds: None)
    assert run(books)["checked_again"] == 0
    assert run(books, seconds_left=lambda: 30.0)["checked_again"] == 0
    assert books.item(f"odoo-{number}")["status"] == "VALIDATION_FAILED"
    assert run(books)["checked_again"] == 1
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_bill_that_stays_blocked_is_written_no_more(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.amend(number, amount_total=99.0)
    run(books)
    before = books.item(f"odoo-{number}")
    assert outcomes(run(books, full=True)) == {"unchanged": 1}
    assert books.item(f"odoo-{number}") == before


# -- asked for by a person -----------------------------------------------------------------


def test_one_company_some_bills_or_a_date_can_be_asked_for(books: World) -> None:
    first = books.odoo.new_bill(company=1, bill_date="2026-03-01", reference="A")
    second = books.odoo.new_bill(company=2, bill_date="2026-04-01", reference="B")
    third = books.odoo.new_bill(company=1, bill_date="2026-05-01", reference="C")
    assert outcomes(run(books, dry_run=True, company=COMPANY)) == {"ready": 2}
    assert outcomes(run(books, dry_run=True, since="2026-04-01")) == {"ready": 2}
    asked = run(books, dry_run=True, entry_ids=[f"odoo-{second}", 99_999])
    assert [b["entry_id"] for b in asked["bills"]] == [f"odoo-{second}"]
    assert asked["not_found"] == [99_999]
    run(books, company=COMPANY)
    assert set(books.items()) == {f"odoo-{first}", f"odoo-{third}"}


def test_of_each_bill_that_was_named_it_is_told_why_nothing_became_of_it(books: World) -> None:
    draft, old = books.odoo.new_bill(state="draft"), books.odoo.new_bill(bill_date="2025-12-01")
    other = books.odoo.new_bill(company=2)
    known = books.odoo.new_bill(reference="K")
    run(books)
    report = run(books, company=COMPANY, entry_ids=[draft, old, other, known])
    told = {b["entry_id"]: (b["outcome"], b.get("reason", "")) for b in report["bills"]}
    name = str(books.odoo.records["res.company"][2]["name"])
    assert told == {
        f"odoo-{draft}": ("ignored", "it is draft"),
        f"odoo-{old}": ("ignored", "it is dated before 2026-01-01"),
        f"odoo-{other}": ("ignored", f"it belongs to {name}"),
        f"odoo-{known}": ("unchanged", ""),
    }


def test_a_date_from_before_go_live_is_answered_with_the_day_from_which_bills_are_read(
    books: World,
) -> None:
    books.odoo.new_bill(bill_date="2025-12-01")
    report = run(books, company=COMPANY, since="2025-01-01", dry_run=True)
    assert report["left_alone_before"] == {COMPANY: "2026-01-01"}
    assert "left_alone_before" not in run(books, since="2026-01-01", dry_run=True)


def test_a_dry_run_writes_nothing_and_lists_what_would_happen(books: World) -> None:
    kept, amended = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    withdrawn, posted = books.odoo.new_bill(reference="C"), books.odoo.new_bill(reference="D")
    books.odoo.attach(kept, "bill.pdf", b"%PDF")
    run(books)
    put_in(books, posted, "POSTED")
    new, blocked = books.odoo.new_bill(reference="E"), books.odoo.new_bill(reference="F")
    books.odoo.attach(new, "new.pdf", b"%PDF")
    books.odoo.amend(blocked, amount_total=1.0)
    for number in (amended, posted):
        books.odoo.amend(number, lines=[("x", "7.00")])
    books.odoo.cancel(withdrawn)
    start = len(books.aws.calls)
    answer = books.extract(dry_run=True)
    assert writes(books, start) == []
    found = {int(b["entry_id"].removeprefix("odoo-")): b["outcome"] for b in answer["bills"]}
    assert found == {
        amended: "ready",
        withdrawn: "withdrawn",
        posted: "changed afterwards",
        new: "ready",
        blocked: "blocked",
    }
    listed = next(b for b in answer["bills"] if b["entry_id"] == f"odoo-{new}")
    assert listed["total"] == "100.00 USD"


# -- one at a time -------------------------------------------------------------------------


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
