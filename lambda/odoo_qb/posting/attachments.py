"""Attach a bill's files to its QuickBooks document: each once, and checked on arrival."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from odoo_qb.errors import Altered, Disconnected, Refused, Throttled, Unavailable
from odoo_qb.quickbooks.client import File
from odoo_qb.quickbooks.error_codes import fault_of_file
from odoo_qb.quickbooks.file_types import attachable, unattachable, upload_as
from odoo_qb.store.documents import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odoo_qb.bill.model import Bill, Document
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.store.documents import Documents

# QuickBooks accepts 100 MB, but a request is in the function's 256 MB of memory twice.
REQUEST_BYTES: Final = 20_000_000
_UNSEEN: Final = "QuickBooks does not say whether it is already there, so check first."
_UNSEEN_SECONDS: Final = 20
_UNSURE_SECONDS: Final = (
    120  # QuickBooks may work on an upload this long; looking earlier tells nothing
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A document, and the name and type with which it is uploaded."""

    document: Document
    name: str
    type: str


def attach_all(
    bill: Bill,
    target: tuple[str, str],
    quickbooks: QuickBooksClient,
    documents: Documents,
    *,
    fresh: bool,
    last_try: bool,
    altered: Callable[[str], None],
    beside: tuple[Document, ...] = (),
) -> tuple[list[str], list[str]]:
    """Attach missing files; returns the names attached, and sentences about the others.

    `target` is entity and id; a `fresh` document, created a moment ago, has no files. `beside` are
    other files of the bill that may be there already; one with the same name and size counts as
    attached. If it is unknown whether an upload arrived, Throttled is raised so that the next
    delivery looks first, unless this is the `last_try`. Refused files are looked up too, and then
    sent once more, each alone. `altered` is called for each file whose bytes are not the approved
    ones.
    """
    wanted = [_Wanted(d, *(upload_as(d) or ("", ""))) for d in attachable(bill.documents)]
    uploads = _Uploads(bill.entry_id, target, quickbooks, documents, last_try=last_try)
    uploads.beside = [((upload_as(d) or ("", ""))[0], d.size) for d in attachable(beside)]
    missing = wanted if fresh else uploads.missing(wanted)
    for batch in _batches(missing):
        uploads.send(batch)
    if uploads.failed:
        for one in uploads.missing(list(uploads.failed)):
            if one not in uploads.unsure:
                uploads.send([one])
    attached = [w.name for w in wanted if w not in uploads.failed]
    for reason in uploads.altered.values():
        altered(reason)
    trouble = [
        f"{w.document.name} could not be attached in QuickBooks: {why}"
        for w, why in uploads.failed.items()
    ]
    return attached, [*unattachable(bill), *trouble, *uploads.broken]


class _Uploads:
    """The result of each file sent to one QuickBooks document.

    `failed` have not arrived as far as is known, with the reason; those in `unsure` still may.
    """

    def __init__(
        self,
        entry_id: str,
        target: tuple[str, str],
        quickbooks: QuickBooksClient,
        documents: Documents,
        *,
        last_try: bool,
    ) -> None:
        self._entry_id = entry_id
        self._target = target
        self._quickbooks = quickbooks
        self._documents = documents
        self._last_try = last_try
        self._rounds = 0
        self.beside: list[tuple[str, int]] = []  # other files that may be there, by name and size
        self.failed: dict[_Wanted, str] = {}
        self.unsure: set[_Wanted] = set()
        self.broken: list[str] = []
        self.altered: dict[_Wanted, str] = {}

    def missing(self, wanted: Sequence[_Wanted]) -> list[_Wanted]:
        """The files that QuickBooks does not have, by name and size.

        One with another size arrived broken. It is not sent again, which would make two of it.
        """
        try:
            rows = self._quickbooks.attachments(*self._target)
        except Unavailable as error:
            if (
                not self._last_try
            ):  # the bill is posted, so files may be waited for, but not forever
                wait = error.wait_seconds if isinstance(error, Throttled) else _UNSEEN_SECONDS
                raise Throttled(str(error), wait) from error
            self.failed |= {w: str(error) for w in wanted}
            return []  # better one file missing, and reported, than one twice
        except Disconnected:
            raise
        except Refused as refusal:
            self.failed |= dict.fromkeys(wanted, f"{_UNSEEN} {refusal}")
            return []
        there = [(str(r.get("FileName", "")), int(r.get("Size") or 0)) for r in rows]
        there = list((Counter(there) - Counter(self.beside)).elements())
        absent = []
        for one in wanted:
            if (one.name, one.document.size) in there:
                there.remove((one.name, one.document.size))
                self.failed.pop(one, None)
            else:
                absent.append(one)
        missing = []
        for one in absent:
            size = next((size for name, size in there if name == one.name), None)
            if size is None:
                missing.append(one)
            else:
                there.remove((one.name, size))
                self.failed.pop(one, None)
                self._check_size(one, size)
        return missing

    def send(self, batch: Sequence[_Wanted]) -> None:
        """Send one request. One file may get a Fault while another succeeds."""
        self._rounds += 1
        files = self._read(batch)
        batch = [w for w in batch if w in files]
        if not batch:
            return
        contents = (w.document.sha256 for w in batch)
        key = "|".join([self._entry_id, *self._target, str(self._rounds), *contents])
        request_id = f"oqb-{hashlib.sha256(key.encode()).hexdigest()[:40]}"
        try:
            answers = self._quickbooks.attach(*self._target, list(files.values()), request_id)
        except Disconnected:
            raise
        except Refused as refusal:
            self.failed |= {w: str(refusal) for w in batch}
            return
        except Unavailable as error:
            if not self._last_try:
                wait = error.wait_seconds if isinstance(error, Throttled) else _UNSURE_SECONDS
                raise Throttled(str(error), wait) from error
            self.failed |= {w: str(error) for w in batch}
            self.unsure |= set(batch)
            return
        for one, answer in zip(batch, answers, strict=True):
            fault = fault_of_file(answer)
            self.failed.pop(one, None)
            if fault:
                self.failed[one] = fault
            elif answer.get("Size") is not None:
                self._check_size(one, int(answer["Size"]))

    def _read(self, batch: Sequence[_Wanted]) -> dict[_Wanted, File]:
        """The files with their bytes; one that is gone from S3 must not block a bill forever.

        A file whose bytes in S3 are not the approved ones is not sent.
        """
        files = {}
        for one in batch:
            try:
                files[one] = File(one.name, one.type, self._documents.read(one.document))
            except ClientError as error:
                if not is_gone(error):
                    raise
                self.failed[one] = "its copy in S3 is gone. Attach it there by hand."
            except Altered as altered:
                self.altered[one] = str(altered)
                self.failed[one] = (
                    "its copy in S3 is not the file that was approved. Attach it there by hand."
                )
        return files

    def _check_size(self, one: _Wanted, size: int) -> None:
        if size != one.document.size:
            self.broken.append(
                f"{one.name} has {size} bytes in QuickBooks instead of {one.document.size}."
                " Replace it there by hand."
            )


def _batches(wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    """The files in requests of REQUEST_BYTES; a larger file goes alone."""
    batch: list[_Wanted] = []
    size = 0
    for one in wanted:
        if batch and size + one.document.size > REQUEST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.document.size
    if batch:
        yield batch
