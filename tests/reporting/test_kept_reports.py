"""A period that is over is computed once, until one of its items changes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from moto import mock_aws

from odoo_qb.errors import Unavailable
from odoo_qb.reporting.periods import wanted
from odoo_qb.store.kept_figures import KeptFigures
from odoo_qb.store.sorted_table import SortedTable
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.in_process.mirror import TABLE, make_mirror_table
from tests.reporting.golden import NOW, reports
from tests.support.odoo_clients import client
from tests.support.odoo_sources import SOME_DOORS, ledger, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.reporting.answers import Report
    from odoo_qb.reporting.periods import Wanted
    from sandbox.odoo.server import Odoo as Simulator

SOMEHOW: Final = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
AUGUST: Final = wanted("", "2026-08-01", "2026-08-31")
YEAR: Final = wanted("year")
NOVEMBER: Final = wanted("", "2026-11-01", "2026-11-30")


@dataclass
class Desk:
    """Reports with a table, each made by a function that starts cold, at the time of the test."""

    simulator: Simulator
    url: str
    way: str
    aws: Any
    now: datetime = field(default=NOW)

    def report(self, period: Wanted = AUGUST, company: int | None = 1, **given: Any) -> Report:
        odoo = client(self.url, self.way)
        kept = KeptFigures(SortedTable(self.aws, TABLE), "odoo")
        try:
            return reports(odoo, clock=lambda: self.now, kept=kept, **given).report(period, company)
        finally:
            odoo._session.close()

    def calls(self, period: Wanted = AUGUST, company: int | None = 1, **given: Any) -> int:
        """How many calls about the books a report takes."""
        before = len(self._asked())
        self.report(period, company, **given)
        return len(self._asked()) - before

    def _asked(self) -> list[str]:
        return [call for call in self.simulator.calls if call.startswith(("account.", "res."))]

    def sleep(self, **time: float) -> None:
        self.now += timedelta(**time)

    def post(self, amount: str, date: str) -> int:
        rows = self.simulator.records["account.account"]
        codes = {row["code"]: n for n, row in rows.items() if 1 in row["company_ids"]}
        entry = [(codes["101401"], amount), (codes["400000"], f"-{amount}")]
        return self.simulator.new_entry(entry, date=date, at=self.now)


@contextmanager
def a_desk(version: int = 18, way: str = "session") -> Iterator[Desk]:
    now = [NOW]
    simulator = ledger(version, clock=lambda: now[0])
    with mock_aws(), serve(simulator) as server:
        aws: Any = boto3.client("dynamodb", region_name=REGION)
        make_mirror_table(aws)
        yield Desk(simulator, server.url, way, aws)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


@SOMEHOW
def test_a_closed_period_is_answered_without_odoo(version: int, way: str) -> None:
    with a_desk(version, way) as desk:
        first = desk.report()
        desk.sleep(seconds=30)
        assert desk.calls() == 0
        assert desk.report() == first
        assert desk.report(YEAR, None).current.period.days == 365
        assert desk.calls(YEAR, None) == 0


@SOMEHOW
def test_after_a_minute_one_call_tells_that_nothing_changed(version: int, way: str) -> None:
    with a_desk(version, way) as desk:
        first = desk.report()
        desk.sleep(minutes=5)
        assert desk.calls() == 1
        assert desk.report() == first
        assert desk.calls() == 0


@SOMEHOW
def test_an_item_that_changed_is_in_the_next_figures(version: int, way: str) -> None:
    with a_desk(version, way) as desk:
        first = desk.report().current.amounts
        desk.sleep(minutes=5)
        entry = desk.post("1000.00", "2026-08-20")
        second = desk.report().current.amounts
        assert second["revenue"] == first["revenue"] + 1000
        desk.sleep(minutes=5)
        for line in desk.simulator.records["account.move"][entry]["line_ids"]:
            row = desk.simulator.records["account.move.line"][line]
            row |= {"balance": row["balance"] * 2, "write_date": desk.now}
        assert desk.report().current.amounts["revenue"] == first["revenue"] + 2000
        desk.sleep(minutes=5)
        desk.simulator.reset_to_draft(entry, at=desk.now)
        assert desk.report().current.amounts == first


def test_an_item_of_any_earlier_day_changes_the_balances(desk: Desk) -> None:
    first = desk.report().current.amounts
    desk.sleep(minutes=5)
    desk.post("70.00", "2025-02-03")
    second = desk.report().current.amounts
    assert second["openingAssets"] == first["openingAssets"] + 70
    assert second["revenue"] == first["revenue"]


def test_an_item_of_a_later_day_changes_nothing(desk: Desk) -> None:
    first = desk.report()
    desk.sleep(minutes=5)
    desk.post("70.00", "2026-09-01")
    assert desk.calls() == 1
    assert desk.report() == first


def test_only_what_has_been_still_for_a_minute_is_kept(desk: Desk) -> None:
    """Odoo's times have no fractions: a second write within one is not told from the first."""
    desk.post("70.00", "2026-08-20")
    for line in desk.simulator.records["account.move.line"].values():
        line["write_date"] = max(line["write_date"], desk.now)
    desk.report()
    assert desk.calls() == 3


def test_a_period_that_is_not_over_is_never_kept(desk: Desk) -> None:
    desk.report(NOVEMBER)
    assert desk.calls(NOVEMBER) == 3


def test_other_settings_and_companies_have_sums_of_their_own(desk: Desk) -> None:
    desk.report()
    assert desk.calls(settings="") == 3
    assert desk.calls(company=2) == 3
    assert desk.report().current.amounts["averageInventory"]


def test_kept_sums_are_made_anew_each_day(desk: Desk) -> None:
    """An account that gets another type changes none of its items."""
    first = desk.report().current.amounts
    sales = next(
        n for n, a in desk.simulator.records["account.account"].items() if a["code"] == "400000"
    )
    desk.simulator.amend_account(sales, account_type="income_other")
    desk.sleep(hours=23)
    assert desk.report().current.amounts == first
    desk.sleep(hours=2)
    assert desk.report().current.amounts["revenue"] < first["revenue"]


def test_while_odoo_is_down_a_closed_period_is_answered_and_says_so(desk: Desk) -> None:
    first = desk.report()
    desk.sleep(hours=1)
    desk.simulator.fail("bad_gateway", times=100)
    told = desk.report()
    assert told.current == first.current
    assert told.calculated_at == first.calculated_at
    assert told.notes == (
        "Odoo cannot be reached: these figures were last compared with it at 2026-11-28 12:00 UTC.",
    )
    with pytest.raises(Unavailable):
        desk.report(company=2)


def test_a_company_that_was_added_is_found(desk: Desk) -> None:
    desk.report(AUGUST, None)
    companies = desk.simulator.records["res.company"]
    companies[3] = companies[2] | {"id": 3, "name": "Another"}
    desk.simulator.admit(replace(user(desk.simulator), companies=(1, 2, 3)))
    desk.sleep(minutes=2)
    assert desk.report(YEAR, 3).currency == "EUR"


def test_companies_are_read_again_after_an_hour(desk: Desk) -> None:
    assert desk.report(AUGUST, None).company_id == 1
    desk.simulator.records["res.company"][1]["fiscalyear_last_month"] = "9"
    assert f"{desk.report(YEAR).current.period.last}" == "2026-06-30"
    desk.sleep(minutes=61)
    assert f"{desk.report(YEAR).current.period.last}" == "2026-09-30"
