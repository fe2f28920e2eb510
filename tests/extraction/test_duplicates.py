"""Possible duplicates: by what a bill is, whoever entered it under whichever name and number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import poster
from sandbox.in_process.chain import Context

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World

COMPANY = "1MD"


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet, and QuickBooks was read."""
    world.forget_old_bills()
    poster.lambda_handler({"action": "sync_reference"}, Context())
    return world


def a_contact(world: World, number: int, name: str, **fields: Any) -> int:
    """Another vendor in Odoo."""
    partners = world.odoo.records["res.partner"]
    values = {"name": name, "display_name": name, "commercial_partner_id": number, "vat": False}
    partners[number] = {**partners[14], "id": number, "email": False, **values, **fields}
    return number


def a_bill(world: World, reference: str, amount: str = "410.00", **fields: Any) -> str:
    lines = [("Boxes", amount)]
    return f"odoo-{world.odoo.new_bill(reference=reference, lines=lines, **fields)}"


def warned(world: World, entry_id: str) -> list[str]:
    """What the bill's card warns of that has to do with other bills."""
    words = ("duplicate", "same date and amount")
    return [w for w in world.item(entry_id)["warnings"] if any(word in w for word in words)]


def posted(world: World, *entry_ids: str) -> None:
    """Approved, posted, and shown as such."""
    world.show()
    for entry_id in entry_ids:
        world.click(entry_id, "approve_invoice")
    world.post()
    world.show()
    assert {world.item(i)["status"] for i in entry_ids} == {"POSTED"}


@pytest.mark.parametrize("other", ["r-2031", "R/2031", "R\u200b-2031", "R-\uff12031"])
def test_the_same_number_in_another_spelling_is_a_possible_duplicate(
    books: World, other: str
) -> None:
    first, second = a_bill(books, "R-2031"), a_bill(books, other, "9.00")
    books.extract()
    assert warned(books, first) == []
    (said,) = warned(books, second)
    name = books.item(first)["odoo_name"]
    assert said.startswith(f"Possible duplicate: {name} of this vendor has the reference R-2031,")
    assert books.item(second)["duplicates"] == [first]


@pytest.mark.parametrize("is_in_one_run", [True, False])
def test_two_contacts_that_become_one_vendor_in_quickbooks_meet(
    books: World, is_in_one_run: bool
) -> None:
    one, two = (a_contact(books, n, "John Smith") for n in (901, 902))
    first = a_bill(books, "R-2031", vendor=one)
    if not is_in_one_run:
        books.extract()
    second = a_bill(books, "R-2031", vendor=two)
    books.extract()
    (said,) = warned(books, second)
    assert "of John Smith, the same vendor in QuickBooks, has the same reference" in said
    assert books.item(second)["duplicates"] == [first]


def test_a_second_contact_of_a_vendor_that_quickbooks_has_meets_the_first(books: World) -> None:
    one, two = (a_contact(books, n, "John Smith") for n in (901, 902))
    first = a_bill(books, "R-2031", vendor=one)
    books.extract()
    posted(books, first)
    poster.lambda_handler({"action": "sync_reference"}, Context())
    second, third = a_bill(books, "R 2031", vendor=two), a_bill(books, "R/2031", vendor=one)
    books.extract()
    assert books.item(second)["duplicates"] == [first]
    assert books.item(third)["duplicates"] == [first, second]


def test_a_vendor_of_another_name_and_company_has_numbers_of_its_own(books: World) -> None:
    a_bill(books, "R-2031")
    other = a_bill(books, "R-2031", vendor=15)
    elsewhere = a_bill(books, "R-2031", company=2)
    books.extract()
    assert warned(books, other) == warned(books, elsewhere) == []


def test_a_credit_note_that_quotes_its_bill_is_no_duplicate_of_it_and_two_of_them_are(
    books: World,
) -> None:
    a_bill(books, "R-2031")
    credit = a_bill(books, "R-2031", move_type="in_refund")
    again = a_bill(books, "R-2031", move_type="in_refund")
    books.extract()
    assert warned(books, credit) == []
    assert books.item(again)["duplicates"] == [credit]


def test_a_bill_of_version_1_0_is_still_found_by_its_number(books: World) -> None:
    first = a_bill(books, "R 2031")
    books.extract()
    client, table = books.clients["dynamodb"], books.names["table"]
    for row in client.scan(TableName=table)["Items"]:
        if row["entry_id"]["S"].startswith("reference#"):
            client.delete_item(TableName=table, Key={"entry_id": row["entry_id"]})
    books.table.write_note(f"reference#{COMPANY}#14#r2031", {"bills": {first}})
    second = a_bill(books, "R 2031")
    books.extract()
    assert books.item(second)["duplicates"] == [first]


# -- the same date and amount -----------------------------------------------------------------


def alike(item: Item) -> str:
    return (
        f"Another bill of this vendor has the same date and amount: {item['odoo_name']}. Check that"
        " it isn't billed twice."
    )


@pytest.mark.parametrize("first_is", ["in the same run", "waiting", "approved", "posted"])
def test_another_number_with_the_same_date_and_amount_is_said_softly(
    books: World, first_is: str
) -> None:
    first = a_bill(books, "R-2031")
    if first_is != "in the same run":
        books.extract()
    if first_is == "approved":
        books.show()
        books.click(first, "approve_invoice")
    if first_is == "posted":
        posted(books, first)
    second = a_bill(books, "S-77")
    books.extract()
    assert warned(books, first) == []
    assert warned(books, second) == [alike(books.item(first))]
    assert books.item(second)["duplicates"] == [first]


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "410.01"},
        {"bill_date": "2026-11-03"},
        {"vendor": 15},
        {"company": 2},
        {"move_type": "in_refund"},
        {"currency": 125},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_differs_in_more_than_the_number_is_nothing_to_say(
    books: World, other: dict[str, Any]
) -> None:
    a_bill(books, "R-2031")
    second = a_bill(books, "S-77", **other)
    books.extract()
    assert warned(books, second) == []


