"""Which Odoo contacts share a QuickBooks vendor: two with the same name may differ. No I/O.

A note per vendor (`payee#<realm>#<vendor>`, by its id or, until it has one, its name) lists the
contacts in the order in which they came. A contact is written once, not with each bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb import table_keys
from odoo_qb.extraction.duplicates import realm_of, vendor_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.bill.model import Bill, Vendor
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan

_CONTACT: Final = "contact_"
_NAMED: Final = 3
# Only matching by name may confuse vendors; a mapped or remembered vendor is intended.
_BY_NAME: Final = frozenset({"name", "new"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """The other contacts of a bill's vendor, and the note and values to write for its own.

    `note_id` is empty if there is nothing to write.
    """

    others: tuple[Json, ...] = ()
    note_id: str = ""
    values: Mapping[str, object] | None = None


def note_ids(bill: Bill, plan: PostingPlan, note: Json, company: Company) -> list[str]:
    """The notes for the bill's vendor, the one for writing first."""
    realm = realm_of(company)
    if not plan.snapshot:
        return []  # the vendor is not known yet
    return [table_keys.payee(realm, key) for key in vendor_keys(bill, plan, note, realm)]


def sharing(
    bill: Bill, plan: PostingPlan, ids: Sequence[str], notes: Mapping[str, Json]
) -> Sharing:
    """Which other contacts share the bill's vendor, by the notes with these ids."""
    if bill.vendor is None or not ids:
        return Sharing()
    contacts: dict[str, Json] = {}
    for note_id in ids:
        known = notes.get(note_id, {}).items()
        contacts |= {k: v for k, v in known if k.startswith(_CONTACT)}
    own = f"{_CONTACT}{bill.vendor.odoo_id}"
    place = contacts[own]["place"] if own in contacts else len(contacts) + 1
    earlier = [c for c in contacts.values() if c["place"] < place]
    others = [c for c in earlier if not _is_same(c, bill.vendor)]
    new = {
        "name": bill.vendor.name,
        "tax_id": bill.vendor.tax_id,
        "email": bill.vendor.email,
        "place": place,
    }
    return Sharing(
        others=tuple(others) if plan.vendor_how in _BY_NAME else (),
        note_id="" if own in contacts else ids[0],
        values=None if own in contacts else {own: new},
    )


def warnings(plan: PostingPlan, found: Sharing) -> list[str]:
    """A warning that the vendor belongs to another contact, with what distinguishes them."""
    if not found.others:
        return []
    whose = " and ".join(_text(c) for c in found.others[:_NAMED])
    vendor = f"The vendor {plan.vendor_name} in QuickBooks"
    belongs = "will also belong" if plan.vendor_how == "new" else "also belongs"
    shared = f"{vendor} {belongs} to another contact in Odoo: {whose}."
    return [f"{shared} If they are not the same vendor, rename one of them in Odoo."]


def _is_same(contact: Json, vendor: Vendor) -> bool:
    """Whether two contacts are the same vendor, entered twice or merged."""
    ids = {_bare(contact["tax_id"]), _bare(vendor.tax_id)}
    if "" not in ids:
        return len(ids) == 1
    emails = {_bare(contact["email"]), _bare(vendor.email)}
    return ids == {""} and "" not in emails and len(emails) == 1


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()


def _text(contact: Json) -> str:
    known = (contact["tax_id"], contact["email"])
    more = ", ".join(str(k).strip() for k in known if str(k).strip())
    return f"{contact['name']} ({more})" if more else str(contact["name"])
