"""The benchmark's results as a table: each figure with its target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sandbox.benchmark.costs import COLD, PLATFORM_BYTES, VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SHOWN: Final = 4  # parts of a cost, the dearest

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; `at_most` or `at_least` is its target, if it has one."""

    section: str
    what: str
    value: float
    unit: str = ""
    digits: int = 0
    at_most: float | None = None
    at_least: float | None = None

    @property
    def text(self) -> str:
        """The figure with its unit."""
        return f"{self.value:,.{self.digits}f}{self.unit}"

    @property
    def target_text(self) -> str:
        """≤ or ≥ and the target; empty without one."""
        for sign, target in (("≤", self.at_most), ("≥", self.at_least)):
            if target is not None:
                return f"{sign} {target:,g}{self.unit}"
        return ""

    @property
    def is_missed(self) -> bool:
        """Whether the figure is beyond its target."""
        too_much = self.at_most is not None and self.value > self.at_most
        return too_much or (self.at_least is not None and self.value < self.at_least)


def rows_of(results: Json) -> Iterator[Row]:
    """Every figure that was measured."""
    yield from _functions(results["functions"])
    yield from _odoo(results.get("odoo", {"runs": []})["runs"])
    yield from _life(results["life"])
    if "mirror" in results:
        yield from _mirror(results["mirror"])
    if "webhook" in results:
        yield from _webhook(results["webhook"])
    if "api" in results:
        yield from _api(results["api"])
    if "figures" in results:
        yield from _figures(results["figures"])
    if "intake" in results:
        yield from _intake(results["intake"])
    yield from _warm(results.get("warm", {"seconds": {}})["seconds"])
    yield from _costs(results["costs"])


def lines_of(results: Json, rows: Sequence[Row]) -> Iterator[str]:
    """The table, with notes on its figures."""
    machine, yardstick = results["machine"], results["yardstick"]
    yield (
        f"On {machine['processors']} processors and {machine['memory_gigabytes']} GB, with Python"
        f" {machine['python']} (load {machine['others_at_work']}). A yardstick is boto3's first"
        f" client: {yardstick['cpu_seconds']:.2f} s of CPU and"
        f" {yardstick['memory_bytes'] / 1e6:.0f} MB."
    )
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            yield f"\n{section}"
        mark = "  MISSED" if row.is_missed else ""
        yield f"  {row.what:<67}{row.text:>12}  {row.target_text:<12}{mark}".rstrip()
    for name, cost in results["costs"]["of"].items():
        yield f"\nThe dearest of {name}: {_dearest(cost['parts'])}."
    yield (
        "\nLambda's time is assumed: a call to Slack, QuickBooks or Odoo takes"
        f" {VENDOR['slack']}, {VENDOR['quickbooks']} or {VENDOR['odoo']} s, a cold start"
        f" {COLD:g} s. How often Lambda asks an empty queue is taken from its documentation."
        " Everything else was counted."
    )


def _dearest(parts: Json) -> str:
    rows = list(parts.items())[:_SHOWN]
    return ", ".join(
        f"{what} ${part['dollars']:.4g} ({part['quantity']:,.0f})" for what, part in rows
    )


def _functions(functions: Json) -> Iterator[Row]:
    section = "A cold start: the package, and importing the handler in yardsticks (y)"
    row = partial(Row, section=section, digits=2)
    for name, measured in functions.items():
        target = measured["target"]
        for key, unit in (("zip_megabytes", " MB"), ("instructions", " y"), ("memory", " y")):
            if key in measured:
                what = f"{name}: {key.partition('_')[0]}"
                yield row(what=what, value=measured[key], unit=unit, at_most=target[key])


