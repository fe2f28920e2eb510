"""Read the lines of a mirror's documents, for up to 2,500 documents per call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.picking import nonsense
from odoo_qb.odoo.values import positive, related_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.model_fields import ModelFields
    from odoo_qb.odoo.picking import Picking
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.served_kinds import Lines
    from odoo_qb.odoo.values import Record

_DOCUMENTS: Final = 2_500  # a call
_LINES: Final = 20_000  # a call: about 7 MB
_ORDER: Final = "sequence"  # how Odoo shows them


class DocumentLines:
    """Reads the lines of documents that were read, as they are served."""

    def __init__(self, scope: Scope, fields: ModelFields) -> None:
        self._scope = scope
        self._fields = fields

    def read(
        self, lines: Lines, documents: Mapping[int, Record], picking: Picking
    ) -> dict[int, list[Json]]:
        """The lines of each document, in its order; malformed ones are reported in `picking`."""
        found: dict[int, list[tuple[int, int, Json]]] = {number: [] for number in documents}
        for batch in _batches(documents, lines.ids):
            for row in picking.rows(batch, lambda ids: self._rows(lines, ids)):
                self._sort_in(lines, row, found, picking)
        return {
            number: [line for _, _, line in sorted(rows, key=lambda row: row[:2])]
            for number, rows in found.items()
        }

    def _sort_in(
        self,
        lines: Lines,
        row: Record,
        found: dict[int, list[tuple[int, int, Json]]],
        picking: Picking,
    ) -> None:
        try:
            owner = related_id(row, lines.parent)
        except DAMAGE:
            return  # it does not say which document it belongs to
        try:
            number, place = positive(row["id"]), int(row[_ORDER])
            served = self._fields.layout(lines).of(row)
        except DAMAGE as damage:
            picking.blamed[owner] = f"of one of its lines, {nonsense(damage)}"
            return
        if owner in found:
            found[owner].append((place, number, {"id": number} | served))

    def _rows(self, lines: Lines, documents: Sequence[int]) -> list[Record]:
        domain = [[lines.parent, "in", list(documents)], *lines.domain]
        # Sorting by the parent would use the parent's own order; "id" is cheap.
        rows: list[Record] = self._fields.with_layout(
            lines,
            lambda layout: self._scope.call(
                lines.model,
                "search_read",
                domain,
                group=lines.group,
                fields=[*layout.fields, lines.parent, _ORDER],
                order="id",
            ),
        )
        return rows


def _batches(documents: Mapping[int, Record], ids: str) -> Iterator[list[int]]:
    """The documents with lines, in batches that keep the answer small."""
    batch: list[int] = []
    size = 0
    for number, row in documents.items():
        count = len(row[ids]) if isinstance(row[ids], list) else 1
        if not count:
            continue
        if batch and (len(batch) >= _DOCUMENTS or size + count > _LINES):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += count
    if batch:
        yield batch
