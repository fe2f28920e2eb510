"""What an endpoint can do wrong, and for which requests that is planned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from sandbox.http_server import Hold

type Failure = Literal[
    "slow", "error", "gone", "ratelimited", "redirect", "refused", "garbage", "close", "lost"
]
FAILURES: Final[tuple[Failure, ...]] = get_args(Failure.__value__)
# With which status an endpoint that fails so answers; None: with none.
STATUSES: Final[dict[Failure, int | None]] = {
    "slow": 200,
    "error": 500,
    "gone": 410,
    "ratelimited": 429,
    "redirect": 302,
    "refused": 422,
    "garbage": None,
    "close": None,
    "lost": None,
}
ACCEPTED: Final[tuple[Failure, ...]] = ("slow", "lost")  # although something goes wrong


@dataclass(slots=True, kw_only=True)
class Plan:
    """A failure for the next `times` requests that fit; None: until it is taken back.

    `record` is one record's name as `Received` has it, "" stands for all. `seconds` is how long a
    slow answer takes; `retry_after` is said with ratelimited and error, unless it is 0.
    """

    kind: Failure
    hold: Hold
    record: str = ""
    times: int | None = 1
    retry_after: int = 0

    def fits(self, record: str) -> bool:
        """Whether a request about this record fails so."""
        return self.record in {"", record}


@dataclass(slots=True, kw_only=True)
class Plans:
    """What is planned, in the order in which it was. Its caller holds a lock."""

    waiting: list[Plan] = field(default_factory=list)

    def take(self, record: str) -> Plan | None:
        """The first plan that fits a request, used up by one."""
        for plan in self.waiting:
            if plan.fits(record):
                if plan.times is not None:
                    plan.times -= 1
                    if plan.times <= 0:
                        self.waiting.remove(plan)
                return plan
        return None

    def take_back(self, record: str | None) -> None:
        """Forget what is planned for a record, or for any (None), and end what is slow."""
        for plan in self.waiting:
            if record is None or plan.record == record:
                plan.hold.let_go()
        self.waiting = [p for p in self.waiting if record is not None and p.record != record]
