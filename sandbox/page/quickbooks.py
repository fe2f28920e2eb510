"""The page's view of QuickBooks: a company's documents with their files, and its vendors."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from odoo_qb.bill.model import amount_text
from sandbox.run_report import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.quickbooks.server import Realm
    from sandbox.quickbooks.store import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A bill or vendor credit in QuickBooks."""

    id: str
    anchor: str
    kind: str
    number: str
    vendor: str
    date: str
    due: str
    total: str
    note: str
    lines: list[tuple[str, str, str]]
    files: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A company in QuickBooks."""

    company: str
    realm: str
    documents: list[Document]
    vendors: list[tuple[str, str]]
    loose_files: list[tuple[str, str]]

    @property
    def summary(self) -> str:
        """What the books hold, such as `3 bills, 1 credit`."""
        bills = sum(document.kind == "Bill" for document in self.documents)
        credit = len(self.documents) - bills
        return ", ".join(
            counted(number, word)
            for number, word in ((bills, "bill"), (credit, "credit"))
            if number
        )


def books(company: str, realm: Realm) -> Books:
    """What is in a company's books: bills before vendor credits, the newest first."""
    vendors = {str(v["Id"]): str(v["DisplayName"]) for v in list(realm.vendors.values())}
    files: dict[tuple[str, str], list[tuple[str, str]]] = {}
    loose = []
    for attachable in list(realm.attachables.values()):
        file = (str(attachable["Id"]), str(attachable["FileName"]))
        owners = [ref["EntityRef"] for ref in attachable.get("AttachableRef", ())]
        for owner in owners:
            files.setdefault((owner["type"].lower(), owner["value"]), []).append(file)
        if not owners:
            loose.append(file)
    return Books(
        company=company,
        realm=realm.id,
        documents=[
            _document(company, kind, record, vendors, files)
            for kind, table in (("Bill", realm.bills), ("VendorCredit", realm.vendor_credits))
            for record in reversed(list(table.values()))
        ],
        vendors=sorted(vendors.items(), key=lambda pair: pair[1].casefold()),
        loose_files=loose,
    )


def _document(
    company: str,
    kind: str,
    record: Json,
    vendors: Mapping[str, str],
    files: Mapping[tuple[str, str], list[tuple[str, str]]],
) -> Document:
    key, currency = str(record["Id"]), record.get("CurrencyRef", {}).get("value", "USD")
    return Document(
        id=key,
        anchor=anchor(company, {"type": kind, "id": key}),
        kind="Bill" if kind == "Bill" else "Vendor credit",
        number=str(record.get("DocNumber", "")),
        vendor=vendors.get(str(record["VendorRef"]["value"]), ""),
        date=str(record.get("TxnDate", "")),
        due=str(record.get("DueDate", "")),
        total=amount_text(Decimal(record.get("TotalAmt", 0)), currency),
        note=str(record.get("PrivateNote", "")),
        lines=[_line(line, currency) for line in record.get("Line", ())],
        files=files.get((kind.lower(), key), []),
    )


def _line(line: Json, currency: str) -> tuple[str, str, str]:
    detail = line.get("AccountBasedExpenseLineDetail", {})
    account = detail.get("AccountRef", {})
    return (
        str(line.get("Description", "")),
        str(account.get("name") or account.get("value", "")),
        amount_text(Decimal(line.get("Amount", 0)), currency),
    )


def anchor(company: str, quickbooks: Mapping[str, Any]) -> str:
    """The id of a QuickBooks document on the page; empty if there is none."""
    if not quickbooks.get("id"):
        return ""
    return f"qb-{company}-{quickbooks['type']}-{quickbooks['id']}".lower()
