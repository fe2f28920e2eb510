"""The bills' table as a function meets it while others use it, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from odoo_qb.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World


@dataclass(kw_only=True)
class Race:
    """What others do, or AWS, while a function uses the table.

    `after_reading` a bill and `before_showing` its card somebody else acts, at most `times` times.
    `outdated` are bills as they were read just before they changed. `index` is what the lagging
    index of the statuses lists. With `loses_answers` AWS stores a change, loses its answer, and
    refuses the SDK's repeat.
    """

    after_reading: Callable[[], object] | None = None
    before_showing: Callable[[], object] | None = None
    times: int = 1
    outdated: Sequence[Item] = ()
    index: Mapping[str, Sequence[str]] | None = None
    loses_answers: bool = False
    read: list[str] = field(default_factory=list)  # the ids of all bills read in batches

    def act(self, action: Callable[[], object] | None) -> None:
        """Do it, if it is due once more."""
        if action and self.times:
            self.times -= 1
            action()


def racing(world: World, race: Race) -> RacingTable:
    """The world's table, for a function that meets others there."""
    return RacingTable(world.clients["dynamodb"], race)


class RacingTable(Table):
    """The table of a test's world, with a race in it."""

    def __init__(self, client: Any, race: Race) -> None:
        super().__init__(client, "bills", retention=timedelta(days=2555))
        self._race = race

    def get(self, entry_id: str) -> Item | None:
        item = super().get(entry_id)
        if entry_id.startswith("odoo-"):
            self._race.act(self._race.after_reading)
        return item

    def get_many(self, entry_ids: Iterable[str]) -> dict[str, Item]:
        ids = list(entry_ids)
        self._race.read += ids
        outdated = {item["entry_id"]: item for item in self._race.outdated}
        return {i: outdated.get(i, item) for i, item in super().get_many(ids).items()}

    def in_status(self, status: Status, **within: Any) -> Iterator[str]:
        if self._race.index is None:
            yield from super().in_status(status, **within)
        else:
            yield from self._race.index.get(status, ())

    def change(self, item: Item, **given: Any) -> Item:
        changed = super().change(item, **given)
        return super().change(item, **given) if self._race.loses_answers else changed

    def card_shown(self, *arguments: Any) -> bool:
        self._race.act(self._race.before_showing)
        return super().card_shown(*arguments)
