"""When a cron runs next on the clocks of a time zone, as EventBridge Scheduler has it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from dateutil import tz  # type: ignore[import-untyped]  # comes with boto3, and brings the zones
from dateutil.zoneinfo import get_zonefile_instance  # type: ignore[import-untyped]  # as above

from odoo_qb.errors import Refused
from odoo_qb.sentences import one_line

if TYPE_CHECKING:
    from odoo_qb.api.cron import Cron

_LAST_MINUTE: Final = 59
_SHOWN: Final = 40  # characters of what was given, in a sentence


def zone_of(name: str) -> tzinfo:
    """A time zone by its name in IANA's list; Refused with the nearest name.

    AWS's runtime has no list of zones for `zoneinfo`: dateutil, a part of boto3, brings one.
    https://github.com/aws/aws-lambda-dotnet/issues/1620
    """
    if name == "UTC":
        return UTC
    if name not in _names():
        raise Refused(f"There is no time zone {one_line(name, _SHOWN)!r}. {_advice(name)}")
    return cast("tzinfo", tz.gettz(name))


def next_run(cron: Cron, zone: tzinfo, after: datetime) -> datetime:
    """The first minute after an instant at which a cron runs; both in UTC.

    What falls into the hour that spring leaves out is skipped; in the hour that autumn repeats it
    runs the first time only.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    day = after.astimezone(zone).date()
    minutes, hours = sorted(cron.minutes), sorted(cron.hours)
    while True:  # what never comes was refused
        is_due = (
            day.month in cron.months
            and (cron.days is None or day.day in cron.days)
            and (cron.weekdays is None or day.isoweekday() % 7 in cron.weekdays)
        )
        for hour in hours if is_due else ():
            if datetime.combine(day, time(hour, _LAST_MINUTE), zone).astimezone(UTC) <= after:
                continue
            for minute in minutes:
                there = datetime.combine(day, time(hour, minute), zone)
                if tz.datetime_exists(there) and (found := there.astimezone(UTC)) > after:
                    return found
        day += timedelta(days=1)


@cache
def _names() -> frozenset[str]:
    return frozenset(get_zonefile_instance().zones)


def _advice(name: str) -> str:
    """The names that come near, if any: a city's, or of almost the same spelling."""
    wanted = name.lower().replace(" ", "_")
    by_lower = {known.lower(): known for known in _names()}
    near = [known for lower, known in by_lower.items() if wanted == lower.rpartition("/")[2]]
    if not near and not re.search("[0-9]", wanted):  # UTC isn't what UTC+2 means
        near = [by_lower[one] for one in get_close_matches(wanted, by_lower, n=1, cutoff=0.75)]
    return f"Did you mean {near[0]}?" if near else "Use a name such as Europe/Paris or UTC."
