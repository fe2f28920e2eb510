"""What a company in QuickBooks has on its first day: accounts, terms, tax rates and tax codes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sandbox.quickbooks.store import Json, Realm

# The countries whose tax QuickBooks sets up, and their money.
HOME_CURRENCIES: Final = {"GB": "GBP", "CA": "CAD"}

_EXPENSES: Final = {
    "443000": "Cash Discount Loss",
    "611000": "Purchase of Equipments",
    "612000": "Rent",
    "630000": "Salary Expenses",
    "641000": "Foreign Exchange Loss",
    "642000": "Cash Difference Loss",
    "961000": "RD Expenses",
    "962000": "Sales Expenses",
}
_TERMS: Final = {"Due on receipt": 0, "Net 15": 15, "Net 30": 30, "Net 60": 60}
# Purchase rates by name, and the codes that charge them. The order gives them their Ids.
_BRITISH: Final[dict[str, dict[str, str]]] = {
    "20.0% S": {"20.0% S (Purchases)": "20.0"},
    "0% Z": {"0% Z (Purchases)": "0.0"},
    "Exempt": {"Exempt (Purchases)": "0.0"},
    "5.0% R": {"5.0% R (Purchases)": "5.0"},
    "No VAT": {"No VAT (Purchases)": "0.0"},
    "20.0% RC": {"20.0% RC (Purchases)": "20.0", "20.0% RC (Purchases) reverse": "-20.0"},
    "0.0% RCS": {},  # for sales only
}
_CANADIAN: Final[dict[str, dict[str, str]]] = {
    "GST": {"GST (ITC)": "5"},
    "HST ON": {"HST ON (ITC)": "13"},
    "GST/QST QC": {"GST (ITC)": "5", "QST (ITR)": "9.975"},
    "Exempt": {"Exempt (Purchases)": "0"},
    "Zero-rated": {"Zero-rated (Purchases)": "0"},
    "Out of Scope": {"Out of Scope (Purchases)": "0"},
}
# The accounts in which QuickBooks itself keeps a tax, with their AccountSubType.
_BRITISH_ACCOUNTS: Final = {"VAT Control": "GlobalTaxPayable", "VAT Suspense": "GlobalTaxSuspense"}
_CANADIAN_ACCOUNTS: Final = {
    "GST/HST Payable": "GlobalTaxPayable",
    "GST/HST Suspense": "GlobalTaxSuspense",
    "QST Payable": "GlobalTaxPayable",
}
_FIRST_DAY: Final = "2000-01-01"  # before any bill


def open_books(realm: Realm, now: datetime) -> None:
    """Give a new realm the accounts, terms and tax codes that the sandbox's bills need."""
    realm.payable(realm.home_currency, now)
    if realm.multicurrency and realm.home_currency != "EUR":
        realm.payable("EUR", now)
    realm.add_account("Checking", now, "Bank")
    for number, name in _EXPENSES.items():
        realm.add_account(name, now, number=number)
    realm.add_account("Uncategorized Expense", now)
    cost = realm.add_account("Cost of Goods Sold", now, "Cost of Goods Sold")
    realm.add_account(
        "Freight In", now, "Cost of Goods Sold", "ShippingFreightDeliveryCos", parent=cost
    )
    for name, days in _TERMS.items():
        term = {"Name": name, "Active": True, "Type": "STANDARD", "DueDays": days}
        realm.add("Term", term, now)
    if realm.is_american:
        for name, taxable in (("TAX", True), ("NON", False)):
            code = {"Name": name, "Active": True, "Taxable": taxable, "TaxGroup": False}
            realm.add("TaxCode", code, now, key=name)
    elif realm.country == "CA":
        _open_tax(realm, _CANADIAN, _CANADIAN_ACCOUNTS, now)
    else:
        _open_tax(realm, _BRITISH, _BRITISH_ACCOUNTS, now)


def add_tax_rate(
    realm: Realm, name: str, percent: Decimal, now: datetime, *, since: str = _FIRST_DAY
) -> Json:
    """A rate that is charged from a day on; append to its EffectiveTaxRate what comes later."""
    effective = {"RateValue": percent, "EffectiveDate": f"{since}T00:00:00-08:00"}
    rate = {
        "Name": name,
        "Active": True,
        "RateValue": percent,
        "EffectiveTaxRate": [effective],
        "SpecialTaxType": "NONE",
        "DisplayType": "ReadOnly",
    }
    return realm.add("TaxRate", rate, now)


def add_tax_code(
    realm: Realm, name: str, rates: Sequence[Json], now: datetime, *details: Json
) -> Json:
    """A code that charges rates on purchases.

    Each rate is on the line's amount unless its detail, in the same place, says another
    TaxTypeApplicable, TaxOrder or TaxOnTaxOrder.
    """
    own = [*details, *({} for _ in rates[len(details) :])]
    listed: list[Json] = [
        {
            "TaxRateRef": {"value": rate["Id"], "name": rate["Name"]},
            "TaxTypeApplicable": "TaxOnAmount",
            "TaxOrder": 0,
            "TaxOnTaxOrder": -1,
            **detail,
        }
        for rate, detail in zip(rates, own, strict=True)
    ]
    code = {"Name": name, "Active": True, "Taxable": True, "TaxGroup": True}
    return realm.add("TaxCode", {**code, "PurchaseTaxRateList": {"TaxRateDetail": listed}}, now)


def _open_tax(
    realm: Realm,
    codes: Mapping[str, Mapping[str, str]],
    accounts: Mapping[str, str],
    now: datetime,
) -> None:
    rates: dict[str, Json] = {}
    for code, charged in codes.items():
        for name, percent in charged.items():
            if name not in rates:  # two codes may charge one rate
                rates[name] = add_tax_rate(realm, name, Decimal(percent), now)
        add_tax_code(realm, code, [rates[name] for name in charged], now)
    for name, subtype in accounts.items():
        realm.add_account(name, now, "Other Current Liability", subtype)
