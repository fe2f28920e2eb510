"""The journal rows of a document entered in the sandbox's Odoo."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sandbox.odoo.query import Record
    from sandbox.odoo.records import Records


def set_lines(odoo: Records, move: Record, lines: Iterable[tuple[str, str]], at: datetime) -> None:
    """One product row for each (text, amount), and the payable row that balances them."""
    company = move["company_id"]
    accounts = {kind: _account(odoo, move, kind) for kind in ("product", "payment_term")}
    sign = -1 if move["move_type"] in ("in_refund", "out_invoice", "out_receipt") else 1
    rate = Decimal(str(move["invoice_currency_rate"]))
    amounts = [(text, Decimal(amount)) for text, amount in lines]
    total = sum((amount for _, amount in amounts), Decimal(0))
    booked = [sign * round(amount / rate, 2) for _, amount in amounts]
    rows = [
        ("product", text, amount, sign * amount, balance)
        for (text, amount), balance in zip(amounts, booked, strict=True)
    ]
    owed = -sum(booked, Decimal(0))
    rows.append(("payment_term", "", Decimal(0), -sign * total, owed))
    move["line_ids"] = []
    for position, (kind, text, price, in_currency, balance) in enumerate(rows):
        line = odoo.add("account.move.line", odoo.blank("account.move.line"), at)
        line |= {
            "move_id": move["id"],
            "display_type": kind,
            "name": text or False,
            "sequence": 100 + position,
            "account_id": accounts[kind],
            "quantity": 1.0 if kind == "product" else 0.0,
            "price_unit": float(price),
            "price_subtotal": float(price),
            "price_total": float(price),
            "balance": float(balance),
            "amount_currency": float(in_currency),
            "debit": float(max(balance, Decimal(0))),
            "credit": float(max(-balance, Decimal(0))),
            "currency_id": move["currency_id"],
            "company_id": company,
            "partner_id": move["partner_id"],
            "date": move["date"],
            "date_maturity": move["invoice_date_due"] if kind == "payment_term" else False,
            "parent_state": move["state"],
        }
        if odoo.keeps_residuals:
            is_owed = kind == "payment_term"
            line |= {"amount_residual": float(balance) if is_owed else 0.0, "reconciled": False}
        move["line_ids"].append(line["id"])
    move["invoice_line_ids"] = move["line_ids"][:-1]
    move |= {
        "amount_untaxed": float(total),
        "amount_tax": 0.0,
        "amount_total": float(total),
        "amount_residual": float(total),
        "amount_total_signed": float(owed),
        "amount_untaxed_signed": float(owed),
        "amount_residual_signed": float(owed),
    }


def _account(odoo: Records, move: Record, kind: str) -> int:
    """The account that the company's first such row of a purchase, or of a sale, is on."""
    moves = odoo.records["account.move"]
    side = move["move_type"].partition("_")[0]
    return next(
        int(row["account_id"])
        for row in odoo.records["account.move.line"].values()
        if (row["company_id"], row["display_type"]) == (move["company_id"], kind)
        and moves[row["move_id"]]["move_type"].partition("_")[0] == side
    )
