"""The names of the table's notes: items that are not bills. Each is spelled here and nowhere else.

They are what is stored: a name that changes is a note that is lost.
"""

from __future__ import annotations

from typing import Final

SWEEP: Final = "sweep"
SLACK_PACE: Final = "pace#slack"
LEFT_OUT: Final = "left_out"
SETTINGS: Final = "settings"
_REFERENCE: Final = "reference#"


def watermark(database: str) -> str:
    """How far a database of Odoo's was read, and who reads it now."""
    return f"watermark#{database}"


def connection(company: str) -> str:
    """Whether a company's connection to QuickBooks stands."""
    return f"connection#{company}"


def vendor(company: str, odoo_id: int | str) -> str:
    """What is remembered of a vendor: who it is in QuickBooks, its last bills."""
    return f"vendor#{company}#{odoo_id}"


def payee(realm: str, vendor_key: str) -> str:
    """The bank details and addresses a vendor was seen with."""
    return f"payee#{realm}#{vendor_key}"


def exchange_rate(company: str, currency: str) -> str:
    """The last exchange rates of a currency."""
    return f"rate#{company}#{currency}"


def approvers(source: str) -> str:
    """Who may decide, as Slack said last: of a user group or a list of users."""
    return f"approvers#{source}"


def reference(owner: str, vendor_key: int | str, number: str) -> str:
    """The bills of a vendor's number; `owner` is a QuickBooks realm, or 1.0's company key."""
    return f"{_REFERENCE}{owner}#{vendor_key}#{number}"


def is_reference(note_id: str) -> bool:
    """Whether a note is of the bills of a vendor's number."""
    return note_id.startswith(_REFERENCE)


def linked(realm: str, entity: str, document_id: str) -> str:
    """Which bill a document in QuickBooks was linked to."""
    return f"linked#{realm}#{entity}#{document_id}"
