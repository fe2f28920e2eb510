"""The rules that an invoice must meet, each a function: add yours to RULES. No I/O.

A rule gets what could be read: a field of the wrong form is None, and reported already.
docs/intake.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.intake.amounts import sums, to_cents
from odoo_qb.intake.invoice import Draft, Problem

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator set: the largest amount; and which day it is in the set time zone."""

    maximum: Decimal
    today: date


type Rule = Callable[[Draft, Policy], Iterator[Problem]]


def amount_is_positive(invoice: Draft, policy: Policy) -> Iterator[Problem]:
    """An invoice over nothing, or a credit, is not taken."""
    del policy
    if invoice.amount is not None and invoice.amount <= 0:
        yield Problem(field="amount", message="It must be more than 0.")


def amount_is_within_the_maximum(invoice: Draft, policy: Policy) -> Iterator[Problem]:
    """The largest amount that is taken is stated by intake_maximum_amount."""
    if invoice.amount is not None and invoice.amount > policy.maximum:
        yield Problem(
            field="amount", message=f"It is over the maximum of {to_cents(policy.maximum):,}."
        )


def due_date_is_ahead(invoice: Draft, policy: Policy) -> Iterator[Problem]:
    """An invoice that is due today leaves nobody the time to pay it."""
    if invoice.due_date is not None and invoice.due_date <= policy.today:
        yield Problem(
            field="dueDate", message=f"It must be after today, which is {policy.today:%Y-%m-%d}."
        )


def items_add_up(invoice: Draft, policy: Policy) -> Iterator[Problem]:
    """Quantity times rate of all items is the amount, to the cent."""
    del policy
    if invoice.amount is None or invoice.items is None:
        return
    found = sums((item.quantity, item.rate) for item in invoice.items)
    if to_cents(invoice.amount) not in found:
        totals = " or ".join(f"{total:,}" for total in sorted(found))
        yield Problem(
            field="items",
            message=f"They add up to {totals}, and the amount is {to_cents(invoice.amount):,}.",
        )


RULES: Final[tuple[Rule, ...]] = (
    amount_is_positive,
    amount_is_within_the_maximum,
    due_date_is_ahead,
    items_add_up,
)
