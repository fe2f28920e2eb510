"""Which of a bill's files QuickBooks accepts, and under which name. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.quickbooks.names import basic

if TYPE_CHECKING:
    from odoo_qb.bill.model import Bill, Document

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_UPLOAD_TYPES: Final = {
    "ai": "application/postscript",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "eps": "application/postscript",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "pdf": "application/pdf",
    "png": "image/png",
    "rtf": "text/rtf",
    "tif": "image/tif",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "xml": "text/xml",
}
# Files that scanners and mail programs name without an extension, or with an unknown one.
_ENDINGS: Final = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
}
_FILE_NAME_LENGTH: Final = 1000
UPLOAD_BYTES: Final = 100_000_000  # the most QuickBooks accepts in one request


def attachable(documents: tuple[Document, ...]) -> list[Document]:
    """The documents that QuickBooks accepts, each content once."""
    chosen: dict[str, Document] = {}
    for document in documents:
        if _refusal(document) is None:
            chosen.setdefault(document.sha256 or str(document.odoo_id), document)
    return list(chosen.values())


def unattachable(bill: Bill) -> list[str]:
    """Warnings about the files that QuickBooks does not accept."""
    refusals = ((d.name, _refusal(d)) for d in bill.documents)
    return [f"{name} will not be attached in QuickBooks: {why}." for name, why in refusals if why]


def upload_as(document: Document) -> tuple[str, str] | None:
    """The name and content type with which QuickBooks accepts a file; None if it does not."""
    name = basic(document.name)
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in _UPLOAD_TYPES:
        ending = _ENDINGS.get(document.type, "")
        name = f"{name}.{ending}"
    if not ending:
        return None
    return name[-_FILE_NAME_LENGTH:], _UPLOAD_TYPES[ending]


def _refusal(document: Document) -> str | None:
    if upload_as(document) is None:
        return "it takes no files of this type"
    if not document.size:
        return "it is empty"
    if document.size > UPLOAD_BYTES:
        return "it takes no more than 100 MB"
    return None
