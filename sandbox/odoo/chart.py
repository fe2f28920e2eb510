"""What accountants do with the chart of accounts in the sandbox's Odoo."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.odoo.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sandbox.odoo.query import Record


class Chart(Records):
    """Accounts; `at` is the start of the transaction that a change is made in."""

    def new_account(
        self,
        code: str,
        name: str,
        account_type: str,
        *,
        companies: tuple[int, ...] = (1,),
        at: datetime | None = None,
    ) -> int:
        """Add an account of these companies, with the same code in each."""
        with self.lock:
            values = {
                "code": code,
                "name": name,
                "account_type": account_type,
                "company_ids": list(companies),
            }
            account = self.blank("account.account") | values
            return int(self.add("account.account", account, at or self.clock())["id"])

    def new_entry(
        self,
        rows: Sequence[tuple[int, str]],
        *,
        company: int = 1,
        date: str = "2026-08-20",
        reference: str = "",
        at: datetime | None = None,
    ) -> int:
        """Post an entry of (account, amount; negative is credit) rows that add up to nothing."""
        amounts = [Decimal(amount) for _, amount in rows]
        if sum(amounts):
            raise ValueError("the entry is not balanced")
        with self.lock:
            at = at or self.clock()
            journals = self.records["account.journal"].values()
            journal = next(
                row["id"]
                for row in journals
                if (row["type"], row["company_id"]) == ("general", company)
            )
            total = float(sum(amount for amount in amounts if amount > 0))
            move = self.add("account.move", self.blank("account.move"), at)
            move |= {
                "move_type": "entry",
                "state": "posted",
                "payment_state": "not_paid",
                "ref": reference or False,
                "company_id": company,
                "journal_id": journal,
                "currency_id": self.records["res.company"][company]["currency_id"],
                "date": date,
                "amount_total": total,
                "amount_total_signed": total,
                "create_uid": 2,
            }
            move["name"] = self.next_name(move)
            move["line_ids"] = [
                self._row(move, account, amount, at)
                for (account, _), amount in zip(rows, amounts, strict=True)
            ]
            move["invoice_line_ids"] = list(move["line_ids"])
            return int(move["id"])

    def _row(self, move: Record, account: int, amount: Decimal, at: datetime) -> int:
        shared = ("company_id", "currency_id", "date")
        line = self.add("account.move.line", self.blank("account.move.line"), at)
        line |= {name: move[name] for name in shared} | {
            "move_id": move["id"],
            "display_type": "product",
            "name": move["ref"],
            "account_id": account,
            "balance": float(amount),
            "amount_currency": float(amount),
            "debit": float(max(amount, Decimal(0))),
            "credit": float(max(-amount, Decimal(0))),
            "parent_state": "posted",
        }
        if self.keeps_residuals:
            line |= {"amount_residual": 0.0, "reconciled": False}
        return int(line["id"])

    def amend_account(self, account: int, *, at: datetime | None = None, **changes: object) -> None:
        """Write new values, such as a name or a code: no journal item is touched."""
        with self.lock:
            if "code" in changes:
                self.codes.pop(account, None)
            self.records["account.account"][account] |= changes | {"write_date": at or self.clock()}

    def close_account(self, account: int, *, at: datetime | None = None) -> None:
        """Close an account, which keeps its items: 19 hides it, the others call it deprecated."""
        self.amend_account(account, at=at, deprecated=True)

    def delete_account(self, account: int) -> None:
        """Delete an account without items, ValueError else."""
        with self.lock:
            lines = self.records["account.move.line"].values()
            if any(line["account_id"] == account for line in lines):
                raise ValueError("an account that contains journal items cannot be deleted")
            del self.records["account.account"][account]
