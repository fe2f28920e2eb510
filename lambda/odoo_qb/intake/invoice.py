"""An invoice as it was given, field by field, and the digest of its content. No I/O."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from odoo_qb.intake.amounts import to_cents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from odoo_qb.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a field: its path, such as "items[0].rate", and a sentence."""

    field: str
    message: str

    def as_answer(self) -> dict[str, str]:
        """The problem as the workflow's output has it."""
        return {"field": self.field, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of an invoice: `rate` is the price of one, and negative for a discount."""

    description: str
    quantity: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What could be read of an invoice. A field that is missing or has no valid form is None.

    `items` is None also if one of them could not be read. `given` is the whole invoice.
    """

    invoice_id: str | None = None
    customer_id: str | None = None
    customer_email: str | None = None
    amount: Decimal | None = None
    due_date: date | None = None
    description: str | None = None
    items: tuple[Item, ...] | None = None
    given: Json = field(default_factory=dict)


def content_digest(draft: Draft) -> str:
    """A hash of all that was given, the same however a number is written: 1500 or "1500.00"."""
    content = {name: value for name, value in draft.given.items() if value is not None}
    if draft.amount is not None:
        content["amount"] = str(to_cents(draft.amount))
    if draft.items is not None:
        content["items"] = [
            {**line, "quantity": _plain(item.quantity), "rate": _plain(item.rate)}
            for line, item in zip(draft.given["items"], draft.items, strict=True)
        ]
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(value: object) -> str:
    """JSON with sorted names, in which equal numbers are equal texts."""
    if isinstance(value, dict):
        return f"{{{','.join(_member(n, value) for n in sorted(value))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _plain(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    return json.dumps(value)


def _member(name: str, value: Mapping[str, object]) -> str:
    return f"{json.dumps(name)}:{_canonical(value[name])}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize() + 0:f}"  # + 0: there is no negative zero
