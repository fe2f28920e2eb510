"""Records of the mirror table's stream, as Lambda gives them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.mirror.content import item_of
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.attributes import attributes

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind

NOW: Final = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
_NUMBERS: Final = count(1)


def an_item(
    data: Json, sequence: int = 1, *, kind: Kind = "move", connection: str = "odoo", **more: Any
) -> Json:
    """A record as the mirror stores it."""
    place = (connection, kind)
    return item_of(data, None, place, int(data["id"]), NOW, sequence) | more


def a_stream_record(
    old: Json | None,
    new: Json | None,
    *,
    kind: Kind = "move",
    connection: str = "odoo",
    source_id: int = 7,
) -> Json:
    """What the stream says of an item that was `old` and is `new`."""
    pk, sk = keys.record(connection, kind, source_id)
    change: Json = {
        "Keys": attributes({"pk": pk, "sk": sk}),
        "SequenceNumber": f"{next(_NUMBERS):021d}",
        "ApproximateCreationDateTime": NOW.timestamp(),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    for name, item in (("OldImage", old), ("NewImage", new)):
        if item is not None:
            change[name] = {k: _wire(v) for k, v in attributes(item).items()}
    event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    return {"eventName": event, "eventSource": "aws:dynamodb", "dynamodb": change}


def _wire(attribute: Json) -> Json:
    value = attribute.get("B")
    return {"B": base64.b64encode(bytes(value)).decode()} if value is not None else attribute
