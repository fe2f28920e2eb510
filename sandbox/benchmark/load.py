"""Many bills at once through the whole chain, with vendors at their limits: is all kept, how long.

python -m sandbox load [--bills 2000] [--approvals 500]
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import MOVE_TYPES
from sandbox import chain, demo, run_report, traffic
from sandbox.approver import Approver, rule
from sandbox.benchmark.machine import machine
from sandbox.prerequisites import PROJECT, SetupError
from sandbox.recording import matching
from sandbox.vendors import Vendors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.chain import Chain
    from sandbox.recording import Exchange

RESULTS: Final = PROJECT / "bench" / "load.json"
# A minute of Slack's limits lasts three seconds, and the notifier keeps to that pace.
SLACK_SCALE: Final = 1 / 20
CLICKS_AT_ONCE: Final = 8
THROTTLED_COMPANIES: Final = 2
THROTTLED_CALLS: Final = (3, 20, 40)  # of each of them; its bills then wait a minute

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much: bills in one extraction, and how many of their cards are decided."""

    bills: int
    approvals: int


def run(load: Load, say: Callable[[str], None]) -> int:
    """Run it, print and keep the result; 0 if nothing was lost and nothing done twice."""
    with chain.start(Vendors(), say) as running:
        slack, quickbooks, odoo = running.slack, running.quickbooks, running.odoo
        if not (slack and quickbooks and odoo):
            raise SetupError("The load test needs the simulators.")
        moves = odoo.records["account.move"].values()
        have = sum(m["state"] == "posted" and m["move_type"] in MOVE_TYPES for m in moves)
        odoo.add_copies(max(0, load.bills - have))
        trouble = chain.read_quickbooks(running)
        slack.use_real_limits(SLACK_SCALE)
        for realm in sorted(running.realms.values())[:THROTTLED_COMPANIES]:
            for nth in THROTTLED_CALLS:
                quickbooks.inject("throttle", path=f"/company/{realm}/bill", nth=nth)
        say(f"reading {load.bills} bills in Odoo")
        started = time.monotonic()
        trouble += demo.extract(running, say)
        extracted = time.monotonic() - started
        approver = Approver(
            chain=running, wanted=rule(f"every:{max(1, load.bills // load.approvals)}"),
            at_once=CLICKS_AT_ONCE,
        )  # fmt: skip
        items, _ = demo.work(running, approver, say)
        seconds = time.monotonic() - started
        held = traffic.documents(running.recorders["quickbooks"].exchanges)
        dead = demo.dead_letters(running)
        trouble += [*approver.trouble, *run_report.unshown(items, running.recorders["slack"])]
        trouble += run_report.trouble(items, held, dead)
        result = {
            "machine": machine(),
            "bills": run_report.bills(items),
            "decided": dict(approver.decided),
            "slow_clicks": len(approver.slow),
            "duplicates": len(held) - len({d.entry_id for d in held}),
            "dlq": dead,
            "refused": {name: _refused(running, name) for name in ("slack", "quickbooks")},
            "seconds": {"extract": round(extracted, 1), "all": round(seconds, 1)},
            "per_minute": _rates(running, items, extracted),
            "waits": {what: _summary(waits) for what, waits in _waits(running, items).items()},
        }
        say("stopping")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(*_lines(result, trouble), sep="\n", flush=True)
    return 1 if trouble else 0


def _refused(running: Chain, vendor: str) -> int:
    exchanges = running.recorders[vendor].exchanges
    return sum(e["status"] == 429 for e in list(exchanges))  # noqa: PLR2004 - HTTP's number


def _rates(running: Chain, items: list[Json], extracted: float) -> Json:
    """How many of each kind were done a minute, from the first to the last of them."""
    posted = sorted(at for i in items for at in _at(i, "POSTED"))
    cards = sorted(at for at, _ in cards_of(running.recorders["slack"].exchanges).values())
    return {
        "bills read": round(60 * len(items) / extracted),
        **{
            what: round(60 * len(at) / max(1.0, (at[-1] - at[0]).total_seconds()))
            for what, at in (("cards shown", cards), ("bills posted", posted))
            if at
        },
    }


def _waits(running: Chain, items: list[Json]) -> dict[str, list[float]]:
    """Seconds a bill waited in each stage that is not a person's."""
    cards = cards_of(running.recorders["slack"].exchanges)
    waits: dict[str, list[float]] = {"new bill to card": [], "approved to posted": []}
    waits["posted to shown"] = []
    for item in items:
        at, shown = cards.get(item["entry_id"], (None, None))
        stored = datetime.fromisoformat(item["created_at"])
        if at:
            waits["new bill to card"].append((at - stored).total_seconds())
        approved, posted = _at(item, "APPROVED"), _at(item, "POSTED")
        if approved and posted:
            waits["approved to posted"].append((posted[-1] - approved[0]).total_seconds())
        if posted and shown:
            waits["posted to shown"].append((shown - posted[-1]).total_seconds())
    return waits


def cards_of(exchanges: Iterable[Exchange]) -> dict[str, tuple[datetime, datetime | None]]:
    """When each bill's card was posted and when it was last changed, by entry_id."""
    found: dict[str, tuple[datetime, datetime | None]] = {}
    bills: dict[str, str] = {}  # by their cards' ts
    for exchange in matching(exchanges, _is_of_a_message):
        ts, at = exchange["answer"]["ts"], datetime.fromisoformat(exchange["at"])
        ids = (exchange["body"].get("metadata") or {}).get("event_payload")
        if ids:
            bills[ts] = ids["entry_id"]
            found.setdefault(ids["entry_id"], (at, None))
        elif ts in bills:
            posted, _ = found[bills[ts]]
            found[bills[ts]] = (posted, at)
    return found


def _is_of_a_message(exchange: Exchange) -> bool:
    body, answer = exchange["body"], exchange["answer"]
    is_done = isinstance(answer, dict) and bool(answer.get("ok")) and "ts" in answer
    return is_done and isinstance(body, dict)


def _at(item: Json, status: str) -> list[datetime]:
    return [datetime.fromisoformat(e["at"]) for e in item["history"] if e["to"] == status]


def _summary(waits: list[float]) -> Json:
    if not waits:
        return {"bills": 0}
    middle, longest = statistics.median(waits), max(waits)
    return {"bills": len(waits), "median": round(middle, 1), "longest": round(longest, 1)}


def _lines(result: Json, trouble: Iterable[str]) -> Iterator[str]:
    on, seconds = result["machine"], result["seconds"]
    yield (
        f"On {on['processors']} processors and {on['memory_gigabytes']} GB, in"
        f" {seconds['all']:.0f} s: "
        + ", ".join(f"{n} {what}" for what, n in result["bills"].items() if n)
        + "."
    )
    yield f"  {seconds['extract']:.0f} s to read them; a minute: " + ", ".join(
        f"{rate} {what}" for what, rate in result["per_minute"].items()
    )
    for what, of in result["waits"].items():
        if of["bills"]:
            yield f"  {what:<20} median {of['median']:>6.1f} s, longest {of['longest']:>6.1f} s"
    refused = ", ".join(f"{vendor} {n}" for vendor, n in result["refused"].items())
    yield f"  refused for calling too often: {refused}; dead letters {result['dlq']}"
    yield f"  clicks answered later than Slack waits: {result['slow_clicks']}"
    problems = Counter(trouble)
    yield from (f"PROBLEM: {line}" for line in list(problems)[:20])
    if not problems:
        yield "Nothing was lost, nothing was done twice."
    yield f"Kept in {Path(RESULTS).relative_to(PROJECT)}."
