"""Which days figures are about, and which days they are compared with. No I/O."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

Unit = Literal["month", "quarter", "year"]
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)
DAYS: Final = "days"  # what a range is called that is no whole unit

_FIRST: Final = date(1950, 1, 1)
_LAST: Final = date(2199, 12, 31)
_ONE: Final = timedelta(days=1)
_MONTHS: Final[dict[Unit, int]] = {"month": 1, "quarter": 3, "year": 12}
_FEBRUARY: Final = 2
_FEBRUARYS_END: Final = (28, 29)


class PeriodError(ValueError):
    """A period that cannot be reported; the sentence says which dates to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Accounting dates from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many calendar days it has."""
        return (self.last - self.first).days + 1

    def before(self) -> Period:
        """As many days before it."""
        last = self.first - _ONE
        return Period(first=last - timedelta(days=self.days - 1), last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A period and the one before it, which ends the day before it begins."""

    unit: Unit | Literal["days"]
    current: Period
    previous: Period

    @property
    def granularity(self) -> str:
        """The coarsest of Odoo's calendar periods that divides both; "" if none does."""
        edges = [self.previous.first, self.current.first, self.current.last + _ONE]
        for unit in ("year", "quarter", "month"):
            if all(_begins(day, _MONTHS[unit]) for day in edges):
                return unit
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYearEnd:
    """The last day of a company's fiscal years, as Odoo keeps it: 30 June is (6, 30)."""

    month: int = 12
    day: int = 31

    def last_day(self, year: int) -> date:
        """The end of the fiscal year that ends in a calendar year.

        28 February is the month's end in leap years too, as Odoo has it.
        """
        longest = calendar.monthrange(year, self.month)[1]
        is_end = self.month == _FEBRUARY and self.day in _FEBRUARYS_END
        return date(year, self.month, longest if is_end else min(self.day, longest))

    def around(self, day: date) -> Period:
        """The fiscal year that a day lies in."""
        ends = day.year if day <= self.last_day(day.year) else day.year + 1
        return Period(first=self.last_day(ends - 1) + _ONE, last=self.last_day(ends))


CALENDAR_YEAR: Final = FiscalYearEnd()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The period a person asked for: a unit, the last one that is over, or the one with a day.

    With `first` and `last` it is that range, whatever it is.
    """

    unit: Unit | None
    first: date | None = None
    last: date | None = None
    day: date | None = None

    @property
    def may_be_a_year(self) -> bool:
        """Whether it takes the company's fiscal year to know what it is compared with."""
        if not self.first or not self.last:
            return self.unit == "year"
        return self.first == _a_year_before(self.last + _ONE)


def wanted(period: str = "", start: str = "", end: str = "") -> Wanted:
    """What `period`, `startDate` and `endDate` of a request ask for ("": not given).

    A unit with one of the two dates is the one that the date lies in; with none of them, the last
    that is over, since half a month beside a whole one tells nothing. PeriodError where they make
    no sense.
    """
    unit = next((name for name in UNITS if name == period), None)
    if period and not unit:
        raise PeriodError("period must be month, quarter or year.")
    first, last = _day("startDate", start), _day("endDate", end)
    if first and last:
        if first > last:
            raise PeriodError("startDate is after endDate. Exchange them.")
        return Wanted(unit=unit, first=first, last=last)
    if (first or last) and not unit:
        missing = "endDate" if first else "startDate"
        raise PeriodError(f"{missing} is missing. Add it, or a period: month, quarter or year.")
    return Wanted(unit=unit or "month", day=last or first)


def comparison(wanted: Wanted, today: date, year_end: FiscalYearEnd = CALENDAR_YEAR) -> Comparison:
    """The period and the one before it.

    A whole calendar month, calendar quarter or fiscal year is compared with the one before, any
    other range with as many days. PeriodError where a range is not the unit that was named.
    """
    if wanted.first and wanted.last:
        current = Period(first=wanted.first, last=wanted.last)
        unit = _unit_of(current, year_end)
        if wanted.unit and unit != wanted.unit:
            raise PeriodError(
                f"{current.first} to {current.last} is not a whole {_called(wanted.unit)}. Give"
                " other dates, or leave out period."
            )
    else:
        unit = wanted.unit or "month"
        current = _around(unit, wanted.day or today, year_end)
        if not wanted.day and current.last >= today:
            current = _around(unit, current.first - _ONE, year_end)
    previous = current.before() if unit is None else _around(unit, current.first - _ONE, year_end)
    return Comparison(unit=unit or DAYS, current=current, previous=previous)


def _unit_of(period: Period, year_end: FiscalYearEnd) -> Unit | None:
    return next((u for u in UNITS if _around(u, period.first, year_end) == period), None)


def _around(unit: Unit, day: date, year_end: FiscalYearEnd) -> Period:
    if unit == "year":
        return year_end.around(day)
    months = _MONTHS[unit]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    end = date(day.year, first.month + months - 1, 1)
    last = end.replace(day=calendar.monthrange(end.year, end.month)[1])
    return Period(first=first, last=last)


def _begins(day: date, months: int) -> bool:
    return day.day == 1 and (day.month - 1) % months == 0


def _a_year_before(day: date) -> date:
    if (day.month, day.day) == (_FEBRUARY, 29):
        return date(day.year - 1, _FEBRUARY, 28) + _ONE
    return day.replace(year=day.year - 1)


def _called(unit: Unit) -> str:
    return "fiscal year" if unit == "year" else f"calendar {unit}"


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodError(f"{name} must be a date such as 2026-08-31.") from None
    if not _FIRST <= day <= _LAST:
        raise PeriodError(f"{name} must lie between {_FIRST} and {_LAST}.")
    return day