def _odoo(runs: Iterable[Json]) -> Iterator[Row]:
    for run in runs:
        section = f"{run['bills']:,} bills with a PDF of 200 kB out of an Odoo that takes 50 ms"
        row = partial(Row, section=section)
        naive, reading, stored = run["naive"], run["reading"], run["extraction"]
        scaled = f"scaled from {naive['measured_bills']}"
        yield row(what=f"one by one: calls, {scaled}", value=naive["calls"])
        yield row(what="calls", value=stored["calls"])
        yield row(what="fewer calls", value=run["fewer_calls"], unit=" x", digits=1, at_least=20)
        row = partial(row, digits=1)
        yield row(what=f"one by one: reading, {scaled}", value=naive["seconds"], unit=" s")
        yield row(what="reading", value=reading["seconds"], unit=" s")
        yield row(what="faster in reading", value=run["faster"], unit=" x", at_least=15)
        what = f"reading and storing, runs of five minutes: {stored['runs']}"
        yield row(what=what, value=stored["seconds"], unit=" s")
        what, peak = "most memory held while reading and storing", stored["peak_megabytes"]
        yield row(what=what, value=peak, unit=" MB", at_most=256)


def _life(life: Json) -> Iterator[Row]:
    bill, idle, quickbooks = life["bill"], life["idle_run"], life["quickbooks"]
    row = partial(Row, section="Calls to QuickBooks", digits=2)
    yield row(what="an ordinary bill with a PDF", value=quickbooks["calls_a_bill"], at_most=3)
    what = f"a document of the dataset's {quickbooks['documents']}, new vendors included"
    yield row(what=what, value=quickbooks["calls_a_document"], at_most=3)
    yield row(what="discovery", value=quickbooks["discovery_calls"], at_most=0)
    tokens = quickbooks["tokens_a_company"]
    yield row(what="tokens renewed, by company and hour", value=tokens, at_most=1)
    yield row(what="reads of a US company's lists", value=quickbooks["calls_a_sync"])
    row = partial(Row, section="DynamoDB, in an ordinary bill's life", digits=2)
    yield row(what="write requests", value=_of_bills(bill["writes"]), at_most=8)
    yield row(what="scans", value=bill["requests"].get("Scan", 0), at_most=0)
    yield row(what="write units, indexes included", value=bill["write_units"])
    yield row(what="read units", value=bill["read_units"])
    row = partial(Row, section="A run in which nothing has changed")
    for_bills = _of_bills(idle["writes"])
    yield row(what="writes to bills", value=for_bills, at_most=0)
    yield row(what="writes to its own notes", value=sum(idle["writes"].values()) - for_bills)
    yield row(what="calls to Odoo, signing in included", value=idle["odoo_calls"], at_most=2)
    logged = idle["logged_bytes"] + PLATFORM_BYTES
    yield row(what="bytes logged, Lambda's own included", value=logged, at_most=1000)


def _of_bills(writes: Json) -> float:
    """Writes to bills and to what is noted of each: its number, its vendor."""
    kinds = ("odoo", "reference", "vendor", "payee", "rate")
    return sum(float(writes.get(kind, 0)) for kind in kinds)


def _mirror(mirror: Json) -> Iterator[Row]:
    row = partial(Row, section="The mirror of Odoo")
    changed, idle, costs = mirror["changed"], mirror["idle"], mirror["costs"]
    for kind in ("contacts", "moves"):
        what = f"calls to Odoo for {changed:,} changed {kind}"
        yield row(what=what, value=mirror[kind]["calls"], at_most=12)
    what = "calls to Odoo for a kind in which nothing has changed"
    yield row(what=what, value=idle["calls_a_kind"], at_most=1)
    what = "records written by an idle run, and by a full one without changes"
    written = idle["records_written"] + mirror["unchanged_written"]
    yield row(what=what, value=written, at_most=0)
    far = mirror["far"]
    what = f"calls to DynamoDB for a page after skipping {far['skip']:,}"
    yield row(what=what, value=far["calls"], at_most=3)
    row = partial(row, unit=" $", digits=3)
    yield row(what="an idle month, a run a minute", value=costs["idle_month"])
    yield row(what="naive: 10,000 records read and written each minute", value=costs["naive_month"])
    yield row(what="1,000 changed records", value=costs["thousand_changed"])
    yield row(what="1,000 pages so far into a list", value=costs["thousand_pages_far"])
    yield row(what="naive: by a scan", value=costs["naive_thousand_pages_far"])


