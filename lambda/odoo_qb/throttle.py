"""Keep calls to somebody apart, so that they need not refuse us."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Throttle:
    """Waits no longer than it must: `gap_seconds` from the last call, which is in `last`.

    Another process may have called a moment before this one began, so it begins with a gap.
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
