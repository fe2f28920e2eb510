"""Compare what a replay sent with the mirror's records, every field, addresses too."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.mirror.content import data_of
from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.store.sorted_table import SortedTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odoo_qb.sources import Kind
    from sandbox.chain import Chain
    from sandbox.webhook.receiver import Received

Json = dict[str, Any]

_KINDS: Final[dict[str, Kind]] = {"account.move": "move", "account.payment": "payment"}
# In a body, and of the contact that it names.
_ADDRESS: Final = {
    "partner_email": "email",
    "partner_phone": "phone",
    "partner_city": "city",
    "partner_vat": "vat",
}


def differences(running: Chain, arrived: Iterable[Received]) -> list[str]:
    """A sentence for each replayed record that is not as the mirror has it."""
    table = SortedTable(running.emulator.client("dynamodb"), running.outputs["mirror_table"])
    last = {one.record: one for one in arrived}
    return [
        f"webhook: {record} was replayed with another {name} than the mirror has."
        for record, one in sorted(last.items())
        for name in _different(table, one)
    ]


def _different(table: SortedTable, one: Received) -> Iterator[str]:
    body: Json = json.loads(one.raw, parse_float=Decimal)
    data, connection = body["data"], str(body["connection"])
    record = _record(table, connection, _KINDS[body["model"]], data["id"])
    contact = _record(table, connection, "contact", data["partner_id"] or 0)
    expected = {name: contact.get(field) for name, field in _ADDRESS.items()}
    expected |= {name: record[name] for name in (data.keys() & record) - {"invoice_lines"}}
    lines = record.get("invoice_lines", [])
    if len(lines) != len(data.get("invoice_lines", [])):
        yield "number of lines"
    for sent, kept in zip(data.get("invoice_lines", []), lines, strict=False):
        if any(value != kept.get(name) for name, value in sent.items()):
            yield "line"
    yield from (name for name, value in expected.items() if data[name] != value)


def _record(table: SortedTable, connection: str, kind: Kind, number: int) -> Json:
    found = MirrorTable(table, connection, kind).records([number])
    return data_of(found[number]) if number in found else {}
