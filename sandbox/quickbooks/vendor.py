"""What QuickBooks refuses in a vendor, and how it completes the rest."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.errors import FaultError, business, duplicate_name
from sandbox.quickbooks.shape import NAMES
from sandbox.quickbooks.store import PEOPLE, Json

if TYPE_CHECKING:
    from sandbox.quickbooks.books import Books

_SHOWN_OF_TAX_ID: Final = 4
_ADDRESS: Final = re.compile(
    r"[^\s@<>()\[\]:;,\"\\]+@[^\s@<>()\[\]:;,\"\\]+\.[^\s@<>()\[\]:;,\"\\]+"
)
_DELETED: Final = re.compile(r" \(deleted\)$", re.IGNORECASE)


def vendor(payload: Json, books: Books, old: Json | None = None) -> Json:
    """The vendor as QuickBooks would keep it; FaultError says why it would not."""
    record = dict(payload)
    name = record.get("DisplayName") or " ".join(record[k] for k in NAMES if record.get(k))
    record.setdefault("Active", True)
    marks = books.modes.inactive_name == "marked_deleted"
    if marks and old and not old["Active"]:
        name = _DELETED.sub("", name)
    record["DisplayName"] = name
    record.setdefault("PrintOnCheckName", name)
    _check_address(record.get("PrimaryEmailAddr", {}).get("Address", ""))
    realm = books.realm
    if "TermRef" in record:
        books.referred(record["TermRef"], "TermRef")
    currency = record.get("CurrencyRef", {}).get("value", realm.home_currency)
    if old and currency != old["CurrencyRef"]["value"]:
        raise business("The currency of a vendor cannot be changed once it is set.")
    if currency != realm.home_currency and not realm.multicurrency:
        raise business("Multicurrency is not enabled for this company.")
    _check_name(name, books, old)
    if marks and not record["Active"]:
        record["DisplayName"] = name + books.modes.deleted_suffix
    if tax_id := record.get("TaxIdentifier"):
        record["TaxIdentifier"] = tax_id[-_SHOWN_OF_TAX_ID:].rjust(len(tax_id), "X")
    record["CurrencyRef"] = {"value": currency}
    record.setdefault("Balance", Decimal("0.00"))
    record.setdefault("Vendor1099", False)
    realm.payable(currency, books.now)
    return record


def _check_name(name: str, books: Books, old: Json | None) -> None:
    """Names are unique among vendors, customers and employees, also inactive ones."""
    for entity in PEOPLE:
        for other in books.realm.table(entity).values():
            same = old is not None and entity == "Vendor" and other["Id"] == old["Id"]
            taken = other["DisplayName"]
            if books.modes.deleted_name == "taken" and not other.get("Active", True):
                taken = _DELETED.sub("", taken)
            if not same and taken.casefold() == name.casefold():
                raise duplicate_name()


def _check_address(address: str) -> None:
    """One address, or several with commas; without display names."""
    for part in address.split(",") if address else ():
        if not _ADDRESS.fullmatch(part.strip()):
            raise FaultError(
                "2210",
                "Email Address does not conform to the syntax rules of RFC 822."
                f" Supplied value:{address}",
                element="PrimaryEmailAddr.Address",
            )
