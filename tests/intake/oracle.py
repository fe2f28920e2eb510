"""Another opinion about invoices, made without the product's code: fractions, a plain dictionary.

A random invoice is put together from values of which it is written here whether they are right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

MAXIMUM: Final = Fraction(1_000_000)
_MISSING: Final[Any] = object()
# Of each field, values that are right and values that are wrong on 2026-11-28.
CUSTOMERS: Final = (["C-9", "Müller & Söhne", "x" * 100], [_MISSING, None, "", 7, "x" * 101, " C"])
EMAILS: Final = (
    [_MISSING, None, "ada@example.com", "a.b+c@mail.example.org"],
    ["ada", "ada@example", "a b@example.com", "@example.com", 7, ["a@example.com"], "a@b@c.com"],
)
DUES: Final = (
    ["2026-11-29", "2026-12-31", "2028-02-29", "2030-01-01"],
    [_MISSING, None, "2026-11-28", "2020-01-01", "2027-02-29", "2026-11-31", "soon", 20261231],
)
TEXTS: Final = ([_MISSING, None, "", "Consulting", "é" * 1000], ["x" * 1001, 7, {}])
AMOUNTS: Final = (
    *(1, 10, 100, 1500, 999_999, 1_000_000, 1_000_001, 10**15, 0, -5),
    *(0.01, 19.99, 1500.0, 999_999.99, 19.999, 0.1 + 0.2, 1e21, -0.01, 1e-7, 123456789012.34),
    *("1500.00", "0.01", "19.999", "1500.", "1e3", "", "-1", "1000000.00", "1000000.01", "abc"),
    *(True, None, [1]),
)
NUMBERS: Final = (1, 2, 3, 10, 0.5, 0.25, 1.1, "2", "0.333333", 0.1 + 0.2, "x", None, -1, 33.33)


def some_invoice(random: Random, ids: int = 10**9) -> Json:
    """An invoice with, on average, less than one wrong field."""

    def one(values: tuple[list[Any], list[Any]]) -> Any:
        right, wrong = values
        return random.choice(wrong if random.random() < 0.08 else right)

    invoice = {
        "invoiceId": f"A-{random.randrange(ids)}",
        "customerId": one(CUSTOMERS),
        "customerEmail": one(EMAILS),
        "dueDate": one(DUES),
        "description": one(TEXTS),
        "amount": random.choice(AMOUNTS) if random.random() < 0.3 else some_amount(random),
    }
    if random.random() < 0.4:
        lines = [
            {"description": "x", "quantity": random.choice(NUMBERS), "rate": random.choice(NUMBERS)}
            if random.random() < 0.2
            else {"description": "x", "quantity": random.randint(1, 9), "rate": some_amount(random)}
            for _ in range(random.randint(0 if random.random() < 0.1 else 1, 4))
        ]
        invoice["items"] = lines
        totals = sums_of(lines)
        if totals and random.random() < 0.8:
            total = random.choice(sorted(totals))
            invoice["amount"] = f"{total.numerator * 100 // total.denominator / 100:.2f}"
    if random.random() < 0.1:
        invoice["poNumber"] = "PO 7"
    return {name: value for name, value in invoice.items() if value is not _MISSING}


def some_amount(random: Random) -> Any:
    cents = random.randint(1, 300_000)
    return random.choice([cents // 100 + 1, cents / 100, f"{cents // 100}.{cents % 100:02}"])


@dataclass
class Oracle:
    """What should become of each invoice, one after the other."""

    stored: dict[str, tuple[Any, str]] = field(default_factory=dict)

    def judge(self, invoice: Json) -> tuple[str, str | None, set[str]]:
        """The outcome, the invoice number, and the fields with a problem."""
        wrong = wrong_fields(invoice)
        if wrong:
            return "invalid", None, wrong
        name, content = invoice["invoiceId"], content_of(invoice)
        if name not in self.stored:
            number = f"INV-2026-{len(self.stored) + 1:06}"
            self.stored[name] = (content, number)
            return "processed", number, set()
        before, number = self.stored[name]
        if before == content:
            return "duplicate", number, set()
        return "conflict", None, {"invoiceId"}


def wrong_fields(invoice: Json) -> set[str]:
    """The fields with a problem; "items" for any of the items."""
    fields: dict[str, tuple[list[Any], list[Any]]] = {
        "customerId": CUSTOMERS,
        "customerEmail": EMAILS,
        "dueDate": DUES,
        "description": TEXTS,
    }
    found = {n for n, (right, _) in fields.items() if invoice.get(n, _MISSING) not in right}
    amount = number_of(invoice.get("amount"), 2)
    if amount is None or not 0 < amount <= MAXIMUM:
        found.add("amount")
    lines = invoice.get("items")
    if lines is not None:
        totals = sums_of(lines)
        if not totals or (amount is not None and amount not in totals):
            found.add("items")
    return found


def number_of(value: Any, decimals: int) -> Fraction | None:
    """The number, if it has the wanted form."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str):
        whole, dot, fraction = text.removeprefix("-").partition(".")
        digits = set(whole + fraction) <= set("0123456789")
        if not (digits and whole and bool(dot) == bool(fraction)) or len(fraction) > decimals:
            return None
    number = Fraction(text)
    scale = next((k for k in range(30) if (number * 10**k).denominator == 1), 30)
    written = len(str(abs(number * 10**scale).numerator))
    return number if scale <= decimals and written <= 15 else None


def sums_of(lines: list[Json]) -> set[Fraction]:
    """What the lines add up to; nothing if one of them is wrong, or there is none."""
    products: list[Fraction] = []
    for line in lines:
        quantity, rate = (number_of(line.get(name), 6) for name in ("quantity", "rate"))
        if quantity is None or rate is None:
            return set()
        products.append(quantity * rate)
    return (
        {sum(map(cents_of, products), Fraction(0)), cents_of(sum(products, Fraction(0)))}
        if lines
        else set()
    )


def cents_of(number: Fraction) -> Fraction:
    """Rounded to the cent, halves away from zero."""
    rounded = floor(abs(number) * 100 + Fraction(1, 2))
    return Fraction(rounded if number >= 0 else -rounded, 100)


def content_of(invoice: Json) -> Any:
    """The same for equal invoices, however their numbers are written."""
    content = {name: value for name, value in invoice.items() if value is not None}
    content["amount"] = number_of(invoice["amount"], 2)
    if "items" in content:
        content["items"] = [
            {**line, "quantity": number_of(line["quantity"], 6), "rate": number_of(line["rate"], 6)}
            for line in invoice["items"]
        ]
    return content
