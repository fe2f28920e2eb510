"""What a person must still do by hand after a bill was decided, in sentences. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.late_changes import afterwards
from odoo_qb.bill.open_attempt import existing_document, open_attempt

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item


# 1.0 did not keep the reason apart from the remedy. This is the part of its sentence that names a
# button a closed bill no longer has.
_BUTTON: Final = re.compile(r"[:.] [^:.]*\b(?:retry|link it|link again)\b[^:.]*\.", re.IGNORECASE)


def loose_ends(item: Item) -> list[str]:
    """What a person must still do by hand, whatever the status says."""
    change, missing = item.get("amended_after", ""), not_attached(item)
    asked = item.get("attach")
    return [
        *([f"It {afterwards(item, change)}"] if change and not asked else []),
        *([possible_document(item)] if possible_document(item) else []),
        *([*missing, "Attach the missing files in QuickBooks by hand."] if missing else []),
    ]


def not_attached(item: Item) -> list[str]:
    """Which files of a posted bill are not in QuickBooks and why, a sentence each."""
    return list((item.get("quickbooks") or {}).get("not_attached", ()))


def is_closed(item: Item) -> bool:
    """Whether a person closed it without posting; not if there was nothing to post."""
    return item["status"] == "ACKNOWLEDGED" and bool(item.get("error"))


def failure(item: Item) -> str:
    """Our sentence about a failed posting, with the trace id that Intuit's support needs."""
    error = item["error"]
    message = str(error["message"])
    if is_closed(item):
        message = str(error["reason"]) if "reason" in error else _BUTTON.sub(".", message)
    trace = f" (Intuit trace id {error['tid']})" if error.get("tid") else ""
    return f"{message}{trace}"


def possible_document(item: Item) -> str:
    """What to delete in QuickBooks, which has or may have a bill that ended; or "".

    Posting was attempted when the bill was approved, and will not be attempted again.
    """
    if item["status"] not in {"WITHDRAWN", "REJECTED", "ACKNOWLEDGED"}:
        return ""
    return _there(item)


def _there(item: Item) -> str:
    attempt, document = open_attempt(item), existing_document(item)
    number = f"number {attempt['doc_number']}, dated {attempt['day']}" if attempt else ""
    if document:
        named = f"{document} ({number})" if number else document
        return f"QuickBooks still has {named}. Delete it, or it may be paid."
    if not attempt:
        return ""
    return (
        f"QuickBooks may have this bill from an earlier attempt. Look there for {number},"
        " and delete it if you find it."
    )
