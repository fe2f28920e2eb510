"""Months, quarters and other periods that the sandbox's Odoo groups dates by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final

GRANULARITIES: Final = frozenset({"day", "week", "month", "quarter", "year"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """From the first day to the day before `last`, as texts that sort; and how it is called."""

    first: str
    last: str
    label: str


@cache
def period_of(value: date | datetime | str, granularity: str) -> Period:
    """The period that a date ("2026-04-30") or an instant lies in; one of an instant in UTC."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    day = value.date() if isinstance(value, datetime) else value
    match granularity:
        case "day":
            first, last, label = day, day + timedelta(days=1), f"{day:%d %b %Y}"
        case "week":
            first = day - timedelta(days=(day.weekday() + 1) % 7)  # en_US weeks begin on Sundays
            last = first + timedelta(days=7)
            label = f"W{last.isocalendar().week} {last.isocalendar().year}"
        case "month":
            first = day.replace(day=1)
            last, label = _later(first, 1), f"{day:%B %Y}"
        case "quarter":
            first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
            last, label = _later(first, 3), f"Q{(day.month + 2) // 3} {day.year}"
        case _:
            first = day.replace(month=1, day=1)
            last, label = _later(first, 12), f"{day.year}"
    tail = " 00:00:00" if isinstance(value, datetime) else ""
    return Period(first=f"{first}{tail}", last=f"{last}{tail}", label=label)


def _later(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return datetime(first.year + years, month + 1, 1, tzinfo=UTC).date()
