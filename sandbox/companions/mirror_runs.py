"""Runs of the mirror's function, started by hand until everything is mirrored."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.mirror.sync import BUSY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, Any]

_BUSY_SECONDS, _BUSY_TRIES = 2.0, 200  # longer than a run holds its lease
_STUCK: Final = 3  # runs without progress, after which more will not help


class MirrorError(RuntimeError):
    """The mirror's function answered with an error, in its own words."""


@dataclass(slots=True, kw_only=True)
class MirrorRuns:
    """Invokes the function. `invoke` takes an event and returns the function's answer."""

    invoke: Callable[[Json], Json]
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    dynamodb_calls: int = field(default=0, init=False)

    def once(self, *, full: bool = False) -> list[Json]:
        """One run of each connection and kind."""
        answer = self.invoke({"task": "sync_all", "full": full})
        if "runs" not in answer:
            said = answer.get("errorMessage") or answer.get("error") or answer
            raise MirrorError(f"The mirror's function failed: {said}")
        self.dynamodb_calls += answer["dynamodb_calls"]
        runs: list[Json] = answer["runs"]
        return runs

    def until_complete(self) -> list[Json]:
        """As many as it takes; returns the last run of each connection and kind.

        Gives up after an error, or when nothing more is mirrored.
        """
        busy, stuck, held = _BUSY_TRIES, _STUCK, -1
        while True:
            runs = self.once()
            waiting = [run for run in runs if not run["complete"] and not run.get("error")]
            if not waiting or not busy or not stuck:
                return runs
            if all(BUSY in run.get("notes", ()) for run in waiting):
                busy -= 1
                self.sleep(_BUSY_SECONDS)
                continue
            before, held = held, sum(run["held"] for run in waiting)
            stuck = stuck - 1 if held == before else _STUCK
            self.say(_progress(waiting))


def _progress(waiting: Iterable[Json]) -> str:
    return ", ".join(
        f"{run['connection']} {run['kind']} {run['held']} of {run['source']}" for run in waiting
    )
