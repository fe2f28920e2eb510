"""Links to documents in QuickBooks: build ours, and read those that a person pastes. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

_NUMBER: Final = re.compile(r"[0-9]{1,20}")
# Found anywhere in the address, whatever else it has.
_ID: Final = re.compile(r"[?&]txnId=([0-9]{1,20})(?![0-9])", re.IGNORECASE)
_REALM: Final = re.compile(r"[?&]deeplinkcompanyid=([0-9]+)", re.IGNORECASE)
_LAYERS: Final = 3  # of percent-encoding: a redirect by a mail or chat program adds one


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLink:
    """A document as a person entered it; `realm` is its company, if the link names it."""

    id: str
    realm: str = ""


def build(web_url: str, realm_id: str, entity: str, document_id: str) -> str:
    """The address of a document in its company.

    Without the company, QuickBooks would show the document with this id in the company that is open
    in the browser.
    """
    page = quote(f"{entity.lower()}?txnId={document_id}", safe="")
    return f"{web_url}/app/login?pagereq={page}&deeplinkcompanyid={realm_id}"


def read(typed: str) -> DocumentLink | None:
    """The document that was entered, as a number or a link; None if it is neither."""
    text = typed.strip()
    if _NUMBER.fullmatch(text):
        return DocumentLink(id=text)
    for _ in range(_LAYERS):
        text = unquote(text)
    found, realm = _ID.search(text), _REALM.search(text)
    return DocumentLink(id=found[1], realm=realm[1] if realm else "") if found else None
