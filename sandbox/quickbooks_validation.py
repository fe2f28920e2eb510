"""What QuickBooks refuses in a bill, a vendor credit or a vendor, and what it makes of the rest.

The schema finds wrong shapes; the functions here find what only the books can tell. The order of
the checks, and with it which fault a doubly wrong document gets, follows QuickBooks.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator

from sandbox.quickbooks_store import (
    PACIFIC,
    PEOPLE,
    TABLES,
    FaultError,
    Json,
    Modes,
    Realm,
    money,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError

# Where a reference leads, by the name of its field.
_REFERENCES: Final = {
    "VendorRef": "Vendor",
    "APAccountRef": "Account",
    "AccountRef": "Account",
    "SalesTermRef": "Term",
    "TermRef": "Term",
    "ClassRef": "Class",
    "DepartmentRef": "Department",
    "CustomerRef": "Customer",
    "ItemRef": "Item",
    "TaxCodeRef": "TaxCode",
}
_US_TAX_CODES: Final = ("TAX", "NON")
_LINES: Final = ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail")
_NAMES: Final = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
_SHOWN_OF_TAX_ID: Final = 4
_ADDRESS: Final = re.compile(
    r"[^\s@<>()\[\]:;,\"\\]+@[^\s@<>()\[\]:;,\"\\]+\.[^\s@<>()\[\]:;,\"\\]+"
)
# Unknown properties are told before missing ones, and those before wrong values.
_RANKS: Final = {"additionalProperties": 0, "required": 1, "minItems": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a check needs to know: the realm, the switches, the time, and the client's leave."""

    realm: Realm
    modes: Modes
    now: datetime
    allow_duplicates: bool = False


def check_shape(definition: str, payload: object) -> None:
    """Refuse what the schema's definition rejects, as QuickBooks would say it."""
    errors = [
        leaf for error in _validator(definition).iter_errors(payload) for leaf in _leaf(error)
    ]
    if errors:
        raise _fault(min(errors, key=lambda error: _RANKS.get(str(error.validator), 3)))


def document(entity: str, payload: Json, books: Books, old: Json | None = None) -> Json:
    """The bill or vendor credit as QuickBooks would keep it; FaultError says why it would not."""
    record = copy.deepcopy(payload)
    payee = _referred(record["VendorRef"], "VendorRef", books)
    for place, ref in _refs(record):
        ref["name"] = _name(_referred(ref, place, books))
    currency = _currency(record, payee, books)
    _check_accounts(record, currency, books)
    tax = _tax(record, books)
    _check_amounts(record)
    record["TotalAmt"] = _total(record, tax, books)
    if tax:
        record["TxnTaxDetail"] = {**record.get("TxnTaxDetail", {}), "TotalTax": money(tax)}
    record.setdefault("TxnDate", str(books.now.astimezone(PACIFIC).date()))
    _check_open(_day(record, "TxnDate"), books)
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
    record["LinkedTxn"] = record.get("LinkedTxn", [])
    numbered = enumerate(record["Line"], 1)
    record["Line"] = [{"LineNum": n, **line, "Id": str(n)} for n, line in numbered]
    return record


def vendor(payload: Json, books: Books, old: Json | None = None) -> Json:
    """The vendor as QuickBooks would keep it; FaultError says why it would not."""
    record = dict(payload)
    name = record.get("DisplayName") or " ".join(record[k] for k in _NAMES if record.get(k))
    record["DisplayName"] = name
    record.setdefault("PrintOnCheckName", name)
    record.setdefault("Active", True)
    _check_address(record.get("PrimaryEmailAddr", {}).get("Address", ""))
    realm = books.realm
    if "TermRef" in record:
        _referred(record["TermRef"], "TermRef", books)
    currency = record.get("CurrencyRef", {}).get("value", realm.home_currency)
    if old and currency != old["CurrencyRef"]["value"]:
        raise _business("The currency of a vendor cannot be changed once it is set.")
    if currency != realm.home_currency and not realm.multicurrency:
        raise _business("Multicurrency is not enabled for this company.")
    for entity in PEOPLE:
        for other in realm.table(entity).values():
            same = old is not None and entity == "Vendor" and other["Id"] == old["Id"]
            if not same and other["DisplayName"].casefold() == name.casefold():
                raise duplicate_name()
    if not record["Active"] and books.modes.inactive_name == "marked_deleted":
        record["DisplayName"] = f"{name.removesuffix(' (deleted)')} (deleted)"
    if tax_id := record.get("TaxIdentifier"):
        record["TaxIdentifier"] = tax_id[-_SHOWN_OF_TAX_ID:].rjust(len(tax_id), "X")
    record["CurrencyRef"] = {"value": currency}
    record.setdefault("Balance", Decimal("0.00"))
    record.setdefault("Vendor1099", False)
    realm.payable(currency, books.now)
    return record


def _check_address(address: str) -> None:
    """One address or several with commas between them; nothing of what stands around one."""
    for part in address.split(",") if address else ():
        if not _ADDRESS.fullmatch(part.strip()):
            raise FaultError(
                "2210",
                "Invalid Email Address format",
                "Email Address does not conform to the syntax rules of RFC 822."
                f" Supplied value:{address}",
                element="PrimaryEmailAddr.Address",
            )


