"""Which vendor in QuickBooks a bill's vendor is, of those that are known. No I/O."""

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
    """QuickBooks' vendor as (id, name, how): mapped, remembered, of exactly that name; or new.

    Never one of a similar name: money would go to somebody else.
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
                return used.id, used.name, how  # made since the snapshot
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
    """The vendor of the settings, or the one of its name that is paid in the bill's currency."""
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
    """The vendor of that name, one that can be used if there is one.

    The vendor's plain name may be taken by it in another currency: then it is no namesake.
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
    """Whether an inactive vendor is the one of this name, which QuickBooks shows as deleted.

    Made active again it has its name back: another vendor of it must not be made meanwhile.
    """
    shown = vendor.name.casefold()
    wanted = " ".join(name.split()).casefold()
    return not vendor.active and shown.removesuffix(DELETED).rstrip() == wanted != shown


def _named(snapshot: Snapshot, name: str) -> tuple[KnownVendor, ...]:
    """The vendors of exactly this name, and after them those that had it until deleted."""
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
    """The name of the vendor in QuickBooks that a bill had and has, whoever it is in Odoo."""
    shown = item.get("preflight") or {}
    if not plan.vendor_id or shown.get("realm_id") != plan.realm_id:
        return ""
    if shown.get("vendor_id"):
        return plan.vendor_name if shown["vendor_id"] == plan.vendor_id else ""
    # It was still to be created then.
    is_same = str(shown.get("vendor_name", "")).casefold() == plan.vendor_name.casefold()
    return plan.vendor_name if is_same else ""
