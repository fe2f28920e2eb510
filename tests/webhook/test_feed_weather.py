"""Whatever happens to Odoo, the mirror and the queue, each record's changes come one by one.

The mirror's weather: changes, deletions, late commits, lost rights, wrong clocks, killed runs.
After it, what the endpoint would have been told last of each record is what the mirror holds.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.mirror.content import data_of
from odoo_qb.webhook.bodies import Bodies
from odoo_qb.webhook.message import Message, from_body
from sandbox.in_process.mirror import MODELS
from sandbox.in_process.webhook_feed import a_feed
from tests.mirror.deaths import Killed
from tests.mirror.small_ledger import a_small_mirror
from tests.mirror.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from sandbox.in_process.webhook_feed import FeedDesk

SEND: Final = "sqs send_message_batch"


@dataclass(kw_only=True)
class Queue:
    """SQS on a bad day: it takes a part, fails, or the function dies before or after a call."""

    seed: int
    taken: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - the same for the same seed

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        if step != SEND or not isinstance(work, partial):
            return work()
        chance = self.dice.random()
        if chance < 0.05:
            raise Killed(step)
        failed = []
        for entry in work.keywords["Entries"]:
            if self.dice.random() < 0.1:
                failed.append({"Id": entry["Id"], "Code": "InternalError"})
            else:
                self.taken.append(from_body(entry["MessageBody"]))
        if chance > 0.95:
            raise Killed(step)
        return {"Failed": failed}


def rows(desk: FeedDesk) -> dict[tuple[str, int], Json]:
    return {(kind, i): row for kind in desk.kinds for i, row in desk.mirror.rows(kind).items()}


def delivered(desk: FeedDesk, seed: int) -> list[Message]:
    """All that was queued until the stream was empty, repeats included."""
    queue = Queue(seed=seed)
    desk.on_step = queue.on_step
    while True:
        try:
            if not desk.deliver():
                return queue.taken
        except Killed:
            pass


@pytest.mark.parametrize(("seed", "version"), [(3, 16), (7, 19)])
def test_each_change_of_each_record_comes_in_its_order(seed: int, version: int) -> None:
    with a_small_mirror(version) as mirror, a_feed(mirror) as desk:
        kinds: tuple[Kind, ...] = tuple(MODELS)
        mirror.sync()
        desk.begin_anew()
        desk.kinds = kinds
        before = rows(desk)
        assert Weather(desk=mirror, seed=seed).run()["trouble"] == []
        after = rows(desk)
        messages = defaultdict[tuple[str, int], dict[int, Message]](dict)
        for message in delivered(desk, seed):  # what comes twice, at its first place
            messages[message.kind, message.source_id].setdefault(message.sequence, message)
        bodies = Bodies(table=mirror.table())
        for message in (m for by_number in messages.values() for m in by_number.values()):
            assert f'"sequence":{message.sequence},' in bodies.body_of(message)
    assert len(messages) > 10
    for key, by_number in messages.items():
        held = int(before[key]["sequence"]) if key in before else 0
        assert [*by_number] == [*range(held + 1, held + len(by_number) + 1)], key
        events = [message.event for message in by_number.values()]
        was_there = [key in before, *(event != "deleted" for event in events)]
        for event, there in zip(events, was_there, strict=False):
            assert (event == "created") != there, key
        last = by_number[held + len(by_number)]
        assert (last.event == "deleted") == (key not in after), key
        if key in after:
            assert last.sequence == after[key]["sequence"]
            assert last.data == data_of(after[key])
    untold = after.keys() ^ before.keys() | {k for k in after if after[k] != before.get(k)}
    assert untold <= messages.keys()
