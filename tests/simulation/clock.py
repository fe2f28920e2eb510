"""The clock of a simulation in one process: it moves only when something waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from moto.sqs import models as sqs

if TYPE_CHECKING:
    import pytest

START: Final = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Clock:
    """The time for everything; it moves only when something waits."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def until(self, instant: datetime) -> None:
        self.now = max(self.now, instant)

    def seconds(self) -> float:
        return self.now.timestamp()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the clock of AWS's queue."""
        monkeypatch.setattr(sqs, "unix_time", self.seconds)
        monkeypatch.setattr(sqs, "unix_time_millis", lambda: self.seconds() * 1000)
