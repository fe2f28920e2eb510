"""What the packages weigh and what a cold start costs, beside what we set ourselves as targets.

    python -m sandbox.bench            sizes, CPU time, memory, instructions, calls to Odoo
    python -m sandbox.bench --quick    without the instructions, which take minutes

The yardstick of importing a handler is boto3's first client, made from nothing in the same run
on the same machine: seconds alone would say more about the machine than about us.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from world import World

PROJECT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = PROJECT / "bench" / "results.json"
RUNS: Final = 9  # of each program, one after the other in turn
BILLS: Final = 1000
FILES_A_CALL: Final = 10
BILLS_A_PAGE: Final = 100

YARDSTICK: Final = "boto3's first client"
FIRST_CLIENT: Final = 'import boto3; boto3.client("dynamodb", region_name="us-west-2")'
# What AWS keeps beside a function of Python 3.12, so far as boto3 needs it.
RUNTIME: Final = (
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "python-dateutil",
    "six",
    "urllib3",
)

# Ends a program with what it cost: CPU seconds and the most memory it ever held, in bytes.
_COST: Final = """
import resource as r
u = r.getrusage(r.RUSAGE_SELF)
print(u.ru_utime + u.ru_stime, u.ru_maxrss * 1024)
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The most a function may weigh and cost; the last two in yardsticks."""

    zip_megabytes: float
    instructions: float
    memory: float


TARGETS: Final = {
    "extractor": Target(zip_megabytes=2.4, instructions=1.45, memory=1.35),
    "notifier": Target(zip_megabytes=2.2, instructions=1.30, memory=1.20),
    "approval_handler": Target(zip_megabytes=1.3, instructions=1.20, memory=1.17),
    "poster": Target(zip_megabytes=3.1, instructions=1.55, memory=1.38),
}


def main() -> int:
    """Measure, print and keep; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench")
    parser.add_argument("--quick", action="store_true", help="do not count instructions")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as scratch:
        programs = _programs(Path(scratch))
        costs = _costs(programs)
        counted = {} if quick else _instructions(programs)
    results: Json = {
        "machine": {"processors": os.cpu_count(), "memory_gigabytes": _memory_gigabytes()},
        "python": sys.version.split()[0],
        "yardstick": {"cpu_seconds": costs[YARDSTICK][0], "memory_bytes": costs[YARDSTICK][1]},
        "functions": {name: _measured(name, costs, counted) for name in TARGETS},
        "odoo": _odoo_calls(),
    }
    if counted:
        results["yardstick"]["instructions"] = counted[YARDSTICK]
    for line in _table(results):
        print(line)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nKept in {RESULTS.relative_to(PROJECT)}.")
    missed = list(_missed(results))
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if missed else 0


