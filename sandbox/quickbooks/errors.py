"""The faults of QuickBooks' Accounting API, by code and in Intuit's words.

https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
Where only the code of a fault is known, the detail is ours.
"""

from __future__ import annotations

from typing import Any, Final

# What a Fault's Message says for each code.
MESSAGES: Final = {
    "120": "Authorization Failure",
    "500": "Unsupported Operation",
    "600": "Duplicate Request ID",
    "610": "Object Not Found",
    "1000": "Operation failed",
    "1040": "Batch size exceeds allowed limit",
    "1050": "Invalid Content Type",
    "2010": "Request has invalid or unsupported property",
    "2020": "Required param missing, need to supply the required value for the API",
    "2030": "Invalid ID",
    "2040": "Invalid Number",
    "2050": "Invalid String",
    "2170": "Invalid Enumeration",
    "2210": "Invalid Email Address format",
    "2290": "Negative amounts aren't supported on transaction lines",
    "2500": "Invalid Reference Id",
    "4000": "Error parsing query",
    "4001": "Invalid query",
    "5010": "Stale Object Error",
    "6000": "A business validation error has occurred while processing your request",
    "6030": "Upload request size exceeds allowed limit",
    "6040": "The file metadata must be of Attachable type",
    "6041": "Invalid Uploaded File",
    "6050": "The entity reference type is unsupported for Attachable",
    "6070": "Amount calculation incorrect in the request",
    "6080": "No Name Provided",
    "6100": "Invalid Line TaxCode in the request",
    "6140": "Duplicate Document Number Error",
    "6170": "Invalid tax settings for the transaction",
    "6190": "Invalid Company Status",
    "6200": "Account Period Closed",
    "6210": "Account Period Closed, Cannot Update Services Through Services API",
    "6240": "Duplicate Name Exists Error",
    "6430": "Invalid account type",
    "10000": "An application error has occurred while processing your request",
}
CALCULATING_TAX: Final = (
    "Business Validation Error: We're sorry, QuickBooks encountered an error while calculating "
    "tax. Try reselecting the tax rate or reentering the product/service item and saving the form "
    "again."
)


class FaultError(Exception):
    """QuickBooks refuses: the Fault's code, message, detail and element, and the HTTP status.

    The message is the code's own unless it is given.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        message: str = "",
        element: str = "",
        status: int = 400,
        kind: str = "ValidationFault",
    ) -> None:
        message = message or MESSAGES.get(code, f"Fault {code}")
        super().__init__(f"{code} {message}")
        self.code = code
        self.status = status
        error = {"Message": message, "Detail": detail or message, "code": code, "element": element}
        self.fault: dict[str, Any] = {"Error": [error], "type": kind}


def business(why: str) -> FaultError:
    """The fault for an error that only the books can show."""
    return FaultError("6000", f"Business Validation Error: {why}")


def calculating_tax() -> FaultError:
    """The fault for a document whose tax QuickBooks cannot compute."""
    return FaultError("6000", CALCULATING_TAX)


def duplicate_name() -> FaultError:
    """The fault for a name that a vendor, customer or employee already has."""
    return FaultError(
        "6240",
        "The name supplied already exists. : Another customer, vendor or employee is already "
        "using this \nname. Please use a different name.",
    )


def duplicate_number() -> FaultError:
    """The fault for a document number that was already used."""
    return FaultError(
        "6140",
        "Duplicate Document Number Error : You must specify a different number. "
        "This number has already been used.",
    )


def not_found(what: str) -> FaultError:
    """The fault for an Id that the books do not have."""
    return FaultError("610", f"Object Not Found : {what}")


def unsupported(why: str, element: str = "") -> FaultError:
    """The fault for a property QuickBooks does not know."""
    return FaultError("2010", f"Property Name:{why}", element=element)


def missing(element: str) -> FaultError:
    """The fault for a missing required property."""
    return FaultError(
        "2020", f"Required parameter {element} is missing in the request", element=element
    )


def wrong_account_type() -> FaultError:
    """The fault for an account that this kind of line cannot use."""
    return FaultError(
        "6430",
        "Invalid account type: You need to select a different type of account for this "
        "transaction.",
    )


def closed(code: str) -> FaultError:
    """The fault for a date in a closed period: 6210, or 6200."""
    detail = {
        "6200": "The account period has closed; a transaction in it cannot be entered or changed.",
        "6210": "The account period has closed and the account books cannot be updated through the "
        "QBO Services API. Please use the QBO website to make these changes.",
    }
    return FaultError(code, detail[code])
