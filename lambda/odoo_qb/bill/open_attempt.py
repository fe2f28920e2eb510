"""Whether QuickBooks may have a bill already. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json


def is_decided_anew(attempt: Json, item: Item) -> bool:
    """Whether an attempt was made by an earlier decision than the one that stands."""
    made_for = (attempt["digest"], int(attempt.get("revision", item["revision"])))
    return made_for != (item["digest"], int(item["revision"]))


def finishes_as_stored(item: Item) -> bool:
    """Whether QuickBooks may have the bill as it was decided: that try is brought to its end."""
    last = open_attempt(item)
    return last is not None and not is_decided_anew(last, item)


def open_attempt(item: Item) -> Json | None:
    """The last try at QuickBooks if nobody knows yet what came of it: it may have the bill."""
    attempts = item.get("attempts", ())
    return dict(attempts[-1]) if attempts and not attempts[-1]["outcome"] else None


def existing_document(item: Item) -> str:
    """What QuickBooks has for a bill that could not be posted, like "Bill 145"; "" if nothing."""
    return str((item.get("error") or {}).get("document", ""))


def perhaps_posted(item: Item) -> bool:
    """Whether QuickBooks has, or may have, a document of a bill that is not posted."""
    return bool(existing_document(item) or open_attempt(item))
