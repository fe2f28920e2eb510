"""Which QuickBooks vendors were used for a vendor in Odoo, as the table remembers. No I/O.

The note (`vendor#<company>#<partner id>`) also has the vendor's last bills, see `recent_bills`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odoo_qb import table_keys
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A QuickBooks vendor that was used: its id, its name at the time, and when (UTC, ISO)."""

    id: str
    name: str
    at: str


def note_id(bill: Bill) -> str:
    """The note of the bill's vendor; "" if it has none."""
    return _note_id(bill.company, bill.vendor.odoo_id) if bill.vendor else ""


def note_id_of(item: Item) -> str:
    """The same, for a bill in the table."""
    vendor = item["vendor"]
    return _note_id(item["company"], int(vendor["odoo_id"])) if vendor else ""


def remembered(note: Json, realm_id: str, currency: str) -> Remembered | None:
    """The vendor used in a realm for a currency: a QuickBooks vendor has only one currency."""
    kept = {k: str(note.get(_name(k, realm_id, currency), "")) for k in ("id", "name", "at")}
    return Remembered(**kept) if kept["id"] else None


def all_remembered(note: Json, realm_id: str) -> list[Remembered]:
    """The vendors used in a realm, one per currency."""
    prefix = _name("id", realm_id, "")
    currencies = sorted(k.removeprefix(prefix) for k in note if k.startswith(prefix))
    found = (remembered(note, realm_id, currency) for currency in currencies)
    return [used for used in found if used]


def to_remember(vendor_id: str, name: str, realm_id: str, currency: str, now: datetime) -> Json:
    """What to write into the note, by realm: the same id is another vendor in another realm."""
    values = {"id": vendor_id, "name": name, "at": stamp(now)}
    return {_name(k, realm_id, currency): value for k, value in values.items()}


def _note_id(company: str, partner: int) -> str:
    return table_keys.vendor(company, partner)


def _name(what: str, realm_id: str, currency: str) -> str:
    return f"{what}_{realm_id}_{currency}"
