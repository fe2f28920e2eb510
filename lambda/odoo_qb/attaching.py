"""Attach a bill's documents to its QuickBooks document: each once, and seen to have arrived."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.preflight import UPLOAD_BYTES, attachable, unattachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odoo_qb.bill import Bill, Document
    from odoo_qb.documents import Documents
    from odoo_qb.item import Raw
    from odoo_qb.quickbooks import QuickBooksCompany

_TRIES: Final = 2


def attach_all(
    bill: Bill,
    target: tuple[str, str],
    quickbooks: QuickBooksCompany,
    documents: Documents,
    *,
    fresh: bool,
    last_try: bool,
) -> tuple[list[str], list[str]]:
    """Attach what is not attached yet; the names attached, and sentences about what is not.

    `target` is entity and id; a `fresh` document, made a moment ago, has nothing attached. An
    upload of which nobody knows whether it arrived raises Unavailable, so that the next
    delivery looks first, unless this is the `last_try`.
    """
    wanted = attachable(bill.documents)
    trouble = unattachable(bill)
    if not wanted:
        return [], trouble
    present = set() if fresh else _present(quickbooks, target)
    attached = [d.name for d in wanted if _identity(d) in present]
    missing = [d for d in wanted if _identity(d) not in present]
    for batch in _batches(missing):
        arrived, failed = _upload(bill, target, batch, quickbooks, documents, last_try=last_try)
        attached += arrived
        trouble += failed
    return attached, trouble


def _upload(
    bill: Bill,
    target: tuple[str, str],
    batch: Sequence[Document],
    quickbooks: QuickBooksCompany,
    documents: Documents,
    *,
    last_try: bool,
) -> tuple[list[str], list[str]]:
    """One request, and one more for the files refused in it."""
    files = [(d, documents.read(d)) for d in batch]
    arrived: list[str] = []
    trouble: list[str] = []
    reasons: dict[str, str] = {}
    for number in range(_TRIES):
        if not files:
            break
        key = "|".join([bill.entry_id, *target, str(number), *(d.sha256 for d, _ in files)])
        request_id = f"oqb-{hashlib.sha256(key.encode()).hexdigest()[:40]}"
        try:
            answers = quickbooks.attach(*target, files, request_id)
        except Disconnected:
            raise
        except Refused as refusal:
            reasons |= {d.name: str(refusal) for d, _ in files}
            continue
        except (Throttled, Unavailable) as error:
            if not last_try:
                raise
            reasons |= {d.name: str(error) for d, _ in files}
            break
        if len(answers) != len(files):
            raise Unavailable("QuickBooks did not say what became of every file.")
        refused = []
        for (document, data), answer in zip(files, answers, strict=True):
            fault = _fault(answer)
            if fault:
                reasons[document.name] = fault
                refused.append((document, data))
            else:
                arrived.append(document.name)
                trouble += _broken(answer, document)
        files = refused
    trouble += [
        f"{d.name} could not be attached in QuickBooks: {reasons[d.name]}" for d, _ in files
    ]
    return arrived, trouble


def _fault(answer: Raw) -> str:
    """Why one file was refused: its Fault comes inside an HTTP 200. Empty when it was taken."""
    fault = answer.get("Fault")
    if not fault:
        return ""
    error = (fault.get("Error") or [{}])[0]
    return " ".join(str(error.get("Detail") or error.get("Message") or "no reason given").split())


def _broken(answer: Raw, document: Document) -> list[str]:
    """A file that arrived with another size: sending it again would make two of it."""
    size = answer.get("Size")
    if size is None or int(size) == document.size:
        return []
    arrived = f"{document.name} has {size} bytes in QuickBooks instead of {document.size}"
    return [f"{arrived}: replace it there by hand."]


def _present(quickbooks: QuickBooksCompany, target: tuple[str, str]) -> set[tuple[str, int]]:
    rows = quickbooks.attachments(*target)
    return {(str(r.get("FileName", "")), int(r.get("Size") or 0)) for r in rows}


def _identity(document: Document) -> tuple[str, int]:
    return document.name, document.size


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """In requests of no more bytes than QuickBooks takes."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        if batch and size + document.size > UPLOAD_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch
