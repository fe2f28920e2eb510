"""A QuickBooks company's books in memory: its settings, lists and documents."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

type Json = dict[str, Any]

CENT: Final = Decimal("0.01")
PACIFIC: Final = timezone(timedelta(hours=-8))  # QuickBooks states times in California's

# The names of the lists and documents a realm keeps, and the attribute that holds each.
TABLES: Final = {
    "Account": "accounts",
    "Attachable": "attachables",
    "Bill": "bills",
    "Class": "classes",
    "Customer": "customers",
    "Department": "departments",
    "Employee": "employees",
    "Item": "items",
    "TaxCode": "tax_codes",
    "TaxRate": "tax_rates",
    "Term": "terms",
    "Vendor": "vendors",
    "VendorCredit": "vendor_credits",
}
# Each AccountType with its Classification and the AccountSubType it has unless another is given.
# Non-posting accounts are of no class.
_ACCOUNT_TYPES: Final = {
    "Accounts Payable": ("Liability", "AccountsPayable"),
    "Accounts Receivable": ("Asset", "AccountsReceivable"),
    "Bank": ("Asset", "Checking"),
    "Cost of Goods Sold": ("Expense", "SuppliesMaterialsCogs"),
    "Credit Card": ("Liability", "CreditCard"),
    "Equity": ("Equity", "OwnersEquity"),
    "Expense": ("Expense", "OtherMiscellaneousServiceCost"),
    "Fixed Asset": ("Asset", "FurnitureAndFixtures"),
    "Income": ("Revenue", "SalesOfProductIncome"),
    "Long Term Liability": ("Liability", "NotesPayable"),
    "Non-Posting": ("", "NonPosting"),
    "Other Asset": ("Asset", "OtherLongTermAssets"),
    "Other Current Asset": ("Asset", "OtherCurrentAssets"),
    "Other Current Liability": ("Liability", "OtherCurrentLiabilities"),
    "Other Expense": ("Expense", "OtherMiscellaneousExpense"),
    "Other Income": ("Revenue", "OtherMiscellaneousIncome"),
}
PEOPLE: Final = ("Vendor", "Customer", "Employee")  # they share one space of names


@dataclass(slots=True, kw_only=True)
class Realm:
    """One company in QuickBooks; every list and document is a dict of JSON records by Id."""

    id: str
    company_name: str
    country: str = "US"  # decides how tax is computed; empty is taken for the US
    states_country: bool = True  # whether CompanyInfo names it
    home_currency: str = "USD"
    multicurrency: bool = True
    using_sales_tax: bool = False
    duplicate_warning: bool = True
    custom_txn_numbers: bool = True
    class_tracking: bool = False
    department_tracking: bool = False
    subscription_ended: bool = False
    book_close_date: date | None = None
    exchange_rates: dict[str, Decimal] = field(
        default_factory=lambda: {
            "CAD": Decimal("0.7"),
            "EUR": Decimal("1.1"),
            "GBP": Decimal("1.3"),
            "USD": Decimal(1),
        }
    )
    accounts: dict[str, Json] = field(default_factory=dict)
    attachables: dict[str, Json] = field(default_factory=dict)
    bills: dict[str, Json] = field(default_factory=dict)
    classes: dict[str, Json] = field(default_factory=dict)
    customers: dict[str, Json] = field(default_factory=dict)
    departments: dict[str, Json] = field(default_factory=dict)
    employees: dict[str, Json] = field(default_factory=dict)
    items: dict[str, Json] = field(default_factory=dict)
    tax_codes: dict[str, Json] = field(default_factory=dict)
    tax_rates: dict[str, Json] = field(default_factory=dict)
    terms: dict[str, Json] = field(default_factory=dict)
    vendors: dict[str, Json] = field(default_factory=dict)
    vendor_credits: dict[str, Json] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)  # by the attachable's Id
    deleted: list[tuple[str, Json]] = field(default_factory=list)
    moved: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # by document: where it was booked
    merged: dict[str, str] = field(default_factory=dict)  # vendors that are no more, by their Id
    last_id: int = 0

    @property
    def is_american(self) -> bool:
        """Whether purchase tax is a cost here, and lines are TAX or NON."""
        return self.country in {"", "US"}

    def table(self, entity: str) -> dict[str, Json]:
        """The records of a list or document type, by Id."""
        table: dict[str, Json] = getattr(self, TABLES[entity])
        return table

    def id_of(self, entity: str, name: str) -> str:
        """The Id of the record with this name (Name, DisplayName, DocNumber or AcctNum)."""
        for record in self.table(entity).values():
            if name in {record.get(k) for k in ("Name", "DisplayName", "DocNumber", "AcctNum")}:
                return str(record["Id"])
        raise KeyError(f"{entity} {name}")

    def add(self, entity: str, record: Json, now: datetime, *, key: str = "") -> Json:
        """Store a new record and give it what QuickBooks gives: Id, SyncToken, times."""
        self.last_id += 1
        stored: Json = {
            **record,
            "domain": "QBO",
            "sparse": False,
            "Id": key or str(self.last_id),
            "SyncToken": "0",
            "MetaData": {"CreateTime": _second(now), "LastUpdatedTime": _second(now)},
        }
        self.table(entity)[stored["Id"]] = stored
        return stored

    def change(self, entity: str, record: Json, now: datetime) -> Json:
        """Store a new version of a record under the next SyncToken."""
        old = self.table(entity)[record["Id"]]
        stored: Json = {
            **record,
            "sparse": False,
            "SyncToken": str(int(old["SyncToken"]) + 1),
            "MetaData": {**old["MetaData"], "LastUpdatedTime": _second(now)},
        }
        self.table(entity)[stored["Id"]] = stored
        return stored

    def delete(self, entity: str, key: str, now: datetime) -> Json:
        """Remove a document; change data capture still lists it."""
        old = self.table(entity).pop(key)
        gone = {"domain": "QBO", "status": "Deleted", "Id": key}
        times = {"MetaData": {**old["MetaData"], "LastUpdatedTime": _second(now)}}
        self.deleted.append((entity, {**gone, **times}))
        return gone

    def payable(self, currency: str, now: datetime) -> Json:
        """The accounts payable account of a currency; QuickBooks opens one where it is missing."""
        for account in self.accounts.values():
            if (account["AccountType"], account["CurrencyRef"]["value"]) == (
                "Accounts Payable",
                currency,
            ):
                return account
        foreign = currency != self.home_currency
        name = f"Accounts Payable (A/P) - {currency}" if foreign else "Accounts Payable (A/P)"
        return self.add_account(name, now, "Accounts Payable", "AccountsPayable", currency=currency)

    def add_account(
        self,
        name: str,
        now: datetime,
        kind: str = "Expense",
        subtype: str = "",
        *,
        number: str = "",
        parent: Json | None = None,
        currency: str = "",
    ) -> Json:
        """Open an account; `kind` is its AccountType, which decides its Classification."""
        classification, usual = _ACCOUNT_TYPES[kind]
        record: Json = {
            "Name": name,
            "FullyQualifiedName": f"{parent['FullyQualifiedName']}:{name}" if parent else name,
            "SubAccount": parent is not None,
            "Active": True,
            "AccountType": kind,
            "AccountSubType": subtype or usual,
            "CurrentBalance": Decimal("0.00"),
            "CurrencyRef": {"value": currency or self.home_currency},
        }
        if classification:
            record["Classification"] = classification
        if number:
            record["AcctNum"] = number
        if parent:
            record["ParentRef"] = {"value": parent["Id"]}
        return self.add("Account", record, now)

    def company_info(self) -> Json:
        """The CompanyInfo record."""
        return {
            "CompanyName": self.company_name,
            "LegalName": self.company_name,
            **({"Country": self.country} if self.country and self.states_country else {}),
            "Id": "1",
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
            "NameValue": [
                {"Name": "SubscriptionStatus", "Value": "PAID"},
                {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
            ],
        }

    def preferences(self) -> Json:
        """The Preferences record; whether duplicate numbers warn cannot be read, as in Intuit's."""
        closed = {"BookCloseDate": str(self.book_close_date)} if self.book_close_date else {}
        custom = {
            "Name": "VendorAndPurchasesPrefs.UseCustomTxnNumbers",
            "Value": str(self.custom_txn_numbers).lower(),
        }
        return {
            "AccountingInfoPrefs": {
                "UseAccountNumbers": True,
                "ClassTrackingPerTxn": False,
                "ClassTrackingPerTxnLine": self.class_tracking,
                "TrackDepartments": self.department_tracking,
                **closed,
            },
            "VendorAndPurchasesPrefs": {"TrackingByCustomer": False},
            "TaxPrefs": {"UsingSalesTax": self.using_sales_tax, "PartnerTaxEnabled": False},
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": self.multicurrency,
                "HomeCurrency": {"value": self.home_currency},
            },
            "OtherPrefs": {"NameValue": [custom]},
            "Id": "1",
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
        }


def money(amount: Decimal | int) -> Decimal:
    """An amount to the cent, halves up."""
    return Decimal(amount).quantize(CENT, ROUND_HALF_UP)


def timestamp(now: datetime) -> str:
    """An instant as QuickBooks writes it."""
    return now.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def _second(now: datetime) -> str:
    return now.astimezone(PACIFIC).isoformat(timespec="seconds")


def instant(text: str) -> datetime:
    """An instant or a date as QuickBooks or a client writes it."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_json(value: object) -> str:
    """JSON text in which a Decimal is a number with all its digits."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(key))}:{to_json(item)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value)
