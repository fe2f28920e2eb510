"""What a person said a failed bill is in QuickBooks: the two are compared, and the card told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo_qb.card import link_of
from odoo_qb.errors import Conflict, Disconnected, Refused, Unavailable
from odoo_qb.linking import link

if TYPE_CHECKING:
    from odoo_qb.item import Item, Status
    from odoo_qb.posting import Poster


def link_as_asked(poster: Poster, item: Item) -> Status:
    """Link a POST_FAILED bill to the document a person named; its status afterwards.

    What stands against it becomes the bill's error, with the same remedies as before. Raises
    Unavailable when the message must come again.
    """
    asked = link_of(item)
    if not asked:
        return item["status"]
    try:
        return link(poster, item["entry_id"], str(asked["id"]), str(asked["by"]))
    except Conflict as error:
        raise Unavailable("The bill changed while it was being linked.") from error
    except Refused as refusal:
        if isinstance(refusal, Disconnected):
            poster.disconnected(item["company"], refusal)
        return _refuse(poster, item, refusal)


def _refuse(poster: Poster, item: Item, refusal: Refused) -> Status:
    """Say why it is not that one; whoever changed the bill meanwhile knew better."""
    error = {"code": refusal.code, "message": str(refusal), "tid": refusal.tid}
    try:
        poster.table.change(
            item,
            actor="poster",
            now=poster.clock(),
            values={"error": error},
            remove=["link"],
            note=str(refusal),
        )
    except Conflict as conflict:
        raise Unavailable("The bill changed while it was being linked.") from conflict
    return item["status"]
