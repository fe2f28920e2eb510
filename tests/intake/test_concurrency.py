"""Many executions at once in an account of ten runs: all end, no number is missing or double."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.aws import emulator as aws
from tests.intake.stand import Stand
from tests.intake.test_workflow import invoice

if TYPE_CHECKING:
    from pathlib import Path

RUNS = 10
STARTS = 30  # `make soak` has 200


def test_no_number_is_missing_or_double_when_all_start_at_once(tmp_path: Path) -> None:
    start_at_once(tmp_path, STARTS)


def start_at_once(folder: Path, starts: int) -> dict[str, int]:
    """Start so many executions at once, each tenth of which is another's duplicate.

    Returns how often a function was turned away, and how often a number was taken already.
    """
    emulator = aws.start(folder / "aws", runs=RUNS)
    try:
        stand = Stand(emulator, folder)
        machine = stand.machine()
        names = [f"B-{n}" for n in range(starts)] + [f"B-{n}" for n in range(0, starts, 10)]
        with ThreadPoolExecutor(RUNS) as threads:
            arns = list(
                threads.map(lambda name: stand.start(machine, {"invoice": invoice(name)}), names)
            )
            ended = [stand.end(arn) for arn in arns]
        assert {run["status"] for run in ended} == {"SUCCEEDED"}
        year = f"{datetime.now(UTC):%Y}"
        numbers = sorted(row["number"] for row in stand.rows())
        assert numbers == [f"INV-{year}-{n + 1:06}" for n in range(starts)]
        failures = [
            event["taskFailedEventDetails"]["error"]
            for arn in arns
            for event in stand.history(arn)
            if event["type"] == "TaskFailed"
        ]
        assert set(failures) <= {"Lambda.TooManyRequestsException", "Conflict"}
        return {kind: failures.count(kind) for kind in sorted(set(failures))}
    finally:
        aws.stop(emulator)
