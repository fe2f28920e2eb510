"""What changed between two readings of a bill, in sentences for its approver. No I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import amount_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.bill.model import Bill, Document, Line, Vendor

_ROWS_NAMED: Final = 5
_TEXT: Final = 60
_PAIRS: Final = 50_000  # reached by some hundred rows that are all alike
_KIND: Final = {"in_invoice": "bill", "in_refund": "credit note", "in_receipt": "receipt"}
_ROW: Final = {
    "product": "line",
    "other": "journal row",
    "tax": "tax row",
    "section": "heading",
    "note": "note",
}


def changes(before: Bill, after: Bill, *, same_payee: str = "") -> list[str]:
    """What changed in a bill, most serious first; empty only if its digest is the same.

    `same_payee` is the vendor in QuickBooks, if that is the same although Odoo's contact changed.
    """
    return [
        *_instead("company", before.company, after.company),
        *_instead("kind", _KIND[before.move_type], _KIND[after.move_type]),
        *_vendor(before.vendor, after.vendor, same_payee),
        *_amounts(before, after),
        *_instead("vendor's number", before.bill_reference, after.bill_reference),
        *_instead("bill date", before.bill_date, after.bill_date),
        *_instead("accounting date", before.accounting_date, after.accounting_date),
        *_instead("due date", before.due_date, after.due_date),
        *_instead("payment terms", before.payment_terms, after.payment_terms),
        *_rows(before, after),
        *_documents(before.documents, after.documents),
    ]


def as_named_before(bill: Bill, before: Bill) -> Bill:
    """The bill as if its accounts, taxes and terms still had the names they had before.

    Accounts are matched by code, the others by their ids in Odoo. Bills stored long ago lack those
    ids, so for them a new name counts as a change.
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


def _vendor(before: Vendor | None, after: Vendor | None, same_payee: str) -> list[str]:
    """Whether another vendor will be paid; contacts merged in Odoo are still one vendor."""
    names = tuple(v.name if v else "none" for v in (before, after))
    if before is None or after is None or before.odoo_id == after.odoo_id:
        return _instead("vendor", *names)
    if same_payee:
        was, now = (f"{_short(v.name)} (contact {v.odoo_id})" for v in (before, after))
        merged = f"Odoo merged the vendor with another contact: now {now}, before {was}."
        return [f"{merged} In QuickBooks it is still {_short(same_payee)}."]
    if names[0] == names[1]:
        return [f"The vendor is a different contact with the same name, {_short(names[1])}."]
    return _instead("vendor", *names)


def _instead(what: str, before: object, after: object) -> list[str]:
    if before == after:
        return []
    old, new = (_short(str(v)) if v else "none" for v in (before, after))
    return [f"The {what} changed from {old} to {new}."]


def _amounts(before: Bill, after: Bill) -> list[str]:
    """Changes of the total, or of its parts if the total is the same; each shows its currency."""
    found: list[str] = []
    for what in ("amount_total", "amount_untaxed", "amount_tax"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new or (before.currency != after.currency and what == "amount_total"):
            name = {"amount_total": "total", "amount_untaxed": "untaxed amount"}.get(what, "tax")
            texts = amount_text(old, before.currency), amount_text(new, after.currency)
            found += _instead(name, *texts)
        if found and what == "amount_total":
            break
    if before.company_total != after.company_total and not found:
        own = [amount_text(b.company_total, b.company_currency) for b in (before, after)]
        found += _instead("total in the company's currency", *own)
    return found


def _rows(before: Bill, after: Bill) -> list[str]:
    """The rows that were added, removed or changed, and how."""
    old, new = [_row(n) for n in before.lines], [_row(n) for n in after.lines]
    if old != new and Counter(old) == Counter(new):
        return ["The lines are in a different order."]
    if _is_repetitive(old, new):
        return [f"Many lines changed: {len(old)} before, {len(new)} now."]
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
    """Whether too many pairs of rows are alike to match them, which takes cubic time."""
    before, after = Counter(old), Counter(new)
    return sum(n * after[row] for row, n in before.items()) > _PAIRS


def _row(line: Line) -> tuple[Any, ...]:
    """A line as the digest has it."""
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
        f"{what} {_short(now) or 'none'} (was {_short(was) or 'none'})"
        for what, was, now in pairs
        if was != now
    ]
    # The words are the same, but not what they name: two accounts of one name, say.
    return f"The {_ROW[new.kind]} {_short(old.text)}: {', '.join(parts) or 'a different account'}."


def _named(bill: Bill, line: Line) -> str:
    is_text = line.kind in {"section", "note"}
    amount = "" if is_text else f", {amount_text(line.amount, bill.currency)}"
    return f"the {_ROW[line.kind]} {_short(line.text)}{amount}"


def _account(line: Line) -> str:
    return f"{line.account_code} {line.account_name}".strip()


def _documents(before: Sequence[Document], after: Sequence[Document]) -> list[str]:
    """The files that were added, removed or replaced, compared by content."""
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
