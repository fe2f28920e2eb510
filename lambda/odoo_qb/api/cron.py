"""A Unix cron of five fields, in the six of EventBridge; what EventBridge can't say is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Collection

FIELDS: Final = "minute, hour, day of month, month, weekday"
_LONGEST: Final = 256  # characters: all sixty minutes in a list are 170
_SHOWN: Final = 40  # characters of what was given, in a sentence
_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEK: Final = 7
_PART: Final = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
_OF_QUARTZ: Final = re.compile(r".*#.*|l|lw|l-\d+|\w+l|\d+w", re.ASCII)  # not Unix: 2#1, L, 15W
_RUN: Final = 3  # so many values in a row are written as a range


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """A field: what a value of it is called, from where to where it goes, and its names."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def every(self) -> int:
        """How many values `*` stands for: Sunday is both 0 and 7."""
        return _WEEK if self.high == _WEEK else self.high - self.low + 1

    @property
    def last(self) -> int:
        """The last of these."""
        return self.low + self.every - 1


_MINUTE: Final = _Field(title="minute", low=0, high=59)
_HOUR: Final = _Field(title="hour", low=0, high=23)
_DAY: Final = _Field(title="day of month", low=1, high=31)
_MONTH: Final = _Field(
    title="month",
    low=1,
    high=12,
    names=("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAY: Final = _Field(
    title="weekday", low=0, high=_WEEK, names=("sun", "mon", "tue", "wed", "thu", "fri", "sat")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The minutes, hours, days and months that fit. Sunday is 0.

    `days` and `weekdays` are None where the field says `*`; at least one of the two is.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None

    @property
    def expression(self) -> str:
        """The same for EventBridge Scheduler, which counts weekdays from 1, Sunday.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        """
        weekdays = self.weekdays
        days = "?" if weekdays is not None else _text(self.days, _DAY)
        week = "?" if weekdays is None else _listed({day + 1 for day in weekdays})
        minutes, hours = _text(self.minutes, _MINUTE), _text(self.hours, _HOUR)
        return f"cron({minutes} {hours} {days} {_text(self.months, _MONTH)} {week} *)"


def parse_cron(text: str) -> Cron:
    """A cron as crontab(5) has it; Refused, with what to write instead, where it can't be kept."""
    fields = _fields(text)
    minutes, hours, days, months, weekdays = (
        _values(part, field)
        for part, field in zip(fields, (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY), strict=True)
    )
    any_day, any_weekday = (_is_any(fields[n]) for n in (2, 4))
    if not any_day and not any_weekday:
        raise Refused(
            "The cron restricts both the day of month and the weekday, which EventBridge can't"
            " combine. Write * for one of them, or make two schedules."
        )
    if not any(min(days) <= _DAYS_IN_MONTH[month - 1] for month in months):
        raise Refused(
            f"The cron would never run: none of its months has a day {min(days)}."
            " Choose another day or month."
        )
    return Cron(
        minutes=minutes,
        hours=hours,
        days=None if any_day else days,
        months=months,
        weekdays=None if any_weekday else frozenset(day % _WEEK for day in weekdays),
    )


def _fields(text: str) -> list[str]:
    fields = text.lower().split()
    if not fields:
        raise Refused(f"The cron is empty. Enter five fields: {FIELDS}; such as 0 * * * *.")
    if fields[0].startswith("@"):
        if same := _NICKNAMES.get(fields[0]):
            raise Refused(f"Write {fields[0]} in five fields: {same}.")
        raise Refused(f"{_shown(fields[0])} can't be scheduled. Enter five fields: {FIELDS}.")
    if len(text) > _LONGEST:
        raise Refused(f"The cron is longer than {_LONGEST} characters. Use ranges or steps.")
    if len(fields) > len(FIELDS.split(", ")):
        raise Refused(
            f"The cron has {len(fields)} fields. Enter five, without seconds or years: {FIELDS}."
        )
    if len(fields) < len(FIELDS.split(", ")):
        raise Refused(f"The cron has only {len(fields)} of five fields: {FIELDS}.")
    return fields


def _is_any(field: str) -> bool:
    return field in {"*", "*/1"}


def _values(text: str, field: _Field) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _part(part, field))


def _part(text: str, field: _Field) -> range:
    """The values of one part of a list: *, 5, 1-5, and with a step */2, 5/2 or 1-5/2."""
    if text == "?":
        raise Refused("The cron has a ?, which only EventBridge uses. Write * instead.")
    is_name = text in field.names
    if not is_name and _OF_QUARTZ.fullmatch(text):
        raise Refused(
            f"The {field.title} {_shown(text)} can't be scheduled: L, W and # are not Unix cron."
            " Use days such as 15 or 1-7, or weekdays such as mon-fri."
        )
    found = _PART.fullmatch(text)
    if not found:
        raise _not_understood(text, field)
    star, first, last, step = found.groups()
    low, high = (field.low, field.last) if star else _ends(text, first, last, field)
    if step and not last and not star:
        high = field.last  # 5/15 is from 5 on, as EventBridge and croniter have it
    if step and not 1 <= int(step) <= field.every:
        raise Refused(
            f"The step in {_shown(text)} doesn't fit the {field.title}. Steps go from 1 to"
            f" {field.every}."
        )
    return range(low, max(low, high) + 1, int(step or 1))


def _ends(text: str, first: str, last: str | None, field: _Field) -> tuple[int, int]:
    low = _value(first, field)
    high = low if last is None else _value(last, field)
    if last == "sun" and low:
        high = _WEEK  # sat-sun is the weekend, and sun-sun is one day
    if low > high:
        if low > field.last:  # from Sunday on, which the range writes as 7
            raise Refused(f"The range {_shown(text)} runs backwards. Write it as 0-{high}.")
        raise Refused(
            f"The range {_shown(text)} runs backwards. Write it as two: {low}-"
            f"{field.last},{field.low}-{high}."
        )
    return low, high


def _value(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    if not re.fullmatch("[0-9]+", text):
        raise _not_understood(text, field)
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(field.high)) or not field.low <= int(digits) <= field.high:
        raise Refused(
            f"The {field.title} {_shown(text)} is out of range. It goes from {field.low} to"
            f" {field.high}."
        )
    return int(digits)


def _not_understood(text: str, field: _Field) -> Refused:
    return Refused(
        f"The {field.title} {_shown(text) or 'after a comma'} isn't understood. Use numbers from"
        f" {field.low} to {field.high}, *, lists as 1,5, ranges as 1-5 or steps as */5."
    )


def _shown(text: str) -> str:
    return one_line(text, _SHOWN)


def _text(values: Collection[int] | None, field: _Field) -> str:
    return "*" if values is None or len(values) == field.every else _listed(values)


def _listed(values: Collection[int]) -> str:
    """A list with ranges: EventBridge takes at most 256 characters."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and runs[-1][-1] == value - 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    parts = (
        [f"{run[0]}-{run[-1]}"] if len(run) >= _RUN else [str(value) for value in run]
        for run in runs
    )
    return ",".join(part for some in parts for part in some)
