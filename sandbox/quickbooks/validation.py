"""What QuickBooks refuses in a bill or vendor credit, and how it completes the rest.

The schema finds wrong shapes; the functions here find what only the books can tell. The order of
the checks, and with it which fault a doubly wrong document gets, follows QuickBooks.
"""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks.books import REFERENCES, Books
from sandbox.quickbooks.errors import (
    FaultError,
    business,
    closed,
    duplicate_number,
    wrong_account_type,
)
from sandbox.quickbooks.shape import check_shape
from sandbox.quickbooks.store import PACIFIC, Json, Realm, money
from sandbox.quickbooks.tax import settle_tax

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Books", "check_shape", "completed", "document"]

# Account types that no line of a bill can use.
_NO_LINE: Final = ("Accounts Payable", "Accounts Receivable", "Non-Posting")
# Only QuickBooks itself books on these.
_TAX_ACCOUNTS: Final = ("GlobalTaxPayable", "GlobalTaxSuspense")
_CURRENCIES: Final = {
    "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "USD": "United States Dollar",
}


def document(entity: str, payload: Json, books: Books, old: Json | None = None) -> Json:
    """The bill or vendor credit as QuickBooks would book it; FaultError says why it would not."""
    record = copy.deepcopy(payload)
    payee = books.referred(record["VendorRef"], "VendorRef")
    for place, ref in _refs(record):
        ref["name"] = _name(books.referred(ref, place))
    currency = _currency(record, payee, books)
    _check_accounts(record, currency, books)
    record.setdefault("TxnDate", str(books.now.astimezone(PACIFIC).date()))
    day = _day(record, "TxnDate")
    tax = settle_tax(record, books)
    _check_amounts(record)
    record["TotalAmt"] = _total(record, tax, books)
    _check_open(day, books)
    if entity == "VendorCredit" and not books.realm.custom_txn_numbers:
        record["DocNumber"] = str(1000 + len(books.realm.vendor_credits) + 1)
    _check_number(entity, record, books, old)
    record["Balance"] = record["TotalAmt"]
    record["CurrencyRef"] = {"value": currency}
    if books.realm.multicurrency:
        record.setdefault("ExchangeRate", Decimal(1))
    payable = books.realm.payable(currency, books.now)
    record.setdefault("APAccountRef", {"value": payable["Id"], "name": payable["Name"]})
    if entity == "Bill":
        record.setdefault("DueDate", _due(record, books))
        _day(record, "DueDate")
    numbered = enumerate(record["Line"], 1)
    record["Line"] = [{"LineNum": n, **line, "Id": str(n)} for n, line in numbered]
    return record


def completed(entity: str, record: Json, realm: Realm) -> Json:
    """The document as QuickBooks answers it, with its defaults filled in."""
    record.setdefault("LinkedTxn", [])
    currency = record["CurrencyRef"]["value"]
    if currency in _CURRENCIES:
        record["CurrencyRef"]["name"] = _CURRENCIES[currency]
    if entity == "Bill" and realm.multicurrency:
        record["HomeBalance"] = money(record["Balance"] * record["ExchangeRate"])
    for line in record["Line"]:
        line.setdefault("LinkedTxn", [])
        detail = line[line["DetailType"]]
        detail.setdefault("BillableStatus", "NotBillable")
        if realm.is_american:
            detail.setdefault("TaxCodeRef", {"value": "NON"})
    return record


def _refs(record: Json) -> Iterator[tuple[str, Json]]:
    """Each reference of a document with the name of its field, those of the lines included."""
    details = [line.get(line["DetailType"], {}) for line in record["Line"]]
    for holder in (record, *details):
        for field, ref in holder.items():
            if field in REFERENCES and field != "TaxCodeRef":
                yield field, ref


def _name(record: Json) -> str:
    return str(record.get("DisplayName") or record.get("FullyQualifiedName") or record["Name"])


