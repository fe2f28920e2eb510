"""How long a change takes from Odoo to the webhook's endpoint, with a mirror of every minute."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from sandbox import chain
from sandbox.companions.mirror_runs import MirrorRuns
from sandbox.vendors import EVERY_MINUTE, Vendors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sandbox.chain import Chain
    from sandbox.webhook.receiver import Receiver

CHANGES: Final = 24
_EVERY: Final = 5.0  # seconds, so that they fall anywhere between two runs of the mirror
_STUCK_SECONDS: Final = 300.0

Json = dict[str, Any]


def measure(project: Path, say: Callable[[str], None]) -> Json:
    """Seconds from a change in Odoo to its request, median and 99 of 100."""
    os.environ.setdefault("SANDBOX_RUN_DIR", str(project / ".run" / "bench"))

    def say_less(line: str) -> None:
        if not line.startswith("terraform: "):
            say(line)

    with chain.start(Vendors(mirror_rate=EVERY_MINUTE), say_less) as running:
        say("loading the mirror")
        MirrorRuns(invoke=partial(chain.invoke, running, "mirror"), say=say).until_complete()
        say(f"{CHANGES} changes, one every {_EVERY:.0f} seconds")
        ordered = sorted(_seconds(running))
        say("stopping")
    p50, p99 = (ordered[ceil(len(ordered) * part) - 1] for part in (0.5, 0.99))
    return {"changes": len(ordered), "p50_seconds": round(p50, 1), "p99_seconds": round(p99, 1)}


def _seconds(running: Chain) -> list[float]:
    if running.odoo is None or running.receiver is None:
        raise AssertionError  # without addresses, the simulators take part
    made: dict[str, datetime] = {}
    for number in range(CHANGES):
        bill = running.odoo.new_bill(reference=f"latency {number}")
        made[f"odoo/account.move/{bill}"] = datetime.now(UTC)
        time.sleep(_EVERY)
    until = time.monotonic() + _STUCK_SECONDS
    while len(found := _arrived(running.receiver, made)) < CHANGES:
        if time.monotonic() > until:
            raise RuntimeError(f"{len(found)} of {CHANGES} changes arrived")
        time.sleep(1.0)
    return list(found.values())


def _arrived(receiver: Receiver, made: Mapping[str, datetime]) -> dict[str, float]:
    """Seconds to the first request about each of these records."""
    found: dict[str, float] = {}
    for one in list(receiver.received):
        if one.accepted and one.record in made:
            found.setdefault(one.record, (one.at - made[one.record]).total_seconds())
    return found
