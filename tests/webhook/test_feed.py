"""What changes in Odoo comes into the queue: once, in order, and only what is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from odoo_qb.errors import Refused
from odoo_qb.mirror.content import data_of
from odoo_qb.store.webhook_content import KEPT, PARTITION
from odoo_qb.webhook.bodies import Bodies
from odoo_qb.webhook.body import body_of
from odoo_qb.webhook.feed import LARGEST
from tests.mirror.odoo_records import some_contact
from tests.support.mirror_stream import a_stream_record, an_item
from tests.webhook.loaded_feed import a_loaded_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.webhook.message import Message
    from sandbox.in_process.webhook_feed import FeedDesk
    from tests.webhook.loaded_feed import Again


@pytest.fixture(scope="module")
def loaded() -> Iterator[Again]:
    with a_loaded_feed() as again:
        yield again


@pytest.fixture
def desk(loaded: Again) -> FeedDesk:
    return loaded()


def queued(desk: FeedDesk) -> list[Message]:
    assert desk.deliver() == []
    return desk.queued()


def told(messages: list[Message]) -> list[tuple[str, int, int]]:
    return [(m.event, m.source_id, m.sequence) for m in messages]


def test_each_change_of_a_record_comes_in_its_order(desk: FeedDesk) -> None:
    odoo = desk.mirror.odoo
    contact = odoo.new_contact("One")
    desk.mirror.sync("sync_contacts")
    odoo.amend_contact(contact, phone="2")
    desk.mirror.sync("sync_contacts")
    odoo.delete_contact(contact)
    desk.mirror.sync("sync_contacts")
    created, updated, deleted = queued(desk)
    assert told([created, updated, deleted]) == [
        ("created", contact, 1),
        ("updated", contact, 2),
        ("deleted", contact, 3),
    ]
    assert updated.changed == ("phone", "write_date")
    assert deleted.data == updated.data
    assert {m.group for m in (created, updated, deleted)} == {f"odoo/contact/{contact}"}
    assert len({m.message_id for m in (created, updated, deleted)}) == 3


def test_a_message_holds_what_the_mirror_holds(desk: FeedDesk) -> None:
    contact = some_contact(desk.mirror)
    desk.mirror.odoo.rename_contact(contact, "Renamed & Sons")
    desk.mirror.sync()
    messages = queued(desk)
    assert {m.kind for m in messages} == {"contact", "move", "payment"}
    rows: Json = {kind: desk.mirror.rows(kind) for kind in desk.kinds}
    for message in messages:
        item = rows[message.kind][message.source_id]
        assert message.data == data_of(item)
        assert (message.sequence, message.happened_at) == (item["sequence"], item["updated_at"])


def test_a_quiet_run_puts_nothing_into_the_queue(desk: FeedDesk) -> None:
    desk.mirror.sync()
    desk.mirror.sync(full=True)
    assert desk.records(), "counts and times are in the stream, too"
    assert queued(desk) == []


def test_only_the_kinds_that_are_sent_come(desk: FeedDesk) -> None:
    desk.kinds = ("payment",)
    desk.mirror.odoo.rename_contact(some_contact(desk.mirror), "Renamed")
    desk.mirror.sync()
    messages = queued(desk)
    assert messages
    assert {m.kind for m in messages} == {"payment"}


def test_a_first_load_sends_nothing_but_what_changed_meanwhile(desk: FeedDesk) -> None:
    mirror = desk.mirror
    mirror.clear()
    mirror.batch = 10
    mirror.seconds_for_batches(1)
    mirror.sync("sync_contacts")
    new = mirror.odoo.new_contact("Meanwhile")
    mirror.seconds_for_batches(100)
    mirror.sync()
    assert told(queued(desk)) == [("created", new, 1)]


def test_a_first_load_is_sent_if_it_is_wanted(desk: FeedDesk) -> None:
    desk.first_load = True
    desk.mirror.clear()
    desk.mirror.sync()
    messages = queued(desk)
    held = {(k, i) for k in desk.kinds for i in desk.mirror.rows(k)}
    assert {(m.kind, m.source_id) for m in messages} == held
    assert len(messages) == len(held)
    assert {(m.event, m.sequence) for m in messages} == {("created", 1)}


def test_a_record_that_comes_back_is_created_with_the_number_after_its_deletion(
    desk: FeedDesk,
) -> None:
    odoo = desk.mirror.odoo
    contact = odoo.new_contact("Comes back")
    desk.mirror.sync("sync_contacts")
    row = dict(odoo.records["res.partner"][contact])
    odoo.delete_contact(contact)
    desk.mirror.sync("sync_contacts")
    odoo.records["res.partner"][contact] = row
    desk.mirror.sync("sync_contacts")
    assert told(queued(desk)) == [
        ("created", contact, 1),
        ("deleted", contact, 2),
        ("created", contact, 3),
    ]


# -- what does not fit, and what cannot be read ----------------------------------------------------


def test_content_that_is_too_large_lies_in_the_table_until_it_is_sent(desk: FeedDesk) -> None:
    odoo = desk.mirror.odoo
    note = "".join(f"{n:x} " for n in range(60_000))
    assert len(note) > LARGEST
    (move, *_) = odoo.records["account.move"]
    odoo.records["account.move"][move] |= {"narration": note, "write_date": odoo.clock()}
    desk.mirror.sync("sync_invoices")
    (message,) = queued(desk)
    assert message.data == {}
    assert message.content_key == message.message_id
    assert len(message.to_body()) < 1_000
    (item,) = [row for row in desk.mirror.everything() if row["pk"] == PARTITION]
    now = desk.mirror.now.timestamp()
    assert now + 14 * 86_400 < item["expires_at"] <= now + KEPT.total_seconds()

    bodies = Bodies(table=desk.mirror.table())
    whole = bodies.whole(message)
    assert whole.data == desk.mirror.stored("move")[move]
    assert whole.data["narration"] == note
    assert whole.message_id == message.message_id


def test_a_message_whose_content_is_no_longer_kept_says_what_to_do(desk: FeedDesk) -> None:
    data = {"id": 7, "narration": "x" * LARGEST}
    record = a_stream_record(None, an_item(data))
    assert desk.feed().take([record]) == []
    (message,) = desk.queued()
    table = desk.mirror.table()
    bodies = Bodies(table=table)
    assert bodies.whole(message).data == data
    key = table.key(PARTITION, message.content_key)
    table.ask("delete_item", TableName=table.name, Key=key)
    with pytest.raises(Refused, match=r"no longer kept.*replay"):
        bodies.body_of(message)


def test_a_body_shows_the_mirrored_contact(desk: FeedDesk) -> None:
    odoo = desk.mirror.odoo
    contact = some_contact(desk.mirror)
    odoo.rename_contact(contact, "Renamed")
    odoo.amend_contact(contact, phone="+1 555 0199")
    desk.mirror.sync()
    bodies = Bodies(table=desk.mirror.table())
    messages = queued(desk)
    stored = desk.mirror.stored("contact")
    for message in messages:
        partner = message.data.get("partner_id")
        known = stored[partner] if partner else None
        assert bodies.body_of(message) == body_of(message, known)
    assert any('"partner_phone":"+1 555 0199"' in bodies.body_of(m) for m in messages)
    table = desk.mirror.table()
    bodies = Bodies(table=table)
    bodies.body_of(next(m for m in messages if m.kind == "payment"))
    bodies.body_of(next(m for m in messages if m.kind == "contact"))
    assert table.calls == 1, "one a document, none for a contact"


def test_a_body_of_a_contact_that_is_not_mirrored_has_nulls(desk: FeedDesk) -> None:
    record = a_stream_record(None, an_item({"id": 7, "partner_id": 10**8, "partner_name": "X"}))
    desk.feed().take([record])
    (message,) = desk.queued()
    body = Bodies(table=desk.mirror.table()).body_of(message)
    assert '"partner_name":"X","partner_email":null' in body


def test_a_malformed_record_is_reported_and_stops_no_other(desk: FeedDesk) -> None:
    good = [a_stream_record(None, an_item({"id": n}), source_id=n) for n in (1, 2)]
    bad = a_stream_record(None, {"hash": "x", "sequence": 1, "data": "{", "updated_at": "x"})
    assert desk.feed().take([good[0], bad, good[1]]) == []
    assert told(desk.queued()) == [("created", 1, 1), ("created", 2, 1)]
    (report,) = desk.failures()
    assert bad["dynamodb"]["SequenceNumber"] in report
    assert "odoo#move#0000000" in report
    assert "could not be read" in report


def test_a_malformed_record_that_cannot_be_reported_is_given_again(desk: FeedDesk) -> None:
    desk.on_step = failing("sqs send_message")
    good = a_stream_record(None, an_item({"id": 1}), source_id=1)
    bad = a_stream_record(None, {"hash": "x"})
    assert desk.feed().take([bad, good]) == [bad["dynamodb"]["SequenceNumber"]]
    assert len(desk.queued()) == 1


def failing(step: str, *, times: int = 10**6) -> Callable[[str, Callable[[], Any]], Any]:
    left = [times]

    def on_step(name: str, work: Callable[[], Any]) -> Any:
        if name == step and left[0] > 0:
            left[0] -= 1
            error: Any = {"Error": {"Code": "ThrottlingException", "Message": "planned"}}
            raise ClientError(error, name)
        return work()

    return on_step


# -- what SQS does not take -----------------------------------------------------------------------


def changed_contacts(desk: FeedDesk, count: int) -> list[int]:
    contacts = [desk.mirror.odoo.new_contact(f"Contact {n}") for n in range(count)]
    desk.mirror.sync("sync_contacts")
    return contacts


def test_an_outage_of_the_queue_loses_nothing(desk: FeedDesk) -> None:
    contacts = changed_contacts(desk, 25)
    desk.on_step = failing("sqs send_message_batch")
    assert len(desk.deliver()) == 25
    assert desk.queued() == []
    desk.on_step = lambda _, work: work()
    assert told(queued(desk)) == [("created", contact, 1) for contact in contacts]


def test_a_call_that_fails_a_few_times_is_made_again_at_once(desk: FeedDesk) -> None:
    contacts = changed_contacts(desk, 25)
    desk.on_step = failing("sqs send_message_batch", times=2)
    assert told(queued(desk)) == [("created", contact, 1) for contact in contacts]


def test_content_that_cannot_be_kept_is_given_again_with_all_behind_it(desk: FeedDesk) -> None:
    records = [
        a_stream_record(None, an_item({"id": n, "ref": "x" * size}), source_id=n)
        for n, size in ((1, 1), (2, LARGEST), (3, 1))
    ]
    desk.mirror.on_step = failing("dynamodb update_item")
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert desk.feed().take(records) == numbers[1:]
    assert told(desk.queued()) == [("created", 1, 1)]
