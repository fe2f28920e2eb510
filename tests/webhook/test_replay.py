"""What the mirror holds is sent again: all that was written in a span, marked, and not too fast."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.exact_json import to_json
from odoo_qb.mirror.content import data_of
from odoo_qb.webhook.body import body_of
from odoo_qb.webhook.replay import ROOM
from tests.webhook.loaded_feed import a_loaded_feed
from tests.webhook.test_feed import failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.webhook.message import Message
    from sandbox.in_process.webhook_feed import FeedDesk
    from tests.webhook.loaded_feed import Again

EVER = {"from": "2026-10-01", "to": "2026-11-28"}  # all was written on one day


@pytest.fixture(scope="module")
def loaded() -> Iterator[Again]:
    with a_loaded_feed() as again:
        yield again


@pytest.fixture
def desk(loaded: Again) -> FeedDesk:
    return loaded()


def everything(desk: FeedDesk) -> set[tuple[str, int]]:
    return {(kind, source_id) for kind in desk.kinds for source_id in desk.mirror.rows(kind)}


def told(messages: list[Message]) -> set[tuple[str, int]]:
    return {(m.kind, m.source_id) for m in messages}


def test_all_that_the_mirror_holds_of_a_span_is_sent_marked(desk: FeedDesk) -> None:
    answer = desk.replay(**EVER)
    messages = desk.queued()
    assert told(messages) == everything(desk)
    assert len(messages) == answer["sent"] == len(everything(desk))
    assert answer["by_kind"] == Counter(m.kind for m in messages)
    assert (answer["replay_id"], "next" in answer) == ("again", False)
    rows: Json = {kind: desk.mirror.rows(kind) for kind in desk.kinds}
    for message in messages:
        item = rows[message.kind][message.source_id]
        assert message.data == data_of(item)
        assert (message.sequence, message.happened_at) == (item["sequence"], item["updated_at"])
        assert message.event == ("created" if item["sequence"] == 1 else "updated")
        assert message.message_id.endswith(f"_{item['sequence']}_again")
        assert json.loads(body_of(message, None))["replayed"] is True


def test_only_what_was_written_within_the_span_is_sent_to_the_second(desk: FeedDesk) -> None:
    odoo = desk.mirror.odoo
    times = ("09:59:59", "10:00:00", "10:00:01", "10:00:02")
    contacts = [odoo.new_contact(at) for at in times]
    for contact, at in zip(contacts, times, strict=True):
        written = datetime.fromisoformat(f"2026-10-31T{at}").replace(tzinfo=UTC)
        odoo.records["res.partner"][contact]["write_date"] = written
    desk.mirror.sync("sync_contacts", full=True)
    desk.begin_anew()
    span = {"from": "2026-10-31T10:00:00Z", "to": "2026-10-31T10:00:01Z"}
    assert desk.replay(**span)["sent"] == 2
    assert told(desk.queued()) == {("contact", contact) for contact in contacts[1:3]}
    assert desk.replay("day", **{"from": "2026-10-31", "to": "2026-10-31"})["sent"] == 4
    assert desk.replay("none", **{"from": "2026-11-01", "to": "2026-11-02"})["sent"] == 0


def test_kinds_may_be_chosen(desk: FeedDesk) -> None:
    answer = desk.replay(**EVER, kinds=["payment"])
    assert {m.kind for m in desk.queued()} == {"payment"} == {*answer["by_kind"]}


def test_a_deleted_record_is_not_sent_again(desk: FeedDesk) -> None:
    contact = desk.mirror.odoo.new_contact("Short lived")
    desk.mirror.sync("sync_contacts")
    desk.mirror.odoo.delete_contact(contact)
    desk.mirror.sync("sync_contacts")
    desk.begin_anew()
    desk.replay(**EVER)
    assert ("contact", contact) not in told(desk.queued())


def test_a_dry_run_counts_and_sends_nothing(desk: FeedDesk) -> None:
    answer = desk.replay(**EVER, dry_run=True)
    assert answer["would_send"] == len(everything(desk))
    assert sum(answer["by_kind"].values()) == answer["would_send"]
    assert answer.keys() == {"would_send", "by_kind"}
    assert desk.queued() == []


def test_a_replay_is_sent_as_often_as_it_is_asked_for(desk: FeedDesk) -> None:
    first, second = (desk.replay(name, **EVER, kinds=["payment"]) for name in ("one", "two"))
    assert len(desk.queued()) == first["sent"] + second["sent"] > 10


def until_done(desk: FeedDesk, **wanted: Any) -> list[Json]:
    """The answers of a replay that goes on with what each call answered until it is finished."""
    answers: list[Json] = []
    event: Json = {"replay": wanted}
    while "replay" in event:
        answers.append(json.loads(to_json(desk.replay(**event["replay"]))))
        event = answers[-1].get("next", {})
        assert len(answers) < 100
    return answers


def test_a_long_replay_goes_on_with_what_it_answered(desk: FeedDesk) -> None:
    desk.batch, desk.seconds = 10, 17.5  # for three batches, a second each, and a margin
    answers = until_done(desk, **EVER)
    assert len(answers) > 2
    assert {answer["stopped"] for answer in answers[:-1]} == {"There was no time for more."}
    assert {answer["replay_id"] for answer in answers} == {"again"}
    messages = desk.queued()
    assert told(messages) == everything(desk)
    assert len(messages) == sum(answer["sent"] for answer in answers) == len(everything(desk))


def test_a_long_count_goes_on_too(desk: FeedDesk) -> None:
    desk.seconds = 0.0
    answer = desk.replay(**EVER, kinds=["move"], connection="odoo", dry_run=True)
    assert answer["would_send"] == 0
    assert answer["next"] == {
        "replay": {
            "from": "2026-10-01T00:00:00Z",
            "to": "2026-11-28T23:59:59Z",
            "kinds": ["move"],
            "connection": "odoo",
            "dry_run": True,
        }
    }


def test_a_replay_goes_on_within_a_second_that_wrote_many(desk: FeedDesk) -> None:
    """The ledger's records were all written in a few seconds."""
    desk.batch, desk.seconds = 1, 15.5
    answers = until_done(desk, **EVER, kinds=["payment"])
    assert {answer["sent"] for answer in answers} == {1}
    assert len(desk.queued()) == len(answers) == len(desk.mirror.rows("payment"))


