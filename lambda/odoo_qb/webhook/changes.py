"""The mirror table's stream: which records changed, and how. No I/O."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.guarding import DAMAGE
from odoo_qb.mirror.content import data_of
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.attributes import plain
from odoo_qb.timestamps import stamp
from odoo_qb.webhook.message import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.webhook.message import Event

# What the function's event source mapping lets through: records have a hash, and nothing else of
# the table has. Counts, states, leases and what the webhook itself keeps never start the function.
FILTERS: Final[tuple[Json, ...]] = (
    {"dynamodb": {"NewImage": {"hash": {"S": [{"exists": True}]}}}},
    {"eventName": ["REMOVE"], "dynamodb": {"OldImage": {"hash": {"S": [{"exists": True}]}}}},
)
MALFORMED: Final = (*DAMAGE, zlib.error)  # what reading a malformed item raises


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record's change; `of_first_load` if the mirror found it while it was loaded first."""

    message: Message
    of_first_load: bool


def number_of(record: object) -> str:
    """A stream record's number, which AWS is given back if it failed; "" if it has none."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    return number if isinstance(number, str) else ""


def change_of(record: Mapping[str, Any]) -> Change | None:
    """What a record of the stream says; None if nothing is to be sent of it.

    That is one of an item that is no record, or one that was stored anew with the same content.
    A malformed one raises one of MALFORMED.
    """
    change = record["dynamodb"]
    key = (change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"])
    old, new = (_image(change.get(name) or {}) for name in ("OldImage", "NewImage"))
    if "hash" not in (new or old) or old.get("hash") == new.get("hash"):
        return None
    before, after = (data_of(item) if item else None for item in (old, new))
    changed = _changed(before, after) if before and after else ()
    if before and after and not changed:
        return None
    kind, source_id = keys.kind_and_id(key)
    message = Message(
        connection=keys.connection_of(key),
        kind=kind,
        source_id=source_id,
        event=_event(old, new),
        # A removed record's last change is its removal.
        sequence=int(new["sequence"]) if new else int(old["sequence"]) + 1,
        happened_at=str(new["updated_at"]) if new else _time_of(change),
        changed=changed,
        data=after or before or {},
    )
    return Change(message=message, of_first_load=bool(new.get("first_load")))


def _event(old: Json, new: Json) -> Event:
    if not new:
        return "deleted"
    return "updated" if old else "created"


def _changed(before: Json, after: Json) -> tuple[str, ...]:
    """The fields that differ, of those that both have: which are served differs by release.

    A field that is served from now on has not changed in Odoo. Without this every record would be
    sent once, when the first full run after an upgrade stores it with that field.
    """
    return tuple(name for name in after if name in before and _differ(before[name], after[name]))


def _differ(before: object, after: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return bool(_changed(before, after))
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return any(map(_differ, before, after))
    return before != after


def _image(image: Mapping[str, Any]) -> Json:
    """An item as the stream has it, plain: Lambda gives bytes in base64."""
    return plain({name: _decoded(attribute) for name, attribute in image.items()})


def _decoded(attribute: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"B": base64.b64decode(attribute["B"])} if "B" in attribute else attribute


def _time_of(change: Mapping[str, Any]) -> str:
    return stamp(datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC))
