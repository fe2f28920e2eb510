"""A record as the mirror stores it, and whether it says anything new. No I/O."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.exact_json import to_json
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import Put
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind, Reading
    from odoo_qb.store.mirror_table import Stored

_PLAIN: Final = 100_000  # characters: longer content is kept compressed, an item holds 400 kB


@dataclass(slots=True, kw_only=True)
class Decision:
    """What comes of a reading: `missing` are stored records that the source did not answer."""

    puts: list[Put] = field(default_factory=list)
    unchanged: int = 0
    missing: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    @property
    def inserted(self) -> int:
        """How many records are new."""
        return sum(put.before is None for put in self.puts)

    @property
    def updated(self) -> int:
        """How many records are stored otherwise than before."""
        return len(self.puts) - self.inserted


def decide(
    asked: list[int],
    reading: Reading,
    stored: Mapping[int, Stored],
    place: tuple[str, Kind],
    now: datetime,
    *,
    gone: Mapping[int, int],
    loading: str,
) -> Decision:
    """What is to be stored of a reading of the ids `asked`; `place` is connection and kind.

    `gone` are the last sequences of removed records, `loading` is when the first load began ("":
    this is none): what it finds new and was not written since is marked as its.
    """
    decision = Decision(faults=dict(reading.faults))
    for source_id in asked:
        if source_id in reading.records:
            before = stored.get(source_id)
            sequence = 1 + (before.sequence if before else gone.get(source_id, 0))
            item = item_of(reading.records[source_id], before, place, source_id, now, sequence)
            if before and before.hash == item["hash"]:
                decision.unchanged += 1
                continue
            if sequence == 1 and item["written_at"] < loading:
                item["first_load"] = True
            made_at = str(reading.records[source_id].get("create_date") or "")
            put = Put(source_id=source_id, item=item, before=before, made_at=made_at)
            decision.puts.append(put)
        elif source_id in stored and source_id not in reading.faults:
            decision.missing.append(source_id)
    return decision


def item_of(
    data: Json,
    before: Stored | None,
    place: tuple[str, Kind],
    source_id: int,
    now: datetime,
    sequence: int,
) -> Json:
    """A record's item without its keys: its content, and what indexes and counts need of it."""
    connection, kind = place
    text = to_json(data)
    written_at = str(data.get("write_date") or "")
    item: Json = {
        "hash": digest_of(data),
        "written_at": written_at,
        "created_at": before.created_at if before and before.created_at else stamp(now),
        "updated_at": stamp(now),
        "sequence": sequence,
        "month": keys.month(connection, kind, written_at or keys.NO_TIME),
        "written": f"{written_at}#{source_id:010d}",
    }
    if len(text) <= _PLAIN:
        item["data"] = text
    else:
        item["packed"] = zlib.compress(text.encode())
    for name in (*keys.FILTERS, "company_id"):
        if data.get(name) is not None:
            item[name] = data[name]
    if kind == "contact":
        if data.get("active") is False:
            item["state"] = keys.ARCHIVED
        item["label"] = str(data.get("display_name") or data.get("name") or "")
    points_at = data.get("parent_id" if kind == "contact" else "partner_id")
    if points_at:
        item["partner"] = keys.partner(connection, points_at)
        item["shown"] = str(data.get("partner_name") or "")
    return item


def data_of(item: Json) -> Json:
    """The served fields of a stored item, amounts as Decimal."""
    text = item["data"] if "data" in item else zlib.decompress(bytes(item["packed"])).decode()
    data: Json = json.loads(text, parse_float=Decimal)
    return data


def digest_of(data: Json) -> str:
    """The same for the same content, however an amount is written (1.5 or 1.50)."""
    return hashlib.sha256(to_json(_normal(data)).encode()).hexdigest()


def _normal(value: object) -> object:
    if isinstance(value, dict):
        return {k: _normal(v) for k, v in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value]
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return int(value) if whole else value.normalize()
    return value
