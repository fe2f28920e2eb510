"""One message a second, though several notifiers post at the same moment."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from odoo_qb import table_keys
from odoo_qb.errors import Unavailable
from odoo_qb.store.shared_throttle import BLOCK, UNNOTICED, SharedThrottle
from odoo_qb.throttle import Throttle
from sandbox.benchmark.meter import WRITES

if TYPE_CHECKING:
    from sandbox.in_process.chain import World

GAP = 10.0  # seconds; the clocks below are turned by hand
PLENTY = 1000.0


class Hands:
    """A run of the notifier with a clock of its own, which goes on only while it sleeps."""

    def __init__(self, world: World, calls: int, gap: float = GAP) -> None:
        self.now = datetime(2026, 11, 28, 12, tzinfo=UTC)
        self.called_at: list[float] = []
        # The gap between a run's own calls is Throttle's, and tested there.
        own = Throttle(0)
        self.pace = SharedThrottle(world.table, gap, lambda: self.now, self.sleep, own)
        self.pace.begin(calls)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def call(self, most_seconds: float = PLENTY) -> None:
        self.pace.wait(most_seconds)
        self.called_at.append(self.now.timestamp())


def test_two_runs_with_many_messages_keep_the_pace_together(world: World) -> None:
    one, other = Hands(world, 20), Hands(world, 20)
    for _ in range(20):
        for run in (one, other):
            run.call()

    together = sorted([*one.called_at, *other.called_at])
    gaps = [later - earlier for earlier, later in pairwise(together)]
    assert len(together) == 40
    assert min(gaps) >= GAP - 0.01
    assert max(gaps) <= GAP + 0.01  # and none of the time is left unused


def test_runs_that_stand_in_line_at_the_same_moment_get_different_places(world: World) -> None:
    runs = [Hands(world, BLOCK) for _ in range(4)]
    threads = [threading.Thread(target=run.call) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    places = sorted(run.called_at[0] for run in runs)
    first = min(places)
    assert [round((p - first) / GAP) for p in places] == [0, BLOCK, 2 * BLOCK, 3 * BLOCK]


def test_a_few_messages_are_not_written_down_unless_somebody_is_in_line(world: World) -> None:
    few = Hands(world, UNNOTICED)
    world.aws.calls.clear()
    few.call()
    assert [o for o, _ in world.aws.calls if o in WRITES] == []

    Hands(world, 20).call()
    few.call()
    assert few.called_at[1] - few.called_at[0] == pytest.approx(BLOCK * GAP, abs=0.01)


def test_a_block_is_one_write(world: World) -> None:
    run = Hands(world, 2 * BLOCK)
    world.aws.calls.clear()
    for _ in range(2 * BLOCK):
        run.call()
    assert len([o for o, _ in world.aws.calls if o in WRITES]) == 2


def test_a_run_that_did_something_comes_again_rather_than_wait_too_long(world: World) -> None:
    run = Hands(world, 20)
    for _ in range(BLOCK):
        run.call()
    for _ in range(3):
        Hands(world, 20).call()
    with pytest.raises(Unavailable):
        run.call(most_seconds=GAP)


def test_a_run_without_time_for_its_place_makes_its_first_call_all_the_same(world: World) -> None:
    Hands(world, 20).call()
    run = Hands(world, 20)
    run.call(most_seconds=GAP)
    assert run.called_at == [datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()]


def test_what_nobody_gave_back_ends_by_itself(world: World) -> None:
    Hands(world, 20).call()  # and the run is gone
    later = Hands(world, 20)
    later.now += timedelta(seconds=BLOCK * GAP)
    later.call()
    assert later.called_at == [later.now.timestamp()]


def test_a_table_that_does_not_answer_stops_no_card(world: World) -> None:
    run = Hands(world, 20)
    world.aws.refuses = lambda _, arguments: table_keys.SLACK_PACE in str(arguments)
    with pytest.raises(ClientError):
        world.table.read_note(table_keys.SLACK_PACE)
    run.call()
    assert len(run.called_at) == 1


def test_a_pace_without_a_gap_asks_nobody(world: World) -> None:
    run = Hands(world, 20, gap=0)
    world.aws.calls.clear()
    run.call()
    assert world.aws.calls == []
