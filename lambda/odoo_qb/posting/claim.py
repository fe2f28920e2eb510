"""The poster's claim on a bill: while it is held, no one else posts or decides the bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Conflict, Unavailable
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.exact_json import Json
    from odoo_qb.store.table import Table

ACTOR: Final = "poster"
CLAIM: Final = timedelta(minutes=3)  # longer than the function may run
_TRIES: Final = 5


@dataclass(slots=True, kw_only=True)
class Claim:
    """The claim for one message; `item` is the bill as last written or read.

    Until it `is_held`, others may write to the bill, and then it can no longer be taken.
    """

    table: Table
    clock: Callable[[], datetime]
    message_id: str
    item: Item
    is_held: bool = False

    def take(self) -> None:
        """Claim the bill until it is posted or the claim expires."""
        if not self.is_held:
            self._take_with({})

    def release(self) -> None:
        """Let the next delivery start at once; if this fails, the claim expires."""
        if not self.is_held:
            return
        now = stamp(self.clock())
        free = {"claim": {"message_id": self.message_id, "until": now}}
        self.change("POSTING", free, show=False)

    def store(self, attempts: Sequence[Json]) -> Item:
        """Store the attempts, and claim the bill in the same write if it is not held yet."""
        if self.is_held:
            self.change("POSTING", {"attempts": attempts}, show=False)
        else:
            self._take_with({"attempts": attempts})
        return self.item

    def change(
        self, to: Status, values: Mapping[str, object], *, show: bool = True, note: str = ""
    ) -> Status:
        """Change the bill, even if something was noted on it meanwhile.

        While a bill is POSTING under our claim no one else may move it, but a later change in Odoo
        may be noted. Then the change is made to the newer version.
        """
        self.take()
        for _ in range(_TRIES):
            now = self.clock()
            over = [] if to == "POSTING" or "trouble" not in self.item else ["trouble"]
            try:
                self.item = self.table.change(
                    self.item,
                    to=to,
                    actor=ACTOR,
                    now=now,
                    values=values,
                    remove=over,
                    show=show,
                    note=note,
                )
            except Conflict:
                self._read_again()
                continue
            return to
        raise Unavailable("The bill kept changing while it was being posted.")

    def _take_with(self, values: Mapping[str, object]) -> None:
        """Claim the bill as it was read, unless it was written since."""
        now = self.clock()
        claim = {"message_id": self.message_id, "until": stamp(now + CLAIM)}
        claimed = {**values, "claim": claim}
        try:
            self.item = self.table.change(
                self.item, to="POSTING", actor=ACTOR, now=now, values=claimed, show=False
            )
        except Conflict as error:
            raise Unavailable("The bill changed while it was being claimed.") from error
        self.is_held = True

    def _read_again(self) -> None:
        item = self.table.get(self.item["entry_id"])
        claim = (item.get("claim") or {}) if item else {}
        if not item or item["status"] != "POSTING" or claim.get("message_id") != self.message_id:
            raise Unavailable("Another run has taken over the posting of this bill.")
        self.item = item
