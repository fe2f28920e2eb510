"""What the bench counts of changes on their way to the endpoint."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.benchmark import webhook

OPERATORS = (Path(__file__).parents[3] / "docs" / "operators.md").read_text("utf-8")


def silent(_line: str) -> None:
    """Nobody waits at a terminal."""


def test_changes_that_come_together_share_runs_and_batches() -> None:
    counted = webhook.measure(silent, changes=40)

    assert counted["posts"] == 40
    assert counted["sender_runs"] == 4
    assert counted["feed_runs"] <= 2  # the stream has two shards here
    assert counted["sqs_requests"] <= 3 * (4 + 2)
    section = OPERATORS.split("## The webhook")[1]
    [dollars] = re.findall(r"A thousand changes cost about \$([0-9.]+[0-9])", section)
    costs = counted["costs"]
    assert costs["thousand_changes"] < costs["thousand_one_by_one"] <= float(dollars)


def test_a_queue_is_drained_by_threads_over_a_real_network() -> None:
    drained = webhook.drain(silent, changes=60)

    assert drained["changes"] == 60
    assert drained["seconds"] >= drained["at_best_seconds"] > 0
