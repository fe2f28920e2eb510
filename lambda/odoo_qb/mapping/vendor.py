"""Match a bill's vendor to a known vendor in QuickBooks. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.quickbooks.names import vendor_name
from odoo_qb.store.vendor_notes import remembered

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.quickbooks.snapshot import KnownVendor, Snapshot

DELETED: Final = "(deleted)"  # what QuickBooks may append to the name of an inactive vendor


def match_vendor(
    bill: Bill,
    company: Company,
    snapshot: Snapshot,
    note: Json,
    problems: list[str],
    warnings: list[str],
) -> tuple[str, str, str]:
    """The QuickBooks vendor as (id, name, how): mapped, remembered, same name, or new.

    Never one with a similar name: the money could go to someone else.
    """
    if bill.vendor is None:
        return "", "", ""
    home = snapshot.home_currency or bill.company_currency
    name = vendor_name(bill.vendor, bill.currency, home)
    wanted = company.vendors.get(bill.vendor.name, "")
    if wanted and not _named(snapshot, wanted):
        problems.append(
            f"QuickBooks has no vendor {wanted} (mapped from {bill.vendor.name}). Create it"
            " there, or correct company_settings."
        )
        return "", wanted, "mapped"
    vendor, how = _mapped(wanted, bill, snapshot, home, warnings), "mapped"
    if vendor is None:
        used = remembered(note, snapshot.realm_id, bill.currency)
        vendor, how = snapshot.vendor(used.id) if used else None, "remembered"
        if used and vendor is None:
            if used.at >= snapshot.taken_at:
                return used.id, used.name, how  # created since the snapshot
            warnings.append(
                f"Earlier bills used the vendor {used.name}, which was merged or deleted in"
                " QuickBooks. If another vendor is meant, have it mapped in company_settings"
                " before you approve."
            )
    if vendor is None or (how == "remembered" and not vendor.active):
        namesake = _namesake(name, bill, snapshot, home)
        if vendor is None or (namesake and not _unusable(namesake, bill.currency, home)):
            vendor, how = namesake, "name"
    if vendor is None:
        warnings.append(f"New vendor: {name} will be created in QuickBooks.")
        return "", name, "new"
    problem = _unusable(vendor, bill.currency, home)
    if problem:
        problems.append(problem)
    return vendor.id, vendor.name, how


def _mapped(
    wanted: str, bill: Bill, snapshot: Snapshot, home: str, warnings: list[str]
) -> KnownVendor | None:
    """The vendor in the settings, or its namesake that is paid in the bill's currency."""
    mapped = next(iter(_named(snapshot, wanted)), None) if wanted else None
    if mapped is None or bill.vendor is None:
        return None
    same = (mapped, *snapshot.vendors_named(f"{mapped.name} ({bill.currency})"))
    found = next((v for v in same if _currency(v, home) == bill.currency), None)
    if found is None:
        warnings.append(
            f"The vendor {mapped.name} (mapped from {bill.vendor.name}) is paid in"
            f" {_currency(mapped, home)} in QuickBooks, so it is not used for this bill in"
            f" {bill.currency}."
        )
    return found


def _namesake(name: str, bill: Bill, snapshot: Snapshot, home: str) -> KnownVendor | None:
    """The vendor with that name, preferably one that can be used.

    The same vendor in another currency may have the plain name; that is not a namesake.
    """
    plain = bill.vendor.name if bill.vendor else name
    own = [
        v
        for n in (name, plain)
        for v in _named(snapshot, n)
        if n == name or _currency(v, home) == bill.currency
    ]
    usable = (v for v in own if not _unusable(v, bill.currency, home))
    return next(usable, next(iter(own), None))


def is_deleted_as(vendor: KnownVendor, name: str) -> bool:
    """Whether an inactive vendor had this name; QuickBooks shows it as deleted.

    Once active again it gets its name back, so no other vendor may be created with it meanwhile.
    """
    shown = vendor.name.casefold()
    wanted = " ".join(name.split()).casefold()
    return not vendor.active and shown.removesuffix(DELETED).rstrip() == wanted != shown


def _named(snapshot: Snapshot, name: str) -> tuple[KnownVendor, ...]:
    """The vendors with exactly this name, then those that had it until they were deleted."""
    deleted = (v for v in snapshot.vendors if is_deleted_as(v, name))
    return (*snapshot.vendors_named(name), *deleted)


def _currency(vendor: KnownVendor, home: str) -> str:
    return vendor.currency or home


def _unusable(vendor: KnownVendor, currency: str, home: str) -> str:
    if not vendor.active:
        return f"The vendor {vendor.name} is inactive in QuickBooks. Make it active again there."
    if _currency(vendor, home) != currency:
        return (
            f"The vendor {vendor.name} in QuickBooks is paid in {_currency(vendor, home)},"
            f" but this bill is in {currency}. A vendor there keeps one currency. Rename"
            " that one, or map another."
        )
    return ""


def stays_payee(item: Item, plan: PostingPlan) -> str:
    """The QuickBooks vendor's name, if the bill keeps that vendor although Odoo's changed."""
    shown = item.get("preflight") or {}
    if not plan.vendor_id or shown.get("realm_id") != plan.realm_id:
        return ""
    if shown.get("vendor_id"):
        return plan.vendor_name if shown["vendor_id"] == plan.vendor_id else ""
    # It did not exist yet at that time.
    is_same = str(shown.get("vendor_name", "")).casefold() == plan.vendor_name.casefold()
    return plan.vendor_name if is_same else ""
