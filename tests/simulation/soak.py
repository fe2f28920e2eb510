"""Random runs with many seeds: PYTHONPATH=lambda:. python -m tests.simulation.soak --seeds 200

It prints a line per seed. For a seed that violates an invariant, the line says which, with the
bill's history; `--seeds 17` repeats seed 17. The last result is stored in bench/soak.json.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from sandbox.benchmark.machine import machine
from tests.simulation.fork import in_a_copy
from tests.simulation.random_run import SETTINGS, SETTINGS_BRITISH, run_seed
from tests.simulation.setup import a_simulation

if TYPE_CHECKING:
    from collections.abc import Mapping

RESULT: Final = Path(__file__).resolve().parents[2] / "bench" / "soak.json"
HOURS: Final = 48
PROCESSES: Final = 2
AT_ONCE: Final = 40  # seeds, after which the result is stored

Json = dict[str, Any]


def soaked(seeds: list[int], bills: int, hours: int, *, says: bool = False) -> list[Json]:
    """The result of each seed, in several processes."""
    os.environ["PYTHONHASHSEED"] = "0"  # of the processes: a seed is one story
    parts = [seeds[n::PROCESSES] for n in range(PROCESSES)]
    work = partial(_some, bills=bills, hours=hours, says=says)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        found = [one for part in pool.map(work, parts) for one in part]
    return sorted(found, key=lambda one: int(one["seed"]))


def _some(seeds: list[int], bills: int, hours: int, *, says: bool) -> list[Json]:
    """Run each seed in a copy of one simulation."""
    found: list[Json] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        a_simulation(patch, SETTINGS_BRITISH, **SETTINGS) as simulation,
    ):
        gc.collect()
        gc.freeze()
        for seed in seeds:
            started = time.monotonic()
            one = in_a_copy(partial(run_seed, simulation, seed, bills, hours))
            one = one or {"seed": seed, "trouble": ["it broke off"], "events": {}, "ends": {}}
            found.append(one)
            if says:
                _say(one, time.monotonic() - started)
    return found


def _say(one: Json, seconds: float) -> None:
    counts = ", ".join(f"{n} {status}" for status, n in sorted(one["ends"].items()))
    verdict = "BROKEN" if one["trouble"] else "kept"
    lines = [f"seed {one['seed']}: {verdict}, {counts}, {seconds:.0f} s"]
    print("\n".join([*lines, *(f"  {t}" for t in one["trouble"])]), flush=True)  # noqa: T201 - for the person at the terminal


def summary(found: list[Json], bills: int, hours: int) -> Json:
    """A run as it is kept."""
    events, ends, checked, steps = (
        dict(sorted(sum((Counter(one.get(of, {})) for one in found), Counter[str]()).items()))
        for of in ("events", "ends", "checked", "steps")
    )
    return {
        "seeds": _named([one["seed"] for one in found]),
        "bills_a_seed": bills,
        "hours_a_seed": hours,
        "steps": sum(steps.values()),
        "steps_by_function": _by_function(steps),
        "events": events,
        "bills_ended": ends,
        "promises_checked": checked,
        "machine": machine(),
        "broken": {str(one["seed"]): one["trouble"] for one in found if one["trouble"]},
    }


def _named(seeds: list[int]) -> str:
    """Which seeds, as short as it can be said."""
    first, last = seeds[0], seeds[-1]
    is_row = seeds == list(range(first, last + 1))
    return f"{first} to {last}" if is_row else ", ".join(map(str, seeds))


def _by_function(steps: Mapping[str, int]) -> dict[str, int]:
    """How many calls to the outside each function made, at each of which something may happen."""
    counts = Counter[str]()
    for step, times in steps.items():
        counts[step.partition(": ")[0]] += times
    return dict(sorted(counts.items()))


def main() -> int:
    """Run the seeds in the arguments; 1 if an invariant was violated."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="20", help="how many, or which: 17,18")
    parser.add_argument("--bills", type=int, default=500, help="a seed")
    parser.add_argument("--hours", type=int, default=HOURS, help="with faults")
    given = parser.parse_args()
    named = [int(n) for n in given.seeds.split(",")]
    seeds = named if "," in given.seeds else list(range(1, named[0] + 1))
    started = time.monotonic()
    found: list[Json] = []
    for start in range(0, len(seeds), AT_ONCE):
        found += soaked(seeds[start : start + AT_ONCE], given.bills, given.hours, says=True)
        result = summary(found, given.bills, given.hours)
        result["seconds"] = round(time.monotonic() - started)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{len(found)} seeds, {len(result['broken'])} broken: see {RESULT.name}")  # noqa: T201 - for the person at the terminal
    return 1 if result["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
