"""Groups and their sums: to the cent what PostgreSQL came to, and spelled as each version does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.odoo.aggregates import aggregated
from sandbox.odoo.domains import and_of
from sandbox.odoo.errors import OdooError
from sandbox.odoo.periods import period_of
from sandbox.odoo.server import Odoo

type Json = Any

DATA = Path(__file__).parents[2] / "sandbox" / "odoo" / "data" / "ledger-18"
# The last day of the current fiscal year, by company: expected-kpis.sql has the periods.
FISCAL_YEARS = {1: ("2025-07-01", "2026-06-30"), 2: ("2025-01-01", "2025-12-31")}


def ask(odoo: Odoo, model: str, method: str, *args: Json, **kwargs: Json) -> Json:
    return odoo.run(next(iter(odoo.users.values())), model, method, list(args), kwargs)


@pytest.fixture(scope="module")
def ledgers() -> dict[int, Odoo]:
    return {version: Odoo(version=version, dataset="ledger-18") for version in (16, 17, 18, 19)}


@pytest.mark.parametrize("company", [1, 2])
@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_sums_by_account_are_the_databases_to_the_cent(
    ledgers: dict[int, Odoo], version: int, company: int
) -> None:
    first, last = FISCAL_YEARS[company]
    expected = {
        row["code"]: Decimal(row["movement"])
        for row in json.loads((DATA / "expected-account-sums.json").read_text())
        if (row["company_id"], row["period"], row["kind"]) == (company, "fiscal_year", "current")
        and row["movement"] is not None
    }
    domain = [["parent_state", "=", "posted"], ["company_id", "=", company]]
    domain += [["date", ">=", first], ["date", "<=", last], ["account_id", "!=", False]]
    context = {"allowed_company_ids": [company]}
    if version == 19:
        rows = ask(
            ledgers[version],
            "account.move.line",
            "formatted_read_group",
            domain,
            ["account_id"],
            ["balance:sum"],
            context=context,
        )
        sums = {row["account_id"][1].split()[0]: row["balance:sum"] for row in rows}
    else:
        rows = ask(
            ledgers[version],
            "account.move.line",
            "read_group",
            domain,
            ["balance:sum"],
            ["account_id"],
            lazy=False,
            context=context,
        )
        sums = {row["account_id"][1].split()[0]: row["balance"] for row in rows}
    assert {code: Decimal(str(total)) for code, total in sums.items()} == expected


def test_amounts_in_several_currencies_are_summed_up_by_18_only_by_currency(
    ledgers: dict[int, Odoo],
) -> None:
    def total(version: int, *groupby: str) -> Json:
        rows = ask(
            ledgers[version],
            "account.move.line",
            "read_group",
            [["company_id", "=", 2]],
            ["amount_currency:sum"],
            list(groupby),
            lazy=False,
        )
        return rows[0]["amount_currency"]

    assert total(18, "company_id") is False
    assert isinstance(total(18, "company_id", "currency_id"), float)
    assert all(isinstance(total(version, "company_id"), float) for version in (16, 17, 19))


def test_only_19_formats_groups(ledgers: dict[int, Odoo]) -> None:
    for version in (16, 17, 18):
        with pytest.raises(OdooError) as refused:
            ask(ledgers[version], "account.move", "formatted_read_group", [])
        assert refused.value.name == "builtins.AttributeError"


def test_archived_contacts_are_in_no_group_unless_they_are_asked_for(
    ledgers: dict[int, Odoo],
) -> None:
    def counts(**kwargs: Json) -> Json:
        rows = ask(
            ledgers[18],
            "res.partner",
            "read_group",
            [],
            ["id:max"],
            ["active"],
            lazy=False,
            **kwargs,
        )
        return {row["active"]: row["__count"] for row in rows}

    assert counts() == {True: 40}
    assert counts(context={"active_test": False}) == {False: 7, True: 40}


def test_a_record_is_in_the_group_of_each_of_its_taxes(ledgers: dict[int, Odoo]) -> None:
    domain = [["tax_ids", "!=", False], ["parent_state", "=", "posted"]]
    lines = ask(ledgers[18], "account.move.line", "search_read", domain, ["tax_ids"])
    rows = ask(ledgers[18], "account.move.line", "read_group", domain, [], ["tax_ids"], lazy=False)
    assert sum(row["__count"] for row in rows) == sum(len(line["tax_ids"]) for line in lines)


@pytest.mark.parametrize(
    ("day", "granularity", "first", "last", "label"),
    [
        ("2026-11-28", "day", "2026-11-28", "2026-11-29", "28 Nov 2026"),
        ("2026-11-28", "week", "2026-11-22", "2026-11-29", "W48 2026"),
        ("2026-11-29", "week", "2026-11-29", "2026-12-06", "W49 2026"),
        ("2026-12-31", "month", "2026-12-01", "2027-01-01", "December 2026"),
        ("2026-12-31", "quarter", "2026-10-01", "2027-01-01", "Q4 2026"),
        ("2026-03-31", "quarter", "2026-01-01", "2026-04-01", "Q1 2026"),
        ("2026-02-28", "year", "2026-01-01", "2027-01-01", "2026"),
    ],
)
def test_a_period_ends_where_the_next_begins(
    day: str, granularity: str, first: str, last: str, label: str
) -> None:
    period = period_of(day, granularity)
    assert (period.first, period.last, period.label) == (first, last, label)


def test_a_period_of_instants_begins_at_midnight_utc() -> None:
    period = period_of(datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), "month")
    assert (period.first, period.last) == ("2026-02-01 00:00:00", "2026-03-01 00:00:00")


@pytest.mark.parametrize(
    ("function", "values", "result"),
    [
        ("sum", [0.1, 0.2], 0.3),
        ("sum", [1, 2], 3),
        ("sum", [], False),
        ("avg", [1.0, 2.0], 1.5),
        ("min", ["2026-01-02", False, "2026-01-01"], "2026-01-01"),
        ("max", [3, 5, 4], 5),
        ("count", [1, False, 1], 2),
        ("count_distinct", [1, False, 1], 1),
        ("count", [], 0),
        ("bool_and", [True, False], False),
        ("bool_or", [True, False], True),
        ("array_agg", [3, 1], [3, 1]),
    ],
)
def test_aggregates_leave_out_what_is_empty(function: str, values: Json, result: Json) -> None:
    assert aggregated(function, values) == result


A, B, C = ["a", "=", 1], ["b", "=", 2], ["c", "=", 3]


@pytest.mark.parametrize(
    ("version", "domain", "expected"),
    [
        (16, [A, B], ["&", C, "&", A, B]),
        (18, [A, B], ["&", "&", A, B, C]),
        (18, ["|", A, B], ["&", "|", A, B, C]),
        (19, ["&", A, "|", B, C], ["&", "&", A, "|", B, C, C]),
        (18, [], [C]),
        (19, ["!", A], ["&", "!", A, C]),
    ],
)
def test_a_groups_domain_finds_its_records_again(
    version: int, domain: Json, expected: Json
) -> None:
    assert and_of(version, domain, [[C]]) == expected


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_a_groups_domain_is_one_that_the_server_takes(
    ledgers: dict[int, Odoo], version: int
) -> None:
    odoo, model = ledgers[version], "account.move"
    domain = ["|", ["state", "=", "draft"], ["date", ">=", "2026-06-01"]]
    specs = ["partner_id", "date:month"]
    rows = ask(odoo, model, "read_group", domain, [], specs, lazy=False)
    assert len(rows) > 20
    for row in rows:
        assert ask(odoo, model, "search_count", row["__domain"]) == row["__count"]
