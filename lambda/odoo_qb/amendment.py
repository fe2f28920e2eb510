"""What became different between two readings of a bill, in sentences for its approver. No I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill import amount_text
from odoo_qb.item import perhaps_posted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill import Bill, Document, Line
    from odoo_qb.item import Item

_ROWS_NAMED: Final = 5
_TEXT: Final = 60
_PAIRS: Final = 50_000  # some hundred rows that are all alike
_KIND: Final = {"in_invoice": "bill", "in_refund": "credit note", "in_receipt": "receipt"}
_ROW: Final = {
    "product": "line",
    "other": "journal row",
    "tax": "tax row",
    "section": "heading",
    "note": "note",
}


def changes(before: Bill, after: Bill) -> list[str]:
    """What of a bill changed, the gravest first; empty exactly where its digest is the same."""
    vendors = tuple(b.vendor.name if b.vendor else "none" for b in (before, after))
    ids = tuple(b.vendor.odoo_id if b.vendor else 0 for b in (before, after))
    found = [
        *_instead("company", before.company, after.company),
        *_instead("kind", _KIND[before.move_type], _KIND[after.move_type]),
        *_instead("vendor", *vendors),
        *_amounts(before, after),
        *_instead("vendor's number", before.bill_reference, after.bill_reference),
        *_instead("bill date", before.bill_date, after.bill_date),
        *_instead("accounting date", before.accounting_date, after.accounting_date),
        *_instead("due date", before.due_date, after.due_date),
        *_instead("term of payment", before.payment_terms, after.payment_terms),
        *_rows(before, after),
        *_documents(before.documents, after.documents),
    ]
    if ids[0] != ids[1] and vendors[0] == vendors[1]:
        found.insert(0, f"The vendor is another one, of the same name {_short(vendors[1])}.")
    return found


def as_named_before(bill: Bill, before: Bill) -> Bill:
    """The bill as if its accounts, taxes and terms still had the names they had before.

    An account is known by its code, the others by their ids in Odoo, which bills that were stored
    long ago lack: then a new name is a change.
    """
    accounts = {n.account_code: n.account_name for n in before.lines if n.account_code}
    taxes = {i: t for n in before.lines for i, t in zip(n.tax_ids, n.taxes, strict=False)}
    lines = tuple(
        replace(
            n,
            account_name=accounts.get(n.account_code, n.account_name),
            taxes=tuple(taxes.get(i, t) for i, t in zip(n.tax_ids, n.taxes, strict=False))
            if n.tax_ids
            else n.taxes,
        )
        for n in bill.lines
    )
    same_terms = bill.payment_terms_id and bill.payment_terms_id == before.payment_terms_id
    terms = before.payment_terms if same_terms else bill.payment_terms
    return replace(bill, lines=lines, payment_terms=terms)


_BECAME: Final = {
    "cancel": "was cancelled",
    "draft": "was reset to draft",
    "deleted": "was deleted",
    "moved": "was moved to another company",
    "": "is as it was again",
}


def afterwards(item: Item, change: str) -> str:
    """What to do about a bill that became something else in Odoo after it was decided.

    `change` is its state there, "deleted", "moved", another digest, or "" for what it was.
    """
    became = f"{_BECAME.get(change, 'was changed')} in Odoo"
    document = item.get("quickbooks") or {}
    there = f"{document.get('type', 'the bill')} {document.get('id', '')}".strip()
    if not change:
        return f"{became}: nothing to do."
    match item["status"]:
        case "POSTED" | "ALREADY_IN_QB" if change in _BECAME:
            return f"{became} after it was posted: void or delete {there} in QuickBooks."
        case "POSTED" | "ALREADY_IN_QB":
            return f"{became} after it was posted: compare it with {there} in QuickBooks."
        case "ACKNOWLEDGED":
            return f"{became} after it was acknowledged{_never_posted(item, change)}"
        case _:
            return f"{became} {_before_it_was_posted(item, change)}"


def _never_posted(item: Item, change: str) -> str:
    if perhaps_posted(item):
        return "; QuickBooks may have it, as its card says."
    enter = "" if change in _BECAME else ", so enter it there if it is to be paid"
    return f": it is not in QuickBooks{enter}."


def _before_it_was_posted(item: Item, change: str) -> str:
    if item["status"] == "POSTING" or perhaps_posted(item):
        return "while it was being posted: its card will say what came of that."
    if change in _BECAME:
        return "after it was approved: it is withdrawn by itself in some minutes."
    return "after it was approved: in some minutes it is asked about again, as it is now."


def _instead(what: str, before: object, after: object) -> list[str]:
    if before == after:
        return []
    old, new = (_short(str(v)) if v else "none" for v in (before, after))
    return [f"The {what} is {new} instead of {old}."]


def _amounts(before: Bill, after: Bill) -> list[str]:
    """The total, and its parts where it stayed the same; a new currency shows in each."""
    found: list[str] = []
    for what in ("amount_total", "amount_untaxed", "amount_tax"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new or (before.currency != after.currency and what == "amount_total"):
            name = {"amount_total": "total", "amount_untaxed": "untaxed amount"}.get(what, "tax")
            texts = amount_text(old, before.currency), amount_text(new, after.currency)
            found += _instead(name, *texts)
    if before.company_total != after.company_total and not found:
        own = [amount_text(b.company_total, b.company_currency) for b in (before, after)]
        found += _instead("total in the company's currency", *own)
    return found


def _rows(before: Bill, after: Bill) -> list[str]:
    """The rows that were added, removed or changed, each with what of it."""
    old, new = [_row(n) for n in before.lines], [_row(n) for n in after.lines]
    if old != new and Counter(old) == Counter(new):
        return ["The lines are in another order."]
    if _is_repetitive(old, new):
        return [f"Many of the lines changed: there were {len(old)}, now there are {len(new)}."]
    found: list[str] = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        gone, come = list(before.lines[i:j]), list(after.lines[k:m])
        while gone and come and gone[0].kind == come[0].kind:
            found.append(_changed_row(before, gone.pop(0), after, come.pop(0)))
        found += [f"Removed: {_named(before, n)}." for n in gone]
        found += [f"Added: {_named(after, n)}." for n in come]
    if len(found) > _ROWS_NAMED + 1:
        return [*found[:_ROWS_NAMED], f"{len(found) - _ROWS_NAMED} more lines changed."]
    return found


def _is_repetitive(old: Sequence[tuple[Any, ...]], new: Sequence[tuple[Any, ...]]) -> bool:
    """Whether too many pairs of rows are alike: matching them takes the cube of their number."""
    before, after = Counter(old), Counter(new)
    return sum(n * after[row] for row, n in before.items()) > _PAIRS


def _row(line: Line) -> tuple[Any, ...]:
    """What the digest says of a line."""
    return (line.kind, line.account_code, line.account_name, line.amount, line.taxes, line.text)


def _changed_row(before: Bill, old: Line, after: Bill, new: Line) -> str:
    pairs = (
        (
            "amount",
            amount_text(old.amount, before.currency),
            amount_text(new.amount, after.currency),
        ),
        ("account", _account(old), _account(new)),
        ("taxes", ", ".join(old.taxes), ", ".join(new.taxes)),
        ("text", old.text, new.text),
    )
    parts = [
        f"{what} {_short(now) or 'none'} instead of {_short(was) or 'none'}"
        for what, was, now in pairs
        if was != now
    ]
    # What is the same in every word is not the same: two accounts of one name, say.
    return f"The {_ROW[new.kind]} {_short(old.text)}: {', '.join(parts) or 'another account'}."


def _named(bill: Bill, line: Line) -> str:
    amount = (
        f", {amount_text(line.amount, bill.currency)}" if line.kind in {"product", "tax"} else ""
    )
    return f"the {_ROW[line.kind]} {_short(line.text)}{amount}"


def _account(line: Line) -> str:
    return f"{line.account_code} {line.account_name}".strip()


def _documents(before: Sequence[Document], after: Sequence[Document]) -> list[str]:
    """The files that were added, removed or replaced, by their bytes."""
    left, more = (Counter(d.sha256 for d in files) for files in (before, after))
    gone = [d.name for d in before if _take(left - more, d.sha256)]
    come = [d.name for d in after if _take(more - left, d.sha256)]
    replaced = [n for n in gone if n in come]
    return [
        *(f"The file {_short(n)} was replaced." for n in replaced),
        *(f"The file {_short(n)} was removed." for n in gone if n not in replaced),
        *(f"The file {_short(n)} was added." for n in come if n not in replaced),
    ]


def _take(surplus: Counter[str], sha256: str) -> bool:
    return surplus[sha256] > 0


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _TEXT else f"{words[: _TEXT - 1]}…"
