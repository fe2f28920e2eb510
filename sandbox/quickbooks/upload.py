"""QuickBooks' upload: pairs of metadata and content in a strictly read multipart body."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from werkzeug.http import parse_options_header

from sandbox.quickbooks.errors import FaultError, missing, not_found
from sandbox.quickbooks.shape import check_shape

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.quickbooks.modes import Modes
    from sandbox.quickbooks.store import Json, Realm

_PART: Final = re.compile(r"file_(metadata|content)_(\w+)")
_EXTENSION: Final = re.compile(
    r".*\.(ai|eps|csv|docx?|gif|jpe?g|ods|pdf|png|rtf|tif|txt|xlsx?|xml)", re.IGNORECASE | re.DOTALL
)
# What a file may be attached to, as EntityRef.type says it: QuickBooks ignores the case.
_LINKED: Final = {"bill": "Bill", "vendorcredit": "VendorCredit", "vendor": "Vendor"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the body."""

    name: str
    filename: str
    content_type: str
    encoding: str
    data: bytes


@dataclass(slots=True)
class Upload:
    """Files by their number, and the names of parts that say nothing to QuickBooks."""

    metadata: dict[str, Part] = field(default_factory=dict)
    content: dict[str, Part] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def read(content_type: str, body: bytes) -> Upload:
    """Pair the parts of a multipart body; FaultError where it is not one."""
    upload = Upload()
    for part in _parts(content_type, body):
        match = _PART.fullmatch(part.name)
        if not match:
            upload.ignored.append(part.name)
        elif match[1] == "metadata":
            upload.metadata[match[2]] = part
        else:
            upload.content[match[2]] = part
    if not upload.content or set(upload.metadata) - set(upload.content):
        raise missing("file_content")
    return upload


def attach(realm: Realm, upload: Upload, number: str, modes: Modes, now: datetime) -> Json:
    """Keep one file and return its Attachable; without metadata it is linked to nothing."""
    part = upload.content[number]
    if not part.filename:
        raise missing("filename")
    record = _metadata(upload.metadata.get(number)) or {
        "FileName": part.filename,
        "ContentType": part.content_type,
    }
    named_well = _EXTENSION.fullmatch(record["FileName"])
    if part.content_type not in _content_types() or not named_well:
        raise FaultError("6041", f"Files of type {part.content_type} are not supported")
    for ref in record.get("AttachableRef", ()):
        _check_link(realm, ref["EntityRef"])
    data = part.data
    if part.encoding == "base64" and modes.upload == "decode":
        try:
            data = base64.b64decode(data)
        except binascii.Error as error:
            raise _malformed("the content is not base64") from error
    stored = realm.add("Attachable", {**record, "Size": len(data)}, now)
    key = stored["Id"]
    stored["FileAccessUri"] = f"/v3/company/{realm.id}/download/{key}"
    stored["TempDownloadUri"] = f"/_sim/files/{realm.id}/{key}"
    realm.files[key] = data
    return stored


def _metadata(part: Part | None) -> Json:
    if part is None:
        return {}
    try:
        metadata: Json = json.loads(part.data, parse_float=Decimal)
    except ValueError as error:
        raise _not_attachable(part.content_type) from error
    if part.content_type != "application/json" or not isinstance(metadata, dict):
        raise _not_attachable(part.content_type)
    check_shape("AttachableCreate", metadata)
    return metadata


def _check_link(realm: Realm, ref: Json) -> None:
    entity = _LINKED.get(ref["type"].lower())
    if not entity:
        raise FaultError(
            "6050",
            f"The entity reference type {ref['type']} is unsupported for Attachable",
        )
    if ref["value"] not in realm.table(entity):
        raise not_found(f"{entity} {ref['value']}")
    ref["type"] = entity


@cache
def _content_types() -> frozenset[str]:
    path = Path(__file__).parent / "data" / "qbo.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    documented = schema["$defs"]["AttachableCreate"]["properties"]["ContentType"]["enum"]
    return frozenset(documented)


def _parts(content_type: str, body: bytes) -> list[Part]:
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise _malformed("the request is not multipart/form-data with a boundary")
    delimiter = b"\r\n--" + options["boundary"].encode()
    before, *pieces = (b"\r\n" + body).split(delimiter)
    last = pieces.pop() if pieces else b""
    if before or not pieces or last.rstrip(b"\r\n") != b"--":
        raise _malformed("the parts are not separated by CRLF and the boundary")
    return [_part(piece) for piece in pieces]


def _part(piece: bytes) -> Part:
    head, separator, data = piece.partition(b"\r\n\r\n")
    if not piece.startswith(b"\r\n") or not separator or b"\n" in head.replace(b"\r\n", b""):
        raise _malformed("a part's headers do not end in CRLF CRLF")
    headers = dict[str, str]()
    for line in head.decode("utf-8", "replace").strip().split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    _, options = parse_options_header(headers.get("content-disposition"))
    return Part(
        name=options.get("name", ""),
        filename=options.get("filename", ""),
        content_type=parse_options_header(headers.get("content-type"))[0],
        encoding=headers.get("content-transfer-encoding", "").lower(),
        data=data,
    )


def _malformed(why: str) -> FaultError:
    return FaultError("1050", f"Malformed upload: {why}")


def _not_attachable(supplied: str) -> FaultError:
    return FaultError(
        "6040",
        f"The file metadata submitted must be of Attachable type. Supplied Type: {supplied}",
    )
