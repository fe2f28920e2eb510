"""The QuickBooks vendor of a bill: the one in its plan, or a new one; never guessed."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from odoo_qb import exact_json
from odoo_qb.errors import Disconnected, Refused
from odoo_qb.mapping.plan import TAKEN_SUFFIX
from odoo_qb.mapping.vendor import DELETED, is_deleted_as
from odoo_qb.quickbooks import names
from odoo_qb.quickbooks.error_codes import REACTIVATE
from odoo_qb.quickbooks.sync import vendor_of
from odoo_qb.store.vendor_notes import note_id, to_remember
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.store.table import Table

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/vendor
_PLAIN_NAME_LENGTH: Final = 100  # of CompanyName and PrintOnCheckName
_EMAIL_LENGTH: Final = 100
# One plain address: QuickBooks may refuse what Odoo allows beside it (error 2210).
_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`|~-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)


def vendor_id(
    bill: Bill,
    preflight: PostingPlan,
    quickbooks: QuickBooksClient,
    table: Table,
    now: datetime,
) -> str:
    """The id of the bill's vendor, created if QuickBooks has none of exactly this name.

    The id is stored for the Odoo vendor, realm and currency, so that renaming the vendor on either
    side changes nothing.
    """
    if bill.vendor is None:
        raise Refused("The bill has no vendor. Choose one in Odoo.", code="vendor")
    if preflight.vendor_how in {"mapped", "remembered"}:
        return preflight.vendor_id
    found_id, name = preflight.vendor_id, preflight.vendor_name
    if not found_id:
        vendor = _created(bill, preflight, quickbooks, now)
        found_id, name = str(vendor["Id"]), str(vendor["DisplayName"])
    note = to_remember(found_id, name, quickbooks.realm_id, bill.currency, now)
    table.write_note(note_id(bill), note)
    return found_id


def _existing(bill: Bill, name: str, quickbooks: QuickBooksClient) -> Json | None:
    """A vendor created since the snapshot; Refused if there is one that cannot be used."""
    rows = quickbooks.find_by_name("Vendor", name)
    if not rows:
        deleted = quickbooks.find_by_name("Vendor", f"{name} {DELETED}")
        rows = [r for r in deleted if is_deleted_as(vendor_of(r), name)]
    if not rows:
        return None
    vendor = vendor_of(rows[0])
    if not vendor.active:
        raise Refused(
            f"The vendor {vendor.name} is inactive in QuickBooks.", remedy=REACTIVATE, code="610"
        )
    if vendor.currency not in {"", bill.currency}:
        raise Refused(
            f"The vendor {name} in QuickBooks is paid in {vendor.currency}, but this bill is"
            f" in {bill.currency}.",
            remedy="Rename that vendor, or map another one, then retry.",
            code="currency",
        )
    return rows[0]


def _created(
    bill: Bill, preflight: PostingPlan, quickbooks: QuickBooksClient, now: datetime
) -> Json:
    """The created vendor; or the existing one, if QuickBooks refuses because the name is taken."""
    name = preflight.vendor_name
    try:
        return _create(bill, preflight, quickbooks, name, now)
    except Refused as refusal:
        if refusal.code != "6240":
            raise
        taken = refusal
    # The name is taken. A vendor that was created just now is used. If a customer or employee has
    # the name, the vendor gets a suffix.
    existing = _existing(bill, name, quickbooks)
    if existing:
        return existing
    holders = [e for e in ("Customer", "Employee") if quickbooks.find_by_name(e, name)]
    if not holders and taken.remedy == REACTIVATE:
        raise taken
    if not holders:
        raise Refused(
            f"QuickBooks says that {name} already exists, but shows no vendor, customer or"
            " employee of that name.",
            remedy="Look there for an inactive one and make it active again. Or create the vendor"
            " there by hand, map it in company_settings, then retry.",
            code="6240",
        )
    suffixed = name[: names.VENDOR_NAME_LENGTH - len(TAKEN_SUFFIX)] + TAKEN_SUFFIX
    existing = _existing(bill, suffixed, quickbooks)
    return existing or _create(bill, preflight, quickbooks, suffixed, now)


def _create(
    bill: Bill, preflight: PostingPlan, quickbooks: QuickBooksClient, name: str, now: datetime
) -> Json:
    """Create the vendor. Names are unique in QuickBooks, so a repeat creates no second one.

    The request id is new each time: with a lasting one QuickBooks would repeat an old answer, such
    as a vendor merged since, or a refusal whose reason is gone.
    """
    payload: Json = {"DisplayName": name}
    if bill.vendor:
        # Without its currency or suffix: cheques are made out to it. QuickBooks would print the
        # name that is displayed.
        plain = names.vendor_name(bill.vendor, bill.currency, bill.currency)
        plain = plain[:_PLAIN_NAME_LENGTH].rstrip()
        payload |= {"CompanyName": plain, "PrintOnCheckName": plain}
    if preflight.multicurrency:
        payload["CurrencyRef"] = {"value": bill.currency}
    email = bill.vendor.email.strip() if bill.vendor else ""
    if len(email) > _EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        return _made(bill, payload, quickbooks, now)
    try:
        return _made(bill, {**payload, "PrimaryEmailAddr": {"Address": email}}, quickbooks, now)
    except Disconnected:
        raise
    except Refused as refusal:
        if refusal.code == "6240":
            raise
    # An e-mail address that QuickBooks refuses must not block the bill.
    return _made(bill, payload, quickbooks, now)


def _made(bill: Bill, payload: Json, quickbooks: QuickBooksClient, now: datetime) -> Json:
    body = exact_json.to_json(payload)
    whole = f"vendor|{bill.entry_id}|{stamp(now)}|{body}"
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return quickbooks.create("Vendor", body, f"oqb-{digest[:40]}")
