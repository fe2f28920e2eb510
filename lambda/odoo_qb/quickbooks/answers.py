"""QuickBooks' answers, trusted only in their documented shape. No I/O.

Anything else with status 200 (a gateway's note, a page, another entity) says nothing about the
books. It raises Unavailable and counts neither as "there is none" nor as "done".
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.errors import Unavailable
from odoo_qb.quickbooks.error_codes import fault_of_file
from odoo_qb.shapes import fits, flag, identifier, maybe, number, text, whole, without_nulls

if TYPE_CHECKING:
    from odoo_qb.quickbooks.types import Payload
    from odoo_qb.shapes import Shape

_HIGHEST_RATE: Final = 10**9  # exchange rate
_FROM: Final = re.compile(r"\bfrom (\w+)", re.IGNORECASE)
_NO_ANSWER: Final = "QuickBooks sent an unexpected response."


def _rate(value: object) -> bool:
    return number(value) and 0 < cast("int", value) < _HIGHEST_RATE


_REFERENCE: Final[Shape] = {"value": identifier}
_PARTY: Final[Shape] = {
    "Id": identifier,
    "DisplayName": text,
    "Active": maybe(flag),
    "CurrencyRef": maybe(_REFERENCE),
}
_LISTED: Final[Shape] = {
    "Id": identifier,
    "Name": text,
    "FullyQualifiedName": maybe(text),
    "Active": maybe(flag),
}
_LINE: Final[Shape] = {
    "Amount": maybe(number),
    "AccountBasedExpenseLineDetail": maybe(
        {
            "AccountRef": maybe(_REFERENCE),
            "ClassRef": maybe(_REFERENCE),
            "TaxCodeRef": maybe(_REFERENCE),
        }
    ),
}
_DOCUMENT: Final[Shape] = {
    "Id": identifier,
    "TotalAmt": number,
    "DocNumber": maybe(text),
    "PrivateNote": maybe(text),
    "TxnDate": maybe(text),
    "DueDate": maybe(text),
    "ExchangeRate": maybe(_rate),
    "VendorRef": maybe({"value": identifier, "name": maybe(text)}),
    "CurrencyRef": maybe(_REFERENCE),
    "APAccountRef": maybe(_REFERENCE),
    "DepartmentRef": maybe(_REFERENCE),
    "Line": maybe([_LINE]),
    "TxnTaxDetail": maybe({"TotalTax": maybe(number), "TaxLine": maybe([{"Amount": number}])}),
}
_ATTACHABLE: Final[Shape] = {"Id": identifier, "FileName": maybe(text), "Size": maybe(whole)}
# The parts of each entity that we read.
_SHAPES: Final[dict[str, Shape]] = {
    "Bill": _DOCUMENT,
    "VendorCredit": _DOCUMENT,
    "Vendor": _PARTY,
    "Customer": _PARTY,
    "Employee": _PARTY,
    "Attachable": _ATTACHABLE,
    "Term": _LISTED,
    "Class": _LISTED,
    "Department": _LISTED,
    "Account": {
        "Id": identifier,
        "Name": text,
        "AcctNum": maybe(text),
        "FullyQualifiedName": maybe(text),
        "AccountType": maybe(text),
        "AccountSubType": maybe(text),
        "CurrencyRef": maybe(_REFERENCE),
        "Active": maybe(flag),
    },
    "TaxCode": {
        "Id": identifier,
        "Name": text,
        "PurchaseTaxRateList": maybe(
            {
                "TaxRateDetail": maybe(
                    [
                        {
                            "TaxRateRef": _REFERENCE,
                            "TaxTypeApplicable": maybe(text),
                            "TaxOrder": maybe(whole),
                        }
                    ]
                )
            }
        ),
    },
    "TaxRate": {
        "Id": identifier,
        "RateValue": maybe(number),
        "EffectiveTaxRate": maybe(
            [{"RateValue": maybe(number), "EffectiveDate": maybe(text), "EndDate": maybe(text)}]
        ),
    },
    "CompanyInfo": {"CompanyName": text, "Country": maybe(text)},
    "Preferences": {
        "AccountingInfoPrefs": {
            "ClassTrackingPerTxnLine": maybe(flag),
            "TrackDepartments": maybe(flag),
            "BookCloseDate": maybe(text),
        },
        "CurrencyPrefs": maybe(
            {"MultiCurrencyEnabled": maybe(flag), "HomeCurrency": maybe(_REFERENCE)}
        ),
        "TaxPrefs": maybe({"UsingSalesTax": maybe(flag)}),
    },
}


def rows_of(answer: object, statement: str) -> list[Payload]:
    """The rows of the queried entity; none if QuickBooks says there are none.

    It says so with an object QueryResponse without that entity; anything less is not an answer.
    """
    entity = _FROM.findall(statement)[-1]
    found = answer.get("QueryResponse") if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise Unavailable(_NO_ANSWER)
    rows = found.get(entity, [])
    others = [v for name, v in found.items() if name != entity and isinstance(v, (list, dict))]
    # The answer counts rows that it does not contain.
    is_counted = not rows and found.get("maxResults", 0) != 0
    if others or is_counted or not fits(rows, [_SHAPES[entity]]):
        raise Unavailable(_NO_ANSWER)
    return cast("list[Payload]", without_nulls(rows))


def object_of(answer: object, entity: str, object_id: str = "") -> Payload:
    """The one object in an answer; with the requested id, if there was one."""
    found = answer.get(entity) if isinstance(answer, dict) else None
    is_another = object_id and isinstance(found, dict) and not _is_same(found.get("Id"), object_id)
    if is_another or not fits(found, _SHAPES[entity]):
        raise Unavailable(_NO_ANSWER)
    return cast("Payload", without_nulls(found))


def uploaded(answer: object, count: int) -> list[Payload]:
    """The result for each file sent: an Attachable or a Fault."""
    rows = answer.get("AttachableResponse") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) != count:
        raise Unavailable("QuickBooks did not confirm every file.")
    return [_uploaded(row) for row in rows]


def _uploaded(row: object) -> Payload:
    if isinstance(row, dict) and fault_of_file(row):
        return cast("Payload", row)
    return object_of(row, "Attachable")


def _is_same(found: Any, asked: str) -> bool:  # noqa: ANN401 - JSON
    """Whether it is the requested id; a person may type leading zeros."""
    return isinstance(found, str) and found.lstrip("0") == asked.lstrip("0")
