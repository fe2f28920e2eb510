"""The journal entry of a payment in the sandbox's Odoo, and what a payment settles."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.odoo.errors import V18

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.odoo.query import Record
    from sandbox.odoo.records import Records

# What a payment that is not posted has for an entry before 18, when it was one.
_FIRST_MATCH = 10_000  # numbers of reconciliations that no recorded one has
_STATES = {"draft": "draft", "canceled": "cancel"}


def book(odoo: Records, payment: Record, at: datetime) -> None:
    """Write a payment's entry: the money on one row, whom it is from or for on the other."""
    company = odoo.records["res.company"][payment["company_id"]]
    rate = Decimal(str(odoo.rate(payment["currency_id"], company["id"])))
    amount = Decimal(str(payment["amount"]))
    sign = 1 if payment["payment_type"] == "inbound" else -1
    move = odoo.add("account.move", odoo.blank("account.move"), at)
    move |= {
        "move_type": "entry",
        "state": _STATES.get(payment["state"], "posted"),
        "payment_state": "not_paid",
        "name": payment["name"],
        "ref": payment["memo"],
        "partner_id": payment["partner_id"],
        "commercial_partner_id": payment["partner_id"],
        "company_id": payment["company_id"],
        "journal_id": payment["journal_id"],
        "currency_id": payment["currency_id"],
        "date": payment["date"],
        "amount_total": payment["amount"],
        "amount_total_signed": float(round(amount / rate, 2)),
        "origin_payment_id": payment["id"],
        "create_uid": 2,
        "line_ids": [],
    }
    for account, side in zip(accounts(odoo, payment), (sign, -sign), strict=True):
        balance = round(side * amount / rate, 2)
        line = odoo.add("account.move.line", odoo.blank("account.move.line"), at)
        line |= {
            "move_id": move["id"],
            "display_type": "product",
            "name": f"Manual Payment: {payment['memo']}" if payment["memo"] else "Manual Payment",
            "account_id": account,
            "quantity": 1.0,
            "balance": float(balance),
            "amount_currency": float(side * amount),
            "debit": float(max(balance, Decimal(0))),
            "credit": float(max(-balance, Decimal(0))),
            "currency_id": payment["currency_id"],
            "company_id": payment["company_id"],
            "partner_id": payment["partner_id"],
            "date": payment["date"],
            "parent_state": move["state"],
        }
        if odoo.keeps_residuals:
            line |= {"amount_residual": float(balance), "reconciled": False}
        move["line_ids"].append(line["id"])
    move["invoice_line_ids"] = list(move["line_ids"])
    payment["move_id"] = move["id"]


def accounts(odoo: Records, payment: Record) -> tuple[int, int]:
    """Where a payment's money is until a bank statement has it, and what it settles."""
    if payment.get("outstanding_account_id"):
        return payment["outstanding_account_id"], payment["destination_account_id"]
    move = odoo.records["account.move"].get(like(odoo, payment)["move_id"])
    if move:
        lines = [odoo.records["account.move.line"][number] for number in move["line_ids"]]
        return lines[0]["account_id"], lines[1]["account_id"]
    inbound = payment["payment_type"] == "inbound"
    owed = "asset_receivable" if inbound else "liability_payable"
    company = payment["company_id"]
    return _account(odoo, company, "asset_current"), _account(odoo, company, owed)


def _account(odoo: Records, company: int, kind: str) -> int:
    """The first of a company's accounts of this kind, or the first of all where it has none."""
    rows = odoo.records["account.account"].values()
    own = [row for row in rows if company in row["company_ids"]]
    return int(next((row for row in own if row["account_type"] == kind), own[0])["id"])


def like(odoo: Records, payment: Record) -> Record:
    """An earlier payment of the same company and direction, with its journal and accounts."""
    same = ("company_id", "payment_type")
    return next(
        row
        for row in odoo.records["account.payment"].values()
        if row["move_id"] and all(row[name] == payment[name] for name in same)
    )


def unbook(odoo: Records, payment: Record, at: datetime) -> None:
    """What becomes of the entry of a payment that is cancelled: from 18 on it is deleted."""
    move = odoo.records["account.move"][payment["move_id"]]
    if odoo.version >= V18:
        for line in move["line_ids"]:
            del odoo.records["account.move.line"][line]
        del odoo.records["account.move"][move["id"]]
        payment["move_id"] = False
        return
    set_state(odoo, move, "cancel", at)


def set_state(odoo: Records, move: Record, state: str, at: datetime) -> None:
    """Move an entry or a document on, and its rows with it."""
    move |= {"state": state, "write_date": at}
    for line in move["line_ids"]:
        odoo.records["account.move.line"][line] |= {"parent_state": state, "write_date": at}


def settle(odoo: Records, invoice: Record, amount: Decimal, at: datetime) -> None:
    """Take an amount (negative: put it back) from what is open of a document."""
    total = Decimal(str(invoice["amount_total"]))
    signed = Decimal(str(invoice["amount_total_signed"]))
    left = Decimal(str(invoice["amount_residual"])) - amount
    share = left / total if total else Decimal(0)
    state = "paid" if not left else "not_paid" if left == total else "partial"
    invoice |= {
        "amount_residual": float(left),
        "amount_residual_signed": float(round(signed * share, 2)),
        "payment_state": state,
        "write_date": at,
    }
    for number in invoice["line_ids"]:
        line = odoo.records["account.move.line"][number]
        if line["display_type"] == "payment_term":
            line.pop("amount_residual_currency", None)  # the view derives it again
            if "amount_residual" in line:
                whole = Decimal(str(line["balance"]))
                line["amount_residual"] = float(round(whole * share, 2))
                line["reconciled"] = not left
            if left == total:
                line["matching_number"] = False
            line["write_date"] = at


def match(odoo: Records, payment: Record, invoice: Record, at: datetime) -> None:
    """Reconcile a payment's row with a document's: both get one number, "P9" if some is open."""
    number = f"{'' if invoice['payment_state'] == 'paid' else 'P'}{_FIRST_MATCH + payment['id']}"
    lines = odoo.records["account.move.line"]
    row = lines[odoo.records["account.move"][payment["move_id"]]["line_ids"][1]]
    row |= {"matching_number": number, "write_date": at}
    if odoo.keeps_residuals:
        row |= {"amount_residual": 0.0, "reconciled": True}
    for line in invoice["line_ids"]:
        if lines[line]["display_type"] == "payment_term":
            lines[line]["matching_number"] = number


def unmatch(odoo: Records, payment: Record, at: datetime) -> None:
    """Undo a payment's reconciliation: the row of its partner is open again."""
    move = odoo.records["account.move"].get(payment["move_id"] or 0)
    if not move:
        return
    row = odoo.records["account.move.line"][move["line_ids"][1]]
    row |= {"matching_number": False, "write_date": at}
    if odoo.keeps_residuals:
        row |= {"amount_residual": row["balance"], "reconciled": False}