def test_a_bill_that_was_rejected_or_taken_back_is_not_billed_twice(books: World) -> None:
    rejected, cancelled = a_bill(books, "R-2031"), a_bill(books, "R-2032", "9.00")
    books.extract()
    books.show()
    books.reject(rejected, "the number is wrong")
    books.odoo.cancel(int(cancelled.removeprefix("odoo-")))
    books.extract()
    again = a_bill(books, "R-2013"), a_bill(books, "R-2033", "9.00")
    books.extract()
    assert [warned(books, i) for i in again] == [[], []]


def test_the_real_bills_warn_of_their_true_duplicates_alone(world: World) -> None:
    poster.lambda_handler({"action": "sync_reference"}, Context())
    world.extract()
    items = world.items()
    twins = {i for i, item in items.items() if item["duplicates"]}
    assert len(twins) == 8
    assert {items[i]["bill_reference"] for i in twins} == {"DUP-1"}
    assert not [i for i in items if any("same date and amount" in w for w in warned(world, i))]
    assert not [w for item in items.values() for w in item["warnings"] if "another contact" in w]


def test_copies_of_real_bills_warn_of_nothing(world: World) -> None:
    world.odoo.add_copies(200)
    world.extract()
    found = [i for i, item in world.items().items() if item["duplicates"]]
    assert len(found) == 8
    assert {world.item(i)["bill_reference"] for i in found} == {"DUP-1"}


# -- one vendor, two contacts -----------------------------------------------------------------


def shared(world: World, entry_id: str) -> list[str]:
    return [w for w in world.item(entry_id)["warnings"] if "another contact" in w]


def two_smiths(world: World) -> tuple[int, int]:
    one = a_contact(world, 901, "John Smith", vat="US111", email="js@one.example")
    return one, a_contact(world, 902, "John Smith", vat="US222", email="john@two.example")


@pytest.mark.parametrize("first_is_posted", [True, False])
def test_a_vendor_of_another_contact_is_told_until_somebody_approved_it(
    books: World, first_is_posted: bool
) -> None:
    one, two = two_smiths(books)
    first = a_bill(books, "A-1", vendor=one)
    books.extract()
    if first_is_posted:
        posted(books, first)
        poster.lambda_handler({"action": "sync_reference"}, Context())
    second = a_bill(books, "B-1", "9.00", vendor=two)
    books.extract()
    assert shared(books, first) == []
    belongs = "also belongs" if first_is_posted else "will also belong"
    assert shared(books, second) == [
        (
            f"The vendor John Smith in QuickBooks {belongs} to another contact in Odoo: John"
            " Smith (US111, js@one.example). If they are not the same vendor, rename one of"
            " them in Odoo."
        )
    ]
    posted(books, *([second] if first_is_posted else [first, second]))
    poster.lambda_handler({"action": "sync_reference"}, Context())
    more = a_bill(books, "A-2", "1.00", vendor=one), a_bill(books, "B-2", "2.00", vendor=two)
    books.extract()
    assert [shared(books, i) for i in more] == [[], []]


def test_one_vendor_entered_twice_is_nothing_to_warn_of(books: World) -> None:
    one = a_contact(books, 901, "John Smith", vat="US 111")
    two = a_contact(books, 902, "John Smith", vat="us111", email="new@example.com")
    a_bill(books, "A-1", vendor=one)
    second = a_bill(books, "B-1", "9.00", vendor=two)
    books.extract()
    assert shared(books, second) == []


def test_a_contact_is_noted_once_and_a_dry_run_notes_nobody(books: World) -> None:
    one, _ = two_smiths(books)

    def noted() -> list[str]:
        calls = [a for o, a in books.aws.calls if o == "UpdateItem"]
        return [k for a in calls if (k := a["Key"]["entry_id"]["S"]).startswith("payee#")]

    a_bill(books, "A-1", vendor=one)
    books.extract(dry_run=True)
    assert noted() == []
    books.extract()
    assert len(noted()) == 1
    a_bill(books, "A-2", "9.00", vendor=one)
    books.extract()
    books.extract(full=True)
    assert len(noted()) == 1


# -- contacts that are merged -------------------------------------------------------------------


@pytest.mark.parametrize("status", ["READY_FOR_APPROVAL", "POSTED"])
def test_merged_contacts_are_told_as_that_while_quickbooks_vendor_stays(
    books: World, status: str
) -> None:
    one, two = (a_contact(books, n, "John Smith", vat="US111") for n in (901, 902))
    first = a_bill(books, "A-1", vendor=one)
    books.extract()
    posted(books, first)
    poster.lambda_handler({"action": "sync_reference"}, Context())
    entry_id = first
    if status != "POSTED":
        entry_id = a_bill(books, "A-2", "9.00", vendor=one)
        books.extract()
        books.show()
    books.odoo.amend(int(entry_id.removeprefix("odoo-")), partner_id=two)
    books.extract()
    item = books.item(entry_id)
    assert item["status"] == status
    said = item["changes"] if status == "READY_FOR_APPROVAL" else item["amended_changes"]
    assert said == [
        (
            "Odoo merged the vendor with another contact: now John Smith (contact 902),"
            " before John Smith (contact 901). In QuickBooks it is still John Smith."
        )
    ]
    assert shared(books, entry_id) == []
