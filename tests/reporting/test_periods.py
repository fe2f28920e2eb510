"""Which days are reported, and which days they are compared with."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.reporting.periods import (
    CALENDAR_YEAR,
    Comparison,
    FiscalYearEnd,
    PeriodError,
    comparison,
    wanted,
)

TODAY = date(2026, 11, 28)
JUNE = FiscalYearEnd(month=6, day=30)
APRIL = FiscalYearEnd(month=4, day=5)
FEBRUARY = FiscalYearEnd(month=2, day=28)
DAYS = st.dates(date(1980, 1, 1), date(2150, 12, 31))


def compared(
    period: str = "", start: str = "", end: str = "", *, year_end: FiscalYearEnd = CALENDAR_YEAR
) -> Comparison:
    return comparison(wanted(period, start, end), TODAY, year_end)


def days(periods: Comparison) -> tuple[str, str, str, str]:
    current, previous = periods.current, periods.previous
    return (
        f"{current.first}",
        f"{current.last}",
        f"{previous.first}",
        f"{previous.last}",
    )


@pytest.mark.parametrize(
    ("start", "end", "unit", "previous"),
    [
        ("2026-08-01", "2026-08-31", "month", ("2026-07-01", "2026-07-31")),
        ("2026-03-01", "2026-03-31", "month", ("2026-02-01", "2026-02-28")),
        ("2024-02-01", "2024-02-29", "month", ("2024-01-01", "2024-01-31")),
        ("2026-01-01", "2026-01-31", "month", ("2025-12-01", "2025-12-31")),
        ("2026-01-01", "2026-03-31", "quarter", ("2025-10-01", "2025-12-31")),
        ("2024-01-01", "2024-12-31", "year", ("2023-01-01", "2023-12-31")),
        # Nothing whole: as many days before it.
        ("2026-08-01", "2026-08-30", "days", ("2026-07-02", "2026-07-31")),
        ("2026-02-01", "2026-04-30", "days", ("2025-11-04", "2026-01-31")),
        ("2026-08-15", "2026-08-15", "days", ("2026-08-14", "2026-08-14")),
        ("2026-01-01", "2026-06-30", "days", ("2025-07-04", "2025-12-31")),
    ],
)
def test_a_whole_unit_is_compared_with_the_one_before_and_a_range_with_as_many_days(
    start: str, end: str, unit: str, previous: tuple[str, str]
) -> None:
    periods = compared(start=start, end=end)
    assert days(periods) == (start, end, *previous)
    assert periods.unit == unit


@pytest.mark.parametrize(
    ("year_end", "start", "end", "previous"),
    [
        (JUNE, "2023-07-01", "2024-06-30", ("2022-07-01", "2023-06-30")),
        (APRIL, "2024-04-06", "2025-04-05", ("2023-04-06", "2024-04-05")),
        (FEBRUARY, "2023-03-01", "2024-02-29", ("2022-03-01", "2023-02-28")),
        (FiscalYearEnd(month=4, day=31), "2025-05-01", "2026-04-30", ("2024-05-01", "2025-04-30")),
    ],
)
def test_a_fiscal_year_is_the_companys(
    year_end: FiscalYearEnd, start: str, end: str, previous: tuple[str, str]
) -> None:
    asked = wanted("", start, end)
    assert asked.may_be_a_year
    assert days(comparison(asked, TODAY, year_end)) == (start, end, *previous)
    others = comparison(asked, TODAY, FiscalYearEnd(month=9, day=30))
    assert others.unit == "days"
    assert others.previous.days == others.current.days


@pytest.mark.parametrize(
    ("period", "year_end", "expected"),
    [
        ("", CALENDAR_YEAR, ("2026-10-01", "2026-10-31", "2026-09-01", "2026-09-30")),
        ("month", CALENDAR_YEAR, ("2026-10-01", "2026-10-31", "2026-09-01", "2026-09-30")),
        ("quarter", CALENDAR_YEAR, ("2026-07-01", "2026-09-30", "2026-04-01", "2026-06-30")),
        ("year", CALENDAR_YEAR, ("2025-01-01", "2025-12-31", "2024-01-01", "2024-12-31")),
        ("year", JUNE, ("2025-07-01", "2026-06-30", "2024-07-01", "2025-06-30")),
    ],
)
def test_a_unit_without_dates_is_the_last_that_is_over(
    period: str, year_end: FiscalYearEnd, expected: tuple[str, ...]
) -> None:
    assert days(compared(period, year_end=year_end)) == expected


def test_a_unit_ends_with_its_last_day() -> None:
    asked = wanted("month")
    assert comparison(asked, date(2026, 11, 30)).current.first == date(2026, 10, 1)
    assert comparison(asked, date(2026, 12, 1)).current.first == date(2026, 11, 1)


@pytest.mark.parametrize("dates", [("2026-05-17", ""), ("", "2026-05-17")])
def test_a_unit_with_one_date_is_the_one_that_holds_it(dates: tuple[str, str]) -> None:
    assert days(compared("quarter", *dates))[:2] == ("2026-04-01", "2026-06-30")
    assert days(compared("year", *dates, year_end=JUNE))[:2] == ("2025-07-01", "2026-06-30")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("week",), "period must be month, quarter or year."),
        (("", "2026-08-01"), "endDate is missing. Add it, or a period: month, quarter or year."),
        (("", "", "2026-08-01"), "startDate is missing. Add it, or a period: month, quarter or"),
        (("", "2026-08-02", "2026-08-01"), "startDate is after endDate. Exchange them."),
        (("", "1.8.2026", "2026-08-31"), "startDate must be a date such as 2026-08-31."),
        (("", "2026-02-30", "2026-08-31"), "startDate must be a date such as 2026-08-31."),
        (("", "0001-01-01", "2026-08-31"), "startDate must lie between 1950-01-01 and 2199-12-31."),
        (("month", "2026-08-01", "2026-08-30"), "is not a whole calendar month. Give other dates"),
        (("year", "2025-01-02", "2026-01-01"), "is not a whole fiscal year. Give other dates"),
    ],
)
def test_dates_that_make_no_sense_are_refused_with_what_to_give(
    given: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(PeriodError) as refused:
        compared(*given)
    assert sentence in str(refused.value)


@given(st.sampled_from(["month", "quarter", "year"]), DAYS, st.integers(1, 12), st.integers(1, 31))
def test_a_unit_named_by_its_own_dates_is_the_same(
    unit: str, day: date, month: int, last: int
) -> None:
    year_end = FiscalYearEnd(month=month, day=last)
    found = compared(unit, f"{day}", year_end=year_end)
    assert found.current.first <= day <= found.current.last
    first, end, *_ = days(found)
    again = compared("", first, end, year_end=year_end)
    assert again == found
    assert wanted("", first, end).may_be_a_year or unit != "year"


@given(DAYS, st.integers(0, 800))
def test_the_period_before_ends_the_day_before(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    periods = compared(start=f"{first}", end=f"{last}")
    assert periods.previous.last == first - timedelta(days=1)
    assert periods.unit != "days" or periods.previous.days == periods.current.days == more + 1


@pytest.mark.parametrize(
    ("start", "end", "granularity"),
    [
        ("2026-08-01", "2026-08-31", "month"),
        ("2026-04-01", "2026-06-30", "quarter"),
        ("2025-01-01", "2025-12-31", "year"),
        ("2026-08-01", "2026-08-30", ""),
        ("2026-08-03", "2026-09-02", ""),
    ],
)
def test_both_periods_are_made_of_calendar_units_or_not(
    start: str, end: str, granularity: str
) -> None:
    assert compared(start=start, end=end).granularity == granularity
    assert compared("year", "2026-01-01", year_end=JUNE).granularity == "quarter"
    assert compared("year", "2026-01-01", year_end=APRIL).granularity == ""
