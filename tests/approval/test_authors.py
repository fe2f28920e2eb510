"""Who entered and edited a bill in Odoo, and that nobody approves alone what is their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.approval.policy import objection
from odoo_qb.bill.authors import authors_of, is_author, last_editor, with_earlier
from odoo_qb.bill.model import Author
from odoo_qb.cards.card import approval_card
from sandbox.in_process.chain import APPROVER
from tests.support.builders import a_bill, a_company, an_item
from tests.support.stored_bills import card, told, words

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World

ANA = Author(name="Ana Ruiz", login="ana", email="ana@example.com")
ADA = Author(name="Ada", login="ADA@example.com", email="")


def an_item_by(*authors: Author, **fields: Any) -> Item:
    return an_item(a_bill(authors=authors, **fields))


@pytest.mark.parametrize("email", ["ada@example.com", " Ada@Example.COM "])
@pytest.mark.parametrize(
    "author",
    [
        ADA,
        Author(name="Ada", login="7", email="ada@example.com"),
        Author(name="Ada", email="Ada <ada@example.com>"),
        Author(name="Ada", email="office@example.com; ada@example.com"),
        Author(name="Ada", email="office@example.com,ADA@EXAMPLE.COM"),
    ],
)
def test_an_author_is_known_by_login_and_by_every_address(author: Author, email: str) -> None:
    item = an_item_by(ANA, author)
    assert is_author(item, email)
    assert objection("approve_invoice", item, a_company(), APPROVER, email) == (
        "You entered or edited this bill in Odoo. Someone else must approve it."
    )


@pytest.mark.parametrize("email", ["", "a@example.com", "ada@example.com.au", "ana"])
def test_somebody_else_is_none(email: str) -> None:
    assert not is_author(an_item_by(ANA, ADA), email)
    assert not is_author(an_item_by(Author(name="Ada"), Author(name="", login="ana")), email)


def test_what_1_0_stored_has_the_one_who_entered_it_as_its_author() -> None:
    item = an_item(entered_by="Ada", entered_by_email="ada@example.com")
    del item["authors"]
    assert is_author(item, "ada@example.com")
    assert [a["name"] for a in authors_of(item)] == ["Ada"]
    assert last_editor(item) == ""
    assert with_earlier(item, [asdict(ANA)]) == [
        {"name": "Ada", "login": "", "email": "ada@example.com"},
        asdict(ANA),
    ]


def test_who_edited_it_before_stays_its_author() -> None:
    item = an_item_by(ANA, ADA)
    cleo = asdict(Author(name="Cleo", login="cleo"))
    found = with_earlier(item, [asdict(ANA), cleo])
    assert [a["name"] for a in found] == ["Ada", "Ana Ruiz", "Cleo"]
    item["authors"] = found
    assert len(with_earlier(item, [asdict(ANA), cleo])) == 3


def test_the_card_names_who_entered_a_bill_and_who_edited_it_last() -> None:
    seen = words(approval_card(an_item_by(ANA, ADA, entered_by="Ana Ruiz")))
    assert "Entered by" in seen
    assert "Last edited by" in seen
    assert "Last edited by" not in words(approval_card(an_item_by(ANA, entered_by="Ana Ruiz")))


# -- as Odoo tells it ---------------------------------------------------------------------------


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill yet, and a user of it who is an approver in Slack."""
    world.forget_old_bills()
    world.odoo.add_user(21, "Ada Approver", "Admin@Example.com")
    world.odoo.add_user(1, "OdooBot", "__system__")
    world.odoo.records["res.users"][21]["email"] = False
    return world


def an_asked(world: World, **fields: Any) -> str:
    number = world.odoo.new_bill(**fields)
    world.extract()
    world.show()
    return f"odoo-{number}"


def refused(world: World, entry_id: str) -> bool:
    """Whether the approver whose login it is may not approve it."""
    world.click(entry_id, "approve_invoice", "U-CLERK")
    is_refused = world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert is_refused == bool(
        told(world, "U-CLERK") and "You entered" in told(world, "U-CLERK")[-1]
    )
    return is_refused


@pytest.mark.parametrize(
    ("created_by", "written_by", "is_own"),
    [(1, 21, True), (11, 21, True), (21, 11, True), (1, 11, False), (11, 12, False)],
)
def test_whoever_entered_or_posted_it_counts_and_a_bot_is_nobody(
    books: World, created_by: int, written_by: int, is_own: bool
) -> None:
    number = books.odoo.new_bill(created_by=created_by)
    books.odoo.amend(number, write_uid=written_by)
    books.extract()
    books.show()
    item = books.item(f"odoo-{number}")
    assert len(item["authors"]) == 2 - (created_by == 1)
    assert "OdooBot" not in [a["name"] for a in item["authors"]]
    assert refused(books, f"odoo-{number}") == is_own


def test_the_bots_own_user_is_not_read(books: World) -> None:
    number = books.odoo.new_bill(created_by=1)
    del books.odoo.records["res.users"][1]
    books.extract()
    item = books.item(f"odoo-{number}")
    assert (item["entered_by_email"], item["authors"]) == ("", [])


def test_who_edits_a_bill_becomes_its_author_and_who_only_saves_it_does_not(books: World) -> None:
    entry_id = an_asked(books, created_by=11)
    number = int(entry_id.removeprefix("odoo-"))
    before = books.item(entry_id)
    books.odoo.amend(number, write_uid=21)
    books.extract()
    assert books.item(entry_id) == before
    books.odoo.amend(number, lines=[("x", "7.00")], write_uid=21)
    books.extract()
    books.odoo.amend(number, lines=[("x", "8.00")], write_uid=12)
    books.extract()
    books.show()
    names = [a["name"] for a in books.item(entry_id)["authors"]]
    assert names == ["Ada Approver", "Ana Ruiz", "Ben Okafor"]
    assert "Ben Okafor" in words(card(books, entry_id))
    assert refused(books, entry_id)
