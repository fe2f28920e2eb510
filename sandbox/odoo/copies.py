"""Copies of real bills, for a run with more of them than were recorded."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.odoo.query import Record
    from sandbox.odoo.records import Records


def add_copies(odoo: Records, count: int) -> list[int]:
    """Post `count` copies of real bills with a total, each with a number and date of its own.

    Else a copy would be another bill of its vendor with the same date and amount. They are
    written in one transaction, so they share one write_date.
    """
    with odoo.lock:
        at = odoo.clock()
        originals = [
            move
            for move in odoo.posted()
            if move["move_type"] == "in_invoice" and move["amount_total"]
        ]
        start = odoo.last_id("account.move") + 1
        copies = islice(cycle(originals), count)
        taken = {_alike(m, m["invoice_date"]) for m in originals}
        return [
            _copy(odoo, move, f"COPY-{start + n}", _free_day(move, taken), at)
            for n, move in enumerate(copies)
        ]


def _copy(odoo: Records, original: Record, reference: str, day: str, at: datetime) -> int:
    bill = odoo.add("account.move", original, at)
    if bill["date"] == bill["invoice_date"]:
        bill["date"] = day
    bill["invoice_date"] = day
    bill["ref"] = bill["payment_reference"] = reference
    bill["name"] = odoo.next_name(bill)
    bill["duplicated_ref_ids"] = []
    for field in ("line_ids", "attachment_ids"):
        model = "account.move.line" if field == "line_ids" else "ir.attachment"
        owner = "move_id" if field == "line_ids" else "res_id"
        new = {}
        for number in sorted(original[field]):
            row = odoo.add(model, odoo.records[model][number], at)
            row[owner] = bill["id"]
            new[number] = row["id"]
        bill[field] = [new[number] for number in original[field]]
        if field == "line_ids":
            bill["invoice_line_ids"] = [new[number] for number in original["invoice_line_ids"]]
        else:
            main = original["message_main_attachment_id"]
            bill["message_main_attachment_id"] = new.get(main, False)
    return int(bill["id"])


def _alike(move: Record, day: str) -> tuple[Any, ...]:
    """What two bills have in common that may be the same one."""
    amount = (move["amount_total"], move["currency_id"])
    return (move["company_id"], move["commercial_partner_id"], *amount, day)


def _free_day(move: Record, taken: set[tuple[Any, ...]]) -> str:
    """The last day before a bill's own on which no bill is like it, in its own year if there is."""
    own = date.fromisoformat(move["invoice_date"])
    days = (own - timedelta(days=n) for n in range((own - own.replace(month=1, day=1)).days + 1))
    free = (d.isoformat() for d in days if _alike(move, d.isoformat()) not in taken)
    day = next(free, own.isoformat())
    taken.add(_alike(move, day))
    return day
