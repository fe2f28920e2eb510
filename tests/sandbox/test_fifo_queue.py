"""The FIFO queue that plays SQS in one process: what AWS documents, as far as we depend on it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox.in_process.fifo_queue import FifoQueue
from tests.simulation.clock import Clock

HOUR: Final = 3600

Json = dict[str, Any]


class Desk:
    """A queue, its dead letters, and their clock."""

    def __init__(self, **given: Any) -> None:
        self.clock = Clock()
        self.dead = FifoQueue(clock=self.clock, url="dead.fifo")
        self.queue = FifoQueue(clock=self.clock, dead_letters=self.dead, **given)

    def send(self, body: str, group: str = "a", dedup: str = "") -> str:
        sent = self.queue.send_message(
            QueueUrl=self.queue.url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=dedup or body,
        )
        return str(sent["MessageId"])

    def receive(self, most: int = 10, **given: Any) -> list[Json]:
        answer = self.queue.receive_message(
            QueueUrl=self.queue.url, MaxNumberOfMessages=most, **given
        )
        found: list[Json] = answer.get("Messages", [])
        return found

    def bodies(self, most: int = 10) -> list[str]:
        return [m["Body"] for m in self.receive(most)]

    def delete(self, message: Json) -> None:
        url, receipt = self.queue.url, message["ReceiptHandle"]
        self.queue.delete_message(QueueUrl=url, ReceiptHandle=receipt)

    def hide(self, message: Json, seconds: float) -> None:
        url, receipt = self.queue.url, message["ReceiptHandle"]
        self.queue.change_message_visibility(
            QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_messages_come_in_order_and_a_batch_may_hold_several_of_a_group() -> None:
    desk = Desk()
    for body, group in (("1", "a"), ("2", "b"), ("3", "a"), ("4", "c")):
        desk.send(body, group)

    assert desk.bodies(3) == ["1", "2", "3"]
    assert desk.bodies() == ["4"]


def test_a_group_of_which_one_is_out_waits_and_others_do_not() -> None:
    desk = Desk(visibility=30)
    desk.send("a1")
    (first,) = desk.receive()
    desk.send("a2")
    desk.send("b1", "b")

    assert desk.bodies() == ["b1"]
    desk.delete(first)
    assert desk.bodies() == ["a2"]


def test_what_is_not_deleted_comes_again_before_what_follows() -> None:
    desk = Desk(visibility=30)
    desk.send("a1")
    desk.send("a2")
    (first, second) = desk.receive()
    desk.delete(second)
    desk.send("a3")

    assert desk.bodies() == []
    desk.clock.sleep(30)
    again = desk.receive()
    assert [m["Body"] for m in again] == ["a1", "a3"]
    assert [m["Attributes"]["ApproximateReceiveCount"] for m in again] == ["2", "1"]
    assert again[0]["Attributes"]["MessageGroupId"] == "a"
    assert again[0]["MessageId"] == first["MessageId"]


def test_a_message_is_hidden_for_as_long_as_is_asked_for() -> None:
    desk = Desk(visibility=30)
    desk.send("a1")
    (message,) = desk.receive()
    desk.hide(message, 10 * HOUR)

    desk.clock.sleep(10 * HOUR - 1)
    assert desk.bodies() == []
    assert desk.queue.next_change() == desk.clock.seconds() + 1
    desk.clock.sleep(1)
    assert desk.bodies() == ["a1"]


def test_nothing_is_hidden_for_more_than_twelve_hours_after_it_came() -> None:
    desk = Desk(visibility=2 * HOUR)
    desk.send("a1")
    (message,) = desk.receive()
    desk.clock.sleep(HOUR)
    with pytest.raises(ClientError) as error:
        desk.hide(message, 11 * HOUR + 1)
    assert refusal(error) == "InvalidParameterValue"
    desk.hide(message, 11 * HOUR)


def test_an_expired_receipt_handle_neither_deletes_nor_hides() -> None:
    desk = Desk(visibility=30)
    desk.send("a1")
    (message,) = desk.receive()
    desk.clock.sleep(31)

    for act in (desk.delete, lambda m: desk.hide(m, 5)):
        with pytest.raises(ClientError) as error:
            act(message)
        assert refusal(error) == "InvalidParameterValue"
    assert desk.bodies() == ["a1"]
    with pytest.raises(ClientError):  # the handle of the last receive is the one that counts
        desk.delete(message)


def test_to_delete_twice_is_harmless() -> None:
    desk = Desk()
    desk.send("a1")
    (message,) = desk.receive()

    desk.delete(message)
    desk.delete(message)

    assert desk.queue.messages == {}


def test_the_same_deduplication_id_is_one_message_for_five_minutes() -> None:
    desk = Desk()
    first = desk.send("a1", dedup="same")
    assert desk.send("another", dedup="same") == first
    desk.delete(desk.receive()[0])
    assert desk.send("a1", dedup="same") == first  # also after it was deleted
    assert desk.bodies() == []

    desk.clock.sleep(300)
    assert desk.send("a1", dedup="same") != first
    assert desk.bodies() == ["a1"]


def test_what_comes_too_often_is_a_dead_letter_and_the_next_of_its_group_goes_on() -> None:
    desk = Desk(visibility=30, most_receives=2)
    desk.send("a1")
    desk.send("a2")
    for _ in range(2):
        assert desk.bodies(1) == ["a1"]
        desk.clock.sleep(30)

    assert desk.bodies() == ["a2"]
    (dead,) = desk.dead.messages.values()
    assert (dead.body, dead.group, dead.receives) == ("a1", "a", 2)


def test_after_fourteen_days_a_message_is_gone() -> None:
    desk = Desk()
    desk.send("a1")
    desk.clock.sleep(14 * 24 * HOUR + 1)

    assert desk.bodies() == []
    assert desk.queue.messages == {}


def test_a_batch_says_of_each_entry_whether_it_was_taken() -> None:
    desk = Desk()
    entries = [
        {"Id": "1", "MessageBody": "x", "MessageGroupId": "a", "MessageDeduplicationId": "x"},
        {"Id": "2", "MessageBody": "y", "MessageGroupId": "with space",
         "MessageDeduplicationId": "y"},
    ]  # fmt: skip

    answer = desk.queue.send_message_batch(QueueUrl=desk.queue.url, Entries=entries)

    assert [e["Id"] for e in answer["Successful"]] == ["1"]
    assert [(e["Id"], e["Code"]) for e in answer["Failed"]] == [("2", "InvalidParameterValue")]
    (message,) = desk.receive()
    gone = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    assert "Failed" not in desk.queue.delete_message_batch(QueueUrl=desk.queue.url, Entries=gone)
    assert desk.queue.messages == {}


@pytest.mark.parametrize("entry", [
    {"MessageBody": ""},
    {"MessageBody": "x" * 1_048_577},
    {"MessageGroupId": "g" * 129},
    {"MessageDeduplicationId": "ü"},
    {"DelaySeconds": 5},
])  # fmt: skip
def test_what_sqs_would_not_take_is_refused(entry: Json) -> None:
    desk = Desk()
    fine = {"MessageBody": "x", "MessageGroupId": "a", "MessageDeduplicationId": "x"}

    with pytest.raises(ClientError):
        desk.queue.send_message(QueueUrl=desk.queue.url, **(fine | entry))


def test_a_batch_of_messages_holds_a_megabyte_and_ten_of_them() -> None:
    desk = Desk()

    def entry(number: int, size: int) -> Json:
        return {"Id": str(number), "MessageBody": "x" * size, "MessageGroupId": "a",
                "MessageDeduplicationId": str(number)}  # fmt: skip

    for entries in ([entry(1, 600_000), entry(2, 600_000)], [entry(n, 1) for n in range(11)]):
        with pytest.raises(ClientError):
            desk.queue.send_message_batch(QueueUrl=desk.queue.url, Entries=entries)
    assert desk.queue.messages == {}


def test_attributes_count_what_waits_and_what_is_out() -> None:
    desk = Desk()
    for number in range(3):
        desk.send(str(number), group=str(number))
    desk.receive(1)

    counts = desk.queue.get_queue_attributes(QueueUrl=desk.queue.url)["Attributes"]

    assert counts["ApproximateNumberOfMessages"] == "2"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "1"