def duplicate_name() -> FaultError:
    """The fault for a name that a vendor, customer or employee already has."""
    return FaultError(
        "6240",
        "Duplicate Name Exists Error",
        "The name supplied already exists. : Another customer, vendor or employee is already "
        "using this \nname. Please use a different name.",
    )


def duplicate_number() -> FaultError:
    """The fault for a document number that was already used."""
    return FaultError(
        "6140",
        "Duplicate Document Number Error",
        "Duplicate Document Number Error : You must specify a different number. "
        "This number has already been used.",
    )


def not_found(what: str) -> FaultError:
    """The fault for an Id that the books do not have."""
    return FaultError("610", "Object Not Found", f"Object Not Found : {what}")


@cache
def _schema() -> Json:
    path = Path(__file__).parent / "data" / "qbo.schema.json"
    schema: Json = json.loads(path.read_text("utf-8"))
    return schema


@cache
def _validator(definition: str) -> Draft202012Validator:
    whole = _schema()
    return Draft202012Validator(
        {"$schema": whole["$schema"], "$defs": whole["$defs"], "$ref": f"#/$defs/{definition}"}
    )


def _leaf(error: ValidationError) -> Iterator[ValidationError]:
    """The errors at the bottom: of a line, those of the kind of line it claims to be."""
    if error.validator != "oneOf" or not error.context or not isinstance(error.instance, dict):
        yield error
        return
    kind = error.instance.get("DetailType")
    branch = _LINES.index(kind) if kind in _LINES else 0
    for inner in error.context:
        if inner.schema_path[0] == branch:
            yield from _leaf(inner)


def _fault(error: ValidationError) -> FaultError:
    path = [str(step) for step in error.absolute_path if not isinstance(step, int)]
    element = path[-1] if path else ""
    instance: Any = error.instance
    rule: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            schema: Any = error.schema
            element = next(name for name in instance if name not in schema["properties"])
            what = f'Unrecognized field "{element}"'
            fault = unsupported(f"{what} specified is unsupported or invalid", element)
        case "required":
            fault = missing(next(name for name in rule if name not in instance))
        case "minItems":
            fault = missing(element)
        case "anyOf":
            sentence = f"One of DisplayName, {', '.join(_NAMES)} must be given"
            fault = FaultError("6080", "No Name Provided", sentence)
        case "maxLength":
            fault = _too_long(element, rule, len(instance))
        case _:
            code, message = _wrong_value(error, element)
            fault = FaultError(code, message, f"{element}: {error.message}", element=element)
    return fault


def _wrong_value(error: ValidationError, element: str) -> tuple[str, str]:
    if error.validator in {"enum", "const"}:
        return "2170", "Invalid Enumeration"
    if element in {"value", "Id"}:
        return "2030", "Invalid ID"
    if "number" in str(error.validator_value) or "Minimum" in str(error.validator):
        return "2040", "Invalid Number"
    return "2050", "Invalid String"


def _too_long(element: str, most: int, supplied: int) -> FaultError:
    return FaultError(
        "2050",
        "String length is either shorter or longer than supported by specification",
        "String length specified does not match the supported length. "
        f"Min:0 Max:{most} supported. Supplied length:{supplied}",
        element=element,
    )


def unsupported(why: str, element: str = "") -> FaultError:
    """The fault for a property QuickBooks does not know."""
    message = "Request has invalid or unsupported property"
    return FaultError("2010", message, f"Property Name:{why}", element=element)


def missing(element: str) -> FaultError:
    """The fault for a property that must be there."""
    return FaultError(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {element} is missing in the request",
        element=element,
    )


def _business(why: str) -> FaultError:
    return FaultError(
        "6000", "A business validation error has occurred", f"Business Validation Error: {why}"
    )


def _refs(record: Json) -> Iterator[tuple[str, Json]]:
    """Each reference of a document with the name of its field, those of the lines included."""
    details = [line.get(line["DetailType"], {}) for line in record["Line"]]
    for holder in (record, *details):
        for field, ref in holder.items():
            if field in _REFERENCES and field != "TaxCodeRef":
                yield field, ref


def _referred(ref: Json, field: str, books: Books) -> Json:
    entity = _REFERENCES[field]
    found = books.realm.table(entity).get(ref["value"])
    if not found or found.get("Type") == "Category":
        raise FaultError(
            "2500",
            "Invalid Reference Id",
            f"Invalid Reference Id : {TABLES[entity]} element id {ref['value']} not found",
            element=field,
        )
    if found.get("Active", True):
        return found
    why = (
        "Something you're trying to use has been made inactive. Check the fields with accounts, "
        "customers, items, vendors or employees."
    )
    if books.modes.inactive_reference == "2500":
        raise FaultError("2500", "Invalid Reference Id", f"Invalid Reference Id : {why}")
    raise not_found(why)


def _name(record: Json) -> str:
    return str(record.get("DisplayName") or record.get("FullyQualifiedName") or record["Name"])


