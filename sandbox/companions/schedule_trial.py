"""Schedules made with the API, which fire every minute while other steps run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.schedule_items import STARTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.companions.api_client import ApiClient

Json = dict[str, Any]

EVERY_MINUTE: Final = "* * * * *"
_PATIENCE: Final = 120.0  # seconds after the first minute, on a busy machine
_PAUSE: Final = 1.0


@dataclass(slots=True, kw_only=True)
class ScheduleTrial:
    """Makes schedules, waits until each has run, and deletes them.

    `in_eventbridge` returns the names of the schedules that EventBridge has.
    """

    client: ApiClient
    in_eventbridge: Callable[[], list[str]]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    report: Json = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    _made: dict[str, float] = field(default_factory=dict)

    def start(self, name: str, task_path: str, **more: str) -> None:
        """Make a schedule for every minute."""
        body = {"task_name": name, "cron": EVERY_MINUTE, "task_path": task_path, **more}
        made = self.client.create(body)
        self._made[name] = self.clock()
        self.report[name] = {"task_path": task_path, "time_zone": made["time_zone"]}

    def finish(self) -> None:
        """Wait for the first run of each; then delete them."""
        waiting = set(self._made)
        until = max(self._made.values(), default=0.0) + _PATIENCE
        while waiting:
            rows = self.client.schedules()
            for name in sorted(waiting):
                row = rows.get(name, {})
                if row.get("last_result") not in {None, STARTED}:
                    waiting.remove(name)
                    self.report[name] |= {
                        "seconds": round(self.clock() - self._made[name], 1),
                        "last_run": row["last_run"],
                        "last_result": row["last_result"],
                    }
            if waiting and self.clock() > until:
                self.trouble += [f"The schedule {name} has not run." for name in sorted(waiting)]
                break
            if waiting:
                self.sleep(_PAUSE)
        for name in self._made:
            self._judge(name)
        self._delete()

    def _judge(self, name: str) -> None:
        """Succeeded, or left the work to the run that had begun it."""
        result = self.report[name].get("last_result", "")
        if result.startswith("Failed"):
            self.trouble.append(f"The schedule {name}: {result}")

    def _delete(self) -> None:
        for name in self._made:
            self.client.delete(name)
        listed, left = self.client.schedules(), set(self.in_eventbridge())
        for name in self._made:
            self.report[name]["deleted"] = name not in listed and name not in left
            if not self.report[name]["deleted"]:
                self.trouble.append(f"The schedule {name} is still there after it was deleted.")
