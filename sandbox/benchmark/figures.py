"""What twelve figures of two periods ask of Odoo and take, beside each figure on its own.

On its own, a figure reads the chart, both periods and the balances for itself.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws

from odoo_qb.odoo.client import OdooClient
from odoo_qb.reporting.answers import all_answer, figure_answer
from odoo_qb.reporting.figures import FIGURES
from odoo_qb.reporting.periods import wanted
from odoo_qb.reporting.reports import Reports
from odoo_qb.reporting.settings import parse_figure_settings
from odoo_qb.store.kept_figures import KeptFigures
from odoo_qb.store.sorted_table import SortedTable
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.in_process.mirror import TABLE, make_mirror_table
from sandbox.odoo.server import Odoo

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.reporting.periods import Wanted

ITEMS: Final = 100_000
LATENCY: Final = 0.05  # seconds to Odoo and back
COMPANY: Final = 1
NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
PERIODS: Final[dict[str, Wanted]] = {
    "month": wanted("month", "2026-08-01"),
    "quarter": wanted("quarter", "2026-06-30"),
    "fiscal year": wanted("year", "2026-06-30"),
    "range of days": wanted("", "2026-08-03", "2026-08-16"),
}
SETTINGS: Final = {
    "odoo": {"*": {"inventory": ["110"], "interest": ["671"], "income_tax": ["691"]}}
}

Json = dict[str, Any]


def measure(say: Callable[[str], None], items: int = ITEMS) -> Json:
    """Calls and seconds of each period, all at once and one by one, and once it is kept."""
    say(f"the figures: {items:,} journal items")
    odoo = Odoo(version=18, dataset="ledger-18")
    _add_items(odoo, items)
    found: Json = {"items": items, "latency_ms": round(LATENCY * 1000), "periods": {}}
    with mock_aws(), serve(odoo) as server:
        aws: Any = boto3.client("dynamodb", region_name=REGION)
        make_mirror_table(aws)
        kept = KeptFigures(SortedTable(aws, TABLE), "odoo")
        client = OdooClient(
            url=server.url,
            database="odoo",
            username="ap-bot@example.com",
            auth="session",
            password="sandbox-odoo-password",  # noqa: S106 - the simulator's
        )
        for name, period in PERIODS.items():
            say(f"the figures: a {name}")
            found["periods"][name] = _period(odoo, client, kept, period)
    alone = sum(row["alone_calls"] for row in found["periods"].values())
    together = sum(row["calls"] for row in found["periods"].values())
    return found | {"ratio": round(alone / together, 1)}


def _period(odoo: Odoo, client: OdooClient, kept: KeptFigures, period: Wanted) -> Json:
    def reports(**given: Any) -> Reports:  # noqa: ANN401 - as Reports takes them
        settings = parse_figure_settings(json.dumps(SETTINGS))
        return Reports(client, connection="odoo", settings=settings, clock=lambda: NOW, **given)

    def calls(work: Callable[[], object]) -> int:
        before = Counter(odoo.calls)
        work()
        asked = Counter(odoo.calls) - before
        return sum(n for name, n in asked.items() if name.startswith(("account.", "res.")))

    def alone() -> None:
        for figure in FIGURES:
            figure_answer(reports().report(period, COMPANY), figure)

    reports().report(wanted("month", "2010-01-01"), COMPANY)  # signed in
    odoo.latency_seconds = LATENCY
    began = time.monotonic()
    all_answer(reports().report(period, COMPANY))
    seconds = time.monotonic() - began
    odoo.latency_seconds = 0
    together = calls(lambda: reports().report(period, COMPANY))
    reports(kept=kept).report(period, COMPANY)
    return {
        "calls": together,
        "alone_calls": calls(alone),
        "kept_calls": calls(lambda: reports(kept=kept).report(period, COMPANY)),
        "seconds": round(seconds, 2),
    }


def _add_items(odoo: Odoo, items: int) -> None:
    """Copies of the journal's items, until there are so many."""
    rows = odoo.records["account.move.line"]
    number = max(rows)
    for row in islice(cycle([*rows.values()]), max(0, items - len(rows))):
        number += 1
        rows[number] = row | {"id": number}
