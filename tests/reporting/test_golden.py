"""Twelve figures of two companies equal SQL on the same database, by every way into every Odoo."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from odoo_qb.reporting.answers import all_answer
from odoo_qb.reporting.figures import FIGURES, compute
from tests.reporting.golden import BALANCES, GOLDEN, SUMS, Golden, same, some_reports
from tests.support.odoo_clients import DOORS
from tests.support.odoo_sources import SOME_DOORS, ledger

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from sandbox.odoo.server import Odoo as Simulator

HOWEVER: Final = pytest.mark.parametrize(("version", "way"), DOORS)
SOMEHOW: Final = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
EVERY: Final = pytest.mark.parametrize("golden", GOLDEN, ids=str)


@cache
def _books(version: int) -> Simulator:
    return ledger(version)  # they are only looked at


@cache
def _answer(version: int, way: str, golden: Golden) -> Json:
    with some_reports(_books(version), way) as reports:
        return all_answer(reports.report(golden.wanted, golden.company))


@HOWEVER
@EVERY
def test_every_figure_equals_the_database(version: int, way: str, golden: Golden) -> None:
    answer = _answer(version, way, golden)
    values = {kpi["code"]: kpi["value"] for kpi in answer["kpis"]}
    assert values == golden.current["kpis"]
    assert (answer["companyId"], answer["currency"]) == (golden.company, golden.currency)


@SOMEHOW
@EVERY
def test_the_period_before_is_the_databases_too(version: int, way: str, golden: Golden) -> None:
    answer = _answer(version, way, golden)
    before = answer["previousPeriod"]
    assert (before["startDate"], before["endDate"], before["days"]) == (
        golden.previous["first"],
        golden.previous["last"],
        golden.previous["days"],
    )
    values = {kpi["code"]: kpi["previousPeriod"]["value"] for kpi in answer["kpis"]}
    assert values == golden.previous["kpis"]


@SOMEHOW
@EVERY
def test_every_sum_equals_the_database(version: int, way: str, golden: Golden) -> None:
    answer = _answer(version, way, golden)
    for told, expected in (
        (answer["currentPeriod"], golden.current),
        (answer["previousPeriod"], golden.previous),
    ):
        for name, ours in SUMS.items():
            assert same(told[ours], expected["sums"][name]), name
        for name, ours in BALANCES.items():
            assert same(told[f"opening{ours}"], expected["opening"][name]), name
            assert same(told[f"closing{ours}"], expected["closing"][name]), name


@EVERY
def test_before_rounding_they_agree_to_ten_decimals(golden: Golden) -> None:
    with some_reports(_books(18), "session") as reports:
        report = reports.report(golden.wanted, golden.company)
    for figure in FIGURES:
        value = compute(figure, report.current, report.previous, report.settings)
        exact = None if value.exact is None else f"{value.exact:.10f}"
        assert same(exact, golden.current["kpis_exact"][figure.code]), figure.code
