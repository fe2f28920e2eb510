"""The two companies' books in QuickBooks, before 1.0 posts anything to them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from upgrade.making.companies import ACME, FIRMS, HARTLEY, VENDOR_NAMES, Firm

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.quickbooks import QuickBooks, Realm


def seed_token(firm: Firm) -> str:
    """The refresh token with which the operator connected the company."""
    return f"sandbox-refresh-{firm.key}"


def open_quickbooks(quickbooks: QuickBooks, now: datetime) -> None:
    """Replace the realms that were there by those of the two companies."""
    quickbooks.realms.clear()
    for firm in FIRMS.values():
        realm = quickbooks.add_realm(
            firm.realm_id, firm.name, refresh_token=seed_token(firm), country=firm.country
        )
        _open_realm(realm, now)


def _open_realm(realm: Realm, now: datetime) -> None:
    """What a bookkeeper set up beside what QuickBooks comes with."""
    if realm.country == "US":
        asset = ("Other Current Asset", "OtherCurrentAssets")
        realm.add_account("Tax Paid", now, *asset, number="131000")
        _know_vendor(realm, VENDOR_NAMES[ACME], now)
        return
    liability = "Other Current Liability"
    realm.add_account("VAT Control", now, liability, "GlobalTaxPayable")
    realm.add_account("VAT Suspense", now, liability, "GlobalTaxSuspense")
    realm.add_account("Withholding Tax", now, liability, "OtherCurrentLiabilities", number="252000")
    _know_vendor(realm, VENDOR_NAMES[HARTLEY], now)
    _add_code(realm, "5.0% R", (("5.0% R (Purchases)", "5"),), now)
    _add_code(realm, "20.0% RC", (("20.0% RC (Purchases)", "20"), ("20.0% RC", "-20")), now)
    rates = (("VAT 20% (Purchases)", "20"), ("Levy 5% (Purchases)", "5"))
    _add_code(realm, "25.0% VAT and levy", rates, now)
    _add_code(realm, "22.0% S and levy", (("22.0% S and levy (Purchases)", "22"),), now)


def _know_vendor(realm: Realm, name: str, now: datetime) -> None:
    currency = {"value": realm.home_currency}
    vendor = {"DisplayName": name, "PrintOnCheckName": name, "Active": True}
    realm.add("Vendor", vendor | {"CurrencyRef": currency, "Vendor1099": False}, now)


def _add_code(realm: Realm, name: str, rates: tuple[tuple[str, str], ...], now: datetime) -> None:
    details = []
    for rate_name, percent in rates:
        rate = {"Name": rate_name, "Active": True, "RateValue": Decimal(percent)}
        made = realm.add("TaxRate", rate, now)
        ref = {"value": made["Id"], "name": rate_name}
        details.append({"TaxRateRef": ref, "TaxTypeApplicable": "TaxOnAmount"})
    code = {"Name": name, "Active": True, "Taxable": True, "TaxGroup": True}
    realm.add("TaxCode", code | {"PurchaseTaxRateList": {"TaxRateDetail": details}}, now)
