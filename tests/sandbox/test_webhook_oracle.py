"""That nothing which goes wrong on the way to the endpoint escapes `make companions`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from sandbox.companions.webhook_oracle import Oracle, Verdict
from sandbox.odoo import truth
from sandbox.odoo.server import Odoo
from sandbox.webhook.receiver import Received

NOW: Final = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
FIELDS: Final = (
    *("name", "state", "amount_total", "amount_untaxed", "amount_tax", "move_type", "partner_id"),
    *("invoice_date", "invoice_date_due", "payment_reference", "ref", "currency_id"),
    "payment_state",
)

Json = dict[str, Any]


class Desk:
    """An Odoo, what is looked at, and an endpoint where the test says what arrives."""

    def __init__(self) -> None:
        self.odoo = Odoo()
        self.bill = self.odoo.new_bill()
        self.oracle = Oracle(odoos={"odoo": self.odoo})
        self.oracle.begin()
        self.received: list[Received] = []

    def changed(self, **changes: object) -> None:
        """The bill changes, and is looked at."""
        self.odoo.amend(self.bill, **changes)  # type: ignore[arg-type]  # any field's value
        self.oracle.look(NOW)

    def data(self) -> Json:
        return truth.held(self.odoo, "account.move", FIELDS)[self.bill]

    def arrives(self, sequence: int, data: Json | None = None, **more: Any) -> None:
        """A request about the bill; by itself as Odoo has it now, verified and accepted."""
        given: Json = {
            "event": "updated", "replayed": False, "verified": True, "accepted": True, "after": 1.0,
        } | more  # fmt: skip
        self.received.append(
            Received(
                number=len(self.received) + 1,
                at=NOW + timedelta(seconds=given["after"]),
                message_id=f"msg_{sequence}{given['replayed']}",
                attempt=1,
                body={
                    "model": "account.move",
                    "type": f"vendor_bill.{given['event']}",
                    "data": data or self.data(),
                    "sequence": sequence,
                    "replayed": given["replayed"],
                },
                raw=b"",
                record=f"odoo/account.move/{self.bill}",
                verified_by=("current",) if given["verified"] else (),
                problem="" if given["verified"] else "forged",
                signatures=1,
                answer=200,
                accepted=given["accepted"],
            )
        )

    def verdict(self) -> Verdict:
        return self.oracle.verdict(self.received)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_change_that_arrives_in_order_is_as_it_should_be(desk: Desk) -> None:
    for sequence in (2, 3):
        desk.changed(ref=f"R-{sequence}")
        desk.arrives(sequence, after=sequence)

    verdict = desk.verdict()

    assert verdict.sentences == []
    assert (verdict.changes, verdict.missing) == ({"vendor bills": 2}, 0)
    assert verdict.seconds == [2.0, 3.0]


def test_without_changes_nothing_is_wanted(desk: Desk) -> None:
    assert desk.oracle.look(NOW) == 0
    assert desk.verdict().sentences == []


def test_repeats_and_a_replay_do_no_harm(desk: Desk) -> None:
    desk.changed(ref="R-2")
    desk.arrives(2, accepted=False)
    desk.arrives(2)
    desk.arrives(2)
    desk.changed(ref="R-3")
    old = desk.data() | {"ref": "R-2"}
    desk.arrives(3)
    desk.arrives(2, old)
    desk.arrives(3, replayed=True)

    assert desk.verdict().sentences == []


def test_a_change_that_did_not_arrive_is_found(desk: Desk) -> None:
    desk.changed(ref="R-2")
    desk.changed(ref="R-3")
    desk.arrives(3)

    verdict = desk.verdict()

    assert verdict.missing > 0
    assert "a change did not arrive" in verdict.sentences[0]


def test_one_that_was_not_taken_in_has_not_arrived(desk: Desk) -> None:
    desk.changed(ref="R-2")
    desk.arrives(2, accepted=False)

    assert desk.verdict().missing == 1


def test_changes_that_overtook_each_other_are_found(desk: Desk) -> None:
    desk.changed(ref="R-2")
    first = desk.data()
    desk.changed(ref="R-3")
    desk.arrives(3)
    desk.arrives(2, first)

    verdict = desk.verdict()

    assert verdict.out_of_order == 1
    assert f"odoo/account.move/{desk.bill}: changes arrived in the order [3, 2]." in (
        verdict.sentences
    )


def test_a_body_that_is_not_what_odoo_has_is_found(desk: Desk) -> None:
    desk.changed(ref="R-2")
    desk.arrives(2)
    desk.arrives(3, desk.data() | {"amount_total": 1})

    verdict = desk.verdict()

    assert (verdict.missing, verdict.different) == (0, 1)
    assert verdict.sentences == [
        f"odoo/account.move/{desk.bill}: what arrived last is not what Odoo has."
    ]


def test_what_was_loaded_before_must_not_be_sent_as_new(desk: Desk) -> None:
    desk.arrives(1, event="created")

    verdict = desk.verdict()

    assert verdict.from_first_load == 1
    assert "although it was loaded before" in verdict.sentences[0]


def test_what_does_not_verify_is_found(desk: Desk) -> None:
    desk.arrives(1, verified=False, accepted=False)

    assert desk.verdict().sentences == ["Request 1 did not verify: forged"]


def test_a_deletion_is_a_change_and_the_last_word(desk: Desk) -> None:
    data = desk.data()
    desk.odoo.reset_to_draft(desk.bill)
    desk.odoo.delete(desk.bill)
    desk.oracle.look(NOW)
    assert desk.verdict().missing == 1

    desk.arrives(3, data, event="deleted")
    assert desk.verdict().sentences == []

    desk.arrives(4, data)
    assert desk.verdict().different == 1


def test_a_record_in_two_odoos_is_two(desk: Desk) -> None:
    other = Odoo()
    oracle = Oracle(odoos={"odoo": desk.odoo, "other": other})
    oracle.begin()
    other.new_bill()
    assert oracle.look(NOW) == 1
    assert oracle.changes[0].record == f"other/account.move/{desk.bill}"
