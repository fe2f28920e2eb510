"""What bookkeepers do with payments in the sandbox's Odoo: register, post, cancel, delete.

Before 18 a payment is an entry as well: it has one from the start, and both change together.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.odoo import entries
from sandbox.odoo.errors import V18
from sandbox.odoo.records import Records

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.odoo.query import Record

_FROM_THEM = ("out_invoice", "in_refund", "out_receipt")  # documents that bring money in


class Payments(Records):
    """Payments; `at` is the start of the transaction that a change is made in."""

    def new_payment(
        self,
        partner: int,
        amount: str,
        *,
        payment_type: str = "inbound",
        company: int = 1,
        memo: str = "",
        date: str = "2026-08-20",
        currency: int | None = None,
        state: str = "posted",
        at: datetime | None = None,
    ) -> int:
        """Enter a payment on account from a customer (inbound) or to a vendor (outbound).

        It is posted unless `state` is "draft"; its journal is that of an earlier such payment.
        """
        with self.lock:
            at = at or self.clock()
            payment: Record = {  # and before 18, all else is its entry's
                "name": False,
                "move_id": False,
                "is_reconciled": False,
                "is_matched": False,
                "payment_type": payment_type,
                "partner_type": "customer" if payment_type == "inbound" else "supplier",
                "partner_id": partner,
                "amount": float(amount),
                "company_id": company,
                "currency_id": currency or self.records["res.company"][company]["currency_id"],
                "date": date,
                "memo": memo or False,
                "payment_reference": False,
                "state": "draft",
                "invoice_ids": [],
                "reconciled_invoice_ids": [],
                "reconciled_bill_ids": [],
            }
            model = entries.like(self, payment)
            kept = ("journal_id", "payment_method_line_id", "outstanding_account_id")
            payment |= {name: model.get(name, False) for name in (*kept, "destination_account_id")}
            sign = 1 if payment_type == "inbound" else -1
            rate = Decimal(str(self.rate(payment["currency_id"], company)))
            payment["amount_signed"] = sign * float(amount)
            converted = round(Decimal(amount) / rate, 2)
            payment["amount_company_currency_signed"] = float(converted)
            payment = self.add("account.payment", payment, at)
            if self.version < V18:
                entries.book(self, payment, at)
            if state == "posted":
                self.post_payment(payment["id"], at=at)
            return int(payment["id"])

    def post_payment(self, payment: int, *, at: datetime | None = None) -> None:
        """Post a draft: it gets a number and, if it has none yet, an entry."""
        with self.lock:
            at = at or self.clock()
            record = self._in_state(payment, "draft")
            record |= {"state": "in_process", "write_date": at}
            if not record["move_id"]:
                entries.book(self, record, at)
            move = self.records["account.move"][record["move_id"]]
            entries.set_state(self, move, "posted", at)
            record["name"] = move["name"] = record["name"] or self.next_name(move)

    def amend_payment(self, payment: int, *, at: datetime | None = None, **changes: object) -> None:
        """Write new values to a payment, such as its memo, and to its entry what it has of them."""
        with self.lock:
            at = at or self.clock()
            record = self.records["account.payment"][payment]
            record |= changes | {"write_date": at}
            if record["move_id"]:
                move = self.records["account.move"][record["move_id"]]
                shared = {"ref": record["memo"], "date": record["date"]}
                move |= shared | {"write_date": at}
                for line in move["line_ids"]:
                    self.records["account.move.line"][line] |= {
                        "date": record["date"],
                        "write_date": at,
                    }

    def pay_invoice(
        self,
        invoice: int,
        amount: str = "",
        *,
        date: str = "2026-08-20",
        at: datetime | None = None,
    ) -> int:
        """Register a payment of a posted document, of all that is open of it or of less."""
        with self.lock:
            at = at or self.clock()
            move = self.records["account.move"][invoice]
            paid = Decimal(amount or str(move["amount_residual"]))
            if move["state"] != "posted" or not 0 < paid <= Decimal(str(move["amount_residual"])):
                raise ValueError(f"{paid} of {move['name']} ({move['state']}) cannot be paid")
            payment = self.new_payment(
                move["commercial_partner_id"],
                str(paid),
                payment_type="inbound" if move["move_type"] in _FROM_THEM else "outbound",
                company=move["company_id"],
                currency=move["currency_id"],
                memo=str(move["name"]),
                date=date,
                at=at,
            )
            entries.settle(self, move, paid, at)
            settled = "reconciled_" + ("invoice" if "out" in move["move_type"] else "bill") + "_ids"
            record = self.records["account.payment"][payment]
            record |= {"invoice_ids": [invoice], settled: [invoice], "is_reconciled": True}
            record["state"] = "paid" if move["payment_state"] == "paid" else "in_process"
            entries.match(self, record, move, at)
            move["matched_payment_ids"] = [*move.get("matched_payment_ids", []), payment]
            return payment

    def reset_payment(self, payment: int, *, at: datetime | None = None) -> None:
        """Take a posted payment back to draft: what it had settled is open again."""
        with self.lock:
            at = at or self.clock()
            record = self._in_state(payment, "in_process", "paid")
            self._undo(record, at)
            record |= {"state": "draft", "write_date": at}
            entries.set_state(self, self.records["account.move"][record["move_id"]], "draft", at)

    def cancel_payment(self, payment: int, *, at: datetime | None = None) -> None:
        """Cancel a draft or a posted payment, which from 18 on loses its entry."""
        with self.lock:
            at = at or self.clock()
            record = self._in_state(payment, "draft", "in_process", "paid")
            self._undo(record, at)
            record |= {"state": "canceled", "write_date": at}
            if record["move_id"]:
                entries.unbook(self, record, at)

    def delete_payment(self, payment: int) -> None:
        """Delete a payment that is a draft or cancelled, and its entry; ValueError for others."""
        with self.lock:
            record = self._in_state(payment, "draft", "canceled")
            if record["move_id"]:
                move = self.records["account.move"].pop(record["move_id"])
                for line in move["line_ids"]:
                    del self.records["account.move.line"][line]
            del self.records["account.payment"][payment]

    def _undo(self, payment: Record, at: datetime) -> None:
        """Open again what a payment settled; of several documents, each gets the rest of it."""
        entries.unmatch(self, payment, at)
        rest = Decimal(str(payment["amount"]))
        for number in payment["invoice_ids"]:
            invoice = self.records["account.move"][number]
            covered = Decimal(str(invoice["amount_total"])) - Decimal(
                str(invoice["amount_residual"])
            )
            entries.settle(self, invoice, -min(covered, rest), at)
            rest -= min(covered, rest)
            matched = invoice.get("matched_payment_ids", [])
            invoice["matched_payment_ids"] = [i for i in matched if i != payment["id"]]
        payment |= {"invoice_ids": [], "reconciled_invoice_ids": [], "reconciled_bill_ids": []}
        payment["is_reconciled"] = False

    def _in_state(self, payment: int, *states: str) -> Record:
        record = self.records["account.payment"][payment]
        if record["state"] not in states:
            name = record["name"] or f"payment {payment}"
            raise ValueError(f"{name} is {record['state']}, not {' or '.join(states)}")
        return record
