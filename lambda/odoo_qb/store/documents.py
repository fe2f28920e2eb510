"""The bills' files in S3: all versions are kept, so that the approved one can be read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from botocore.exceptions import ClientError

from odoo_qb.bill.item import AMOUNTS, lines_text
from odoo_qb.bill.model import money
from odoo_qb.errors import Altered

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill, Document
    from odoo_qb.exact_json import Json

LINK_SECONDS: Final = 300  # how long a person may open the PDF after clicking
_NAME_LENGTH: Final = 100  # of a file name in a link, whose length is limited
_PDF_START: Final = 1024  # a PDF may have a few bytes before %PDF (ISO 32000, annex H)


class Documents:
    """The bucket. `client` is boto3's S3 client."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, bill: Bill, document: Document, data: bytes, *, main: bool) -> Document:
        """Store the bytes; returns the document with its key, version and hash."""
        folder = f"pending/{bill.company}/{bill.entry_id}"
        key = f"{folder}.pdf" if main else f"{folder}/{document.odoo_id}"
        answer = self._client.put_object(
            Bucket=self._bucket, Key=key, Body=data, ContentType=document.type
        )
        return replace(
            document,
            key=key,
            version_id=answer.get("VersionId", ""),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def read(self, document: Document) -> bytes:
        """The approved bytes, even if something else was stored under the key since.

        Altered if the stored bytes are not the approved ones.
        """
        version: Json = {"VersionId": document.version_id} if document.version_id else {}
        answer = self._client.get_object(Bucket=self._bucket, Key=document.key, **version)
        data: bytes = answer["Body"].read()
        if hashlib.sha256(data).hexdigest() != document.sha256:
            raise Altered(f"{document.name} is not the file that was approved.", code="file")
        return data

    def link(self, document: Document) -> str:
        """A link with which anyone can read the document for the next five minutes."""
        name = quote(document.name[-_NAME_LENGTH:], safe="")
        parameters = {
            "Bucket": self._bucket,
            "Key": document.key,
            "ResponseContentType": document.type,
            "ResponseContentDisposition": f"inline; filename*=UTF-8''{name}",
        }
        if document.version_id:
            parameters["VersionId"] = document.version_id
        address: str = self._client.generate_presigned_url(
            "get_object", Params=parameters, ExpiresIn=LINK_SECONDS
        )
        return address

    def keep_lines(self, bill: Bill, key: str) -> None:
        """Store the lines of a bill that has too many for the table."""
        self.write(key, lines_text(bill))

    def lines(self, item: Item) -> list[Json] | None:
        """All lines of a long bill; None if the item has them itself, [] if they are gone."""
        if not item["lines_key"]:
            return None
        rows: list[Json] = json.loads(self.find_text(item["lines_key"]) or "[]")
        return [{**row, **{k: money(row[k]) for k in AMOUNTS if k in row}} for row in rows]

    def write(self, key: str, text: str) -> None:
        """Store a text file."""
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )

    def find_text(self, key: str) -> str | None:
        """A text file that may not exist yet."""
        try:
            return self.text(key)
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def text(self, key: str) -> str:
        """A text file."""
        answer = self._client.get_object(Bucket=self._bucket, Key=key)
        text: str = answer["Body"].read().decode()
        return text


def is_gone(error: ClientError) -> bool:
    """Whether S3 answers that the file, or that version of it, does not exist."""
    # Without the right to list, S3 answers 403 for a key that does not exist.
    return error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion", "AccessDenied"}


def is_pdf(data: bytes) -> bool:
    """Whether the bytes are a PDF, whatever the file's name."""
    return b"%PDF" in data[:_PDF_START]
