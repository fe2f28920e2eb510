"""What is stored when approval or a correction of a bill is requested. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb import sentences
from odoo_qb.bill import authors
from odoo_qb.bill.history import history_entry
from odoo_qb.bill.item import lacks_quickbooks_data
from odoo_qb.bill.model import amount_text
from odoo_qb.extraction.decision import Decision, ItemChange, NewItem
from odoo_qb.extraction.outcome import Outcome
from odoo_qb.extraction.upgrade import READ
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status
    from odoo_qb.exact_json import Json

ACTOR: Final = "extractor"
# What an earlier decision or failure left, which a new request must not show.
AFTERWARDS: Final = ("amended_after", "amended_changes", "added_files")
_UNDONE: Final = ("decided_by", "decided_at", "rejection_reason", "error", "trouble")
_DECISION: Final = (*_UNDONE, *AFTERWARDS)


def request_approval(bill: Bill, fields: Item, write: NewItem | ItemChange) -> Decision:
    """The decision to request approval, or a correction in Odoo, from now on."""
    outcome = Outcome(
        name="blocked" if fields["problems"] else "ready",
        total=amount_text(bill.amount_total, bill.currency),
        problems=fields["problems"],
        warnings=fields["warnings"],
    )
    return Decision(outcome=outcome, write=write, content=bill)


def new(bill: Bill, fields: Item, reference_id: str, now: datetime) -> NewItem:
    """A new bill's item; a card is due only if it can be decided."""
    status = _status_of(fields)
    item: Item = {
        **fields,
        "entry_id": bill.entry_id,
        "status": status,
        "revision": 1,
        "version": 1,
        "approvals": [],
        "cards": [],
        "attempts": [],
        "created_at": stamp(now),
        "updated_at": stamp(now),
        "history": [history_entry([], now, ACTOR, "", status, fields["digest"])],
    }
    if status == "READY_FOR_APPROVAL":
        item["card_due"] = 1
    return NewItem(item=item, reference_id=reference_id)


def amended(
    item: Item, fields: Item, changes: list[str], note: str, reference_id: str
) -> ItemChange:
    """The change for new content or form, which needs approval again; `note` says why."""
    shown = _since_shown(item, fields["digest"], changes)
    return ItemChange(
        item=item,
        to=_status_of(fields),
        values={
            **fields,
            "authors": authors.with_earlier(item, fields["authors"]),
            "revision": int(item["revision"]) + 1,
            "approvals": [],
            "changes": sentences.shorten(shown),
        },
        remove=[k for k in (*_DECISION, "form") if k in item],
        note=note,
        reference_id=reference_id,
    )


def checked_again(item: Item, checked: Item) -> ItemChange:
    """The change if the checks find something else for content stored before.

    If approval was requested before QuickBooks was read, the card did not show where the bill goes,
    so earlier approvals do not count.
    """
    values: Json = dict(checked)
    if lacks_quickbooks_data(item):
        found = [READ] if item["cards"] else []
        values |= {"revision": int(item["revision"]) + 1, "approvals": []}
        values["changes"] = sentences.shorten([*item.get("changes", ()), *found])
    return ItemChange(item=item, to=_status_of(checked), values=values, note="checked again")


def _status_of(checked: Item) -> Status:
    return "VALIDATION_FAILED" if checked["problems"] else "READY_FOR_APPROVAL"


def _since_shown(item: Item, digest: str, found: list[str]) -> list[str]:
    """What changed since a card last showed the bill; nothing if none ever did.

    This includes changes that were stored but never shown.
    """
    shown = item["cards"][-1]["digest"] if item["cards"] else digest
    if digest == shown:
        return []
    unseen = [] if item["digest"] == shown else item.get("changes", [])
    return list(dict.fromkeys([*unseen, *found]))
