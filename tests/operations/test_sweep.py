"""The sweep: what got stuck goes on, and what did not is left in peace."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from odoo_qb import table_keys
from odoo_qb.bill.history import history_entry
from odoo_qb.operations.sweep import look_after_waiting, sweep, unposted
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.store.table import Table
from odoo_qb.timestamps import stamp
from sandbox.in_process.aws import REGION, Aws, make_resources, one_call_at_a_time
from tests.support.builders import NOW, a_bill, a_company, an_item
from tests.support.racing_table import Race, RacingTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.status import Status


class Desk:
    """A table and a queue, and bills put there as they were some minutes ago."""

    def __init__(self) -> None:
        self.names = make_resources()
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        self.table = Table(self.dynamodb, "bills", retention=timedelta(days=2555))
        self.sqs = boto3.client("sqs", region_name=REGION)
        self.queue = ApprovedQueue(client=self.sqs, url=self.names["queue"])

    def put(self, number: int, status: Status, minutes_ago: float, **fields: Any) -> None:
        changed = stamp(NOW - timedelta(minutes=minutes_ago))
        item = an_item(a_bill(odoo_id=number), status=status, updated_at=changed, **fields)
        self.table.put_new(item, "")

    def sweep(self, minutes_later: float = 0) -> dict[str, int]:
        return sweep(self.table, self.queue, NOW + timedelta(minutes=minutes_later))

    def sent(self) -> list[dict[str, Any]]:
        answer: Any = self.sqs.receive_message(
            QueueUrl=self.names["queue"], MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        return list(answer.get("Messages", ()))

    def touched(self, number: int) -> bool:
        item = self.table.get(f"odoo-{number}")
        return item is not None and "touched_at" in item


@pytest.fixture
def desk() -> Iterator[Desk]:
    with mock_aws():
        yield Desk()


def test_an_approval_that_never_reached_the_queue_is_sent_again(desk: Desk) -> None:
    desk.put(1, "APPROVED", minutes_ago=11, version=3, revision=2)
    desk.put(2, "APPROVED", minutes_ago=9)
    desk.put(3, "READY_FOR_APPROVAL", minutes_ago=600)
    assert desk.sweep()["approved"] == 1
    (message,) = desk.sent()
    assert json.loads(message["Body"]) == {"entry_id": "odoo-1", "revision": 2}
    assert message["Attributes"]["MessageGroupId"] == "north"
    assert message["Attributes"]["MessageDeduplicationId"] == "odoo-1-3"


def test_a_posting_that_hangs_is_sent_again_after_its_claim(desk: Desk) -> None:
    desk.put(1, "POSTING", minutes_ago=16)
    desk.put(2, "POSTING", minutes_ago=14)
    assert desk.sweep()["posting"] == 1
    assert [json.loads(m["Body"])["entry_id"] for m in desk.sent()] == ["odoo-1"]


def test_a_link_that_ran_out_of_tries_is_sent_again_and_a_mere_failure_is_not(desk: Desk) -> None:
    asked = {"id": "77", "by": "U-APPROVER", "at": stamp(NOW), "digest": "d"}
    desk.put(1, "POST_FAILED", minutes_ago=16, link=asked)
    desk.put(2, "POST_FAILED", minutes_ago=16)
    desk.sweep()
    assert [json.loads(m["Body"])["entry_id"] for m in desk.sent()] == ["odoo-1"]


def test_the_approvers_of_many_waiting_bills_are_looked_up_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        desk.put(number, "READY_FOR_APPROVAL", minutes_ago=60)
    companies = {"north": a_company(approvers=("U-APPROVER",))}
    aws = Aws()
    one_call_at_a_time(monkeypatch, aws)
    assert look_after_waiting(desk.table, companies, NOW) == {"waiting": 5, "reminders": 0}
    read = [call["Key"]["entry_id"]["S"] for operation, call in aws.calls if operation == "GetItem"]
    assert [i for i in read if i.startswith("approvers#")] == ["approvers#U-APPROVER"]


def test_sweeping_twice_sends_once(desk: Desk) -> None:
    desk.put(1, "APPROVED", minutes_ago=11)
    desk.sweep()
    desk.sweep()
    assert len(desk.sent()) == 1


def test_a_bill_that_moved_on_while_the_index_lagged_is_not_sent(desk: Desk) -> None:
    desk.put(1, "POSTED", minutes_ago=60)
    late = RacingTable(desk.dynamodb, Race(index={"APPROVED": ["odoo-1"]}))
    assert sweep(late, desk.queue, NOW)["approved"] == 1
    assert desk.sent() == []


def sendings(desk: Desk, hours: float) -> list[float]:
    """After how many hours the sweeps, every quarter of one, sent something."""
    found = []
    for quarter in range(1, int(hours * 4) + 1):
        desk.queue = ApprovedQueue(client=cast("Any", Counted()), url="")
        desk.sweep(minutes_later=15 * quarter)
        found += [quarter / 4] * cast("Any", desk.queue.client).sent
    return found


class Counted:
    """An SQS that only counts."""

    sent = 0

    def send_message(self, **_: Any) -> None:
        self.sent += 1


def test_what_never_goes_through_is_sent_once_an_hour_and_not_in_everybodys_way(
    desk: Desk,
) -> None:
    desk.put(1, "APPROVED", minutes_ago=0)
    assert sendings(desk, hours=4) == [0.25, 0.5, 0.75, 1, 2, 3, 4]


def test_bills_of_a_company_that_was_connected_again_go_on_at_the_next_sweep(desk: Desk) -> None:
    desk.put(1, "APPROVED", minutes_ago=61)
    desk.queue = ApprovedQueue(client=cast("Any", Counted()), url="")
    sent = []
    for minutes, state in ((0, ""), (15, "NEEDS_RECONNECT"), (30, "CONNECTED"), (45, "CONNECTED")):
        at = stamp(NOW + timedelta(minutes=20))
        desk.table.write_note("connection#north", {"state": state, "connected_at": at})
        before = cast("Any", desk.queue.client).sent
        desk.sweep(minutes_later=minutes)
        sent.append(cast("Any", desk.queue.client).sent - before)
    assert sent == [1, 1, 1, 0]


def test_a_card_owed_for_long_is_shown_again_whatever_the_status(desk: Desk) -> None:
    desk.put(1, "READY_FOR_APPROVAL", minutes_ago=21, card_due=1)
    desk.put(2, "POSTED", minutes_ago=400, card_due=1)
    desk.put(3, "READY_FOR_APPROVAL", minutes_ago=19, card_due=1)
    desk.put(4, "READY_FOR_APPROVAL", minutes_ago=600)
    assert desk.sweep()["cards"] == 2
    assert [desk.touched(n) for n in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_card_is_shown_again_until_it_is_shown(desk: Desk) -> None:
    desk.put(1, "READY_FOR_APPROVAL", minutes_ago=21, card_due=1)
    assert [desk.sweep(minutes_later=n)["cards"] for n in (0, 15, 600)] == [1, 1, 1]
    desk.table.card_shown("odoo-1", 1, [])
    assert desk.sweep(minutes_later=615)["cards"] == 0


def test_a_card_that_became_due_between_two_sweeps_is_found_by_the_second(desk: Desk) -> None:
    desk.put(1, "READY_FOR_APPROVAL", minutes_ago=10, card_due=1)
    assert [desk.sweep(minutes_later=n)["cards"] for n in (0, 15)] == [0, 1]


def test_bills_changed_long_before_the_last_sweep_are_not_looked_at_again(desk: Desk) -> None:
    desk.put(1, "READY_FOR_APPROVAL", minutes_ago=60)
    desk.sweep()
    assert desk.table.read_note(table_keys.SWEEP)["cards_since"] == stamp(
        NOW - timedelta(minutes=25)
    )
    race = Race()
    sweep(RacingTable(desk.dynamodb, race), desk.queue, NOW + timedelta(minutes=15))
    assert race.read == []


# -- approvals that stay unposted ----------------------------------------------------------


def put_approved(desk: Desk, number: int, hours_ago: float, *since: tuple[str, str]) -> str:
    """A bill a person approved, tried ever since: the steps (from, to) after the approval."""
    at = NOW - timedelta(hours=hours_ago)
    history: list[dict[str, Any]] = []
    for before, after in (("READY_FOR_APPROVAL", "APPROVED"), *since):
        history += [history_entry(history, at, "somebody", before, after, "digest")]
        at = NOW - timedelta(minutes=1)
    desk.put(number, "APPROVED", minutes_ago=1, history=history)
    return stamp(NOW - timedelta(hours=hours_ago))


def test_an_approval_that_is_tried_again_and_again_for_an_hour_is_unposted(desk: Desk) -> None:
    tried = [("APPROVED", "POSTING"), ("POSTING", "APPROVED")] * 3
    put_approved(desk, 1, 0.9, *tried)
    at = put_approved(desk, 2, 1.1, *tried)
    assert unposted(desk.table, NOW) == {"odoo-2": at}


def test_a_retry_by_a_person_begins_the_hour_anew(desk: Desk) -> None:
    failed = [("APPROVED", "POSTING"), ("POSTING", "POST_FAILED"), ("POST_FAILED", "APPROVED")]
    put_approved(desk, 1, 20, *failed)
    assert unposted(desk.table, NOW) == {}


@pytest.mark.parametrize(("state", "told"), [("NEEDS_RECONNECT", 0), ("CONNECTED", 1)])
def test_bills_of_a_company_whose_connection_ended_have_been_told_of(
    desk: Desk, state: str, told: int
) -> None:
    put_approved(desk, 1, 20)
    desk.table.write_note("connection#north", {"state": state})
    assert len(unposted(desk.table, NOW)) == told
