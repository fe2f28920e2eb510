"""Many seeds of weather over the mirror: `python -m tests.mirror.soak --seeds 200`.

And a run that dies at every step, over all kinds, in Odoo 16 to 19. A line a seed tells of the
progress; `--seeds 17,18` lives them again. The last result is kept in bench/mirror-soak.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from sandbox.benchmark.machine import machine
from tests.mirror.deaths import die_everywhere
from tests.mirror.small_ledger import a_small_mirror
from tests.mirror.test_crashes import a_day_with_invoices, nothing
from tests.mirror.weather import Weather

RESULT: Final = Path(__file__).resolve().parents[2] / "bench" / "mirror-soak.json"
VERSIONS: Final = (16, 17, 18, 19)
ALL: Final = ("sync_all",)

Json = dict[str, Any]


def weather(seeds: list[int]) -> list[Json]:
    """What became of each seed; the versions of Odoo take turns."""
    found: list[Json] = []
    for version in VERSIONS:
        mine = [seed for seed in seeds if VERSIONS[seed % len(VERSIONS)] == version]
        if not mine:
            continue
        with a_small_mirror(version) as desk:
            desk.sync()
            again = desk.remember()
            for seed in mine:
                again()
                one = Weather(desk=desk, seed=seed).run()
                found.append(one | {"version": version})
                verdict = "BROKEN" if one["trouble"] else "kept"
                lines = [f"seed {seed}, Odoo {version}: {verdict}", *one["trouble"]]
                print("\n  ".join(lines), flush=True)  # noqa: T201 - for the person at the terminal
    return found


def deaths() -> Json:
    """What was wrong after a run had died, by version, and how many deaths there were."""
    tried, trouble = Counter[str](), dict[str, list[str]]()
    for version in VERSIONS:
        with a_small_mirror(version) as desk:
            load = die_everywhere(desk, nothing, ALL)
        with a_small_mirror(version) as desk:
            desk.sync()
            day = die_everywhere(desk, a_day_with_invoices, ALL)
        for deaths_of in (load, day):
            tried += deaths_of.tried
            if deaths_of.trouble:
                trouble[str(version)] = deaths_of.trouble
        print(f"Odoo {version}: {tried.total()} deaths so far", flush=True)  # noqa: T201 - as above
    return {"tried": dict(sorted(tried.items())), "broken": trouble}


def main() -> int:
    """Soak as the arguments say; 1 if the promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", default="20", help="how many, or which: 17,18")
    given = parser.parse_args().seeds
    named = [int(n) for n in given.split(",")]
    started = time.monotonic()
    found = weather(named if "," in given else list(range(1, named[0] + 1)))
    events = sum((Counter(one["events"]) for one in found), Counter[str]())
    result: Json = {
        "seeds": len(found),
        "events": dict(sorted(events.items())),
        "broken": {str(one["seed"]): one["trouble"] for one in found if one["trouble"]},
        "deaths": deaths(),
        "machine": machine(),
        "seconds": round(time.monotonic() - started),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    broken = len(result["broken"]) + len(result["deaths"]["broken"])
    print(f"{len(found)} seeds, {broken} broken: see {RESULT.name}")  # noqa: T201 - as above
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
