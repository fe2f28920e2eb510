"""The sender dies before and after each of its steps: nothing is lost, and all is in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.webhook.message import from_body
from tests.webhook.sender_desk import Died, a_desk, a_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.webhook.sender_desk import SenderDesk


def an_ordinary_batch(desk: SenderDesk) -> None:
    desk.receiver.fail("error", record="odoo/account.move/3")


def a_refusal(desk: SenderDesk) -> None:
    desk.receiver.fail("refused", record="odoo/account.move/2")


def an_endpoint_that_is_down(desk: SenderDesk) -> None:
    desk.receiver.fail("error", times=7)


def an_endpoint_that_is_gone(desk: SenderDesk) -> None:
    desk.receiver.fail("gone")


def an_outage_that_ends_too_late(desk: SenderDesk) -> None:
    desk.receiver.fail("error", record="odoo/account.move/1", times=None)
    desk.sleep(22 * 3600)


STORIES = (
    an_ordinary_batch,
    a_refusal,
    an_endpoint_that_is_down,
    an_endpoint_that_is_gone,
    an_outage_that_ends_too_late,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[SenderDesk]:
    with a_desk() as made:
        yield made


def begin(desk: SenderDesk, story: Callable[[SenderDesk], None]) -> None:
    """Everything as before the first run of a story, with six records of two changes each."""
    desk.on_step = lambda _, work: work()
    for row in desk.client.scan(TableName=desk.table_name)["Items"]:
        key = {"pk": row["pk"], "sk": row["sk"]}
        desk.client.delete_item(TableName=desk.table_name, Key=key)
    desk.receiver.reset()
    desk.mails.clear()
    desk.__post_init__()
    for sequence in (1, 2):
        for record in range(1, 7):
            desk.put(record, sequence)
    story(desk)


def end(desk: SenderDesk) -> None:
    """Let time pass, and an operator do what the mails ask for, until nothing is left to do."""
    desk.work(minutes=40)
    desk.operating().resume()
    desk.sleep(600)
    desk.operating().digest()
    desk.operating().retry_refused(lambda: 100.0)
    desk.work(hours=12)


def steps_of(desk: SenderDesk, story: Callable[[SenderDesk], None]) -> list[str]:
    begin(desk, story)
    steps: list[str] = []

    def note(step: str, work: Callable[[], Any]) -> Any:
        steps.append(step)
        return work()

    desk.on_step = note
    desk.work(minutes=7)
    return steps


def dying_at(number: int, *, before: bool) -> Callable[[str, Callable[[], Any]], Any]:
    seen = 0

    def step(_: str, work: Callable[[], Any]) -> Any:
        nonlocal seen
        seen += 1
        if seen < number:
            return work()
        if seen == number and not before:
            work()
        raise Died  # also in the other threads of the run

    return step


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_death_at_any_step_loses_nothing_and_keeps_the_order(
    story: Callable[[SenderDesk], None], shared: SenderDesk
) -> None:
    steps = steps_of(shared, story)
    assert {"post", "dynamodb get_item"} <= set(steps)
    # A step that is taken again and again is died at three times: what follows it is the same.
    chosen = [n for n, step in enumerate(steps, 1) if steps[:n].count(step) <= 3]
    for number in chosen:
        for before in (True, False):
            begin(shared, story)
            shared.on_step = dying_at(number, before=before)
            shared.work(minutes=7)
            shared.on_step = lambda _, work: work()
            end(shared)

            where = f"{'before' if before else 'after'} {steps[number - 1]} ({number})"
            assert lost(shared) == [], where
            assert disordered(shared) == [], where


def lost(desk: SenderDesk) -> list[str]:
    """The changes that were neither taken in nor are dead letters or still in the queue."""
    ids = {a_message(record, sequence).message_id for record in range(1, 7) for sequence in (1, 2)}
    taken = {r.message_id for r in desk.receiver.received if r.accepted}
    return sorted(ids - taken - {*desk.buried} - waiting(desk))


def waiting(desk: SenderDesk) -> set[str]:
    return {from_body(kept.body).message_id for kept in desk.queue.messages.values()}


def disordered(desk: SenderDesk) -> list[str]:
    """Records whose changes were first taken in in another order, refusals sent again aside."""
    refused = {r.message_id for r in desk.receiver.received if r.answer == 422}
    found = []
    for record in range(1, 7):
        first: list[int] = []
        for r in desk.receiver.received:
            is_ours = r.record == f"odoo/account.move/{record}" and r.message_id not in refused
            if is_ours and r.accepted and r.sequence not in first:
                first.append(r.sequence)
        if first != sorted(first):
            found.append(f"{record}: {first}")
    return found


def test_a_story_without_a_death_is_told_as_expected(shared: SenderDesk) -> None:
    """So that what the deaths are measured by can fail."""
    begin(shared, a_refusal)
    shared.work()
    assert lost(shared) == [a_message(2, 1).message_id]
    end(shared)
    assert lost(shared) == disordered(shared) == []
    begin(shared, an_outage_that_ends_too_late)
    shared.work(minutes=30)
    assert shared.buried == [a_message(1, 1).message_id, a_message(1, 2).message_id]


def test_a_pause_that_could_not_be_mailed_is_mailed_by_the_next_digest(shared: SenderDesk) -> None:
    begin(shared, an_endpoint_that_is_gone)

    def die(step: str, work: Callable[[], Any]) -> Any:
        if step == "sns publish":
            raise Died
        return work()

    shared.on_step = die
    shared.work(minutes=20)
    assert shared.mails == []
    for _ in range(2):
        shared.operating().digest()
        assert [mail.partition("\n")[0] for mail in shared.mails] == [
            "The webhook is paused: its endpoint is gone"
        ]
