"""Two places for a schedule: its item, which is the truth, and EventBridge, which fires it.

Whoever makes or deletes a schedule writes the item first and then settles it. A crash in between
leaves an item or a schedule of EventBridge alone; `repair` finds those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.store.schedule_group import ScheduleGroup
    from odoo_qb.store.schedule_items import ScheduleItem, ScheduleItems

_TRIES: Final = 5
_CLOCKS: Final = timedelta(seconds=5)  # by which AWS's clock may be ahead of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The items and EventBridge's group, kept in agreement."""

    items: ScheduleItems
    group: ScheduleGroup
    clock: Callable[[], datetime]

    def settle(self, name: str) -> None:
        """Make EventBridge's schedule of this name what the item says.

        The item is read once more after each change: another process may have replaced it, and
        then changed EventBridge's before we did. Whoever changes that last looks last.
        """
        item = self.items.get(name)
        for _ in range(_TRIES):
            if item and item.stands:
                self.group.put(item)
                self.items.settle(item, self.clock())
            else:
                self.group.delete(name)
                if item:
                    self.items.remove(item)
            before, item = item, self.items.get(name)
            if _same(before, item):
                return
        raise Unavailable(f"Other requests are changing the schedule {name}. Try again.")

    def repair(self, *, thoroughly: bool = False) -> list[str]:
        """Settle what a crash left, and what was changed in EventBridge by hand.

        `thoroughly` compares every schedule, at one more request each; without it only those that
        EventBridge says were changed since. Returns a sentence for each that could not be repaired.
        Unavailable where EventBridge does not answer.
        """
        # In this order: an item is there before its schedule, and after it. What is in EventBridge
        # without an item is thus nothing that is just being made.
        changed_at = self.group.changed_at()
        items = {item.name: item for item in self.items.every()}
        doubtful = changed_at.keys() - items.keys()
        doubtful |= {
            name
            for name, item in items.items()
            if not self._agrees(item, changed_at, thoroughly=thoroughly)
        }
        trouble: list[str] = []
        for name in sorted(doubtful):
            try:
                self.settle(name)
            except Refused as refusal:
                trouble.append(f"The schedule {name} doesn't run. {refusal}")
                if item := items.get(name):
                    self.items.finish(name, item.schedule_id, f"Not scheduled. {refusal}")
        return trouble

    def _agrees(
        self, item: ScheduleItem, changed_at: Mapping[str, datetime], *, thoroughly: bool
    ) -> bool:
        if item.phase != "active" or item.name not in changed_at:
            return False
        changed = changed_at[item.name].astimezone(UTC) - _CLOCKS
        if thoroughly or stamp(changed) > item.settled_at:
            return self.group.has(item)
        return True


def _same(before: ScheduleItem | None, now: ScheduleItem | None) -> bool:
    """Whether what was done for the item of before is still right."""
    if before is None or not before.stands:
        return now is None
    return now is not None and now.stands and now.schedule_id == before.schedule_id
