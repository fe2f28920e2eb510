"""What the packages weigh and what a cold start costs, in yardsticks.

Importing a handler is compared with creating boto3's first client in the same run on the same
machine: seconds alone would say more about the machine than about our code.
"""

from __future__ import annotations

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
    from collections.abc import Callable

RUNS: Final = 9  # of each program, one after the other in turn

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

# Ends a program with what it cost: CPU seconds and the most memory it ever held, in bytes. Not
# getrusage's, which begins with what the parent held when it started the program.
_COST: Final = """
import re, resource as r
u = r.getrusage(r.RUSAGE_SELF)
with open("/proc/self/status") as status:
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", status.read())
print(u.ru_utime + u.ru_stime, int(peak[1]) * 1024 if peak else u.ru_maxrss * 1024)
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
    "mirror": Target(zip_megabytes=2.0, instructions=1.25, memory=1.15),
    "api": Target(zip_megabytes=1.4, instructions=1.15, memory=1.15),
    "webhook": Target(zip_megabytes=2.0, instructions=1.25, memory=1.15),
    "intake": Target(zip_megabytes=1.3, instructions=1.20, memory=1.17),
}


def measure(project: Path, say: Callable[[str], None], *, counting: bool) -> Json:
    """The yardstick itself, and each function in yardsticks; instructions if `counting`."""
    with tempfile.TemporaryDirectory() as scratch:
        programs = _programs(project, Path(scratch))
        say("importing each handler, and making a first client, in turn")
        costs = _costs(programs)
        counted = _instructions(programs, say) if counting else {}
    yardstick: Json = {"cpu_seconds": costs[YARDSTICK][0], "memory_bytes": costs[YARDSTICK][1]}
    if counted:
        yardstick["instructions"] = counted[YARDSTICK]
    functions = {name: _measured(project, name, costs, counted) for name in TARGETS}
    return {"yardstick": yardstick, "functions": functions}


def _programs(project: Path, scratch: Path) -> dict[str, list[str]]:
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
        ZipFile(project / "lambda" / f"{function}.zip").extractall(task)
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


def _instructions(programs: dict[str, list[str]], say: Callable[[str], None]) -> dict[str, int]:
    """Instructions of each program, which hardly vary; nothing where valgrind is missing."""
    if not shutil.which("valgrind"):
        say("valgrind was not found: no instructions are counted")
        return {}
    counted = {}
    for name, command in programs.items():
        say(f"counting the instructions of {name}")
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


def _measured(
    project: Path, name: str, costs: dict[str, tuple[float, float]], counted: dict[str, int]
) -> Json:
    measured = {
        "zip_megabytes": (project / "lambda" / f"{name}.zip").stat().st_size / 1e6,
        "cpu": costs[name][0] / costs[YARDSTICK][0],
        "memory": costs[name][1] / costs[YARDSTICK][1],
    }
    if counted:
        measured["instructions"] = counted[name] / counted[YARDSTICK]
    return {key: round(value, 3) for key, value in measured.items()} | {
        "target": asdict(TARGETS[name])
    }
