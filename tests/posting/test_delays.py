"""A bill that QuickBooks does not take for ever: told, closable, and in nobody's way."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest

from odoo_qb.approval.click import Click
from odoo_qb.approval.decisions import DecisionService
from odoo_qb.bill.delays import is_told, trouble_of
from odoo_qb.bill.follow_ups import possible_document
from odoo_qb.bill.open_attempt import open_attempt
from odoo_qb.cards.card import approval_card
from odoo_qb.errors import Throttled, Unavailable
from odoo_qb.operations.sweep import sweep
from odoo_qb.posting.delays import note_trouble
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.timestamps import stamp
from sandbox.slack.block_kit import problems
from tests.support.builders import NOW, a_bill, a_company
from tests.support.posting_fixture import a_desk, documents
from tests.support.stored_bills import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from tests.support.posting_fixture import Desk

HOUR = timedelta(hours=1)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        made.post(made.approve(a_bill(odoo_id=1, bill_reference="INV-0", documents=())))
        yield made


def stuck(desk: Desk) -> Item:
    """An approved bill that QuickBooks answers with 500, for ever."""
    desk.quickbooks.inject("html", path="/bill", status=500, times=10**6)
    return desk.approve(a_bill(documents=()))


def delivered(desk: Desk, message_id: str) -> bool:
    """A delivery as the function makes it; whether the bill's next ones give way."""
    item, maker = desk.stored(), desk.poster()
    try:
        maker.post(item["entry_id"], int(item["revision"]), message_id)
    except Throttled:
        return False
    except Unavailable as error:
        return maker.note_trouble(item["entry_id"], message_id, str(error))
    return False


def tried_for_an_hour(desk: Desk) -> None:
    for n in range(5):
        delivered(desk, f"m{n}")
        desk.now += timedelta(minutes=15)


def decisions(desk: Desk) -> DecisionService:
    return DecisionService(
        table=desk.table,
        queue=ApprovedQueue(client=cast("Any", Silent()), url=""),
        documents=desk.documents,
        companies={"north": a_company(approvers=("U-APPROVER",))},
        channel="C",
        clock=desk.clock,
    )


class Silent:
    """An SQS that takes everything."""

    sent = 0

    def send_message(self, **_: Any) -> None:
        self.sent += 1


def close(desk: Desk) -> str:
    known = {"people": {"U-APPROVER": ""}, "at": stamp(desk.now)}
    desk.table.write_note("approvers#U-APPROVER", known)
    item = desk.stored()
    click = Click(
        person="U-APPROVER",
        action_id="close_invoice",
        entry_id=item["entry_id"],
        digest=item["digest"],
        teams=frozenset({"T-SANDBOX"}),
    )
    return decisions(desk).decide(click).text


def test_after_an_hour_the_card_says_what_keeps_the_bill_and_offers_to_close_it(
    desk: Desk,
) -> None:
    stuck(desk)
    delivered(desk, "m0")
    assert not is_told(desk.stored())
    assert "Posting follows" in words(approval_card(desk.stored()))
    desk.now += HOUR
    delivered(desk, "m1")
    item = desk.stored()
    assert item["card_due"] == item["version"], "the notifier shows it"
    card = approval_card(item)
    assert "Posting has failed since 2026-11-21 09:30 UTC. QuickBooks couldn't process" in words(
        card
    )
    assert "It's tried again every hour." in words(card)
    assert '"close_invoice"' in words(card)
    assert "Look there for number INV-1001 first" in words(card)
    assert problems({"text": card.text, "blocks": card.blocks}) == []
    assert "Posting has failed since" in card.text


def test_the_card_does_not_change_with_every_try_and_nothing_grows(desk: Desk) -> None:
    stuck(desk)
    tried_for_an_hour(desk)
    desk.table.card_shown("odoo-42", int(desk.stored()["card_due"]), [])
    before = desk.stored()
    desk.quickbooks.clear_faults()
    desk.quickbooks.inject("reset", path="/bill", times=10**6)
    for n in range(20):
        desk.now += HOUR
        assert delivered(desk, f"later {n}"), "it gives way"
    after = desk.stored()
    assert words(approval_card(after)) == words(approval_card(before))
    assert after["history"] == before["history"]
    assert len(after["attempts"]) == 1
    assert "card_due" not in after


