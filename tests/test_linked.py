"""A link a person asked for: made where the two agree, else said why not, and no dead end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from builders import a_bill
from desk import a_desk
from odoo_qb.card import approval_card
from odoo_qb.errors import Unavailable
from odoo_qb.linked import link_as_asked
from odoo_qb.policy import RULES, objection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desk import Desk
    from odoo_qb.item import Item


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Somebody typed the bill into QuickBooks before it was approved: it could not be posted."""
    with a_desk() as made:
        made.post(made.approve(replace(a_bill(odoo_id=7), documents=())))
        [typed] = made.realm.bills.values()
        del typed["PrivateNote"]
        assert made.post(made.approve(), "m2") == "POST_FAILED"
        yield made


def asked(desk: Desk, document: str, digest: str = "") -> Item:
    """The bill after a person handed in the modal."""
    item = desk.stored()
    wish = {"id": document, "by": "U-SECOND", "at": "2026-11-21T09:40:00.000Z"}
    return desk.table.change(
        item,
        actor="U-SECOND",
        now=desk.now,
        values={"link": {**wish, "digest": digest or item["digest"]}},
    )


def test_the_document_that_was_named_is_linked_in_the_persons_name(desk: Desk) -> None:
    [typed] = desk.realm.bills.values()
    assert link_as_asked(desk.poster(), asked(desk, str(typed["Id"]))) == "ALREADY_IN_QB"
    item = desk.stored()
    assert item["history"][-1]["actor"] == "U-SECOND"
    assert "Linked by <@U-SECOND>" in str(approval_card(item).blocks)


def test_another_document_is_refused_on_the_card_which_keeps_its_remedies(desk: Desk) -> None:
    assert link_as_asked(desk.poster(), asked(desk, "999")) == "POST_FAILED"
    item = desk.stored()
    assert item["error"]["message"] == "QuickBooks has no Bill 999."
    assert "link" not in item
    assert item["card_due"] == item["version"]
    for remedy in ("retry_posting", "link_existing", "close_invoice"):
        assert RULES[remedy].before == item["status"]
        assert objection(remedy, item, desk.company, "U-SECOND", "") == ""


def test_a_link_to_other_content_or_none_does_nothing(desk: Desk) -> None:
    before = desk.stored()
    assert link_as_asked(desk.poster(), before) == "POST_FAILED"
    stale = asked(desk, "1", digest="0" * 64)
    assert link_as_asked(desk.poster(), stale) == "POST_FAILED"
    assert desk.stored() == stale


def test_a_bill_that_changed_meanwhile_is_looked_at_again(desk: Desk) -> None:
    item = asked(desk, "999")
    desk.table.change(item, actor="U-ANA", now=desk.now)
    with pytest.raises(Unavailable):
        link_as_asked(desk.poster(), item)
    assert "QuickBooks has no" not in desk.stored()["error"]["message"]


def test_the_same_message_twice_links_once(desk: Desk) -> None:
    [typed] = desk.realm.bills.values()
    item = asked(desk, str(typed["Id"]))
    link_as_asked(desk.poster(), item)
    before = desk.stored()
    with pytest.raises(Unavailable):
        link_as_asked(desk.poster(), item)
    assert desk.stored() == before
