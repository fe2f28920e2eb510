"""What changed in Odoo after a bill was decided, and what to do about it. No I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.open_attempt import perhaps_posted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.exact_json import Json

_FILES_NAMED: Final = 3
_NAME: Final = 100
_BECAME: Final = {
    "cancel": "was cancelled",
    "draft": "was reset to draft",
    "deleted": "was deleted",
    "moved": "was moved to another company",
    "": "was changed back",
}


def afterwards(item: Item, change: str) -> str:
    """What to do about a bill that changed in Odoo after it was decided.

    `change` is its state there, "deleted", "moved", another digest, or "" if it changed back.
    """
    became = f"{_BECAME.get(change, 'was changed')} in Odoo"
    document = item.get("quickbooks") or {}
    there = f"{document.get('type', 'the bill')} {document.get('id', '')}".strip()
    if not change:
        return f"{became}. Nothing to do."
    match item["status"]:
        case "POSTED" | "ALREADY_IN_QB" if change in _BECAME:
            return f"{became} after it was posted. Void or delete {there} in QuickBooks."
        case "POSTED" | "ALREADY_IN_QB" if item.get("added_files"):
            return f"{became} after it was posted: {_to_attach(item['added_files'], there)}"
        case "POSTED" | "ALREADY_IN_QB" if item.get("amended_changes"):
            what = " ".join(item["amended_changes"])
            return f"{became} after it was posted. {what} Compare it with {there} in QuickBooks."
        case "POSTED" | "ALREADY_IN_QB":
            return f"{became} after it was posted. Compare it with {there} in QuickBooks."
        case "ACKNOWLEDGED":
            message = f"{became} after it was acknowledged{_never_posted(item, change)}"
        case _:
            message = f"{became} {_before_it_was_posted(item, change)}"
    return " ".join([message, *item.get("amended_changes", ())])


def attach_label(item: Item) -> str:
    """The label of the button that attaches the added files."""
    return "Attach file" if len(item["added_files"]) == 1 else "Attach files"


def added_files(before: Bill, after: Bill) -> list[Json]:
    """The documents that were added, each content once; none if one was removed."""
    old, new = (Counter(d.sha256 for d in b.documents) for b in (before, after))
    if old - new:
        return []
    added = {d.sha256: d for d in reversed(after.documents) if d.sha256 in new - old}
    return [asdict(d) for d in reversed(added.values())]


def without_later_files(bill: Bill, item: Item | None) -> Bill:
    """The bill without the files that were attached in QuickBooks after it was posted.

    They are no longer new, and not part of the content that was approved.
    """
    if item is None:
        return bill
    decided = {d["sha256"] for d in item["documents"]}
    later = {d["sha256"] for d in item.get("attached_later", ())} - decided
    if not later:
        return bill
    return replace(bill, documents=tuple(d for d in bill.documents if d.sha256 not in later))


def _to_attach(files: Sequence[Json], there: str) -> str:
    names = ", ".join(str(f["name"])[-_NAME:] for f in files[:_FILES_NAMED])
    more = f" and {len(files) - _FILES_NAMED} more" if len(files) > _FILES_NAMED else ""
    what = "a file was added" if len(files) == 1 else "files were added"
    button = "Attach file" if len(files) == 1 else "Attach files"
    return f"{what}: {names}{more}. Use {button} on its card to update {there} in QuickBooks."


def _never_posted(item: Item, change: str) -> str:
    if perhaps_posted(item):
        return ". QuickBooks may have it; see its card."
    enter = "" if change in _BECAME else "; enter it there if it has to be paid"
    return f". It is not in QuickBooks{enter}."


def _before_it_was_posted(item: Item, change: str) -> str:
    if item["status"] == "POSTING" or perhaps_posted(item):
        return "while it was being posted. Its card will show the result."
    if change in _BECAME:
        return "after it was approved. It will be withdrawn automatically in a few minutes."
    return "after it was approved. Approval will be requested again shortly for the new version."