def test_a_bill_that_is_taken_after_all_is_posted_once_and_says_nothing_of_its_trouble(
    desk: Desk,
) -> None:
    stuck(desk)
    tried_for_an_hour(desk)
    desk.quickbooks.clear_faults()
    assert not delivered(desk, "last")
    item = desk.stored()
    assert item["status"] == "POSTED"
    assert "trouble" not in item
    assert len(documents(desk)) == 2


def test_a_bill_that_arrived_before_it_was_answered_with_500_is_found(desk: Desk) -> None:
    desk.quickbooks.inject("html", path="/bill", status=500, committed=True, times=10**6)
    desk.quickbooks.inject("html", path="/query", status=500, times=4)
    desk.approve(a_bill(documents=()))
    tried_for_an_hour(desk)
    assert desk.stored()["status"] == "POSTED"
    assert len(documents(desk)) == 2


def test_of_a_bill_known_to_be_in_trouble_one_try_is_made_a_delivery(desk: Desk) -> None:
    stuck(desk)
    calls = [desk.quickbooks.calls["bill"]]
    for n in range(3):
        delivered(desk, f"m{n}")
        calls.append(desk.quickbooks.calls["bill"])
    assert [b - a for a, b in pairwise(calls)] == [2, 1, 1]


def test_closing_it_while_quickbooks_may_have_it_says_what_to_look_for(desk: Desk) -> None:
    stuck(desk)
    assert close(desk).startswith("Already approved"), "not before the card offers it"
    tried_for_an_hour(desk)
    said = close(desk)
    assert said.startswith("Closed. It will not be posted. QuickBooks may have this bill")
    item = desk.stored()
    assert item["status"] == "ACKNOWLEDGED"
    assert open_attempt(item)
    assert "number INV-1001, dated 2026-11-02" in possible_document(item)
    card = words(approval_card(item))
    assert "Closed without posting" in card
    assert "Posting has failed since 2026-11-21 09:30 UTC." in card
    desk.quickbooks.clear_faults()
    assert desk.post(item, "of the sweep") == "ACKNOWLEDGED"
    assert len(documents(desk)) == 1


def test_what_is_being_tried_at_this_moment_cannot_be_closed(desk: Desk) -> None:
    stuck(desk)
    tried_for_an_hour(desk)
    claim = {"message_id": "m", "until": stamp(desk.now + timedelta(minutes=2))}
    desk.table.change(
        desk.stored(), to="POSTING", actor="poster", now=desk.now, values={"claim": claim}
    )
    assert close(desk) == "This bill is being posted right now. Try again in a minute."
    desk.now += timedelta(minutes=3)
    assert close(desk).startswith("Closed.")


def test_the_sweep_sends_it_for_an_hour_at_every_turn_and_then_once_an_hour(desk: Desk) -> None:
    stuck(desk)
    began = desk.now
    sends = []
    for n in range(1, 17):
        delivered(desk, f"m{n}")  # each try writes to the bill
        desk.now = began + timedelta(minutes=15 * n + 1)
        queue = ApprovedQueue(client=cast("Any", Silent()), url="")
        sweep(desk.table, queue, desk.now)
        sends += [n / 4] * cast("Any", queue.client).sent
    assert sends == [0.25, 0.5, 0.75, 1, 2, 3, 4]


def test_whoever_decides_again_begins_the_hour_anew() -> None:
    with a_desk() as desk:
        item = desk.approve(trouble={"since": stamp(NOW), "told": True, "reason": "x"})
        assert is_told(item)
        moved = desk.table.change(
            item, to="READY_FOR_APPROVAL", actor="extractor", now=NOW, values={}
        )
        assert trouble_of(moved) == {}


def test_a_note_that_comes_too_late_is_none(desk: Desk) -> None:
    item = desk.approve(a_bill(documents=()))
    desk.table.change(item, actor="extractor", now=desk.now)
    note_trouble(desk.table, item, "m", "late", desk.now)
    assert "trouble" not in desk.stored()
