"""How long a change waits before it is tried again, and when it is given up. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

WAITS: Final = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600)  # seconds, by failed tries
LONGEST: Final = WAITS[-1]  # also of what an endpoint asks for; SQS hides for twelve hours at most
GIVE_UP_AFTER: Final = timedelta(hours=22)
# An endpoint that always asks for a second would otherwise be called all day long.
_SOONEST: Final = 60
_JITTER: Final = 0.1


def seconds_to_wait(tries: int, asked: float | None, left: timedelta, at_random: float) -> int:
    """Seconds until the next try after so many failed ones.

    `asked` is what the endpoint's Retry-After said. The last try is made when the change is given
    up, so that none waits past that for nothing: `left` is the time until then. `at_random`, from
    0 to 1, spreads those that failed together over a tenth more.
    """
    planned = WAITS[min(tries, len(WAITS)) - 1]
    wait = planned if asked is None else max(min(asked, LONGEST), min(planned, _SOONEST))
    if left > timedelta():
        wait = min(wait, left.total_seconds())
    return ceil(wait * (1 + _JITTER * at_random))


def asked_seconds(retry_after: str | None, now: datetime) -> float | None:
    """A Retry-After header in seconds; None where there is none, or none that can be read.

    https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:9]), LONGEST))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), float(LONGEST))
