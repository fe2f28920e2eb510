"""Every change reaches the endpoint at least once and in order per record, whoever dies when.

The whole way is walked in one process. Dying just after a step is dying before the next one, and
so each step is died before, and the end of a run too: it has done everything, and AWS delivers it
once more because it doesn't know.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox.in_process.webhook_setup import a_webhook
from tests.mirror.small_ledger import shrink
from tests.webhook.promise import broken, look
from tests.webhook.weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.in_process.webhook import WebhookPath

SEEDS: Final = range(1, 6)
TASKS: Final = ("sync_invoices", "sync_payments")
HOUR: Final = 3600.0
MINUTE: Final = 60.0


@pytest.fixture(scope="module")
def loaded() -> Iterator[WebhookPath]:
    with pytest.MonkeyPatch.context() as patches, a_webhook(patches, dataset="ledger-18") as path:
        shrink(path.desk.odoo)
        path.desk.sync()
        path.settle()
        assert path.receiver.received == []  # a first load sends nothing
        path.forget()
        yield path


@pytest.fixture
def path(loaded: WebhookPath) -> Iterator[WebhookPath]:
    again = loaded.remember()
    yield loaded
    again()


def mirror(path: WebhookPath) -> None:
    for task in TASKS:
        path.desk.sync(task)


def a_day(path: WebhookPath) -> dict[str, int]:
    """A bill changes three times, another once, one is deleted, an invoice is paid."""
    odoo = path.desk.odoo
    partner = next(iter(odoo.records["res.partner"]))
    ids = {
        "bill": odoo.new_bill(vendor=partner),
        "other": odoo.new_bill(vendor=partner, reference="other"),
        "draft": odoo.new_bill(vendor=partner, state="draft", reference="draft"),
        "payment": odoo.new_payment(partner, "12.50", payment_type="outbound"),
    }
    mirror(path)
    odoo.amend(ids["bill"], ref="second")
    odoo.delete(ids["draft"])
    mirror(path)
    odoo.amend(ids["bill"], ref="third")
    odoo.amend_payment(ids["payment"], memo="changed")
    mirror(path)
    return ids


def told_of(path: WebhookPath, number: int) -> list[int]:
    """The changes of a record that were taken in, in the order of their first arrival."""
    accepted = [r.sequence for r in path.receiver.received if r.accepted
                and r.record.endswith(f"/{number}")]  # fmt: skip
    return list(dict.fromkeys(accepted))


def test_every_change_arrives_once_and_in_order(path: WebhookPath) -> None:
    ids = a_day(path)
    path.settle()

    assert broken(path) == []
    assert told_of(path, ids["bill"]) == [1, 2, 3]
    assert told_of(path, ids["draft"]) == [1, 2]
    assert len(path.receiver.received) == len(look(path).told) == 8
    assert path.errors == []


# -- deaths ----------------------------------------------------------------------------------------


def die_before(path: WebhookPath, number: int) -> Callable[[str, Callable[[], Any]], Any]:
    """Kill the function at the step of this number, counted over all of them."""
    left = [number]

    def on_step(_step: str, work: Callable[[], Any]) -> Any:
        left[0] -= 1
        if left[0] < 0 and not path.kills:
            path.die()
        return work()

    return on_step


def test_whoever_dies_at_whatever_step_nothing_is_lost_or_overtaken(path: WebhookPath) -> None:
    a_day(path)
    again, steps = path.remember(), list[str]()

    def noted(step: str, work: Callable[[], Any]) -> Any:
        steps.append(step)
        return work()

    path.on_step = noted
    path.settle()
    tried = Counter[str]()
    for number, step in enumerate(steps):
        again()
        path.on_step = die_before(path, number)
        path.settle()
        tried[step] += path.kills
        assert broken(path) == [], f"dead before step {number}, {step}"
        found = look(path)
        assert found.lying == set()
        assert path.kills == 1
    # Before and after queueing, before and after the POST, and before what is sent is deleted.
    assert {
        "webhook_feed: sqs SendMessageBatch", "webhook_feed: its end",
        "webhook: POST", "webhook: dynamodb GetItem", "webhook: its end",
    } <= set(tried)  # fmt: skip


def test_a_function_that_always_dies_after_the_post_repeats_and_overtakes_nothing(
    path: WebhookPath,
) -> None:
    ids = a_day(path)
    deaths = Counter[str]()

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        done = work()
        if step == "webhook: POST" and deaths[step] < 5:
            deaths[step] += 1
            path.die()
        return done

    path.on_step = on_step
    path.settle()

    assert deaths == {"webhook: POST": 5}
    assert broken(path) == []
    assert told_of(path, ids["bill"]) == [1, 2, 3]
    assert max(r.attempt for r in path.receiver.received) > 1


# -- one record's trouble --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["error", "ratelimited", "lost"])
def test_one_records_failures_delay_no_other_by_more_than_a_try(
    path: WebhookPath, kind: Any
) -> None:
    odoo = path.desk.odoo
    partner = next(iter(odoo.records["res.partner"]))
    bad = odoo.new_bill(vendor=partner)
    path.receiver.fail(kind, record=f"odoo/account.move/{bad}", times=None, retry_after=3600)
    waits: dict[int, float] = {}
    for number in range(8):
        odoo.amend(bad, ref=f"bad {number}")
        good = odoo.new_bill(vendor=partner, reference=f"good {number}")
        mirror(path)
        at = path.now()
        path.flow()
        waits[good] = next(
            r.at.timestamp() - at
            for r in path.receiver.received
            if r.record == f"odoo/account.move/{good}" and r.accepted
        )
        path.desk.sleep(20 * MINUTE)

    assert max(waits.values()) < 35  # a try takes at most thirty seconds
    path.receiver.recover()
    path.settle()
    assert broken(path) == []
    assert look(path).lying == set()
    assert len(told_of(path, bad)) == 8


def test_records_that_always_fail_hold_up_no_other_for_a_minute(path: WebhookPath) -> None:
    """Five that fail look as if the endpoint were down; what tries it must be another record."""
    odoo = path.desk.odoo
    partner = next(iter(odoo.records["res.partner"]))
    for number in range(7):
        bad = odoo.new_bill(vendor=partner, reference=f"bad {number}")
        path.receiver.fail("error", record=f"odoo/account.move/{bad}", times=None)
    made: dict[str, float] = {}
    for number in range(10):
        good = odoo.new_bill(vendor=partner, reference=f"good {number}")
        path.desk.sync("sync_invoices")
        made[f"odoo/account.move/{good}"] = path.now()
        path.settle(within=5 * MINUTE)

    waits = [r.at.timestamp() - made[r.record] for r in path.receiver.received if r.record in made]
    assert len(waits) == len(made)  # and none was sent twice
    assert max(waits) < MINUTE
    assert broken(path) == []


def test_what_an_endpoint_does_not_take_for_a_day_is_a_dead_letter_and_the_next_goes_on(
    path: WebhookPath,
) -> None:
    ids = a_day(path)
    path.receiver.fail("error", record=f"odoo/account.move/{ids['bill']}", times=None)
    path.settle(within=23 * HOUR)

    assert broken(path) == []
    assert {number for _, number in look(path).dead} == {1, 2, 3}
    assert path.queue.messages == {}
    tries = [r for r in path.receiver.received if r.record.endswith(f"/{ids['bill']}")]
    assert len(tries) >= 7
    path.receiver.recover()
    path.desk.odoo.amend(ids["bill"], ref="fourth")
    mirror(path)
    path.settle()
    assert told_of(path, ids["bill"]) == [4]


# -- weather ---------------------------------------------------------------------------------------


def test_whatever_the_weather_nothing_is_lost_or_overtaken(loaded: WebhookPath) -> None:
    again, events = loaded.remember(), Counter[str]()
    for seed in SEEDS:
        again()
        found = Weather(path=loaded, seed=seed).run()
        assert found["trouble"] == [], f"seed {seed}"
        events.update(found["events"])
    again()
    # Weather in which nothing happens would prove nothing.
    assert {
        "a function was killed before a step", "a function was killed after a step",
        "AWS refused", "an answer of AWS was lost", "SQS took a part of a batch",
        "a batch of the stream came again", "a run's end was not noted",
        "the endpoint was late", "operator resumed", "operator retried", "replayed",
    } <= set(events)  # fmt: skip
    assert sum(event.startswith("endpoint: ") for event in events) >= 7


def test_what_aws_itself_refuses_is_an_error_of_the_function_and_nothing_else(
    path: WebhookPath,
) -> None:
    a_day(path)
    error: Any = {"Code": "ThrottlingException", "Message": "planned"}

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step.startswith("webhook: dynamodb") and len(path.errors) < 3:
            raise ClientError({"Error": error}, "GetItem")
        return work()

    path.on_step = on_step
    path.settle()

    assert broken(path) == []
    assert look(path).lying == set()
    assert all("ThrottlingException" in error for error in path.errors)