def test_a_replay_takes_a_second_for_a_hundred_records(desk: FeedDesk) -> None:
    begun = desk.mirror.now
    desk.batch = 5
    sent = desk.replay(**EVER)["sent"]
    assert (desk.mirror.now - begun).total_seconds() == -(-sent // 5)


def test_a_replay_waits_while_much_is_in_the_queue(desk: FeedDesk) -> None:
    """Changes come first: an endpoint that is slow or down must not get them behind a replay."""
    waiting = [ROOM + 1, ROOM + 1, ROOM]

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step == "sqs get_queue_attributes" and waiting:
            return {"Attributes": {"ApproximateNumberOfMessages": str(waiting.pop(0))}}
        return work()

    desk.on_step = on_step
    begun = desk.mirror.now
    assert desk.replay(**EVER)["sent"] == len(everything(desk))
    assert (desk.mirror.now - begun).total_seconds() == 2 * 5 + 1

    waiting[:] = [ROOM + 1] * 1_000
    answer = desk.replay("later", **EVER)
    assert answer["sent"] == 0
    assert answer["stopped"] == "The endpoint has not taken yet what waits in the queue."
    assert "after" not in answer["next"]["replay"]


def test_what_the_queue_does_not_take_is_sent_by_the_next_call(desk: FeedDesk) -> None:
    desk.batch = 10
    calls = [0]

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        calls[0] += step == "sqs send_message_batch"
        return failing("sqs send_message_batch")(step, work) if calls[0] > 3 else work()

    desk.on_step = on_step
    answer = desk.replay(**EVER)
    assert answer["sent"] == 30
    assert answer["stopped"] == "The queue takes nothing just now."
    desk.on_step = lambda _, work: work()
    desk.replay(**answer["next"]["replay"])
    messages = desk.queued()
    assert told(messages) == everything(desk)
    assert len(messages) == len(everything(desk))


def test_a_failure_of_aws_is_answered_with_where_to_go_on(desk: FeedDesk) -> None:
    desk.mirror.on_step = failing("dynamodb batch_get_item")
    answer = desk.replay(**EVER)
    assert answer["stopped"] == "AWS: ThrottlingException."
    assert answer["next"]["replay"]["replay_id"] == "again"


def test_a_record_that_cannot_be_read_is_named_and_stops_no_other(desk: FeedDesk) -> None:
    contact = min(desk.mirror.rows("contact"))
    row = desk.mirror.rows("contact")[contact]
    table = desk.mirror.table()
    table.update(table.key(row["pk"], row["sk"]), {"data": "{"}, [])
    answer = desk.replay(**EVER, kinds=["contact"])
    assert answer["unreadable"] == [f"contact {contact}"]
    assert answer["sent"] == len(desk.queued()) > 10


def test_a_record_that_changes_meanwhile_is_sent_as_it_is_then(desk: FeedDesk) -> None:
    """Its sequence says which is newer, in whatever order the endpoint gets them."""
    contact = max(desk.mirror.rows("contact"))
    desk.batch = 1

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step == "sqs get_queue_attributes" and not changed:
            changed.append(contact)
            desk.mirror.odoo.amend_contact(contact, phone="meanwhile")
            desk.mirror.sync("sync_contacts")
        return work()

    changed: list[int] = []
    desk.on_step = on_step
    desk.replay(**EVER, kinds=["contact"])
    assert desk.deliver() == []
    mine = [m for m in desk.queued() if m.source_id == contact]
    assert [(m.sequence, bool(m.replay_id)) for m in mine] == [(2, True), (2, False)]
    assert replace(mine[0], replay_id="", changed=mine[1].changed) == mine[1]