def _webhook(webhook: Json) -> Iterator[Row]:
    row = partial(Row, section="The webhook")
    changes, costs = webhook["changes"], webhook["costs"]
    what = f"requests to the endpoint for {changes:,} changes"
    yield row(what=what, value=webhook["posts"], at_most=changes)
    what = f"runs of both functions for {changes:,} changes at once"
    yield row(what=what, value=webhook["feed_runs"] + webhook["sender_runs"], at_most=200)
    yield row(what="requests to SQS for them", value=webhook["sqs_requests"], at_most=500)
    yield row(what="read units for them", value=webhook["dynamodb_reads"])
    dollars = partial(row, unit=" $", digits=4)
    yield dollars(what="1,000 changes at once", value=costs["thousand_changes"], at_most=0.004)
    yield dollars(what="1,000 one by one", value=costs["thousand_one_by_one"], at_most=0.004)
    if "drain" in webhook:
        drain = webhook["drain"]
        what = f"{drain['changes']:,} changes delivered, each answered after 50 ms"
        yield row(what=what, value=drain["seconds"], unit=" s", digits=1)
    if "latency" in webhook:
        spread = partial(row, unit=" s", digits=1)
        found = webhook["latency"]
        what = "from a change in Odoo to its request, a run of the mirror a minute"
        yield spread(what=f"{what}: median", value=found["p50_seconds"])
        yield spread(what=f"{what}: 99 of 100 within", value=found["p99_seconds"], at_most=90)


def _api(api: Json) -> Iterator[Row]:
    row = partial(Row, section="The API, its own work without DynamoDB's")
    yield row(what="clients of AWS made to answer a list", value=api["clients"], at_most=2)
    for what, one in api["requests"].items():
        yield row(what=f"requests to DynamoDB for {what}", value=one["requests"], at_most=3)
        yield row(what=f"{what}: median", value=one["p50_ms"], unit=" ms", digits=1)
        yield row(what=f"{what}: 99 of 100 within", value=one["p99_ms"], unit=" ms", digits=1)
        yield row(what=f"{what}: a thousand times", value=one["dollars"], unit=" $", digits=4)


def _figures(figures: Json) -> Iterator[Row]:
    row = partial(Row, section=f"Twelve figures of two periods, {figures['items']:,} journal items")
    for name, period in figures["periods"].items():
        yield row(what=f"calls to Odoo for a {name}", value=period["calls"], at_most=4)
        what = f"seconds for a {name}, each call {figures['latency_ms']} ms away"
        yield row(what=what, value=period["seconds"], unit=" s", digits=2, at_most=2)
        what = f"calls to Odoo for a {name} that is over and kept"
        yield row(what=what, value=period["kept_calls"], at_most=0)
    what = "times as many calls where each figure is computed alone"
    yield row(what=what, value=figures["ratio"], digits=1)


def _intake(intake: Json) -> Iterator[Row]:
    row = partial(Row, section="The intake, a stored invoice")
    yield row(what="state transitions", value=intake["transitions"], at_most=7)
    what = "requests to DynamoDB, announcing included"
    yield row(what=what, value=intake["dynamodb_requests"], digits=1, at_most=5)
    yield row(what="write units, the index included", value=intake["writes"], digits=1)
    cost = intake["costs"]["thousand_invoices"]
    yield row(what="1,000 invoices", value=cost, unit=" $", digits=3, at_most=0.18)


def _warm(seconds: Json) -> Iterator[Row]:
    section = "Warm, on the emulator on this machine (without targets)"
    row = partial(Row, section=section, unit=" s", digits=2)
    for what, took in seconds.items():
        for which, value in took.items():
            yield row(what=f"{what}: {which}", value=value)


def _costs(costs: Json) -> Iterator[Row]:
    row = partial(Row, section=f"AWS, us-west-2, list prices of {costs['as_of']}", unit=" $")
    for name, cost in costs["of"].items():
        target = cost["target"]
        is_met_free = target["beyond_free"]
        listed = None if is_met_free else target["dollars"]
        yield row(what=f"{name}, at list price", value=cost["dollars"], digits=3, at_most=listed)
        if is_met_free:
            what = f"{name}, beyond what AWS gives every month"
            free = cost["dollars_beyond_free"]
            yield row(what=what, value=free, digits=3, at_most=target["dollars"])
    if "a_company_more" in costs:
        yield row(what="and each company more", value=costs["a_company_more"], digits=3)
