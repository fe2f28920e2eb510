"""Whether QuickBooks may have a bill already. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json


def is_decided_anew(attempt: Json, item: Item) -> bool:
    """Whether an attempt belongs to an earlier decision than the current one."""
    made_for = (attempt["digest"], int(attempt.get("revision", item["revision"])))
    return made_for != (item["digest"], int(item["revision"]))


def finishes_as_stored(item: Item) -> bool:
    """Whether QuickBooks may have the bill as decided, so that this attempt must be finished."""
    last = open_attempt(item)
    return last is not None and not is_decided_anew(last, item)


def open_attempt(item: Item) -> Json | None:
    """The last attempt if its result is unknown: QuickBooks may have the bill."""
    attempts = item.get("attempts", ())
    return dict(attempts[-1]) if attempts and not attempts[-1]["outcome"] else None


def existing_document(item: Item) -> str:
    """What QuickBooks has for a bill that was not posted, such as "Bill 145"; "" if nothing."""
    return str((item.get("error") or {}).get("document", ""))


def perhaps_posted(item: Item) -> bool:
    """Whether QuickBooks has or may have a document for a bill that is not posted."""
    return bool(existing_document(item) or open_attempt(item))
