"""The page's view of the mirror: for each connection and kind, Odoo's records beside the copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.mirror.request import TASKS
from odoo_qb.odoo.served_kinds import SERVED_KINDS
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odoo_qb.sources import Kind
    from sandbox.odoo.server import Odoo

KINDS: Final[tuple[Kind, ...]] = TASKS["sync_all"]
_NAMES: Final = {"move": "invoices, bills"}

Json = dict[str, Any]
OwnItems = dict[keys.Key, Json]  # the mirror's own items by key


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredKind:
    """A kind of records of one connection. `error` is why its last run failed, or ""."""

    connection: str
    kind: str
    in_odoo: int
    mirrored: int
    last_run: datetime | None
    progress: str
    error: str


def own_keys(connections: Iterable[str]) -> list[keys.Key]:
    """The keys of the items that tell how far the mirror of these connections is."""
    return [
        (keys.home(connection, kind), name)
        for connection in connections
        for kind in KINDS
        for name in (keys.STATE, keys.ALL)
    ]


def rows(odoos: Mapping[str, Odoo], items: Mapping[keys.Key, Json]) -> list[MirroredKind]:
    """Every kind of every connection; `odoos` are the simulators by connection."""
    return [
        _row(connection, kind, _records(odoo, kind), items)
        for connection, odoo in odoos.items()
        for kind in KINDS
    ]


def _row(connection: str, kind: Kind, in_odoo: int, items: Mapping[keys.Key, Json]) -> MirroredKind:
    home = keys.home(connection, kind)
    state = items.get((home, keys.STATE), {})
    mirrored = sum(keys.counted(items.get((home, keys.ALL), {})).values())
    last_run = state.get("last_run_at")
    return MirroredKind(
        connection=connection,
        kind=_NAMES.get(kind, f"{kind}s"),
        in_odoo=in_odoo,
        mirrored=mirrored,
        last_run=datetime.fromisoformat(last_run) if last_run else None,
        progress=_progress(state, in_odoo, mirrored),
        error=str(state.get("last_error", "")),
    )


def _progress(state: Mapping[str, object], in_odoo: int, mirrored: int) -> str:
    if not state.get("last_run_at") and not state.get("reading"):
        return "not loaded yet"
    if not state.get("since") or state.get("reading"):
        return f"loading, {100 * mirrored // max(1, in_odoo)}%"
    return "up to date" if mirrored == in_odoo else "changes in the next run"


def _records(odoo: Odoo, kind: Kind) -> int:
    with odoo.lock:
        records = odoo.records[SERVED_KINDS[kind].model].values()
        return sum(row.get("move_type") != "entry" for row in records)
