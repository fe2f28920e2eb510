"""Faults for the QuickBooks simulator, and its rate limits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from datetime import datetime

type Kind = Literal[
    "reset",  # the connection breaks
    "timeout",  # silence for `seconds`, then the connection breaks
    "slow",  # the right answer, after `seconds`
    "late",  # the connection breaks, and `seconds` later by the clock a write is done after all
    "truncated",  # the right answer's first half
    "html",  # a proxy's page with `status` 502, 503 or 504
    "system_fault",  # 500, code 10000
    "unauthorized",  # the access tokens of the company end now
    "throttle",  # 429, its body in `body`, Retry-After in `retry_after`
    "fault",  # a Fault with `code` and `status` (200 is possible)
    "oauth_error",  # the token endpoint answers the word in `code` with `status`
    "revoke_family",  # another worker refreshed at the same time, and Intuit revoked both
    "rival",  # another user enters the same document or vendor a moment earlier
    "wrong_total",  # QuickBooks computes a total that is 0.01 higher
    "wrong_size",  # QuickBooks loses the last byte of a file
    "refused_file",  # the first file of an upload gets a Fault, inside the 200
]
KINDS: Final = frozenset(get_args(Kind.__value__))


@dataclass(slots=True, kw_only=True)
class Injection:
    """A fault for the `nth` to `nth + times - 1` next request that fits `method` and `path`.

    `committed` says whether reset, timeout, html, system_fault and unauthorized come after the
    work was done (the answer is lost) or instead of it. `path` is any part of the path.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    committed: bool = False
    status: int = 0
    code: str = ""
    detail: str = ""
    seconds: float = 0.0
    retry_after: int | None = None
    body: Literal["json", "xml"] = "json"
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is not one of {', '.join(sorted(KINDS))}")

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request gets the fault; each matching request is counted."""
        if self.method not in {"", method} or self.path not in path:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def spent(self) -> bool:
        """Whether it has struck for the last time."""
        return self.seen >= self.nth + self.times - 1


@dataclass(slots=True)
class Window:
    """A sliding window: `size` requests within any `seconds`, and no more to begin with."""

    size: int
    seconds: float
    taken: deque[datetime] = field(default_factory=deque)

    def take(self, now: datetime) -> bool:
        """Take one; False when there were as many as may be."""
        while self.taken and (now - self.taken[0]).total_seconds() >= self.seconds:
            self.taken.popleft()
        if len(self.taken) >= self.size:
            return False
        self.taken.append(now)
        return True