def _currency(record: Json, payee: Json, books: Books) -> str:
    realm = books.realm
    given = record.get("CurrencyRef", {}).get("value")
    if not realm.multicurrency:
        if given not in {None, realm.home_currency}:
            raise _business("Multicurrency is not enabled for this company.")
        return realm.home_currency
    if not given:
        raise _business("CurrencyRef is required when multicurrency is enabled.")
    if given != payee["CurrencyRef"]["value"]:
        raise _business("The currency of the transaction is invalid for the vendor.")
    return str(given)


def _check_accounts(record: Json, currency: str, books: Books) -> None:
    accounts, home = books.realm.accounts, books.realm.home_currency
    if "APAccountRef" in record:
        payable = accounts[record["APAccountRef"]["value"]]
        if payable["AccountType"] != "Accounts Payable":
            raise _business("The A/P account must be an Accounts Payable account.")
        if payable["CurrencyRef"]["value"] != currency:
            raise _business("The A/P account must be in the currency of the transaction.")
    elif currency != home and books.modes.foreign_payable == "required":
        raise _business("The A/P account must be in the currency of the transaction.")
    for line in record["Line"]:
        ref = line[line["DetailType"]].get("AccountRef")
        if ref and accounts[ref["value"]]["CurrencyRef"]["value"] not in {home, currency}:
            raise _business("You can only use one foreign currency per transaction.")


def _tax(record: Json, books: Books) -> Decimal:
    """The tax on top of the lines' amounts: none in the US and where amounts include it."""
    if books.realm.country == "US":
        _check_us_codes(record)
        return Decimal(0)
    calculation = record.get("GlobalTaxCalculation")
    if not calculation:
        raise missing("GlobalTaxCalculation")
    if calculation == "NotApplicable":
        return Decimal(0)
    nets = _net_by_rate(record, books)
    given = record.get("TxnTaxDetail", {}) if books.realm.using_sales_tax else {}
    details = [line.get("TaxLineDetail", {}) for line in given.get("TaxLine", [])]
    lines = [detail.get("TaxRateRef", {}).get("value") for detail in details]
    if len(set(lines)) < len(lines) or set(lines) - set(nets):
        raise _business("Each tax line needs a purchase rate of the lines' tax codes, once.")
    if calculation == "TaxInclusive":
        return Decimal(0)
    if "TotalTax" in given:
        return Decimal(given["TotalTax"])
    rates = books.realm.tax_rates
    return sum((money(net * rates[r]["RateValue"] / 100) for r, net in nets.items()), Decimal(0))


def _check_us_codes(record: Json) -> None:
    if "GlobalTaxCalculation" in record:
        raise _tax_code("GlobalTaxCalculation")
    for line in record["Line"]:
        code = line[line["DetailType"]].get("TaxCodeRef", {}).get("value", "NON")
        if code not in _US_TAX_CODES:
            raise _tax_code(code)


def _net_by_rate(record: Json, books: Books) -> dict[str, Decimal]:
    nets: dict[str, Decimal] = {}
    for line in record["Line"]:
        ref = line[line["DetailType"]].get("TaxCodeRef")
        if not ref:
            raise _business("Make sure all your transactions have a VAT rate before you save.")
        for rate in _rates(_referred(ref, "TaxCodeRef", books)):
            nets[rate] = nets.get(rate, Decimal(0)) + Decimal(line["Amount"])
    return nets


def _tax_code(supplied: str) -> FaultError:
    return FaultError(
        "6100",
        "Invalid Line TaxCode in the request",
        f"Valid Line TaxCodes for US should be TAX or NON. Supplied value:{supplied}",
    )


def _rates(code: Json) -> list[str]:
    details: list[dict[str, Any]] = code.get("PurchaseTaxRateList", {}).get("TaxRateDetail", [])
    return [detail["TaxRateRef"]["value"] for detail in details]


def _check_amounts(record: Json) -> None:
    for line in record["Line"]:
        line["Amount"] = money(line["Amount"])
        detail = line[line["DetailType"]]
        if "Qty" not in detail or "UnitPrice" not in detail:
            continue
        if money(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"])) != line["Amount"]:
            raise FaultError(
                "6070",
                "Amount calculation incorrect in the request",
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
        raise _business("An amount of a line must not be negative.")
    total = money(sum(amounts, Decimal(0)) + tax)
    if total < 0 or (total == 0 and books.modes.zero_total == "refused"):
        raise _business("Transaction amount must be 0 or greater.")
    return total


def _day(record: Json, name: str) -> date:
    try:
        return datetime.strptime(record[name][:10], "%Y-%m-%d").date()  # noqa: DTZ007 - a date
    except ValueError as error:
        detail = f"{name}: {record[name]} is not a date"
        raise FaultError("2050", "Invalid String", detail, element=name) from error


def _check_open(day: date, books: Books) -> None:
    closed = books.realm.book_close_date
    if closed and day <= closed:
        raise FaultError(
            "6210",
            "Account Period Closed, Cannot Update Through Services API",
            "The account period has closed and the account books cannot be updated through the "
            "QBO Services API. Please use the QBO website to make these changes.",
        )


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
