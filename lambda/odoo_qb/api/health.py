"""Whether the mirror is up to date: without a token, so without names of servers and errors."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.api.answer import as_json
from odoo_qb.api.records import age_seconds, mirror_state
from odoo_qb.mirror.request import TASKS
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.sorted_table import GET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from odoo_qb.api.answer import Answer
    from odoo_qb.api.routing import Call, Handler
    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRoutes:
    """`stale_seconds` is the age from which a mirror counts as unhealthy, 0 for never."""

    table: SortedTable
    connections: Sequence[str]
    environment: str
    version: str
    stale_seconds: int

    def handlers(self) -> dict[str, Handler]:
        """What answers, by the contract's operation."""
        return {"getHealth": self._health}

    def _health(self, call: Call) -> Answer:
        states = self._states()
        connections = [self._connection(name, states, call) for name in self.connections]
        answer: Json = {
            "status": "healthy",
            "version": self.version,
            "environment": self.environment,
            "connections": connections,
        }
        reason = self._reason(states, call.now)
        if reason:
            answer |= {"status": "unhealthy", "reason": reason}
            return as_json(answer, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return as_json(answer)

    def _states(self) -> dict[str, Json]:
        wanted = [
            (keys.home(name, kind), keys.STATE)
            for name in self.connections
            for kind in TASKS["sync_all"]
        ]
        rows = [row for some in batched(wanted, GET) for row in self.table.get_many(some)]
        return {str(row["pk"]): row for row in rows}

    def _connection(self, name: str, states: dict[str, Json], call: Call) -> Json:
        mirrors: Json = {}
        failing, loading = False, False
        for kind in TASKS["sync_all"]:
            state = states.get(keys.home(name, kind), {})
            failing = failing or bool(state.get("last_error"))
            loading = loading or mirror_state(state) != "complete"
            mirrors[kind] = {
                "status": mirror_state(state),
                "age_seconds": age_seconds(state, call.now),
            }
        status = "failing" if failing else "loading" if loading else "current"
        return {"id": name, "status": status, "mirrors": mirrors}

    def _reason(self, states: dict[str, Json], now: datetime) -> str:
        """What is wrong, in a sentence; "" if nothing is."""
        for name in self.connections:
            own = [states.get(keys.home(name, kind), {}) for kind in TASKS["sync_all"]]
            seconds = max(_behind(state, now) for state in own)
            if 0 < self.stale_seconds <= seconds:
                minutes = seconds // _MINUTE
                return (
                    f"The mirror of {name} has not been brought up to date for {minutes} minutes."
                )
        return ""


def _behind(state: Json, now: datetime) -> int:
    """For how many seconds a mirror has not equalled its source; 0 while it is first filled.

    One that never did, and whose last run failed, counts from its first run: that may never end.
    """
    failed = state.get("first_failed_at") if state.get("last_error") else None
    return age_seconds({"last_success_at": failed} | state, now) or 0
