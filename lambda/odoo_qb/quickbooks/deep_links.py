"""Links to documents in QuickBooks: those we show, and those a person pastes. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

_NUMBER: Final = re.compile(r"[0-9]{1,20}")
# However much more there is in the address, and wherever in it they stand.
_ID: Final = re.compile(r"[?&]txnId=([0-9]{1,20})(?![0-9])", re.IGNORECASE)
_REALM: Final = re.compile(r"[?&]deeplinkcompanyid=([0-9]+)", re.IGNORECASE)
_LAYERS: Final = 3  # of percent-encoding: a mail's or a chat's redirect adds one


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLink:
    """A document as a person named it; `realm` is its company where the link says so."""

    id: str
    realm: str = ""


def build(web_url: str, realm_id: str, entity: str, document_id: str) -> str:
    """The address of a document in its company.

    Without the company QuickBooks shows what has this id in whichever company the browser is in.
    """
    page = quote(f"{entity.lower()}?txnId={document_id}", safe="")
    return f"{web_url}/app/login?pagereq={page}&deeplinkcompanyid={realm_id}"


def read(typed: str) -> DocumentLink | None:
    """The document that was typed, as its number or a link to it; None where there is none."""
    text = typed.strip()
    if _NUMBER.fullmatch(text):
        return DocumentLink(id=text)
    for _ in range(_LAYERS):
        text = unquote(text)
    found, realm = _ID.search(text), _REALM.search(text)
    return DocumentLink(id=found[1], realm=realm[1] if realm else "") if found else None
