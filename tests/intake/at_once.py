"""So many executions started at once, and what must hold afterwards. Also run by `make soak`:

python -m tests.intake.at_once --starts 200 --runs 10
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sandbox.aws import emulator as aws
from tests.intake.desk import an_invoice
from tests.intake.stand import Stand

WITHIN: Final = 1800.0  # seconds: the machine's own time is an hour
EXPECTED: Final = {"Lambda.TooManyRequestsException", "Conflict", "Unavailable"}


def start_at_once(folder: Path, *, starts: int, runs: int) -> Counter[str]:
    """Start so many executions at once; each tenth invoice is given twice.

    Returns how often each error was met, which the state machine then tried again.
    """
    emulator = aws.start(folder / "aws", runs=runs)
    try:
        stand = Stand(emulator, folder)
        machine = stand.machine()
        names = [f"B-{n}" for n in range(starts)] + [f"B-{n}" for n in range(0, starts, 10)]
        with ThreadPoolExecutor(8) as threads:
            arns = list(
                threads.map(
                    lambda name: stand.start(
                        machine, {"invoice": an_invoice(invoiceId=name, dueDate="2099-12-31")}
                    ),
                    names,
                )
            )
        wait_for_all(stand, machine)
        outcomes = Counter(json.loads(stand.end(arn)["output"])["outcome"] for arn in arns)
        assert outcomes == {"processed": starts, "duplicate": len(names) - starts}
        year = f"{datetime.now(UTC):%Y}"
        numbers = sorted(row["number"] for row in stand.rows())
        assert numbers == [f"INV-{year}-{n + 1:06}" for n in range(starts)]
        failures = Counter(
            event["taskFailedEventDetails"]["error"]
            for arn in arns
            for event in stand.history(arn)
            if event["type"] == "TaskFailed"
        )
        assert set(failures) <= EXPECTED
        return failures
    finally:
        aws.stop(emulator)


def wait_for_all(stand: Stand, machine: str) -> None:
    """Until no execution runs any more."""
    workflows: Any = stand.client("stepfunctions")
    deadline = time.monotonic() + WITHIN
    while workflows.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        assert time.monotonic() < deadline, "some executions do not end"
        time.sleep(1)


def main() -> None:
    """Start them and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.intake.at_once")
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--runs", type=int, default=10, help="of functions in the account")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        failures = start_at_once(Path(folder), starts=given.starts, runs=given.runs)
    errors = ", ".join(f"{count} {error}" for error, count in sorted(failures.items())) or "none"
    print(  # noqa: T201 - it talks to a person
        f"The intake: {given.starts} invoices at once in an account of {given.runs} runs, no number"
        f" missing or double, {time.monotonic() - began:.0f} s. Tried again: {errors}."
    )


if __name__ == "__main__":
    main()
