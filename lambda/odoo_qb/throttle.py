"""Space calls out, so that the other side does not refuse them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Throttle:
    """Waits until `gap_seconds` have passed since the `last` call.

    Another process may have called just before this one started, so it starts with a gap.
    """

    def __init__(self, gap_seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._gap = gap_seconds
        self._sleep = sleep
        self.last = time.monotonic()

    def wait(self) -> None:
        """Return when one more call is within the limit."""
        early = self.last + self._gap - time.monotonic()
        if early > 0:
            self._sleep(early)
        self.last = time.monotonic()
