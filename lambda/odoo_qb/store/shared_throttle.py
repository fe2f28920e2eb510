"""Space out the calls of several concurrent runs of a function."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import table_keys
from odoo_qb.errors import Conflict, Unavailable
from odoo_qb.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.store.table import Table

logger = Logger(child=True)

BLOCK: Final = 8  # calls reserved at once: one write to the table per block, not per call
UNNOTICED: Final = 3  # bursts this short need no reservation if no other run has one
_TRIES: Final = 4


class SharedThrottle:
    """A gap between calls that several runs keep together: each reserves blocks of time ahead.

    AWS runs a stream's reader once for each shard, and a new table has several. The end of the
    time reserved so far is in the table. `clock` returns aware instants, and is the same clock for
    all runs. `own` keeps the gap between this run's own calls.
    """

    def __init__(
        self,
        table: Table,
        gap_seconds: float,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        own: Throttle | None = None,
    ) -> None:
        self._table = table
        self._gap = gap_seconds
        self._clock = clock
        self._sleep = sleep
        self._own = own or Throttle(gap_seconds, sleep)
        # The reserved block: its next call and its end in seconds since 1970; how many are left.
        self._next = self._until = 0.0
        self._left = 0
        self._ahead = 0
        self._has_called = False

    def begin(self, calls: int) -> None:
        """Begin a run that may make this many calls."""
        self._ahead, self._has_called = calls, False

    def wait(self, most_seconds: float) -> None:
        """Return when one more call is within the limit; Unavailable if that would take too long.

        A run without time to wait for its first call makes it anyway: a run that did nothing
        would count as failed, and Slack itself answers that it must wait.
        """
        if self._gap > 0 and not self._has_block():
            self._take(most_seconds)
        if self._has_block():
            early = self._next - self._now()
            if early > 0:
                self._sleep(early)
            self._next = max(self._next, self._now()) + self._gap
            self._left -= 1
        self._own.wait()
        self._ahead -= 1
        self._has_called = True

    def _take(self, most_seconds: float) -> None:
        """Try to reserve a block; without one if it is not needed, or the table does not answer."""
        for _ in range(_TRIES):
            try:
                if self._took(most_seconds):
                    return
            except Conflict:
                continue  # another run reserved first
            except (BotoCoreError, ClientError):
                logger.exception("the pace is not shared just now")
                return

    def _took(self, most_seconds: float) -> bool:
        """Whether it is settled: a block was reserved, or none is needed or free in time."""
        taken = self._table.read_note(table_keys.SLACK_PACE).get("taken_until")
        now = self._now()
        start = max(now, float(taken or 0))
        if start == now and self._ahead <= UNNOTICED:
            return True
        if start - now > max(most_seconds, 0):
            if self._has_called:
                raise Unavailable("Other runs have reserved the next calls.")
            return True
        calls = max(1, min(BLOCK, self._ahead))
        until = start + self._gap * calls
        self._table.write_note(
            table_keys.SLACK_PACE,
            {"taken_until": Decimal(str(round(until, 3)))},
            condition="attribute_not_exists(taken_until)"
            if taken is None
            else "taken_until = :was",
            condition_values={} if taken is None else {"was": taken},
        )
        self._next, self._until, self._left = start, until, calls
        return True

    def _has_block(self) -> bool:
        return self._left > 0 and self._now() < self._until

    def _now(self) -> float:
        return self._clock().timestamp()
