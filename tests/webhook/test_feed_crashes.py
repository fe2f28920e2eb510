"""The feed dies at any of its steps, and nothing is lost or overtaken: AWS gives it all again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.webhook.feed import LARGEST
from odoo_qb.webhook.message import from_body
from tests.mirror.deaths import Killed
from tests.mirror.odoo_records import some_contact
from tests.webhook.loaded_feed import a_loaded_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.webhook.message import Message
    from sandbox.in_process.webhook_feed import FeedDesk
    from tests.webhook.loaded_feed import Again

SEND = "sqs send_message_batch"


@pytest.fixture(scope="module")
def loaded() -> Iterator[Again]:
    with a_loaded_feed() as again:
        yield again


@pytest.fixture
def desk(loaded: Again) -> FeedDesk:
    return loaded()


@dataclass(kw_only=True)
class Death:
    """Comes at the step of this number: before it, after it, or when SQS has half of the call."""

    number: int = -1
    how: str = "before"
    steps: list[str] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)  # by SQS, also what it drops as a repeat

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        if step.startswith("dynamodb get"):
            return work()
        is_last = len(self.steps) == self.number
        self.steps.append(step)
        if is_last and self.how == "before":
            raise Killed(step)
        if is_last and self.how == "halfway" and step == SEND and isinstance(work, partial):
            entries = work.keywords["Entries"]
            work.keywords["Entries"] = entries[: (len(entries) + 1) // 2]
        answer = work()
        if step == SEND and isinstance(work, partial):
            self.taken += [from_body(row["MessageBody"]) for row in work.keywords["Entries"]]
        if is_last:
            raise Killed(step)
        return answer


def a_busy_hour(desk: FeedDesk) -> None:
    """Records change several times, one is too large, some are renamed with another, some go."""
    odoo, mirror = desk.mirror.odoo, desk.mirror
    contacts = [odoo.new_contact(f"New {n}") for n in range(6)]
    (move, *_) = odoo.records["account.move"]
    for round_ in range(3):
        mirror.sync()
        for contact in contacts[: 4 - round_]:
            odoo.amend_contact(contact, phone=str(round_))
        note = f"{round_} " * LARGEST
        odoo.records["account.move"][move] |= {"narration": note, "write_date": odoo.clock()}
    odoo.rename_contact(some_contact(mirror), "Renamed")
    odoo.delete_contact(contacts[0])
    mirror.sync()
    odoo.delete_contact(contacts[1])
    mirror.sync()


def by_record(messages: list[Message]) -> dict[str, list[int]]:
    ordered = sorted(messages, key=lambda m: m.group)
    return {
        group: list(dict.fromkeys(m.sequence for m in rows))  # a repeat comes at its first place
        for group, rows in groupby(ordered, key=lambda m: m.group)
    }


def test_the_feed_may_die_at_any_step(desk: FeedDesk) -> None:
    a_busy_hour(desk)
    begin = desk.taken
    undisturbed = Death()
    desk.on_step = desk.mirror.on_step = undisturbed.on_step
    assert desk.deliver() == []
    expected = by_record(undisturbed.taken)
    assert len(undisturbed.taken) > 20
    assert max(map(len, expected.values())) >= 4
    assert all(numbers == sorted(numbers) for numbers in expected.values())
    assert {SEND, "dynamodb update_item"} == {*undisturbed.steps}
    for number in range(len(undisturbed.steps)):
        for how in ("before", "halfway", "after"):
            desk.taken = begin
            death = Death(number=number, how=how)
            desk.on_step = desk.mirror.on_step = death.on_step
            try:
                desk.deliver()
            except Killed:
                assert desk.taken == begin, "AWS gives the whole batch again"
            else:
                raise AssertionError("it did not come to this step")
            desk.on_step = desk.mirror.on_step = death.on_step
            assert desk.deliver() == []
            assert by_record(death.taken) == expected, f"{how} step {number}"
    contents = {m.content_key for m in undisturbed.taken} - {""}
    assert len(contents) >= 2
    kept = {row["sk"] for row in desk.mirror.everything() if row["pk"] == "webhook#content"}
    assert kept == contents


def test_what_is_given_twice_within_minutes_is_queued_once(desk: FeedDesk) -> None:
    a_busy_hour(desk)
    begin = desk.taken
    assert desk.deliver() == []
    desk.taken = begin
    assert desk.deliver() == []
    messages = desk.queued()
    assert len({m.message_id for m in messages}) == len(messages)
    assert json.dumps(by_record(messages)) != "{}"
