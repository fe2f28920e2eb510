"""A bill's story: every step in words, and no step that was changed, removed or put in unseen."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from odoo_qb.bill.item import bill_of, lines_text
from odoo_qb.operations.audit_trail import flaw, story
from sandbox.in_process.chain import APPROVER
from tests.support.builders import a_bill, a_line, an_item
from tests.support.stored_bills import a_stored, amended, an_asked, failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World


@pytest.fixture
def item(world: World) -> Item:
    """A bill that was amended, approved, refused by QuickBooks and tried again."""
    entry_id = an_asked(world)
    amended(world, entry_id)
    world.show()
    world.click(entry_id, "approve_invoice")
    world.show()
    failed(world, entry_id)
    world.click(entry_id, "retry_posting")
    return world.item(entry_id)


def test_each_step_is_a_sentence_that_says_who_and_when(item: Item) -> None:
    told = story(item)
    name = item["odoo_name"]
    assert (
        told[0] == f"Bill {name} of Acme Botanicals LLC, 108.25 USD, reference INV-CHANGED (1MD)."
    )
    steps = [t.split(": ", 1)[1] for t in told[1:7]]
    first, second = (item["history"][n]["digest"][:12] for n in (0, 1))
    assert steps == [
        f"extractor found it in Odoo: waiting for approval. Its content is {first}.",
        f"extractor kept it waiting for approval. Its content is {second}.",
        f"{APPROVER} set it to approved.",
        "poster set it to being posted.",
        "poster set it to not posted.",
        f"{APPROVER} set it to approved (to be posted again).",
    ]
    assert told[1].startswith("2026-11-21 09:30:00 UTC: ")
    assert told[7] == f"The current content, {second}, was approved by {APPROVER}."
    assert told[-1] == "The history is complete: 6 entries, each linked to the one before."


def test_a_rejections_reason_is_part_of_the_story(world: World) -> None:
    entry_id = an_asked(world)
    world.reject(entry_id, "Entered twice.")
    assert any("set it to rejected (Entered twice.)" in s for s in story(world.item(entry_id)))


def test_what_quickbooks_has_and_each_try_are_told(world: World) -> None:
    attempt = {"number": 1, "request_id": "oqb-1", "digest": "d" * 64, "outcome": "created"}
    document = {"type": "Bill", "id": "145", "posted_at": "2026-11-21T10:00:00.000Z"}
    entry_id = a_stored(world, attempts=[attempt], quickbooks=document)
    told = story(world.item(entry_id))
    assert "Posting attempt 1, request oqb-1, content dddddddddddd: created." in told
    assert "In QuickBooks it is Bill 145 of 108.25 USD, since 2026-11-21 10:00:00 UTC." in told


@pytest.mark.parametrize(
    ("tamper", "verdict"),
    [
        (lambda h: h[2].update(actor="U-ELSE"), "tampered with"),
        (lambda h: h[2].update(note="a better reason"), "tampered with"),
        (lambda h: h.pop(3), "tampered with"),
        (lambda h: h.insert(3, dict(h[2])), "tampered with"),
        (lambda h: h.pop(0), "its first entries were removed"),
        (lambda h: h.clear(), "its first entries were removed"),
        (lambda h: h.pop(), "does not match the bill's status or content"),
    ],
    ids=["actor", "note", "removed", "put-in", "first", "all", "last"],
)
def test_a_history_that_was_touched_is_told(
    item: Item, tamper: Callable[[Any], object], verdict: str
) -> None:
    history = [dict(entry) for entry in item["history"]]
    tamper(history)
    assert verdict in story(cast("Item", {**item, "history": history}))[-1]


def test_a_bill_changed_past_its_history_is_told(item: Item) -> None:
    assert "changed outside this system" in story(cast("Item", {**item, "digest": "0" * 64}))[-1]
    assert "changed outside this system" in story(cast("Item", {**item, "status": "POSTED"}))[-1]


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_total": Decimal(9999)},
        {"bill_reference": "OTHER"},
        {"company": "TruAlchemy"},
        {"documents": []},
    ],
    ids="-".join,
)
def test_a_content_that_is_not_what_its_digest_says_is_told(
    item: Item, changed: dict[str, Any]
) -> None:
    assert "changed outside this system" in story(cast("Item", {**item, **changed}))[-1]


def test_the_content_of_a_bill_whose_vendor_was_known_is_whole_under_any_name(world: World) -> None:
    item = world.item(a_stored(world))
    digest = bill_of(item).digest(vendor_is_known=True)
    history = [{**item["history"][0], "digest": digest}]
    known = cast("Item", {**item, "digest": digest, "history": history})
    assert "is whole" in story(known)[-1]


def test_the_lines_of_a_long_bill_are_part_of_its_content() -> None:
    bill = a_bill(lines=tuple(a_line(f"{n}.00") for n in range(1, 150)))
    item = an_item(bill)
    lines = json.loads(lines_text(bill))
    assert flaw(item, lines) == ""
    lines[120]["amount"] = "9999"
    assert "changed outside this system" in flaw(item, lines)
