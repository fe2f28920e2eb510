"""What checks need to know about the books, and how references are resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.errors import FaultError, not_found
from sandbox.quickbooks.store import TABLES, Json, Realm

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.quickbooks.modes import Modes

# Where a reference leads, by the name of its field.
REFERENCES: Final = {
    "VendorRef": "Vendor",
    "APAccountRef": "Account",
    "AccountRef": "Account",
    "SalesTermRef": "Term",
    "TermRef": "Term",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "CustomerRef": "Customer",
    "ItemRef": "Item",
    "TaxCodeRef": "TaxCode",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a check needs to know: the realm, the modes, the time, and what the client may do."""

    realm: Realm
    modes: Modes
    now: datetime
    allow_duplicates: bool = False

    def referred(self, ref: Json, field: str) -> Json:
        """The referenced record; FaultError if there is no usable one."""
        entity = REFERENCES[field]
        found = self.realm.table(entity).get(ref["value"])
        if not found or found.get("Type") == "Category":
            detail = f"Invalid Reference Id : {TABLES[entity]} element id {ref['value']} not found"
            raise FaultError("2500", detail, element=field)
        if found.get("Active", True):
            return found
        why = (
            "Something you're trying to use has been made inactive. Check the fields with "
            "accounts, customers, items, vendors or employees."
        )
        if self.modes.inactive_reference == "2500":
            raise FaultError("2500", f"Invalid Reference Id : {why}")
        raise not_found(why)
