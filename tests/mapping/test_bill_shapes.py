"""Bills of every shape, as Odoo booked them and as QuickBooks gets them, for a bookkeeper to read.

The golden files lay both sides beside each other, for American, British and Canadian books.
UPDATE_GOLDEN=1 writes them anew: read the diff.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.bill import checks
from tests.support.journal import shapes
from tests.support.ledgers import ledger, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.model import Bill, Line
    from tests.support.journal import Journal
    from tests.support.ledgers import Ledger, Posted

GOLDEN: Final = Path(__file__).parents[1] / "mapping" / "golden"
# What else an operator may set, and what it says at the head of its part.
OTHERWISE: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "US": {"tax_on_lines = true": {"tax_on_lines": True}},
    "GB": {
        'tax = "override"': {"tax": "override"},
        'tax = "quickbooks"': {"tax": "quickbooks"},
        'tax = "lines", and 131000 is mapped': {
            "tax": "lines",
            "accounts": {"131000": "Tax Differences"},
        },
    },
    "CA": {
        'tax = "override"': {"tax": "override"},
        'tax = "quickbooks"': {"tax": "quickbooks"},
        'tax = "lines", and 131… is mapped': {
            "tax": "lines",
            "accounts": {"131": "Tax Differences"},
        },
    },
}
WIDTH: Final = 62


@dataclass(frozen=True)
class Shape:
    """A bill as it was written and as it was read."""

    name: str
    written: Journal
    bill: Bill


def every_shape(country: str) -> list[Shape]:
    of_country = {n: s for n, s in shapes().items() if country in s.head.books.split(", ")}
    bills = read(of_country, country)
    return [Shape(name, journal, bills[name]) for name, journal in of_country.items()]


@pytest.mark.parametrize("country", ["US", "GB", "CA"])
def test_every_shape_is_posted_as_its_golden_file_says(country: str) -> None:
    folder, texts = GOLDEN / country, {}
    for shape in every_shape(country):
        texts[f"{shape.name}.txt"] = page(shape, ledger(country))
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.txt"):
            old.unlink()
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
    assert texts == {p.name: p.read_text("utf-8") for p in folder.glob("*.txt")}


def page(shape: Shape, books: Ledger) -> str:
    """Odoo's entry beside QuickBooks', and what other settings make of it where they matter."""
    usual = list(quickbooks(shape.bill, books))
    head = [shape.written.head.title]
    head += [shape.written.head.why] if shape.written.head.why else []
    pages = ["\n".join(head), side_by_side(list(odoo(shape.bill)), usual)]
    for label, settings in OTHERWISE[books.country].items():
        other = list(quickbooks(shape.bill, books.set(**settings)))
        if other != usual:
            pages.append("\n".join([f"With {label}:", *(f"{'':{WIDTH}}{line}" for line in other)]))
    return "\n\n".join("\n".join(n.rstrip() for n in p.splitlines()) for p in pages) + "\n"


def side_by_side(left: list[str], right: list[str]) -> str:
    rows = zip_longest([f"Odoo, {left[0]}", *left[1:]], right, fillvalue="")
    return "\n".join(f"{ours:{WIDTH}}{theirs}" for ours, theirs in rows)


def odoo(bill: Bill) -> Iterator[str]:
    """The rows that Odoo booked, and what they come to."""
    kinds = {"in_invoice": "bill", "in_refund": "credit note", "in_receipt": "receipt"}
    yield f"{kinds[bill.move_type]} in {bill.currency}"
    for row in bill.lines:
        yield _booked(row)
    yield f"{bill.amount_total:>10.2f}  total"
    for part in bill.instalments:
        yield f"{part.amount:>10.2f}  due {part.due}{'' if part.is_open else ', paid'}"


def _booked(row: Line) -> str:
    if not (row.account_code or row.carries_money):
        return f"{'':10}  {row.kind}: {row.text}"
    taxes = ", ".join(row.taxes)
    if row.kind == "tax":
        taxed = f", taxed by {', '.join(row.further_taxes)}" if row.further_taxes else ""
        return f"{row.amount:>10.2f}  {row.account_code} tax {taxes}{taxed}"
    taxes = f" [{taxes}]" if taxes else ""
    return f"{row.amount:>10.2f}  {row.account_code} {row.text}{taxes}"


def quickbooks(bill: Bill, books: Ledger) -> Iterator[str]:
    """The document that QuickBooks keeps, or the sentences that stand against it."""
    against = checks.problems(bill) or books.problems(bill)
    nothing = checks.nothing_to_post(bill, books.company)
    if nothing or against:
        yield "nothing is posted" if nothing else "blocked"
        for sentence in (nothing,) if nothing else against:
            yield from _wrapped(sentence)
        return
    plan, posted = books.plan_posting(bill), books.post(bill)
    assert posted.total == posted.made.total
    assert plan.tax.how == "quickbooks" or posted.total == bill.amount_total
    yield f"QuickBooks, {posted.made.entity} in {posted.kept['CurrencyRef']['value']}"
    for text, account, code, amount in posted.lines:
        yield f"{amount:>10.2f}  {account}{f' [{code}]' if code else ''}: {text}"
    yield from _taxed(posted)
    yield f"{posted.total:>10.2f}  total"
    if "ExchangeRate" in posted.made.payload:
        yield f"{'':10}  at {posted.made.payload['ExchangeRate']:f} {books.realm.home_currency}"
    if bill.instalments:
        yield f"{'':10}  due {posted.kept.get('DueDate', 'no day, for a credit')}"
    for warning in plan.warnings:
        if not warning.startswith("New vendor:"):
            yield from _wrapped(f"Warning: {warning}")


def _taxed(posted: Posted) -> Iterator[str]:
    for name, amount, is_given in posted.rates:
        if amount or is_given:
            how = "Odoo's figure" if is_given else "computed"
            yield f"{amount:>10.2f}  tax {name}, {how}"


def _wrapped(sentence: str) -> Iterator[str]:
    line = ""
    for word in sentence.split():
        if len(line) + len(word) > WIDTH:
            yield line.rstrip()
            line = "  "
        line += f"{word} "
    yield line.rstrip()
