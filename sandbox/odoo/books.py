"""What bookkeepers do in the sandbox's Odoo: enter, amend, post, pay, cancel, attach."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo import copies
from sandbox.odoo.chart import Chart
from sandbox.odoo.contacts import Contacts
from sandbox.odoo.entries import set_state, settle
from sandbox.odoo.errors import V16, V18
from sandbox.odoo.lines import set_lines
from sandbox.odoo.old_books import give_entries, split_accounts
from sandbox.odoo.orders import Orders
from sandbox.odoo.payments import Payments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sandbox.odoo.dataset import Dataset
    from sandbox.odoo.query import Record

STATES: Final = {"draft": "draft", "posted": "posted", "cancel": "cancelled"}  # as people say


class Books(Contacts, Payments, Orders, Chart):
    """What people do to the records; all of it may be called from any thread."""

    def __init__(
        self, *, version: int, clock: Callable[[], datetime], dataset: Dataset = "odoo-18"
    ) -> None:
        super().__init__(version=version, clock=clock, dataset=dataset)
        if version < V18 and dataset == "ledger-18":  # the flow's entries were not recorded
            split_accounts(self)
            give_entries(self)

    def add_copies(self, count: int) -> list[int]:
        """Post `count` copies of real bills, each with a number and date of its own; their ids."""
        return copies.add_copies(self, count)

    def new_bill(
        self,
        *,
        reference: str = "",
        lines: Sequence[tuple[str, str]] = (("Supplies", "100.00"),),
        company: int = 1,
        vendor: int | None = 14,
        move_type: str = "in_invoice",
        state: str = "posted",
        bill_date: str = "2026-11-02",
        currency: int = 1,
        created_by: int = 11,
        at: datetime | None = None,
    ) -> int:
        """Enter a bill with these lines (text, amount) and post it, or leave it a draft.

        Another currency than the company's is booked at the rate of the records' last such bill.
        """
        with self.lock:
            at = at or self.clock()
            bill = self.add("account.move", self.blank("account.move"), at)
            side = "sale" if move_type.startswith("out_") else "purchase"
            journal = next(
                row["id"]
                for row in self.records["account.journal"].values()
                if row["type"] == side and row["company_id"] == company
            )
            bill |= {
                "move_type": move_type,
                "state": "draft",
                "payment_state": "not_paid",
                "ref": reference or False,
                "payment_reference": reference or False,
                "partner_id": vendor or False,
                "commercial_partner_id": self.commercial(vendor) if vendor else False,
                "company_id": company,
                "journal_id": journal,
                "currency_id": currency,
                "invoice_currency_rate": self.rate(currency, company),
                "invoice_date": bill_date,
                "date": bill_date,
                "invoice_date_due": bill_date,
                "create_uid": created_by,
                "write_uid": created_by,
            }
            set_lines(self, bill, lines, at)
            if state == "posted":
                self.post(bill["id"], at=at)
            return int(bill["id"])

    def new_invoice(
        self,
        customer: int,
        *,
        move_type: str = "out_invoice",
        at: datetime | None = None,
        **given: Any,  # noqa: ANN401 - as new_bill takes them
    ) -> int:
        """Enter a customer's invoice or credit note, as `new_bill` enters a vendor's."""
        return self.new_bill(vendor=customer, move_type=move_type, at=at, **given)

    def amend(
        self,
        bill: int,
        *,
        lines: Sequence[tuple[str, str]] | None = None,
        at: datetime | None = None,
        **changes: object,
    ) -> None:
        """Write new values (and new lines) to a bill; without any, the write itself shows."""
        with self.lock:
            at = at or self.clock()
            move = self.records["account.move"][bill]
            if lines is not None and move["state"] == "posted":
                _refuse_negative(sum((Decimal(amount) for _, amount in lines), Decimal(0)))
            self._touched(bill, at)
            if vendor := changes.get("partner_id"):
                changes["commercial_partner_id"] = self.commercial(int(str(vendor)))
            move.update(changes)
            self._amend_lines(move, changes, at)
            if lines is not None:
                for line in move["line_ids"]:
                    del self.records["account.move.line"][line]
                set_lines(self, move, lines, at)

    def post(self, bill: int, *, at: datetime | None = None) -> None:
        """Post a draft, which gets its number unless it had one; ValueError if Odoo refuses."""
        with self.lock:
            self._check_posting(self.records["account.move"][bill])
            move = self._moved_on(bill, ("draft",), "posted", at)
            move["name"] = move["name"] or self.next_name(move)
            self._raise_rank(move)

    def _raise_rank(self, move: Record) -> None:
        """Odoo counts a contact's documents in SQL, which leaves the contact's write_date alone."""
        rank = "customer_rank" if str(move["move_type"]).startswith("out_") else "supplier_rank"
        for contact in {move["partner_id"], move["commercial_partner_id"]} - {False}:
            row = self.records["res.partner"][contact]
            if rank in row:
                row[rank] = int(row[rank]) + 1

    def _check_posting(self, move: Record) -> None:
        """The refusals of `action_post`, in Odoo's order and words."""
        if not move["partner_id"]:
            raise ValueError("The field 'Vendor' is required, please complete it to validate it")
        _refuse_negative(Decimal(str(move["amount_total"])))
        if not move["invoice_date"]:
            raise ValueError("The Bill/Refund date is required to validate this document")
        if self.version == V16 and any(_is_duplicate(move, m) for m in self.posted()):
            raise ValueError("Duplicated vendor reference detected")

    def cancel(self, bill: int, *, at: datetime | None = None) -> None:
        """Cancel a draft or, as newer versions allow, a posted bill; it keeps its number."""
        self._moved_on(bill, ("draft", "posted"), "cancel", at)

    def reset_to_draft(self, bill: int, *, at: datetime | None = None) -> None:
        """Take a posted or cancelled bill back to be worked on; it keeps its number."""
        self._moved_on(bill, ("posted", "cancel"), "draft", at)

    def pay(self, bill: int, *, at: datetime | None = None) -> None:
        """Register the whole payment: the content stays, the write_date moves.

        `pay_invoice` enters the payment as well.
        """
        with self.lock:
            move = self.records["account.move"][bill]
            settle(self, move, Decimal(str(move["amount_residual"])), at or self.clock())

    def delete(self, bill: int) -> None:
        """Delete a draft with its lines and files: a reader sees no trace of it."""
        with self.lock:
            move = self.records["account.move"][bill]
            if move["state"] != "draft":
                is_now = f"{move['name']} is {STATES[move['state']]}"
                raise ValueError(f"{is_now}: only drafts can be deleted")
            for line in move["line_ids"]:
                del self.records["account.move.line"][line]
            for file in move.get("attachment_ids", []):
                del self.records["ir.attachment"][file]
            del self.records["account.move"][bill]

    def attach(
        self,
        bill: int,
        name: str,
        content: bytes,
        *,
        main: bool = False,
        at: datetime | None = None,
    ) -> int:
        """Attach a file; the bill's write_date moves only where it becomes the main one."""
        with self.lock:
            at = at or self.clock()
            move = self.records["account.move"][bill]
            file = self.add("ir.attachment", self.blank("ir.attachment"), at)
            file |= {
                "name": name,
                "res_model": "account.move",
                "res_id": bill,
                "company_id": move["company_id"],
                "type": "binary",
                "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
                "datas": base64.b64encode(content).decode(),
                "file_size": len(content),
                "checksum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            }
            move["attachment_ids"] = [file["id"], *move.get("attachment_ids", [])]
            if main:
                self._touched(bill, at)["message_main_attachment_id"] = file["id"]
            return int(file["id"])

    def replace_file(self, attachment: int, content: bytes, *, at: datetime | None = None) -> None:
        """Put other bytes in the place of a file's, which keeps its id and its name."""
        with self.lock:
            self.records["ir.attachment"][attachment] |= {
                "datas": base64.b64encode(content).decode(),
                "file_size": len(content),
                "checksum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
                "write_date": at or self.clock(),
            }

    def detach(self, attachment: int) -> None:
        """Delete a file; its bill's write_date stays."""
        with self.lock:
            file = self.records["ir.attachment"].pop(attachment)
            move = self.records["account.move"][file["res_id"]]
            move["attachment_ids"] = [i for i in move["attachment_ids"] if i != attachment]
            if move["message_main_attachment_id"] == attachment:
                move["message_main_attachment_id"] = False

    # -- how it is written down ----------------------------------------------------------------

    def _moved_on(
        self, bill: int, states: tuple[str, ...], state: str, at: datetime | None
    ) -> Record:
        with self.lock:
            move = self.records["account.move"][bill]
            if move["state"] not in states:
                is_now = f"{move['name'] or f'bill {bill}'} is {STATES[move['state']]}"
                raise ValueError(f"{is_now}: it cannot become {STATES[state]}")
            set_state(self, move, state, at or self.clock())
            return move

    def _amend_lines(self, move: Record, changes: dict[str, object], at: datetime) -> None:
        """Rows have their document's date and partner, and their own copy of its reference.

        A document that is due at once has one payable row; instalments keep their own days.
        """
        shared = {name: value for name, value in changes.items() if name in ("date", "partner_id")}
        lines = [self.records["account.move.line"][i] for i in move["line_ids"]]
        for line in lines if shared or "ref" in changes else ():
            line.update(shared, write_date=at)
        payables = [line for line in lines if line["display_type"] == "payment_term"]
        if "invoice_date_due" in changes and len(payables) == 1:
            payables[0] |= {"date_maturity": move["invoice_date_due"], "write_date": at}

    def _touched(self, bill: int, at: datetime) -> Record:
        move = self.records["account.move"][bill]
        move["write_date"] = at
        return move


def _refuse_negative(total: Decimal) -> None:
    if total < 0:
        raise ValueError(
            "You cannot validate a document with a negative total amount."
            " You should create a credit note instead"
        )


def _is_duplicate(move: Record, other: Record) -> bool:
    """Whether 16 takes them for the same bill: vendor, reference and date are equal."""
    same = ("company_id", "move_type", "commercial_partner_id", "ref", "invoice_date")
    return bool(move["ref"]) and all(move[name] == other[name] for name in same)
