"""A run of the mirror dies at each of its steps, and the next runs end as if it had not.

Dying just after a step is dying before the next one, and a step that only reads, Odoo's calls
among them, leaves nothing to tell the two apart: dying before each step that writes, and in the
middle of a batch, are all the deaths there are. Steps are found by running: new code is covered.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.mirror.small_ledger import in_odoo, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.in_process.mirror import MirrorDesk

_READS: Final = ("odoo ", "dynamodb get", "dynamodb query", "dynamodb batch_get")
_LEASE: Final = 7 * 60.0  # seconds, after which a dead run's lease is over
BATCH: Final = "dynamodb batch_write_item"


class Killed(BaseException):
    """Lambda ends a function wherever it is."""


@dataclass(kw_only=True)
class Deaths:
    """What was tried, and what was wrong afterwards."""

    tried: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Death:
    """Comes before the writing step of this number, or in the middle of it."""

    client: Any
    number: int
    halfway: bool = False
    is_dead: bool = False
    steps: list[str] = field(default_factory=list)

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        if self.is_dead:  # who is dead gives back no lease
            raise Killed(step)
        if step.startswith(_READS):
            return work()
        if len(self.steps) == self.number:
            self.is_dead = True
            if self.halfway and step == BATCH and isinstance(work, partial):
                self._half(work)
            raise Killed(step)
        self.steps.append(step)
        return work()

    def _half(self, work: partial[Any]) -> None:
        """DynamoDB did a part of what it was asked for when the function died."""
        ((table, requests),) = work.keywords["RequestItems"].items()
        some = {table: requests[: (len(requests) + 1) // 2]}
        self.client.batch_write_item(RequestItems=some)


def die_everywhere(
    desk: MirrorDesk, change: Callable[[MirrorDesk], None], tasks: tuple[str, ...]
) -> Deaths:
    """Change Odoo, and let the runs of these tasks die at each step that writes."""
    change(desk)
    again, expected, deaths = desk.remember(), in_odoo(desk), Deaths()
    undisturbed = Death(client=desk.client, number=-1)
    desk.on_step = undisturbed.on_step
    _run(desk, tasks)
    for number, step in enumerate(undisturbed.steps):
        for halfway in (False, True) if step == BATCH else (False,):
            again()
            death = Death(client=desk.client, number=number, halfway=halfway)
            desk.on_step = death.on_step
            name = f"dead {'in' if halfway else 'before'} {step}"
            deaths.tried[name] += 1
            try:
                _run(desk, tasks)
            except Killed:
                trouble = _recovered(desk, tasks, expected)
            else:
                trouble = ["it did not come to this step"]
            deaths.trouble += [f"step {number}, {name}: {t}" for t in trouble]
    again()
    return deaths


def _recovered(desk: MirrorDesk, tasks: tuple[str, ...], expected: Any) -> list[str]:
    """What is wrong two runs later; the second is the quiet one, and often not needed."""
    desk.on_step = lambda _, work: work()
    desk.sleep(_LEASE)
    kinds = set[str]()
    for _ in range(2):
        kinds = set(_run(desk, tasks))
        trouble = wrong(desk, {kind: rows for kind, rows in expected.items() if kind in kinds})
        if not trouble:
            break
    return trouble


def _run(desk: MirrorDesk, tasks: tuple[str, ...]) -> list[str]:
    source = desk.source()
    return [kind for task in tasks for kind in desk.sync(task, source=source)]
