"""What the recorded traffic shows: documents in QuickBooks, what was created, calls per vendor.

It is read from requests and answers, so real vendors are treated like simulators.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.recording import matching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.recording import Exchange

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A bill or vendor credit in QuickBooks; `entry_id` is from our marker in it."""

    entity: str
    realm: str
    id: str
    entry_id: str
    total: Decimal
    currency: str


def documents(exchanges: Iterable[Exchange]) -> list[Document]:
    """Every document seen in QuickBooks: what it created, and what carries our marker.

    A repeated answer counts as one document. If a creation got no answer, a later query shows it.
    """
    found: dict[tuple[str, str, str], Document] = {}
    for exchange in matching(exchanges, lambda e: isinstance(e["answer"], dict)):
        realm, word = company_path(exchange["path"])
        for entity in ("Bill", "VendorCredit"):
            rows = exchange["answer"].get("QueryResponse", {}).get(entity, [])
            rows = [row for row in rows if _marked(row)]
            if exchange["method"] == "POST" and word == entity.lower():
                rows = [row for row in [exchange["answer"].get(entity)] if row]
            for row in rows:
                found[entity, realm, str(row["Id"])] = Document(
                    entity=entity,
                    realm=realm,
                    id=str(row["Id"]),
                    entry_id=_marked(row),
                    total=Decimal(str(row.get("TotalAmt", 0))),
                    currency=str(row.get("CurrencyRef", {}).get("value", "")),
                )
    return list(found.values())


def _marked(row: Json) -> str:
    found = re.match(r"\[(odoo-\d+)\]", str(row.get("PrivateNote", "")))
    return found[1] if found else ""


def company_path(path: str) -> tuple[str, str]:
    """Realm and word of `/v3/company/<realm>/<word>`, whatever stands before; "" if another."""
    found = re.search(r"/v3/company/([^/]+)/([^/]+)", path)
    return (found[1], found[2]) if found else ("", "")


def created(exchanges: Iterable[Exchange], entity: str) -> int:
    """How many of an entity QuickBooks created; repeated answers count once."""
    return len(
        {
            (company_path(e["path"])[0], str(e["answer"][entity]["Id"]))
            for e in matching(exchanges, lambda e: e["method"] == "POST")
            if company_path(e["path"])[1] == entity.lower() and (e["answer"] or {}).get(entity)
        }
    )


def attached(exchanges: Iterable[Exchange]) -> int:
    """How many files QuickBooks accepted; repeated answers count once."""
    return len(
        {
            (company_path(upload["path"])[0], str(row["Attachable"]["Id"]))
            for upload in matching(exchanges, lambda e: e["path"].endswith("/upload"))
            for row in upload["answer"].get("AttachableResponse", ())
            if "Attachable" in row
        }
    )


def calls(vendor: str, exchanges: Iterable[Exchange]) -> dict[str, int]:
    """How often each method of a vendor was called."""
    words = Counter[str]()
    for exchange in exchanges:
        last = exchange["path"].rstrip("/").rpartition("/")[2]
        if vendor == "quickbooks":
            last = company_path(exchange["path"])[1] or "token"
        elif exchange["path"].startswith("/response/"):
            last = "response_url"
        words[last] += 1
    return dict(sorted(words.items()))
