"""What an answer of the API asks of DynamoDB, takes and costs.

Each request of the table is made once, and its answer used again: the time is the API's own.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.wiring.api import ApiWiring
from sandbox.benchmark.mirror import GIGABYTES, Units
from sandbox.benchmark.prices import PRICES
from sandbox.in_process.api import an_api
from sandbox.in_process.mirror import a_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.store.sorted_table import SortedTable
    from sandbox.in_process.api import ApiDesk
    from sandbox.in_process.mirror import MirrorDesk

TIMES: Final = 300
THOUSAND: Final = 1_000
WAIT: Final = Decimal("0.005")  # seconds that DynamoDB takes for a request
REQUESTS: Final = {
    "a list of 100 invoices": "/invoices?limit=100",
    "a list of 100 posted bills": "/invoices?move_type=in_invoice&state=posted&limit=100",
    "a list of 100 contacts": "/contacts?limit=100",
    "one invoice": "/invoices/{id}",
    "health": "/health",
}

Json = dict[str, Any]


def measure(say: Callable[[str], None]) -> Json:
    """Requests, milliseconds and dollars of each kind of answer."""
    with a_mirror(dataset="ledger-18", version=18) as desk, _environment() as set_variable:
        say("the API: lists of a hundred")
        desk.sync()
        with an_api(desk, set_variable, partial(_Watched, desk)) as api:
            first = api.get("/invoices?limit=1").json[0]["id"]
            return {
                "clients": len({*api.wired.made, "dynamodb"}),  # that one is the desk's here
                "requests": {
                    what: _measured(api, target.replace("{id}", str(first)))
                    for what, target in REQUESTS.items()
                },
            }


def _measured(api: ApiDesk, target: str) -> Json:
    units, before = Units(), api.wired.mirrored.calls
    api.desk.on_step = units.on_step
    answered = api.get(target)
    if not answered.text or answered.status != 200:  # noqa: PLR2004 - OK
        raise RuntimeError(f"{target} was answered with {answered.status}")
    requests = api.wired.mirrored.calls - before
    api.desk.on_step = _Again().on_step
    took = []
    for _ in range(TIMES + 1):
        started = time.process_time()
        api.get(target)
        took.append(1_000 * (time.process_time() - started))
    took = took[1:]
    own = Decimal(str(statistics.median(took))) / 1_000
    return {
        "requests": requests,
        "reads": units.reads,
        "bytes": len(answered.text),
        "p50_ms": round(statistics.median(took), 2),
        "p99_ms": round(statistics.quantiles(took, n=100)[-1], 2),
        "dollars": round(float(THOUSAND * _dollars(units.reads, own + requests * WAIT)), 5),
    }


def _dollars(reads: float, seconds: Decimal) -> Decimal:
    return (
        PRICES["HTTP API"].dollars
        + PRICES["Lambda runs"].dollars
        + seconds * GIGABYTES * PRICES["Lambda time"].dollars
        + Decimal(str(reads)) * PRICES["DynamoDB reads"].dollars
    )


class _Watched(ApiWiring):
    """The API's parts with the mirror's desk's table, whose requests can be counted."""

    def __init__(self, desk: MirrorDesk) -> None:
        super().__init__()
        self._desk = desk

    @cached_property
    def mirrored(self) -> SortedTable:
        return self._desk.table()


class _Again:
    """Answers a request of the table as it was answered before."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - a call's answer
        """Make a request, or give the answer that it had."""
        asked = f"{step} {work.keywords}"  # type: ignore[attr-defined]  # a partial
        if asked not in self._kept:
            self._kept[asked] = work()
        return self._kept[asked]


@contextmanager
def _environment() -> Iterator[Callable[[str, str], None]]:
    """What sets a variable until the end."""
    before = dict(os.environ)
    try:
        yield os.environ.__setitem__
    finally:
        os.environ.clear()
        os.environ.update(before)
