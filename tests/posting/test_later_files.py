"""A file that was added to a bill after it was posted: offered on its card, attached once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import poster
from odoo_qb.operations.sweep import sweep
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import Context
from tests.support.stored_bills import buttons, card, words

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World

REALM = "9130350000000001"


@pytest.fixture
def books(world: World) -> World:
    world.forget_old_bills()
    return world


def a_posted(world: World) -> int:
    """A bill with one file, in QuickBooks."""
    number = world.odoo.new_bill(reference="A-1")
    world.odoo.attach(number, "bill.pdf", b"%PDF one", main=True)
    world.extract()
    world.show()
    world.click(f"odoo-{number}", "approve_invoice")
    world.post()
    world.show()
    return number


def with_file(world: World, name: str = "scan.pdf", data: bytes = b"%PDF two") -> int:
    """The same, after a file was added in Odoo and the card says so."""
    number = a_posted(world)
    world.odoo.attach(number, name, data)
    world.extract()
    world.show()
    return number


def item_of(world: World, number: int) -> Item:
    return world.item(f"odoo-{number}")


def attached(world: World) -> list[str]:
    """The files in QuickBooks."""
    return sorted(a["FileName"] for a in world.quickbooks.realms[REALM].attachables.values())


def test_an_added_file_is_told_offered_and_attached_once(books: World) -> None:
    number = with_file(books)
    shown = card(books, f"odoo-{number}")
    document = item_of(books, number)["quickbooks"]["id"]
    said = (
        "It was changed in Odoo after it was posted: a file was added: scan.pdf. Use Attach"
        f" file on its card to update Bill {document} in QuickBooks."
    )
    assert said in words(shown)
    assert buttons(shown) == ["attach_files", "view_pdf"]
    books.click(f"odoo-{number}", "attach_files")
    books.show()
    assert "Attaching" in words(card(books, f"odoo-{number}"))
    books.post()
    books.show()
    assert attached(books) == ["bill.pdf", "scan.pdf"]
    item = item_of(books, number)
    assert (item["status"], item["amended_after"], item["added_files"]) == ("POSTED", "", [])
    assert item["quickbooks"]["attachments"] == ["bill.pdf", "scan.pdf"]
    assert "attach" not in item
    done = card(books, f"odoo-{number}")
    assert "after it was posted" not in words(done)
    assert buttons(done) == ["view_pdf"]
    assert len(books.quickbooks.realms[REALM].bills) == 1


def test_what_was_attached_is_no_news_to_the_next_runs_and_another_file_is(books: World) -> None:
    number = with_file(books)
    books.click(f"odoo-{number}", "attach_files")
    books.post()
    before = item_of(books, number)
    books.extract(full=True)
    assert item_of(books, number) == before
    books.odoo.attach(number, "more.pdf", b"%PDF three")
    books.extract()
    added = [f["name"] for f in item_of(books, number)["added_files"]]
    assert added == ["more.pdf"]
    books.show()
    books.click(f"odoo-{number}", "attach_files")
    books.post()
    assert attached(books) == ["bill.pdf", "more.pdf", "scan.pdf"]


def test_the_message_delivered_again_attaches_nothing_twice(books: World) -> None:
    number = with_file(books)
    books.click(f"odoo-{number}", "attach_files")
    (message,) = books.messages()
    for _ in range(3):
        poster.lambda_handler({"Records": [message]}, Context())
    assert attached(books) == ["bill.pdf", "scan.pdf"]


def test_an_upload_whose_answer_was_lost_is_looked_for_before_it_is_sent_again(
    books: World,
) -> None:
    number = with_file(books)
    books.quickbooks.inject("timeout", path="/upload", committed=True)
    books.click(f"odoo-{number}", "attach_files")
    (message,) = books.messages()
    answers = [poster.lambda_handler({"Records": [message]}, Context()) for _ in range(2)]
    assert [bool(a["batchItemFailures"]) for a in answers] == [True, False]
    assert attached(books) == ["bill.pdf", "scan.pdf"]


def test_a_file_of_the_same_name_and_size_as_one_that_is_there_is_attached_beside_it(
    books: World,
) -> None:
    number = with_file(books, "bill.pdf", b"%PDF two")
    books.click(f"odoo-{number}", "attach_files")
    books.post()
    assert attached(books) == ["bill.pdf", "bill.pdf"]
    assert item_of(books, number)["quickbooks"]["not_attached"] == []


def test_two_deliveries_at_once_do_not_both_attach(books: World) -> None:
    number = with_file(books)
    books.click(f"odoo-{number}", "attach_files")
    item = item_of(books, number)
    until = stamp(datetime.now(UTC) + timedelta(minutes=2))
    held = {**item["attach"], "message_id": "another", "until": until}
    books.table.change(item, actor="poster", now=datetime.now(UTC), values={"attach": held})
    (message,) = books.messages()
    answer = poster.lambda_handler({"Records": [message]}, Context())
    assert answer["batchItemFailures"]
    assert attached(books) == ["bill.pdf"]


def test_only_what_the_person_saw_is_attached(books: World) -> None:
    number = with_file(books)
    books.click(f"odoo-{number}", "attach_files")
    books.odoo.attach(number, "unseen.pdf", b"%PDF unseen")
    books.extract()
    books.post()
    assert attached(books) == ["bill.pdf", "scan.pdf"]
    item = item_of(books, number)
    assert [f["name"] for f in item["added_files"]] == ["unseen.pdf"]
    assert item["amended_after"]
    books.show()
    assert "a file was added: unseen.pdf" in words(card(books, f"odoo-{number}"))


def test_a_file_that_quickbooks_does_not_take_is_said_and_asked_about_no_more(
    books: World,
) -> None:
    number = with_file(books, "movie.mp4", b"a movie")
    books.click(f"odoo-{number}", "attach_files")
    books.post()
    item = item_of(books, number)
    assert item["added_files"] == []
    assert "movie.mp4 will not be attached" in item["quickbooks"]["not_attached"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda world, number: world.odoo.amend(number, lines=[("x", "7.00")]),
        lambda world, number: world.odoo.detach(
            min(world.odoo.records["account.move"][number]["attachment_ids"])
        ),
    ],
    ids=["another amount", "a file removed"],
)
def test_where_more_changed_than_a_file_nothing_is_offered(books: World, change: Any) -> None:
    number = with_file(books)
    change(books, number)
    books.extract()
    books.show()
    assert item_of(books, number)["added_files"] == []
    shown = card(books, f"odoo-{number}")
    assert buttons(shown) == ["view_pdf"]
    assert "The file scan.pdf was added." in words(shown)
    assert "Compare it with Bill" in words(shown)


def test_the_change_of_a_posted_bill_is_said_old_and_new(books: World) -> None:
    number = a_posted(books)
    books.odoo.amend(number, lines=[("Supplies", "120.00")])
    books.extract()
    books.show()
    seen = words(card(books, f"odoo-{number}"))
    assert "after it was posted. The total changed from 100.00 USD to 120.00 USD." in seen


def test_a_wish_that_got_lost_is_sent_again_until_it_is_done(books: World) -> None:
    number = with_file(books)
    books.click(f"odoo-{number}", "attach_files")
    books.messages()  # taken from the queue, and lost
    queue = ApprovedQueue(client=books.clients["sqs"], url=books.names["queue"])
    for minutes in (30, 45):
        sweep(books.table, queue, datetime.now(UTC) + timedelta(minutes=minutes))
    since = books.table.read_note("sweep")["cards_since"]
    assert since <= item_of(books, number)["updated_at"]  # it is looked at until it is done
    item = item_of(books, number)
    poster.wired.poster.post(item["entry_id"], int(item["revision"]), "swept")
    assert attached(books) == ["bill.pdf", "scan.pdf"]


def test_while_the_company_is_not_connected_the_wish_waits(books: World) -> None:
    number = with_file(books)
    books.table.write_note("connection#1MD", {"state": "NEEDS_RECONNECT"})
    books.click(f"odoo-{number}", "attach_files")
    item = item_of(books, number)
    assert poster.wired.poster.post(item["entry_id"], int(item["revision"]), "m") == "WAITING"
    assert item_of(books, number)["attach"]
