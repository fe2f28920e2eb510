"""A bill's history for an auditor: who did what when, and whether it is complete."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.follow_ups import not_attached
from odoo_qb.bill.history import is_summary, summarised_in, verify_history
from odoo_qb.bill.item import approved_by, bill_of, digests
from odoo_qb.bill.model import amount_text
from odoo_qb.bill.summary import summary
from odoo_qb.guarding import BadRecords
from odoo_qb.sentences import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table

_BECAME: Final = {
    "VALIDATION_FAILED": "blocked",
    "READY_FOR_APPROVAL": "waiting for approval",
    "APPROVED": "approved",
    "POSTING": "being posted",
    "POSTED": "posted to QuickBooks",
    "ALREADY_IN_QB": "found in QuickBooks already",
    "POST_FAILED": "not posted",
    "ACKNOWLEDGED": "acknowledged, not to be posted",
    "REJECTED": "rejected",
    "WITHDRAWN": "withdrawn in Odoo",
}
_SENTENCE: Final = 1000  # characters
_DIGITS: Final = 12  # of a digest: enough to tell two contents apart


def story(item: Item, lines: Sequence[Json] | None = None) -> list[str]:
    """What happened to a bill, one sentence for each entry of its history, oldest first.

    `lines` are a long bill's, from S3.

    The first sentence is the bill, the last ones say what QuickBooks has and whether the history is
    complete. People are named by Slack id, contents by the beginning of their digest.
    """
    history = item["history"]
    contents = [str(entry["digest"]) for entry in history]
    events = [
        _sentence(entry, is_new=digest not in contents[:n])
        for n, (entry, digest) in enumerate(zip(history, contents, strict=True))
    ]
    found = [
        f"{summary(item)}.",
        *events,
        *_approvals(item),
        *_in_quickbooks(item),
        _verdict(item, lines),
    ]
    return [one_line(sentence, _SENTENCE) for sentence in found]


def audit(table: Table, documents: Documents, entry_id: str) -> dict[str, Any]:
    """A bill's history as the extractor returns it, or {"error": sentence}."""
    item = table.get(entry_id)
    if item is None or "status" not in item:
        return {"error": f"There is no bill {entry_id}. Give audit an id like odoo-42."}

    def answer() -> dict[str, Any]:
        lines = documents.lines(item)
        return {"audit": entry_id, "story": story(item, lines), "whole": not flaw(item, lines)}

    bad_records = BadRecords()
    return bad_records.guard(item, answer, {}) or {"error": " ".join(bad_records.lines)}


def _sentence(entry: Json, *, is_new: bool) -> str:
    stands = _BECAME[entry["to"]]
    if is_summary(entry):
        who = ", ".join(f"{name} {n}" for name, n in entry["actors"].items())
        return (
            f"{_when(entry['since'])} to {_when(entry['at'])}: {entry['entries']} older"
            f" entries were summarised (by {who}), after which the bill was {stands}. The"
            f" chain continues from {entry['chain'][:_DIGITS]}."
        )
    if not entry["from"]:
        became = f"found it in Odoo: {stands}"
    elif entry["from"] == entry["to"]:
        became = f"kept it {stands}"
    else:
        became = f"set it to {stands}"
    content = f" Its content is {entry['digest'][:_DIGITS]}." if is_new else ""
    note = f" ({entry['note']})" if entry.get("note") else ""
    if "times" in entry:
        note += f" after {entry['times']} attempts since {_when(entry['since'])}"
    return f"{_when(entry['at'])}: {entry['actor']} {became}{note}.{content}"


def _approvals(item: Item) -> list[str]:
    if not approved_by(item):
        return []
    people = " and ".join(approved_by(item))
    return [f"The current content, {item['digest'][:_DIGITS]}, was approved by {people}."]


def _in_quickbooks(item: Item) -> list[str]:
    """The document in QuickBooks, and each posting attempt."""
    found = [_try(attempt) for attempt in item.get("attempts", ())]
    document = item.get("quickbooks")
    if document:
        amount = amount_text(item["amount_total"], item["currency"])
        found.append(
            f"In QuickBooks it is {document['type']} {document['id']} of {amount}, since"
            f" {_when(document['posted_at'])}."
        )
        found += not_attached(item)
    return found


def _try(attempt: Json) -> str:
    if "outcomes" in attempt:
        came = ", ".join(f"{what} {int(n)}" for what, n in attempt["outcomes"].items())
        return (
            f"Posting attempts up to number {int(attempt['number'])}, from"
            f" {_when(attempt['since'])} to {_when(attempt['at'])}, were summarised: {came}."
        )
    return (
        f"Posting attempt {int(attempt['number'])}, request {attempt['request_id']}, content"
        f" {attempt['digest'][:_DIGITS]}: {attempt['outcome'] or 'not known yet'}."
    )


def flaw(item: Item, lines: Sequence[Json] | None = None) -> str:
    """What was changed outside this system, in the history or the content; "" if nothing.

    The history must end with the bill's status, and its last digest must be the content's.
    """
    history = item["history"]
    if not history or history[0]["prev"] or history[0]["from"]:
        return "The history is incomplete: its first entries were removed."
    if not verify_history(history):
        return "The history was tampered with: its entries do not fit together."
    last = history[-1]
    if (last["to"], last["digest"]) != (item["status"], item["digest"]):
        return (
            "The history does not match the bill's status or content: the bill was changed"
            " outside this system."
        )
    if item["lines_key"] and lines == []:
        return f"The bill's lines are gone from S3. Restore {item['lines_key']} there."
    if not _is_content_whole(item, lines):
        return "The bill's content does not match its history: it was changed outside this system."
    return ""


def _is_content_whole(item: Item, lines: Sequence[Json] | None) -> bool:
    """Whether the digest matches the content; a long bill's lines are in S3."""
    if item["lines_key"] and lines is None:
        return True
    return item["digest"] in digests(bill_of(item, lines), item["digest"])


def _verdict(item: Item, lines: Sequence[Json] | None) -> str:
    history = item["history"]
    older = summarised_in(history)
    whole = (
        f"The history is complete: {len(history) - bool(older)} entries, each linked to the one"
        " before."
    )
    if older:
        whole += f" They continue from {older} older ones, which were summarised."
    return flaw(item, lines) or whole


def _when(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M:%S} UTC"
