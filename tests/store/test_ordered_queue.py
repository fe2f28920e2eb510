"""A FIFO queue is filled in full batches, and no group's messages overtake each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.store.ordered_queue import Entry, OrderedQueue, batches

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = st.integers(0, 120_000)
ENTRIES = st.lists(st.tuples(st.integers(0, 6), SIZES), max_size=40).map(
    lambda rows: [Entry(f"g{group}", f"m{n}", "x" * size) for n, (group, size) in enumerate(rows)]
)


@dataclass
class Sqs:
    """SQS, which takes of each call what `takes` lets it: the message's body and its try."""

    takes: Callable[[str, int], bool] = lambda _body, _attempt: True
    taken: list[tuple[str, str]] = field(default_factory=list)  # group and body
    calls: list[list[str]] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    is_down: bool = False
    waits: list[float] = field(default_factory=list)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 - AWS's names
        assert QueueUrl == "queue"
        if self.is_down:
            raise EndpointConnectionError(endpoint_url="sqs")
        assert 0 < len(Entries) <= 10
        assert sum(len(entry["MessageBody"]) for entry in Entries) <= 262_144
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        self.calls.append([entry["MessageDeduplicationId"] for entry in Entries])
        failed = []
        for entry in Entries:
            name = entry["MessageDeduplicationId"]
            self.tries[name] = self.tries.get(name, 0) + 1
            if self.takes(name, self.tries[name]):
                self.taken.append((entry["MessageGroupId"], name))
            else:
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
        return {"Failed": failed} if failed else {}

    def queue(self) -> OrderedQueue:
        client: Any = self
        return OrderedQueue(client=client, url="queue", sleep=self.waits.append)


@settings(deadline=None)
@given(entries=ENTRIES)
def test_a_call_is_as_large_as_it_may_be_and_has_a_group_once(entries: list[Entry]) -> None:
    made = list(batches(entries))
    assert [entry for batch in made for entry in batch] == entries
    for batch in made:
        assert 0 < len(batch) <= 10
        assert _size(batch) <= 250_000
        assert len({entry.group for entry in batch}) == len(batch)
    for batch, (following, *_) in pairwise(made):
        has_room = len(batch) < 10 and _size([*batch, following]) <= 250_000
        assert not has_room or following.group in {entry.group for entry in batch}


def _size(batch: list[Entry]) -> int:
    return sum(len(entry.body) for entry in batch)


@settings(deadline=None)
@given(entries=ENTRIES, data=st.data())
def test_whatever_sqs_refuses_each_groups_messages_are_taken_in_their_order(
    entries: list[Entry], data: st.DataObject
) -> None:
    """Also over several deliveries of the same batch, as AWS makes them after a failure."""
    refusals = data.draw(
        st.dictionaries(st.sampled_from([e.message_id for e in entries] or ["m0"]),
                        st.integers(0, 9))
    )  # fmt: skip
    sqs = Sqs(takes=lambda name, attempt: attempt > refusals.get(name, 0))
    left = entries
    for _ in range(200):
        sent = sqs.queue().send(left)
        assert {name for _, name in sqs.taken} >= {entry.message_id for entry in left[:sent]}
        left = left[sent:]
        if not left:
            break
    assert left == []
    first = list(dict.fromkeys(sqs.taken))  # what is taken twice is dropped by SQS
    in_order = sorted(first, key=lambda row: row[0])
    for group, rows in groupby(in_order, key=lambda row: row[0]):
        expected = [entry.message_id for entry in entries if entry.group == group]
        assert [name for _, name in rows] == expected


def test_only_what_was_refused_is_sent_again_at_growing_intervals() -> None:
    sqs = Sqs(takes=lambda name, attempt: name != "m1" or attempt == 3)
    entries = [Entry(f"g{n}", f"m{n}", "x") for n in range(3)]
    assert sqs.queue().send(entries) == 3
    assert sqs.calls == [["m0", "m1", "m2"], ["m1"], ["m1"]]
    assert sqs.waits == [0.1, 0.5]


def test_an_outage_ends_it_after_some_tries() -> None:
    sqs = Sqs(is_down=True)
    assert sqs.queue().send([Entry("g", "m", "x")] * 3) == 0
    assert sqs.waits == [0.1, 0.5, 2.0]
    assert sqs.queue().send([]) == 0


def test_what_comes_behind_a_refused_message_is_not_sent() -> None:
    sqs = Sqs(takes=lambda name, _: name != "m4")
    entries = [Entry(f"g{n}", f"m{n}", "x" * 30_000) for n in range(20)]
    assert sqs.queue().send(entries) == 4
    assert {name for call in sqs.calls for name in call} == {f"m{n}" for n in range(8)}


def test_names_longer_than_sqs_takes_are_shortened_alike_and_apart() -> None:
    sqs = Sqs()
    long = "g" * 129
    sqs.queue().send(
        [Entry(long, long, "x"), Entry("h" * 128, "m", "x"), Entry(long + "x", "n", "x")]
    )
    (first, _), (second, _), (third, _) = sqs.taken
    assert len(first) == len(third) == 64
    assert first != third
    assert second == "h" * 128
