"""How long a finished bill is kept, and from which bill date approval is requested. No I/O.

The two belong together: a bill that the table has deleted must never be approved and posted again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def kept_since(now: datetime, retention: timedelta) -> date:
    """The earliest bill date that needs approval; the table may have deleted older bills."""
    return now.date() - retention


def forgotten_at(bill_date: date, ended_at: datetime, retention: timedelta) -> datetime | None:
    """When a finished bill may be deleted; None for never.

    Counted from its end, or from its bill date if that is later: a bill dated ahead is too old for
    approval only that long after its date.
    """
    try:
        day_is_over = datetime.combine(bill_date, time(), UTC) + timedelta(days=1)
        return max(ended_at, day_is_over) + retention
    except OverflowError:  # such as a bill date in the year 9999
        return None
