"""QuickBooks' errors about one detail of a bill, in the words of Odoo. No I/O.

QuickBooks names its own field (the fault's `element`); a bookkeeper knows the field in Odoo, or the
setting that an operator mapped.
"""

from __future__ import annotations

import re
from typing import Final

LENGTH: Final = "2050"
MISSING: Final = "2020"
# Errors about data: an id, a character, a number, a date, a length, a choice, an address.
CODES: Final = frozenset({MISSING, "2030", "2040", LENGTH, "2170", "2210", "6080"})

_VENDOR: Final = "the vendor's name"
_TAX: Final = "the tax of the bill"
_IN_ODOO: Final = {
    "VendorRef": _VENDOR,
    "DisplayName": _VENDOR,
    "CompanyName": _VENDOR,
    "PrintOnCheckName": _VENDOR,
    "PrimaryEmailAddr": "the vendor's e-mail address",
    "DocNumber": "the bill reference",
    "PrivateNote": "the bill reference",  # the memo repeats it in full
    "Description": "the text of a line",
    "Amount": "the amount of a line",
    "Line": "the lines",
    "TxnDate": "the bill date",
    "DueDate": "the due date",
    "ExchangeRate": "the exchange rate",
    "CurrencyRef": "the currency",
}
# Fields that come from a setting instead of Odoo, and the setting.
_MAPPED: Final = {
    "AccountRef": ("the account of a line", "accounts"),
    "APAccountRef": ("the accounts payable account", "payable_account"),
    "TaxCodeRef": ("the tax code of a line", "taxes"),
    "TaxRateRef": (_TAX, "taxes"),
    "TxnTaxDetail": (_TAX, "taxes"),
    "GlobalTaxCalculation": (_TAX, "taxes"),
    "SalesTermRef": ("the payment terms", "terms"),
    "ClassRef": ("the class", "class"),
    "DepartmentRef": ("the department", "department"),
}
_KNOWN: Final = re.compile(rf"\b(?:{'|'.join({**_IN_ODOO, **_MAPPED})})\b")
_NAME: Final = re.compile(r"[A-Za-z][\w.\[\]]{0,59}", re.ASCII)
_LENGTHS: Final = re.compile(r"Max: ?([0-9,]+)\D.*?length: ?([0-9,]+)", re.IGNORECASE)


def refused(code: str, element: str, detail: str, why: str) -> tuple[str, str]:
    """The reason and the remedy; `why` is QuickBooks' detail, if it can be shown.

    The sentence uses Odoo's name of the field, or QuickBooks' if there is none.
    """
    field = _field(element or detail)
    setting = ""
    if field in _MAPPED:
        what, setting = _MAPPED[field]
    elif code == "6080":
        what = _VENDOR
    else:
        what = _IN_ODOO.get(field) or _unknown(element)
    return _reason(code, what, detail, why), _remedy(code, what, setting)


def _field(text: str) -> str:
    """The innermost known field in a path like `Line[0].Amount`, or in a sentence."""
    found = _KNOWN.findall(text)
    return str(found[-1]) if found else ""


def _unknown(element: str) -> str:
    return f"the field {element}" if _NAME.fullmatch(element) else "a detail of this bill"


def _reason(code: str, what: str, detail: str, why: str) -> str:
    lengths = _LENGTHS.search(detail)
    if code == LENGTH and lengths:
        most, has = lengths[1], lengths[2]
        return f"QuickBooks accepts at most {most} characters for {what}; it has {has}."
    if code == MISSING:
        return f"QuickBooks needs {what}, which is missing."
    return f"QuickBooks does not accept {what}: {why}."


def _remedy(code: str, what: str, setting: str) -> str:
    if setting:
        return f"Check {setting} in company_settings, run sync_reference, then retry."
    if what == _VENDOR and code == "2030":
        return "Check the vendor in QuickBooks, run sync_reference, then retry."
    verb = {LENGTH: "Shorten", MISSING: "Enter"}.get(code, "Correct")
    return f"{verb} {what} in Odoo; approval will then be requested again."
