"""Measure size, time and cost of the pipeline, and compare them with our targets.

    python -m sandbox.benchmark            all of it, in about twenty minutes
    python -m sandbox.benchmark --quick    what is counted in one process, in two or three minutes

Prints a table and ends with 1 if a target is missed. Results are stored in bench/results.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

# The functions' import root, and the tests' world, in which a life is counted.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lambda"))

from sandbox.benchmark import (
    api,
    figures,
    intake,
    latency,
    lifecycle,
    mirror,
    odoo,
    packages,
    webhook,
    webhook_latency,
)
from sandbox.benchmark.costs import (
    BILLS,
    Standing,
    at_list_price,
    beyond_what_is_free,
    of_bills,
    of_idle_month,
)
from sandbox.benchmark.machine import machine
from sandbox.benchmark.prices import AS_OF
from sandbox.benchmark.report import lines_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = PROJECT / "bench" / "results.json"
COMPANIES: Final = 2  # of the deployment whose idle month is counted
THOUSAND: Final = f"{BILLS:,} bills"
IDLE: Final = f"an idle month of {COMPANIES} companies"
# An idle month is alarms, a dashboard and polling, of which AWS gives every account some for good.
TARGETS: Final = {
    THOUSAND: {"dollars": 0.05, "beyond_free": False},
    IDLE: {"dollars": 3.0, "beyond_free": True},
}
METRICS: Final = 1  # of our own: the poster says how long each refresh token lasts

Json = dict[str, Any]


def main() -> int:
    """Measure, print and keep; 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.benchmark")
    parser.add_argument("--quick", action="store_true", help="only what is counted in one process")
    is_quick = parser.parse_args().quick
    say = _progress()
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results: Json = {"machine": machine()}
    results |= packages.measure(PROJECT, say, counting=not is_quick)
    results["life"] = lifecycle.measure(say)
    results["mirror"] = mirror.measure(say)
    results["webhook"] = webhook.measure(say)
    results["api"] = api.measure(say)
    results["intake"] = intake.measure(say)
    results["figures"] = figures.measure(say)
    if not is_quick:
        results["odoo"] = odoo.measure(PROJECT, odoo.SIZES, say)
        results["warm"] = latency.measure(PROJECT, say)
        results["webhook"] |= {
            "drain": webhook.drain(say),
            "latency": webhook_latency.measure(PROJECT, say),
        }
    results["costs"] = _costs(results, {**before, **results})
    rows = list(rows_of(results))
    print("\n".join(["", *lines_of(results, rows)]))
    if not is_quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        print(f"\nKept in {RESULTS.relative_to(PROJECT)}.")
    missed = [row for row in rows if row.is_missed]
    for row in missed:
        print(f"MISSED: {row.what}: {row.text} instead of {row.target_text}")
    return 1 if missed else 0


def _costs(results: Json, known: Json) -> Json:
    """Dollars of a thousand bills and of an idle month, the dearest parts first."""
    life = results["life"]
    of_a_bill = known["odoo"]["runs"][0] if "odoo" in known else None
    odoo_calls = of_a_bill["extraction"]["calls"] / of_a_bill["bills"] if of_a_bill else 0.06
    costs: Json = {}
    parts = {THOUSAND: of_bills(life, odoo_calls)}
    more: Json = {}
    if "warm" in known:
        counted = known["warm"]["standing"]
        standing = Standing(
            companies=COMPANIES,
            alarms=counted["alarms"],
            metrics=METRICS,
            dashboards=counted["dashboards"],
        )
        parts[IDLE] = of_idle_month(life, standing)
        larger = of_idle_month(life, replace(standing, companies=COMPANIES + 1))
        difference = [sum(at_list_price(usage).values()) for usage in (larger, parts[IDLE])]
        more["a_company_more"] = _rounded(difference[0] - difference[1])
    for name, usage in parts.items():
        dollars = at_list_price(usage)
        costs[name] = {
            "dollars": _rounded(sum(dollars.values())),
            "dollars_beyond_free": _rounded(sum(beyond_what_is_free(usage).values())),
            "target": TARGETS[name],
            "parts": {
                what: {"quantity": _rounded(usage[what]), "dollars": _rounded(cost)}
                for what, cost in dollars.items()
            },
        }
    return {"as_of": AS_OF, "of": costs, **more}


def _rounded(number: Any) -> float:  # noqa: ANN401 - sum of Decimals may be 0
    return round(float(number), 5)


def _progress() -> Callable[[str], None]:
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {what}", flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
