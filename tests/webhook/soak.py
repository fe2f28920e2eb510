"""Many seeds of weather over the webhook: `python -m tests.webhook.soak --seeds 200`.

A line a seed tells of the progress; `--seeds 17,18` lives them again. The last result is kept in
bench/webhook-soak.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.benchmark.machine import machine
from sandbox.in_process.quick import make_quick
from sandbox.in_process.webhook_setup import a_webhook
from tests.mirror.small_ledger import shrink
from tests.webhook.weather import Weather

RESULT: Final = Path(__file__).resolve().parents[2] / "bench" / "webhook-soak.json"
VERSIONS: Final = (16, 17, 18, 19)

Json = dict[str, Any]


def weather(seeds: list[int]) -> list[Json]:
    """What became of each seed; the versions of Odoo take turns."""
    found: list[Json] = []
    for version in VERSIONS:
        mine = [seed for seed in seeds if VERSIONS[seed % len(VERSIONS)] == version]
        found += _weather(version, mine) if mine else []
    return found


def _weather(version: int, seeds: list[int]) -> list[Json]:
    found: list[Json] = []
    with (
        pytest.MonkeyPatch.context() as patches,
        a_webhook(patches, dataset="ledger-18", version=version) as path,
    ):
        shrink(path.desk.odoo)
        path.desk.sync()
        path.settle()
        path.forget()
        again = path.remember()
        for seed in seeds:
            again()
            one = Weather(path=path, seed=seed).run()
            one |= {"version": version, "requests": len(path.receiver.received)}
            found.append(one)
            verdict = "BROKEN" if one["trouble"] else "kept"
            lines = [f"seed {seed}, Odoo {version}: {verdict}", *one["trouble"]]
            print("\n  ".join(lines), flush=True)  # noqa: T201 - for the person at the terminal
    return found


def main() -> int:
    """Soak as the arguments say; 1 if the promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="20", help="how many, or which: 17,18")
    given = parser.parse_args().seeds
    named = [int(n) for n in given.split(",")]
    started = time.monotonic()
    make_quick()
    found = weather(named if "," in given else list(range(1, named[0] + 1)))
    events = sum((Counter(one["events"]) for one in found), Counter[str]())
    result: Json = {
        "seeds": len(found),
        "requests": sum(one["requests"] for one in found),
        "events": dict(sorted(events.items())),
        "broken": {str(one["seed"]): one["trouble"] for one in found if one["trouble"]},
        "machine": machine(),
        "seconds": round(time.monotonic() - started),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    broken = len(result["broken"])
    print(f"{len(found)} seeds, {broken} broken: see {RESULT.name}")  # noqa: T201 - as above
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
