"""An invoice is stored once, under the year's next number."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Conflict
from odoo_qb.intake.amounts import to_cents
from odoo_qb.intake.invoice import Draft, Problem, content_digest
from odoo_qb.intake.result import Result
from odoo_qb.shapes import text
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, tzinfo

    from odoo_qb.store.intake_table import IntakeTable, Kept

# A number that another invoice took is tried again here first: that costs milliseconds, a retry
# of the state machine a second. Each pause is random, so that two that met part.
TRIES: Final = 5
_PAUSE: Final = 0.1  # seconds


class Ledger:
    """Stores invoices. `zone` says when a year begins; `wait` takes seconds."""

    def __init__(self, table: IntakeTable, zone: tzinfo, wait: Callable[[float], None]) -> None:
        self._table = table
        self._zone = zone
        self._wait = wait

    def store(
        self, invoice: Draft, *, execution: str, now: datetime, notes: Sequence[str] = ()
    ) -> Result:
        """Store a validated invoice: "processed", or "duplicate" or "conflict" with a stored one.

        Conflict or Unavailable: nothing was stored, try again. An execution that stored it before
        and never learned so gets the same answer again.
        """
        invoice_id, digest = str(invoice.invoice_id), content_digest(invoice)
        year = now.astimezone(self._zone).year
        for left in reversed(range(TRIES)):
            kept, last = self._table.look(invoice_id, year)
            if kept:
                return _stored_before(kept, invoice_id, digest, execution, notes)
            number = invoice_number(year, last + 1)
            try:
                self._table.add(
                    invoice_id,
                    {
                        **_as_stored(invoice),
                        "number": number,
                        "digest": digest,
                        "execution": execution,
                        "stored_at": stamp(now),
                    },
                    year=year,
                    last=last,
                )
            except Conflict:
                if not left:
                    raise
                self._wait(random.uniform(0, _PAUSE))  # noqa: S311 - to part, not to hide
            else:
                return Result(
                    outcome="processed",
                    invoice_id=invoice_id,
                    invoice_number=number,
                    notes=tuple(notes),
                )
        raise AssertionError  # the last try returned or raised


def invoice_number(year: int, number: int) -> str:
    """INV-2026-000017; from a million on it has seven digits."""
    return f"INV-{year}-{number:06}"


def _stored_before(
    kept: Kept, invoice_id: str, digest: str, execution: str, notes: Sequence[str]
) -> Result:
    if kept.digest == digest:
        return Result(
            outcome="processed" if kept.execution == execution else "duplicate",
            invoice_id=invoice_id,
            invoice_number=kept.number,
            notes=tuple(notes),
        )
    problem = Problem(
        field="invoiceId",
        message=(
            f"An invoice with this id and other content is stored as {kept.number}."
            " Nothing was changed. Give a new invoice an id of its own."
        ),
    )
    return Result(
        outcome="conflict", invoice_id=invoice_id, problems=(problem,), notes=tuple(notes)
    )


def _as_stored(invoice: Draft) -> dict[str, object]:
    """The fields as the table has them; `given` is all that was given, as JSON."""
    amount, due = invoice.amount, invoice.due_date
    values: dict[str, object] = {
        "invoice_id": invoice.invoice_id,
        "customer_id": invoice.customer_id,
        "customer_email": invoice.customer_email,
        "amount": None if amount is None else str(to_cents(amount)),
        "due_date": None if due is None else due.isoformat(),
        "given": _json(invoice.given),
    }
    return {name: value for name, value in values.items() if value is not None}


def _json(given: object) -> str:
    """JSON that DynamoDB takes: as short as it can be, with half a surrogate pair escaped."""
    if text(written := json.dumps(given, ensure_ascii=False)):
        return written
    return json.dumps(given)
