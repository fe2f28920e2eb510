"""When a schedule is due: the at, rate and cron expressions of EventBridge Scheduler.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

# ruff: noqa: SLF001 - the fields of a cron expression are read as MiniStack's rules read them

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ministack.services import eventbridge as rules

_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_RATE: Final = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_RANGE: Final = re.compile(r"(\d+)-(\d+)")
_LOWEST_AND_HIGHEST: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))


class NotASchedule(ValueError):  # noqa: N818 - its sentence is AWS's
    """AWS would refuse this expression or time zone."""


@dataclass(frozen=True, slots=True)
class At:
    """Due once."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class Rate:
    """Due at the schedule's start and then regularly, 24 hours being a day."""

    every: timedelta


@dataclass(frozen=True, slots=True)
class Cron:
    """Due in the minutes that fit, on the clocks of a zone."""

    fields: tuple[Any, ...]  # as MiniStack's rules keep them
    zone: tzinfo

    def fits(self, minute: datetime) -> bool:
        """Whether a minute fits; in the hour that autumn repeats, the first time only.

        The hour that spring leaves out is on no clock, so nothing is due in it.
        """
        there = minute.astimezone(self.zone)
        minutes, hours, dates, months, weekdays, years, date_field, _ = self.fields
        return (
            there.fold == 0
            and there.minute in minutes
            and there.hour in hours
            and there.month in months
            and (years is None or there.year in years)
            and (
                rules._dow_matches(weekdays, there)
                if date_field == "?"
                else rules._dom_matches(dates, there)
            )
        )


def read(expression: str, zone_name: str = "UTC") -> At | Rate | Cron:
    """An expression in a zone, both as AWS spells them; NotASchedule."""
    zone = _zone(zone_name)
    if at := _AT.fullmatch(expression):
        try:
            return At(datetime.fromisoformat(at[1]).replace(tzinfo=zone).astimezone(UTC))
        except ValueError:
            pass  # no such day
    if rate := _RATE.fullmatch(expression):
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}))
    fields = rules._parse_cron_fields(expression)
    if fields and _is_sound(fields, expression):
        return Cron(fields, zone)
    raise NotASchedule(f"Invalid Schedule Expression {expression}.")


def due(
    times: At | Rate | Cron, begin: datetime, since: datetime, until: datetime
) -> datetime | None:
    """The latest instant from `since` on, and before `until`, at which a schedule is due.

    `begin` is the schedule's start date, or when it was made: a rate counts from there, and what
    was due once before it is due then.
    """
    if isinstance(times, At):
        return times.instant if since <= max(times.instant, begin) < until else None
    if isinstance(times, Rate):
        latest = begin + times.every * (-((begin - until) // times.every) - 1)
        return latest if latest >= max(begin, since) else None
    minute = (until - timedelta(microseconds=1)).replace(second=0, microsecond=0)
    while minute >= since:
        if times.fits(minute):
            return minute
        minute -= timedelta(minutes=1)
    return None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # known without the machine's list of zones
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise NotASchedule(f"Invalid Schedule Expression Timezone {name}.") from None


def _is_sound(fields: tuple[Any, ...], expression: str) -> bool:
    """Whether each field has only values that there are, and one day field says "?"."""
    minutes, hours, dates, months, weekdays, years, date_field, weekday_field = fields
    any_year = years if years is not None else {1970}
    found = (minutes, hours, _days(dates), months, _days(weekdays), any_year)
    return (
        expression.count("?") == 1
        and "?" in {date_field, weekday_field}
        and all(int(first) <= int(last) for first, last in _RANGE.findall(expression))
        and all(
            values and low <= min(values) and max(values) <= high
            for values, (low, high) in zip(found, _LOWEST_AND_HIGHEST, strict=True)
        )
    )


def _days(field: dict[str, Any]) -> set[int]:
    """The numbers in a day field; any will do if it only says L, W or #."""
    days: set[int] = field["days"] or ({1} if any(field.values()) else set())
    return days
