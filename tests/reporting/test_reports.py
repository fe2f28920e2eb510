"""What a report asks of Odoo, and whose items are in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.reporting.answers import all_answer
from odoo_qb.reporting.companies import NO_COMPANY
from odoo_qb.reporting.periods import wanted
from tests.reporting.golden import GOLDEN, NOW, some_reports
from tests.support.odoo_clients import DOORS
from tests.support.odoo_sources import SOME_DOORS, ledger, user

if TYPE_CHECKING:
    from odoo_qb.reporting.answers import Report
    from odoo_qb.reporting.periods import Wanted
    from sandbox.odoo.server import Odoo as Simulator

HOWEVER: Final = pytest.mark.parametrize(("version", "way"), DOORS)
SOMEHOW: Final = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
AUGUST: Final = wanted("", "2026-08-01", "2026-08-31")
ODD: Final = wanted("", "2026-08-03", "2026-08-16")
YEAR: Final = wanted("year")
ITEMS: Final = ("read_group", "formatted_read_group")


def methods(simulator: Simulator) -> list[str]:
    """What was asked of the books, without signing in."""
    return [call for call in simulator.calls if call.startswith(("account.", "res."))]


def made(
    simulator: Simulator,
    period: Wanted = AUGUST,
    company: int | None = 1,
    way: str = "session",
    **given: Any,
) -> Report:
    with some_reports(simulator, way, **given) as reports:
        return reports.report(period, company)


# -- calls ---------------------------------------------------------------------------------


@HOWEVER
@pytest.mark.parametrize(
    ("period", "items", "others"),
    [
        (AUGUST, 2, ["account.account.search_read"]),
        (ODD, 3, ["account.account.search_read"]),
        (wanted("quarter"), 2, ["account.account.search_read"]),
        (YEAR, 2, ["account.account.search_read", "res.company.search_read"]),
    ],
    ids=["month", "days", "quarter", "year"],
)
def test_all_twelve_of_both_periods_take_four_calls_at_most(
    version: int, way: str, period: Wanted, items: int, others: list[str]
) -> None:
    simulator = ledger(version)
    made(simulator, period, 1, way)
    asked = methods(simulator)
    grouped = [call for call in asked if call.startswith("account.move.line.")]
    assert len(grouped) == items
    assert {call.rpartition(".")[2] for call in grouped} <= {*ITEMS}
    assert sorted({*asked} - {*grouped}) == others
    assert len(asked) <= 4


def test_a_year_that_begins_within_a_month_takes_five() -> None:
    simulator = ledger()
    simulator.records["res.company"][1] |= {"fiscalyear_last_month": "4", "fiscalyear_last_day": 5}
    report = made(simulator, YEAR)
    assert f"{report.current.period.first}" == "2025-04-06"
    assert len(methods(simulator)) == 5


@SOMEHOW
def test_days_add_up_to_the_month_that_they_make(version: int, way: str) -> None:
    """The one is grouped by calendar months, the others are asked for as days."""
    with some_reports(ledger(version), way) as reports:
        first = reports.report(wanted("", "2026-08-01", "2026-08-15"), 1).current.amounts
        second = reports.report(wanted("", "2026-08-16", "2026-08-31"), 1).current.amounts
        month = reports.report(AUGUST, 1).current.amounts
    for name in ("revenue", "cogs", "expenses", "netIncome", "interest"):
        assert first[name] + second[name] == month[name]
    assert first["revenue"] > 0 < second["revenue"]
    assert first["openingAssets"] == month["openingAssets"]
    assert first["closingAssets"] == second["openingAssets"]
    assert second["closingAssets"] == month["closingAssets"]


def _accounts(simulator: Simulator) -> list[tuple[int, dict[str, Any]]]:
    return [*simulator.records["account.account"].items()]


# -- whose ---------------------------------------------------------------------------------


@SOMEHOW
def test_without_a_company_it_is_the_connections_first(version: int, way: str) -> None:
    for named, expected in (((), 1), ((2, 1), 2), (("Tailspin Trgovina d.o.o.",), 2)):
        report = made(ledger(version), AUGUST, None, way, companies=named)
        assert report.company_id == expected
        assert report.currency == {1: "USD", 2: "EUR"}[expected]


def test_companies_are_those_of_the_connection() -> None:
    with some_reports(ledger()) as reports:
        assert [(c.id, c.name, c.currency) for c in reports.companies.all()] == [
            (1, "Northwind Supply Co", "USD"),
            (2, "Tailspin Trgovina d.o.o.", "EUR"),
        ]
    with some_reports(ledger(), companies=("Tailspin Trgovina d.o.o.",)) as reports:
        assert [company.id for company in reports.companies.all()] == [2]


@pytest.mark.parametrize("companies", [(1,), ("Northwind Supply Co",)])
def test_a_company_that_the_connection_leaves_out_is_refused(
    companies: tuple[int | str, ...],
) -> None:
    with pytest.raises(Refused, match="This connection has no company 2") as refused:
        made(ledger(), AUGUST, 2, companies=companies)
    assert refused.value.code == NO_COMPANY


@HOWEVER
def test_a_company_that_does_not_exist_is_refused(version: int, way: str) -> None:
    for period in (AUGUST, YEAR):
        with pytest.raises(Refused) as refused:
            made(ledger(version), period, 77, way)
        assert "has no" in str(refused.value)


@SOMEHOW
def test_a_user_without_the_right_is_named_the_group(version: int, way: str) -> None:
    simulator = ledger(version)
    simulator.admit(replace(user(simulator), reads_accounting=False))
    with pytest.raises(Refused) as refused:
        made(simulator, AUGUST, 1, way)
    assert "Show Accounting Features - Readonly" in str(refused.value)


# -- what counts ---------------------------------------------------------------------------


@HOWEVER
def test_drafts_and_cancelled_documents_do_not_count(version: int, way: str) -> None:
    simulator = ledger(version)
    before = made(simulator, AUGUST, 1, way).current
    customer = next(
        int(m["partner_id"])
        for m in simulator.records["account.move"].values()
        if m["move_type"] == "out_invoice" and m["company_id"] == 1
    )
    lines = (("Consulting", "5000.00"),)
    draft = simulator.new_invoice(customer, lines=lines, bill_date="2026-08-20", state="draft")
    assert made(simulator, AUGUST, 1, way).current == before
    simulator.post(draft)
    posted = made(simulator, AUGUST, 1, way).current.amounts
    assert posted["revenue"] == before.amounts["revenue"] + 5000
    simulator.cancel(draft)
    assert made(simulator, AUGUST, 1, way).current == before


@HOWEVER
def test_another_companys_items_are_not_in_it(version: int, way: str) -> None:
    simulator = ledger(version)
    before = made(simulator, AUGUST, 1, way).current
    accounts = {row["code"]: n for n, row in _accounts(simulator) if row["company_ids"] == [2]}
    rows = [(accounts["101401"], "700.00"), (accounts["400000"], "-700.00")]
    simulator.new_entry(rows, company=2, date="2026-08-20")
    assert made(simulator, AUGUST, 1, way).current == before
    assert made(simulator, AUGUST, 2, way).currency == "EUR"


@SOMEHOW
def test_other_expenses_of_odoo_19_are_in_the_net_income_only(version: int, way: str) -> None:
    simulator = ledger(version)
    before = made(simulator, AUGUST, 1, way).current.amounts
    other = simulator.new_account("695000", "Fines", "expense_other")
    bank = next(n for n, row in _accounts(simulator) if row["code"] == "101401")
    simulator.new_entry([(other, "250.00"), (bank, "-250.00")], date="2026-08-20")
    after = made(simulator, AUGUST, 1, way).current.amounts
    assert after["netIncome"] == before["netIncome"] - 250
    assert (after["ebit"], after["ebitda"]) == (before["ebit"], before["ebitda"])
    assert after["otherExpenses"] == 250


@HOWEVER
def test_an_account_that_was_closed_keeps_its_items(version: int, way: str) -> None:
    simulator = ledger(version)
    before = made(simulator, AUGUST, 1, way).current
    for number, row in _accounts(simulator):
        if row["code"] in ("400000", "500000", "121000"):
            simulator.close_account(number)
    assert made(simulator, AUGUST, 1, way).current == before


@SOMEHOW
def test_a_company_without_items_has_no_figures_and_a_reason_for_each(
    version: int, way: str
) -> None:
    simulator = ledger(version)
    report = made(simulator, wanted("", "2010-01-01", "2010-01-31"), 2, way)
    told = all_answer(report)
    assert told["currency"] == "EUR"
    assert [kpi["value"] for kpi in told["kpis"]] == [None] * 12
    assert all(kpi["reason"].endswith("must be above zero.") for kpi in told["kpis"])
    assert len(methods(simulator)) == 2


def test_what_is_not_named_is_said() -> None:
    told = all_answer(made(ledger(), settings=""))
    values = {kpi["code"]: kpi["value"] for kpi in told["kpis"]}
    assert [code for code, value in values.items() if value is None] == [
        *("dio", "ccc", "inventory_turnover"),
    ]
    assert [note.split(" are named")[0] for note in told["notes"]] == [
        "No interest accounts",
        "No income tax accounts",
    ]
    amounts = told["currentPeriod"]
    assert amounts["operatingExpenses"] == amounts["expenses"]


def test_a_company_of_which_odoo_says_no_year_has_calendar_years_and_says_so() -> None:
    simulator = ledger()
    simulator.records["res.company"][1] |= {"fiscalyear_last_month": False}
    told = all_answer(made(simulator, YEAR))
    assert told["currentPeriod"]["startDate"] == "2025-01-01"
    assert told["notes"] == [
        "Odoo does not say when the company's fiscal year ends: years are calendar years."
    ]


def test_settings_are_a_companys_own() -> None:
    settings = json.dumps({"odoo": {"1": {"inventory": ["110"]}, "*": {"inventory": []}}})
    first = made(ledger(), AUGUST, 1, settings=settings).current.amounts
    second = made(ledger(), AUGUST, 2, settings=settings).current.amounts
    assert first["averageInventory"] > 0
    assert second["averageInventory"] == 0


# -- trouble -------------------------------------------------------------------------------


def test_an_expired_session_is_renewed_within_a_report() -> None:
    simulator = ledger()
    with some_reports(simulator, "session") as reports:
        expected = reports.report(AUGUST, 1)
        simulator.fail("expired", method="account.account.search_read")
        assert reports.report(AUGUST, 1) == expected


@SOMEHOW
def test_an_account_that_a_rule_hides_makes_no_figure(version: int, way: str) -> None:
    simulator = ledger(version)
    bank = next(n for n, row in _accounts(simulator) if row["code"] == "101401")
    simulator.admit(replace(user(simulator), hidden=frozenset({("account.account", bank)})))
    with pytest.raises(Refused, match=f"on account {bank}, but not the account itself"):
        made(simulator, AUGUST, 1, way)


def test_an_odoo_that_is_down_gives_no_figures() -> None:
    simulator = ledger()
    simulator.fail("bad_gateway", times=100)
    with pytest.raises(Unavailable):
        made(simulator)


def test_golden_periods_are_whole_units() -> None:
    assert {golden.period for golden in GOLDEN} == {"month", "quarter", "fiscal_year"}
    assert NOW.date().isoformat() > max(golden.current["last"] for golden in GOLDEN)
