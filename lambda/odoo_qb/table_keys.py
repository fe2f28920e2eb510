"""The keys of the table's notes: items that are not bills. Each is spelled only here.

They are stored: changing a key loses its notes.
"""

from __future__ import annotations

from typing import Final

SWEEP: Final = "sweep"
SLACK_PACE: Final = "pace#slack"
LEFT_OUT: Final = "left_out"
SETTINGS: Final = "settings"
_REFERENCE: Final = "reference#"


def watermark(database: str) -> str:
    """How far an Odoo database was read, and which run is reading it."""
    return f"watermark#{database}"


def connection(company: str) -> str:
    """The state of a company's connection to QuickBooks."""
    return f"connection#{company}"


def vendor(company: str, odoo_id: int | str) -> str:
    """What is remembered about a vendor: its QuickBooks ids and its last bills."""
    return f"vendor#{company}#{odoo_id}"


def payee(realm: str, vendor_key: str) -> str:
    """The Odoo contacts of a QuickBooks vendor."""
    return f"payee#{realm}#{vendor_key}"


def exchange_rate(company: str, currency: str) -> str:
    """The last exchange rates of a currency."""
    return f"rate#{company}#{currency}"


def approvers(source: str) -> str:
    """Who may decide, as last read from Slack: a user group or a list of users."""
    return f"approvers#{source}"


def reference(owner: str, vendor_key: int | str, number: str) -> str:
    """The bills with one vendor number; `owner` is a QuickBooks realm, or 1.0's company key."""
    return f"{_REFERENCE}{owner}#{vendor_key}#{number}"


def is_reference(note_id: str) -> bool:
    """Whether a note lists the bills with one vendor number."""
    return note_id.startswith(_REFERENCE)


def linked(realm: str, entity: str, document_id: str) -> str:
    """Which bill a document in QuickBooks was linked to."""
    return f"linked#{realm}#{entity}#{document_id}"
