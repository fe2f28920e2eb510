"""The files of a page of bills: those not stored yet are read from Odoo and stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.bill.item import document_of
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.files import read_files
from odoo_qb.store.documents import is_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill, Document
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.store.documents import Documents

_THREADS: Final = 8


class FileStage:
    """The files of a page of bills, stored and still missing."""

    def __init__(self, bills: Sequence[Bill], stored: Mapping[str, Item]) -> None:
        self._bills = bills
        self._known = {b.entry_id: _known_documents(stored.get(b.entry_id)) for b in bills}
        self._owner = {d.odoo_id: b for b in bills for d in b.documents}
        self._kept: dict[int, Document] = {}
        self._broken: dict[int, str] = {}
        self._waiting: set[int] = set()

    def missing(self) -> list[Document]:
        """The documents to read from Odoo."""
        return [
            d
            for b in self._bills
            for d in b.documents
            if (d.odoo_id, d.checksum) not in self._known[b.entry_id]
        ]

    def bring(self, odoo: OdooClient, documents: Documents, has_time: Callable[[], bool]) -> None:
        """Store missing files in batches, while there is time; a batch is uploaded in parallel.

        The first batch is read even without time, so that each run makes progress.
        """
        self._waiting = {d.odoo_id for d in self.missing()}
        with ThreadPoolExecutor(_THREADS) as pool:
            for batch in read_files(odoo, self.missing()):
                list(pool.map(lambda file: self._keep(documents, *file), batch))
                self._waiting -= {document.odoo_id for document, _ in batch}
                if not has_time():
                    return
        self._waiting = set()  # files deleted since they were listed are in no batch

    def is_waiting(self, bill: Bill) -> bool:
        """Whether there was no time for one of the bill's files."""
        return any(d.odoo_id in self._waiting for d in bill.documents)

    def _keep(self, documents: Documents, document: Document, data: bytes | None) -> None:
        """Store a file; one that only claims to be a PDF is stored as an ordinary file."""
        bill = self._owner[document.odoo_id]
        if data is None:
            self._broken[document.odoo_id] = document.name
            return
        if document.type == "application/pdf" and not is_pdf(data):
            document = replace(document, type="application/octet-stream")
        main = bill.documents[0].odoo_id == document.odoo_id and document.type == "application/pdf"
        try:
            self._kept[document.odoo_id] = documents.keep(bill, document, data, main=main)
        except (BotoCoreError, ClientError):
            return  # left without a hash, which shows that the bill is incomplete

    def completed(self, bill: Bill) -> Bill:
        """The bill with its documents as stored."""
        known = self._known[bill.entry_id]
        documents = tuple(
            known.get((d.odoo_id, d.checksum)) or self._kept.get(d.odoo_id, d)
            for d in bill.documents
            if d.odoo_id not in self._broken
        )
        unreadable = bill.unreadable
        if len(documents) < len(bill.documents):
            names = [d.name for d in bill.documents if d.odoo_id in self._broken]
            unreadable = f"The file {names[0]} cannot be read from Odoo. Attach it there again."
        return replace(bill, documents=documents, unreadable=unreadable)


def _known_documents(item: Item | None) -> dict[tuple[int, str], Document]:
    """The stored files of a bill, including those added after posting."""
    if item is None:
        return {}
    try:
        kept = [*item["documents"], *item.get("added_files", ()), *item.get("attached_later", ())]
        documents = [document_of(d) for d in kept]
    except DAMAGE:
        return {}  # they are read again; comparing the bill will report the damage
    return {(d.odoo_id, d.checksum): d for d in documents if d.sha256}