def _programs(scratch: Path) -> dict[str, list[str]]:
    """By name: an interpreter that finds only the package and AWS's runtime, and what it runs."""
    runtime = scratch / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (runtime / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    programs = {YARDSTICK: _program([runtime], FIRST_CLIENT)}
    for function in TARGETS:
        task = scratch / function
        ZipFile(PROJECT / "lambda" / f"{function}.zip").extractall(task)
        programs[function] = _program([task, runtime], f"import {function}")
    return programs


def _program(path: list[Path], code: str) -> list[str]:
    start = f"import sys; sys.path[:0] = {[str(p) for p in path]}; {code}"
    return [sys.executable, "-I", "-S", "-c", f"{start}\n{_COST}"]


def _costs(programs: dict[str, list[str]]) -> dict[str, tuple[float, float]]:
    """Median CPU seconds and memory; the programs take turns, so that all meet the same noise."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for turn in range(RUNS + 1):
        for name, command in programs.items():
            seconds, size = _run(command).split()
            if turn:  # the first one fills the caches
                samples[name].append((float(seconds), float(size)))
    return {
        name: (statistics.median(s for s, _ in each), statistics.median(m for _, m in each))
        for name, each in samples.items()
    }


def _instructions(programs: dict[str, list[str]]) -> dict[str, int]:
    """Instructions of each program, which hardly vary; nothing where valgrind is missing."""
    if not shutil.which("valgrind"):
        print("valgrind was not found: no instructions are counted.")
        return {}
    counted = {}
    for name, command in programs.items():
        print(f"counting the instructions of {name}", flush=True)
        with tempfile.NamedTemporaryFile() as out:
            tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}"]
            _run([*tool, *command])
            profile = Path(out.name).read_text()
        found = re.search(r"^(?:summary|totals): (\d+)", profile, re.MULTILINE)
        if found:
            counted[name] = int(found[1])
    return counted


def _run(command: list[str]) -> str:
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def _measured(name: str, costs: dict[str, tuple[float, float]], counted: dict[str, int]) -> Json:
    measured = {
        "zip_megabytes": (PROJECT / "lambda" / f"{name}.zip").stat().st_size / 1e6,
        "cpu": costs[name][0] / costs[YARDSTICK][0],
        "memory": costs[name][1] / costs[YARDSTICK][1],
    }
    if counted:
        measured["instructions"] = counted[name] / counted[YARDSTICK]
    return {key: round(value, 3) for key, value in measured.items()} | {
        "target": asdict(TARGETS[name])
    }


def _odoo_calls() -> Json:
    """How often Odoo is called for new bills, and when nothing changed."""
    import pytest  # noqa: PLC0415 - the world it is measured in is the tests'

    sys.path[:0] = [str(PROJECT / "lambda"), str(PROJECT / "tests")]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        from world import a_world  # noqa: PLC0415 - as above; the handlers log from their import on

        for world in a_world(monkeypatch):

            def calls(world: World = world) -> int:
                before = len(world.odoo.calls)
                world.extract()
                return len(world.odoo.calls) - before

            calls()  # the dataset's own
            idle, files = calls(), _files(world.items())
            world.odoo.add_copies(BILLS)
            fresh = calls()
            files = _files(world.items()) - files
    most = 3 * -(-BILLS // BILLS_A_PAGE) + -(-files // FILES_A_CALL)
    return {
        "bills": BILLS,
        "files": files,
        "calls": fresh,
        "idle_calls": idle,
        "target": {"calls": most, "idle_calls": 2},
    }


def _files(items: Json) -> int:
    return sum(len(item["documents"]) for item in items.values())


def _memory_gigabytes() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _table(results: Json) -> Iterable[str]:
    machine, yardstick = results["machine"], results["yardstick"]
    yield (
        f"On {machine['processors']} processors and {machine['memory_gigabytes']} GB, with Python"
        f" {results['python']}. {YARDSTICK} takes {yardstick['cpu_seconds']:.2f} s of CPU and"
        f" {yardstick['memory_bytes'] / 1e6:.0f} MB; importing a handler, in such yardsticks:"
    )
    yield ""
    yield f"{'':<18}{'zip MB':>16}{'instructions':>16}{'CPU time':>12}{'memory':>16}"
    for name, measured in results["functions"].items():
        target = measured["target"]
        cells = [
            f"{measured[key]:.2f} (≤ {target[key]:.2f})" if key in measured else "-"
            for key in ("zip_megabytes", "instructions", "memory")
        ]
        cells.insert(2, f"{measured['cpu']:.2f}")
        yield f"{name:<18}{cells[0]:>16}{cells[1]:>16}{cells[2]:>12}{cells[3]:>16}"
    odoo = results["odoo"]
    most = odoo["target"]
    yield ""
    yield (
        f"Calls to Odoo: {odoo['calls']} (≤ {most['calls']}) for {odoo['bills']} bills with"
        f" {odoo['files']} files; {odoo['idle_calls']} (≤ {most['idle_calls']}) when idle."
    )


def _missed(results: Json) -> Iterable[str]:
    for name, measured in {**results["functions"], "odoo": results["odoo"]}.items():
        for key, most in measured["target"].items():
            if measured.get(key, 0) > most:
                yield f"{name} {key.replace('_', ' ')}: {measured[key]} instead of {most}"


if __name__ == "__main__":
    sys.exit(main())