def _currency(record: Json, payee: Json, books: Books) -> str:
    realm = books.realm
    given = record.get("CurrencyRef", {}).get("value")
    if not realm.multicurrency:
        if given not in {None, realm.home_currency}:
            raise business("Multicurrency is not enabled for this company.")
        return realm.home_currency
    if not given:
        raise business("CurrencyRef is required when multicurrency is enabled.")
    if given != payee["CurrencyRef"]["value"]:
        raise business("The currency of the transaction is invalid for the vendor.")
    return str(given)


def _check_accounts(record: Json, currency: str, books: Books) -> None:
    accounts, home = books.realm.accounts, books.realm.home_currency
    if "APAccountRef" in record:
        payable = accounts[record["APAccountRef"]["value"]]
        if payable["AccountType"] != "Accounts Payable":
            raise business("The A/P account must be an Accounts Payable account.")
        if payable["CurrencyRef"]["value"] != currency:
            raise business("The A/P account must be in the currency of the transaction.")
    elif currency != home and books.modes.foreign_payable == "required":
        raise business("The A/P account must be in the currency of the transaction.")
    for line in record["Line"]:
        ref = line[line["DetailType"]].get("AccountRef")
        if ref:
            _check_line_account(accounts[ref["value"]], {home, currency}, books)


def _check_line_account(account: Json, currencies: set[str], books: Books) -> None:
    if account.get("AccountType") in _NO_LINE:
        raise wrong_account_type()
    if account.get("AccountSubType") in _TAX_ACCOUNTS:
        if books.modes.tax_account_line == "6430":
            raise wrong_account_type()
        raise business("A tax account cannot be used here: QuickBooks books tax itself.")
    if account["CurrencyRef"]["value"] not in currencies:
        raise business("You can only use one foreign currency per transaction.")


def _check_amounts(record: Json) -> None:
    for line in record["Line"]:
        line["Amount"] = money(line["Amount"])
        detail = line[line["DetailType"]]
        if "Qty" not in detail or "UnitPrice" not in detail:
            continue
        if money(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"])) != line["Amount"]:
            raise FaultError(
                "6070",
                f"Amount is not equal to Qty * UnitPrice. Supplied value:{line['Amount']}",
            )


def _total(record: Json, tax: Decimal, books: Books) -> Decimal:
    inclusive = record.get("GlobalTaxCalculation") == "TaxInclusive"
    amounts = [
        Decimal(line[line["DetailType"]].get("TaxInclusiveAmt", line["Amount"]))
        if inclusive
        else Decimal(line["Amount"])
        for line in record["Line"]
    ]
    if min(amounts) < 0 and books.modes.negative_line == "refused":
        raise FaultError("2290")
    total = money(sum(amounts, Decimal(0)) + tax)
    if total < 0 or (total == 0 and books.modes.zero_total == "refused"):
        raise business("Transaction amount must be 0 or greater.")
    return total


def _day(record: Json, name: str) -> date:
    try:
        return datetime.strptime(record[name][:10], "%Y-%m-%d").date()  # noqa: DTZ007 - a date
    except ValueError as error:
        detail = f"{name}: {record[name]} is not a date"
        raise FaultError("2050", detail, element=name) from error


def _check_open(day: date, books: Books) -> None:
    last = books.realm.book_close_date
    if last and day <= last:
        raise closed(books.modes.closed_period)


def _check_number(entity: str, record: Json, books: Books, old: Json | None) -> None:
    realm, number = books.realm, record.get("DocNumber")
    checked = realm.duplicate_warning and realm.custom_txn_numbers and not books.allow_duplicates
    if not number or not checked:
        return
    everywhere = books.modes.duplicates == "global"
    exact = books.modes.duplicate_case == "exact"
    for other in realm.table(entity).values():
        taken = other.get("DocNumber", "")
        same = taken == number if exact else taken.casefold() == number.casefold()
        near = everywhere or other["VendorRef"]["value"] == record["VendorRef"]["value"]
        if same and near and other is not old:
            raise duplicate_number()


def _due(record: Json, books: Books) -> str:
    term = books.realm.terms.get(record.get("SalesTermRef", {}).get("value"), {})
    return str(_day(record, "TxnDate") + timedelta(days=int(term.get("DueDays", 0))))
