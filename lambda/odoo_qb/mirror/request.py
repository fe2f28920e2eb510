"""What somebody wants of the mirror: the event of an invocation or a schedule. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.errors import Refused
from odoo_qb.mirror.run import Wanted

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.sources import Kind

# By task. An invoice, a bill and a refund are the same kind of record in Odoo, read together.
TASKS: Final[dict[str, tuple[Kind, ...]]] = {
    "sync_contacts": ("contact",),
    "sync_invoices": ("move",),
    "sync_bills": ("move",),
    "sync_refunds": ("move",),
    "sync_payments": ("payment",),
    "sync_orders": ("order",),
    "sync_accounts": ("account",),
    # Contacts first: who shows a renamed one's name is read again in the same run.
    "sync_all": ("contact", "account", "move", "payment", "order"),
}
TEST: Final = "test_task"
PREFIX: Final = "app.tasks."
_FLAGS: Final = ("full", "dry_run", "accept_deletions")
_OF_SCHEDULE: Final = ("schedule", "id", "scheduled_time")
_KNOWN: Final = {"task", "connection", *_FLAGS, *_OF_SCHEDULE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """The schedule that started a run, by its name and the id of its creation."""

    schedule: str
    schedule_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """The kinds to bring up to date, of one connection or ("") of all; none for the test task.

    `firing` is the schedule made with the API that wants it, if one does.
    """

    kinds: tuple[Kind, ...]
    connection: str
    wanted: Wanted
    firing: Firing | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is about every kind of every connection."""
        return not self.connection and self.kinds == TASKS["sync_all"]


def sync_request(event: object, connections: Collection[str]) -> SyncRequest:
    """An event as {"task": "sync_contacts", "full": true}; Refused where it makes no sense."""
    if not isinstance(event, dict):
        raise Refused('The event must be a JSON object, as {"task": "sync_all"}.')
    unknown = sorted(str(name) for name in event.keys() - _KNOWN)
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        raise Refused(f"Unknown in the event: {', '.join(unknown)}. It may have {known}.")
    connection = event.get("connection", "")
    if not isinstance(connection, str) or (connection and connection not in connections):
        known = ", ".join(sorted(connections))
        raise Refused(f"There is no such connection. Connections: {known}.")
    flags: dict[str, Any] = {name: event.get(name, False) for name in _FLAGS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise Refused(f"{name} must be true or false.")
    return SyncRequest(
        kinds=kinds_of(event.get("task")),
        connection=connection,
        wanted=Wanted(**flags),
        firing=_firing(event),
    )


def _firing(event: dict[Any, Any]) -> Firing | None:
    given = [event[name] for name in _OF_SCHEDULE if name in event]
    if not given:
        return None
    if len(given) < len(_OF_SCHEDULE) or not all(isinstance(v, str) and v for v in given):
        raise Refused("An event with a schedule needs its id and its scheduled_time, as texts.")
    return Firing(schedule=event["schedule"], schedule_id=event["id"])


def kinds_of(task: object) -> tuple[Kind, ...]:
    """The kinds that a task brings up to date; Refused where there is no such task."""
    name = task.removeprefix(PREFIX) if isinstance(task, str) else ""
    if name == TEST:
        return ()
    if name not in TASKS:
        raise Refused(f"There is no such task. Tasks: {', '.join((*TASKS, TEST))}.")
    return TASKS[name]
