"""Read the content of a bill's files from Odoo."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.answers import MalformedRecords

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from odoo_qb.bill.model import Document
    from odoo_qb.odoo.client import OdooClient


BATCH_BYTES: Final = 8_000_000  # memory holds an answer's base64 text and its bytes at once
BATCH_COUNT: Final = 50


def read_files(
    odoo: OdooClient, documents: Iterable[Document]
) -> Iterator[list[tuple[Document, bytes | None]]]:
    """The bytes of the documents, in batches by size so that no answer gets large.

    None for a file that Odoo lists but cannot deliver. A file that was deleted since it was listed
    is left out.
    """
    for batch in _batches(documents):
        try:
            yield _file_batch(odoo, batch)
        except Refused as refusal:
            if refusal.code.endswith("AccessDenied"):
                raise
            yield [_single_file(odoo, document) for document in batch]
        except MalformedRecords as malformed:
            malformed.valid()
            yield [_single_file(odoo, document) for document in batch]
        except DAMAGE:
            yield [_single_file(odoo, document) for document in batch]


def _file_batch(odoo: OdooClient, batch: Sequence[Document]) -> list[tuple[Document, bytes | None]]:
    ids = [d.odoo_id for d in batch]
    rows = odoo.call("ir.attachment", "read", ids, fields=["datas"])
    texts = {row["id"]: row["datas"] for row in rows}
    return [(d, _decoded(d, texts[d.odoo_id])) for d in batch if d.odoo_id in texts]


def _single_file(odoo: OdooClient, document: Document) -> tuple[Document, bytes | None]:
    try:
        found = _file_batch(odoo, [document])
    except (Refused, MalformedRecords, *DAMAGE):
        return document, None
    return found[0] if found else (document, None)


def _decoded(document: Document, text: object) -> bytes | None:
    try:
        data = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except binascii.Error:
        return None
    return data if len(data) == document.size else None


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        full = size + document.size > BATCH_BYTES or len(batch) == BATCH_COUNT
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch
