"""The figures of two companies' books, as PostgreSQL computed them on a real Odoo's database."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.reporting.periods import wanted
from odoo_qb.reporting.reports import Reports
from odoo_qb.reporting.settings import parse_figure_settings
from tests.support.odoo_clients import a_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.reporting.periods import Wanted
    from sandbox.odoo.server import Odoo as Simulator

NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
_FILE: Final = Path(__file__).parents[2] / "sandbox/odoo/data/ledger-18/expected-kpis.json"
_EXPECTED: Final[Json] = json.loads(_FILE.read_text("utf-8"))
CHOICES: Final[Json] = _EXPECTED["choices"]
SETTINGS: Final = json.dumps(
    {
        "odoo": {
            "*": {
                "inventory": CHOICES["inventory_accounts"],
                "interest": CHOICES["interest_accounts"],
                "income_tax": CHOICES["income_tax_accounts"],
            }
        }
    }
)
# What the sums are called there and in our answers.
SUMS: Final = {
    "cogs": "cogs",
    "ebit": "ebit",
    "ebitda": "ebitda",
    "revenue": "revenue",
    "expenses": "expenses",
    "interest": "interest",
    "avg_assets": "averageAssets",
    "avg_equity": "averageEquity",
    "income_tax": "incomeTax",
    "net_income": "netIncome",
    "avg_payables": "averagePayables",
    "depreciation": "depreciation",
    "other_income": "otherIncome",
    "avg_inventory": "averageInventory",
    "avg_receivables": "averageReceivables",
    "avg_capital_employed": "averageCapitalEmployed",
}
BALANCES: Final = {
    "assets": "Assets",
    "equity": "Equity",
    "payables": "Payables",
    "inventory": "Inventory",
    "liabilities": "Liabilities",
    "receivables": "Receivables",
    "current_liabilities": "CurrentLiabilities",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Golden:
    """A company's period and the one before it."""

    company: int
    currency: str
    period: str
    current: Json
    previous: Json

    def __str__(self) -> str:
        return f"{self.company}-{self.period}"

    @property
    def wanted(self) -> Wanted:
        return wanted("", self.current["first"], self.current["last"])


def _golden() -> Iterator[Golden]:
    rows = {(r["company_id"], r["period"], r["kind"]): r for r in _EXPECTED["results"]}
    for company in _EXPECTED["companies"]:
        for period in ("month", "quarter", "fiscal_year"):
            yield Golden(
                company=company["id"],
                currency=company["currency"],
                period=period,
                current=rows[company["id"], period, "current"],
                previous=rows[company["id"], period, "previous"],
            )


GOLDEN: Final = tuple(_golden())


def reports(odoo: OdooClient, **given: Any) -> Reports:
    """What the API builds; `settings` and so on as Reports takes them."""
    settings = parse_figure_settings(given.pop("settings", SETTINGS))
    clock = given.pop("clock", lambda: NOW)
    return Reports(odoo, connection="odoo", settings=settings, clock=clock, **given)


@contextmanager
def some_reports(simulator: Simulator, way: str = "json-rpc", **given: Any) -> Iterator[Reports]:
    with a_client(simulator, way) as odoo:
        yield reports(odoo, **given)


def same(shown: Any, expected: str | None) -> bool:
    """Whether a decimal string says the same number, None that there is none."""
    if shown is None or expected is None:
        return shown is expected
    return Decimal(shown) == Decimal(expected)
