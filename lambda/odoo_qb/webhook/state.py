"""Whether the endpoint is up, down or gone, as all runs of the sender know it together.

An item in the mirror's table. While the endpoint is down (a breaker is open), one run at a time
claims the next probe with a conditional write, and sends one change; the others hide theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Conflict
from odoo_qb.store.attributes import plain
from odoo_qb.store.mirror_keys import STATE
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

PARTITION: Final = "webhook#state"
# Different records that fail one after the other, without a success between, before the endpoint
# counts as down. One record alone never stops the others.
FAILING: Final = 5
_FIRST_PROBE: Final = timedelta(seconds=30)
_LONGEST_PROBE: Final = timedelta(minutes=5)  # so that all is sent soon after the endpoint is back
_LONGEST_ASKED: Final = timedelta(hours=1)  # of what an endpoint says in Retry-After
PROBE_TAKES: Final = timedelta(seconds=35)  # at most, a POST's time-out and a little more
_OF_BREAKER: Final = ("failing", "opened_at", "probe_at", "probe_every", "probing_until")
_OF_PAUSE: Final = ("paused_url", "paused_at", "pause_mailed")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of the endpoint.

    `failing` are the records that failed since the last success. `probe_at` is None while the
    breaker is closed; `probing_until` is set while a run probes. `paused_url` is the hash of the
    address that answered 410, "" if none did, and `pause_mailed` whether that was mailed. Changes
    are given up by their time in the queue, but not before so long after `resumed_at`.
    """

    failing: frozenset[str] = frozenset()
    probe_at: datetime | None = None
    probe_every: timedelta = _FIRST_PROBE
    probing_until: datetime | None = None
    paused_url: str = ""
    paused_at: str = ""
    pause_mailed: bool = False
    resumed_at: datetime | None = None
    digested_until: str = ""


class StateStore:
    """The item that holds the state."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def load(self) -> State:
        """The state as it is now."""
        return _state(self._table.get(PARTITION, STATE))

    # -- the breaker -----------------------------------------------------------------------------

    def failed(self, groups: Collection[str], now: datetime, asked: float | None) -> State:
        """These records failed and none succeeded; opens the breaker if that makes it enough."""
        answer = self._table.ask(
            "update_item",
            TableName=self._table.name,
            Key=self._table.key(PARTITION, STATE),
            UpdateExpression="ADD failing :groups",
            ExpressionAttributeValues={":groups": {"SS": sorted(groups)}},
            ReturnValues="ALL_NEW",
        )
        state = _state(plain(answer["Attributes"]))
        if len(state.failing) < FAILING or state.probe_at is not None:
            return state
        probe_at = now + _pause(_FIRST_PROBE, asked)
        values = {"opened_at": stamp(now), "probe_at": stamp(probe_at), "probe_every": _seconds()}
        self._write(values, condition="attribute_not_exists(probe_at)")
        return self.load()

    def claim_probe(self, state: State, now: datetime) -> State | None:
        """Take the probe that is due; None if another run was faster.

        The next one is due later each time, up to five minutes, should this run not end.
        """
        if state.probe_at is None:
            return None
        every = min(2 * state.probe_every, _LONGEST_PROBE)
        values = {
            "probe_at": stamp(now + every),
            "probe_every": int(every.total_seconds()),
            "probing_until": stamp(now + PROBE_TAKES),
        }
        was = stamp(state.probe_at)
        if not self._write(values, condition="probe_at = :was", values_of={"was": was}):
            return None
        return self.load()

    def probe_failed(self, state: State, now: datetime, asked: float | None) -> State:
        """The endpoint is still down; the next probe waits as long as it asks for."""
        probe_at = now + _pause(state.probe_every, asked)
        self._write({"probe_at": stamp(probe_at)}, remove=["probing_until"])
        return self.load()

    def recovered(self) -> None:
        """The endpoint works."""
        self._write({}, remove=_OF_BREAKER)

    # -- the pause -------------------------------------------------------------------------------

    def pause(self, url_hash: str, now: datetime) -> bool:
        """The endpoint at this address is gone; False if that was known."""
        return self._write(
            {"paused_url": url_hash, "paused_at": stamp(now)},
            remove=["pause_mailed", *_OF_BREAKER],
            condition="attribute_not_exists(paused_url) OR paused_url <> :url",
            values_of={"url": url_hash},
        )

    def pause_was_mailed(self) -> None:
        """The operator has a mail about the pause."""
        self._write({"pause_mailed": True}, condition="attribute_exists(paused_url)")

    def resume(self, now: datetime) -> None:
        """Send again: what waited gets its whole time from now on."""
        self._write({"resumed_at": stamp(now)}, remove=[*_OF_BREAKER, *_OF_PAUSE])

    # -- the digest ------------------------------------------------------------------------------

    def digested(self, until: str) -> None:
        """Refusals up to this instant were mailed."""
        self._write({"digested_until": until})

    def _write(
        self,
        values: Json,
        *,
        remove: Collection[str] = (),
        condition: str = "",
        values_of: Json | None = None,
    ) -> bool:
        """Whether it was written; False if the condition failed."""
        try:
            self._table.write_note(
                PARTITION,
                values,
                remove=tuple(remove),
                condition=condition,
                condition_values=values_of or {},
            )
        except Conflict:
            return False
        return True


def _seconds() -> int:
    return int(_FIRST_PROBE.total_seconds())


def _pause(usual: timedelta, asked: float | None) -> timedelta:
    return max(usual, min(timedelta(seconds=asked or 0), _LONGEST_ASKED))


def _state(item: Json) -> State:
    return State(
        failing=frozenset(map(str, item.get("failing", ()))),
        probe_at=_instant(item.get("probe_at")),
        probe_every=timedelta(seconds=int(item.get("probe_every", _seconds()))),
        probing_until=_instant(item.get("probing_until")),
        paused_url=str(item.get("paused_url", "")),
        paused_at=str(item.get("paused_at", "")),
        pause_mailed=bool(item.get("pause_mailed")),
        resumed_at=_instant(item.get("resumed_at")),
        digested_until=str(item.get("digested_until", "")),
    )


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
