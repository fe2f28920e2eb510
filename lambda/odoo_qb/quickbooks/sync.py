"""Read a QuickBooks company's lists and preferences, and store them in S3."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Final

from odoo_qb.quickbooks.snapshot import (
    Account,
    KnownVendor,
    Listed,
    Row,
    Snapshot,
    TaxCode,
    TaxRate,
)
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.company import Company
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.store.documents import Documents


_ALL: Final = "Active IN (true, false)"  # else QuickBooks hides the inactive ones
_DAY: Final = 10  # characters of "2026-01-31"
_PLAIN_LISTS: Final = ("terms", "classes", "departments")


def load(documents: Documents, company: Company) -> Snapshot | None:
    """The last snapshot of a company.

    None before the first one, or if it is of another realm or from an older release.
    """
    text = documents.find_text(_key(company.key))
    raw = json.loads(text) if text else {}
    if raw.keys() != {f.name for f in fields(Snapshot)} or raw["realm_id"] != company.realm_id:
        return None
    if not all(isinstance(rate, dict) for c in raw["tax_codes"] for rate in c["rates"]):
        return None  # 1.0 stored tax rates without their dates
    lists = {
        "accounts": tuple(Account(**a) for a in raw["accounts"]),
        "vendors": tuple(KnownVendor(**v) for v in raw["vendors"]),
        "tax_codes": tuple(_kept_code(c) for c in raw["tax_codes"]),
        **{name: tuple(Listed(**r) for r in raw[name]) for name in _PLAIN_LISTS},
    }
    return with_country(Snapshot(**raw | lists), company)


def _kept_code(raw: Row) -> TaxCode:
    rates = tuple(TaxRate(**r | {"periods": tuple(map(tuple, r["periods"]))}) for r in raw["rates"])
    return TaxCode(**raw | {"rates": rates})


def with_country(snapshot: Snapshot, company: Company) -> Snapshot:
    """The snapshot with the country from the settings, if QuickBooks states none."""
    return snapshot if snapshot.country else replace(snapshot, country=company.country)


def sync(
    quickbooks: QuickBooksClient, documents: Documents, company: str, now: datetime
) -> Snapshot:
    """Read the company in QuickBooks and store the snapshot where every function finds it.

    Intuit meters reads: five for a US company with up to 1,000 rows per list, two more for tax
    codes if purchases are taxed, and one each for classes and departments if used.
    """
    preferences = quickbooks.preferences()
    company_info = quickbooks.company_info()
    country = str(company_info.get("Country") or "")
    # If the company does not say, QuickBooks will refuse a bill in a foreign currency itself.
    currencies = preferences.get("CurrencyPrefs", {"MultiCurrencyEnabled": True})
    accounting = preferences.get("AccountingInfoPrefs", {})
    snapshot = Snapshot(
        taken_at=stamp(now),
        realm_id=quickbooks.realm_id,
        company_name=str(company_info.get("CompanyName") or ""),
        country=country,
        home_currency=_ref(currencies, "HomeCurrency"),
        multicurrency=bool(currencies.get("MultiCurrencyEnabled")),
        uses_tax=bool(preferences.get("TaxPrefs", {}).get("UsingSalesTax", True)),
        tracks_classes=bool(accounting.get("ClassTrackingPerTxnLine")),
        tracks_departments=bool(accounting.get("TrackDepartments")),
        book_close_date=str(accounting.get("BookCloseDate") or ""),
        accounts=tuple(_account(row) for row in quickbooks.query_all("Account", _ALL)),
        vendors=tuple(vendor_of(row) for row in quickbooks.query_all("Vendor", _ALL)),
        terms=_listed(quickbooks, "Term"),
    )
    if snapshot.tracks_classes:
        snapshot = replace(snapshot, classes=_listed(quickbooks, "Class"))
    if snapshot.tracks_departments:
        snapshot = replace(snapshot, departments=_listed(quickbooks, "Department"))
    if snapshot.taxes_purchases:
        periods = {str(r["Id"]): _periods(r) for r in quickbooks.query_all("TaxRate")}
        codes = tuple(_tax_code(row, periods) for row in quickbooks.query_all("TaxCode"))
        snapshot = replace(snapshot, tax_codes=codes)
    documents.write(_key(company), json.dumps(asdict(snapshot), ensure_ascii=False))
    return snapshot


def vendor_of(row: Row) -> KnownVendor:
    """The vendor in a QuickBooks record."""
    return KnownVendor(
        id=str(row["Id"]),
        name=" ".join(str(row.get("DisplayName") or "").split()),
        currency=_ref(row, "CurrencyRef"),
        active=bool(row.get("Active", True)),
    )


def _listed(quickbooks: QuickBooksClient, entity: str) -> tuple[Listed, ...]:
    """The active rows of a list; sub-entries have their full name."""
    return tuple(
        Listed(id=str(row["Id"]), name=str(row.get("FullyQualifiedName") or row.get("Name") or ""))
        for row in quickbooks.query_all(entity)
    )


def _account(row: Row) -> Account:
    return Account(
        id=str(row["Id"]),
        number=str(row.get("AcctNum") or ""),
        name=str(row.get("Name") or ""),
        full_name=str(row.get("FullyQualifiedName") or row.get("Name") or ""),
        kind=str(row.get("AccountType") or ""),
        sub_kind=str(row.get("AccountSubType") or ""),
        currency=_ref(row, "CurrencyRef"),
        active=bool(row.get("Active", True)),
    )


def _tax_code(row: Row, periods: Mapping[str, tuple[tuple[str, str, str], ...]]) -> TaxCode:
    details = row.get("PurchaseTaxRateList", {}).get("TaxRateDetail", ())
    rates = tuple(
        TaxRate(
            id=_ref(detail, "TaxRateRef"),
            periods=periods.get(_ref(detail, "TaxRateRef"), ()),
            basis=str(detail.get("TaxTypeApplicable") or "TaxOnAmount"),
            order=int(detail.get("TaxOrder") or 0),
        )
        for detail in details
    )
    return TaxCode(id=str(row["Id"]), name=str(row.get("Name") or ""), rates=rates)


def _periods(row: Row) -> tuple[tuple[str, str, str], ...]:
    """The percentages of a TaxRate by period; one without dates always applies."""
    dated = row.get("EffectiveTaxRate") or [{"RateValue": row.get("RateValue")}]
    return tuple(
        sorted(
            (
                str(period.get("EffectiveDate") or "")[:_DAY],
                str(period.get("EndDate") or "")[:_DAY],
                str(period["RateValue"]),
            )
            for period in dated
            if period.get("RateValue") is not None
        )
    )


def _ref(row: Row, name: str) -> str:
    return str((row.get(name) or {}).get("value") or "")


def _key(company: str) -> str:
    return f"reference/{company}.json"
