"""How long a bill that ended is kept, and from which bill date on anybody is asked. No I/O.

The two belong together: a bill the table has forgotten must never be approved and posted again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def kept_since(now: datetime, retention: timedelta) -> date:
    """The earliest bill date of which anybody is asked: the table may have forgotten older ones."""
    return now.date() - retention


def forgotten_at(bill_date: date, ended_at: datetime, retention: timedelta) -> datetime | None:
    """When a bill that ended may be forgotten; None for never.

    Its end counts, or its date where that is later: a bill dated ahead is too old to be asked
    about only so long after that day is over.
    """
    try:
        day_is_over = datetime.combine(bill_date, time(), UTC) + timedelta(days=1)
        return max(ended_at, day_is_over) + retention
    except OverflowError:  # somebody typed 9999
        return None
