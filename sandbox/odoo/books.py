"""The sandbox's Odoo from inside: real records of Odoo 18, and what bookkeepers do to them."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.dataset import DERIVED, empty, recorded
from sandbox.odoo.errors import V16

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sandbox.odoo.query import Record

STATES: Final = {"draft": "draft", "posted": "posted", "cancel": "cancelled"}  # as people say
_UNKNOWN_RATE: Final = 0.8  # of a currency no record has: any will do but 1, which hides mistakes
_PURCHASES: Final = ("in_invoice", "in_refund", "in_receipt")
# One administrator entered all recorded bills; real bills are typed in by several people, and
# whoever entered a bill matters (nobody approves a bill of their own).
CLERKS: Final = {
    11: ("Ana Ruiz", "ana.ruiz@example.com"),
    12: ("Ben Okafor", "ben.okafor@example.com"),
    13: ("Chloe Marsh", "chloe.marsh@example.com"),
}


class Books:
    """The records, and the acts of people on them; all may be called from any thread.

    `records` is model -> id -> record, where a many2one is an id (or False), an instant an aware
    datetime with the microseconds that Odoo stores and does not tell, and money a float, as Odoo
    sends it. `at` is the start of the transaction, which becomes write_date whenever it commits.
    """

    def __init__(self, *, version: int, clock: Callable[[], datetime]) -> None:
        self.version = version
        self._clock = clock
        self.ahead = timedelta()  # by how much the server's clock is wrong
        self.lock = threading.RLock()
        begun = recorded(version)
        self.fields, self.records, self.names = begun.fields, begun.records, begun.names
        self.messages: list[tuple[int, str]] = []  # what was posted to a record's chatter
        self._numbers: Counter[str] = Counter()
        self._employ_clerks()
        self._last_ids = {model: max(rows) for model, rows in self.records.items()}

    def _employ_clerks(self) -> None:
        for number, (name, login) in CLERKS.items():
            self.add_user(number, name, login)
        for move in self.records["account.move"].values():
            if move["move_type"] in _PURCHASES:
                # Three bills in four are a clerk's, every second of them in their care.
                clerk = sorted(CLERKS)[move["id"] % 4 - 1] if move["id"] % 4 else 2
                move["create_uid"] = move["write_uid"] = clerk  # who enters it posts it
                move["invoice_user_id"] = clerk if move["id"] % 2 and clerk in CLERKS else False

    def add_user(self, number: int, name: str, login: str) -> None:
        """Somebody with an Odoo account; what they may do over HTTP is another matter."""
        self.records["res.users"][number] = {
            "id": number,
            "name": name,
            "login": login,
            "email": login,
            "active": True,
            "company_id": 1,
            "company_ids": sorted(self.records["res.company"]),
        }

    def clock(self) -> datetime:
        """The time, as the server has it."""
        return self._clock() + self.ahead

    # -- what bookkeepers do -------------------------------------------------------------------

    def add_copies(self, count: int) -> list[int]:
        """Post `count` copies of real bills with a total, each with a number and date of its own.

        Else a copy would be another bill of its vendor with the same date and amount. They are
        written in one transaction, so they share one write_date.
        """
        with self.lock:
            at = self.clock()
            originals = [
                move
                for move in self.records["account.move"].values()
                if move["state"] == "posted"
                and move["move_type"] == "in_invoice"
                and move["amount_total"]
            ]
            start = self._last_ids["account.move"] + 1
            copies = islice(cycle(originals), count)
            taken = {_alike(m, m["invoice_date"]) for m in originals}
            return [
                self._copy(move, f"COPY-{start + n}", _free_day(move, taken), at)
                for n, move in enumerate(copies)
            ]

    def _copy(self, original: Record, reference: str, day: str, at: datetime) -> int:
        bill = self.add("account.move", original, at)
        if bill["date"] == bill["invoice_date"]:
            bill["date"] = day
        bill["invoice_date"] = day
        bill["ref"] = bill["payment_reference"] = reference
        bill["name"] = self.next_name(bill)
        bill["duplicated_ref_ids"] = []
        for field in ("line_ids", "attachment_ids"):
            model = "account.move.line" if field == "line_ids" else "ir.attachment"
            owner = "move_id" if field == "line_ids" else "res_id"
            new = {}
            for number in sorted(original[field]):
                row = self.add(model, self.records[model][number], at)
                row[owner] = bill["id"]
                new[number] = row["id"]
            bill[field] = [new[number] for number in original[field]]
            if field == "line_ids":
                bill["invoice_line_ids"] = [new[number] for number in original["invoice_line_ids"]]
            else:
                main = original["message_main_attachment_id"]
                bill["message_main_attachment_id"] = new.get(main, False)
        return int(bill["id"])

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
            journal = next(
                row["id"]
                for row in self.records["account.journal"].values()
                if row["type"] == "purchase" and row["company_id"] == company
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
            self._set_lines(bill, lines, at)
            if state == "posted":
                self.post(bill["id"], at=at)
            return int(bill["id"])

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
            if "invoice_date_due" in changes:
                self._move_due_date(move)
            if lines is not None:
                for line in move["line_ids"]:
                    del self.records["account.move.line"][line]
                self._set_lines(move, lines, at)

    def post(self, bill: int, *, at: datetime | None = None) -> None:
        """Post a draft, which gets its number unless it had one; ValueError if Odoo refuses."""
        with self.lock:
            self._check_posting(self.records["account.move"][bill])
            move = self._moved_on(bill, ("draft",), "posted", at)
            move["name"] = move["name"] or self.next_name(move)

    def _check_posting(self, move: Record) -> None:
        """The refusals of `action_post`, in Odoo's order and words."""
        if not move["partner_id"]:
            raise ValueError("The field 'Vendor' is required, please complete it to validate it")
        _refuse_negative(Decimal(str(move["amount_total"])))
        if not move["invoice_date"]:
            raise ValueError("The Bill/Refund date is required to validate this document")
        if self.version == V16 and any(_is_twin(move, m) for m in self._posted()):
            raise ValueError("Duplicated vendor reference detected")

    def _posted(self) -> Iterable[Record]:
        return (m for m in self.records["account.move"].values() if m["state"] == "posted")

    def cancel(self, bill: int, *, at: datetime | None = None) -> None:
        """Cancel a draft or, as newer versions allow, a posted bill; it keeps its number."""
        self._moved_on(bill, ("draft", "posted"), "cancel", at)

    def reset_to_draft(self, bill: int, *, at: datetime | None = None) -> None:
        """Take a posted or cancelled bill back to be worked on; it keeps its number."""
        self._moved_on(bill, ("posted", "cancel"), "draft", at)

    def pay(self, bill: int, *, at: datetime | None = None) -> None:
        """Register the whole payment: the content stays, the write_date moves."""
        self.amend(bill, at=at, payment_state="paid", amount_residual=0.0)
        for line in self.records["account.move"][bill]["line_ids"]:
            self.records["account.move.line"][line].pop("amount_residual_currency", None)

    def delete(self, bill: int) -> None:
        """Delete a draft with its lines and files: nothing tells a reader that it was there."""
        with self.lock:
            move = self.records["account.move"][bill]
            if move["state"] != "draft":
                is_now = f"{move['name']} is {STATES[move['state']]}"
                raise ValueError(f"{is_now}: only drafts can be deleted")
            for line in move["line_ids"]:
                del self.records["account.move.line"][line]
            for file in move["attachment_ids"]:
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
            move["attachment_ids"] = [file["id"], *move["attachment_ids"]]
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
        """Delete a file; its bill's write_date does not tell."""
        with self.lock:
            file = self.records["ir.attachment"].pop(attachment)
            move = self.records["account.move"][file["res_id"]]
            move["attachment_ids"] = [i for i in move["attachment_ids"] if i != attachment]
            if move["message_main_attachment_id"] == attachment:
                move["message_main_attachment_id"] = False

    def rename_vendor(self, vendor: int, name: str, *, at: datetime | None = None) -> None:
        """Rename a vendor: Odoo writes all of its bills in the same transaction."""
        with self.lock:
            at = at or self.clock()
            partner = self.records["res.partner"][vendor]
            partner |= {"name": name, "display_name": name, "write_date": at}
            for move in self.records["account.move"].values():
                if vendor in (move["partner_id"], move["commercial_partner_id"]):
                    move["write_date"] = at

    def merge_vendors(self, gone: int, into: int) -> None:
        """Merge one contact into another: Odoo rewrites all that refers to it past its own ORM.

        So no bill's write_date tells, as with a deletion.
        """
        with self.lock:
            for model in ("account.move", "account.move.line", "res.partner"):
                for record in self.records[model].values():
                    for field in ("partner_id", "commercial_partner_id", "parent_id"):
                        if record.get(field) == gone and field in record:
                            record[field] = into
            del self.records["res.partner"][gone]

    # -- how it is written down ----------------------------------------------------------------

    def _moved_on(
        self, bill: int, states: tuple[str, ...], state: str, at: datetime | None
    ) -> Record:
        with self.lock:
            move = self.records["account.move"][bill]
            if move["state"] not in states:
                is_now = f"{move['name'] or f'bill {bill}'} is {STATES[move['state']]}"
                raise ValueError(f"{is_now}: it cannot become {STATES[state]}")
            move = self._touched(bill, at or self.clock())
            move["state"] = state
            for line in move["line_ids"]:
                self.records["account.move.line"][line]["parent_state"] = state
            return move

    def _move_due_date(self, move: Record) -> None:
        """A document that is due at once has one payable row; instalments keep their own days."""
        lines = [self.records["account.move.line"][i] for i in move["line_ids"]]
        match [line for line in lines if line["display_type"] == "payment_term"]:
            case [payable]:
                payable["date_maturity"] = move["invoice_date_due"]

    def _touched(self, bill: int, at: datetime) -> Record:
        move = self.records["account.move"][bill]
        move["write_date"] = at
        return move

    def commercial(self, vendor: int) -> int:
        """The company that a contact person belongs to, or the vendor itself."""
        return int(self.records["res.partner"][vendor]["commercial_partner_id"])

    def rate(self, currency: int, company: int) -> float:
        """What a unit of the company's currency was in another when that was last booked."""
        if currency == self.records["res.company"][company]["currency_id"]:
            return 1.0
        known = [
            abs(m["amount_total"] / m["amount_total_signed"])
            for m in self._posted()
            if m["currency_id"] == currency and m["amount_total_signed"]
        ]
        return float(round(known[-1], 6)) if known else _UNKNOWN_RATE

    def blank(self, model: str) -> Record:
        """A record without values, but for those that the view works out where none is stored."""
        derived = DERIVED.get(model, frozenset())
        fields = self.fields[model].items()
        return {name: empty(field) for name, field in fields if name not in derived}

    def add(self, model: str, values: Record, at: datetime) -> Record:
        """Keep a new record, under the next id and written at that moment."""
        self._last_ids[model] = number = self._last_ids[model] + 1  # an id never comes back
        stamps = {"id": number, "create_date": at, "write_date": at}
        self.records[model][number] = values | stamps
        return self.records[model][number]

    def next_name(self, move: Record) -> str:
        """The number a document gets when it is posted."""
        journal = "RBILL" if move["move_type"] == "in_refund" else "BILL"
        prefix = f"{journal}/{move['date'][:4]}/{move['date'][5:7]}/"
        series = f"{move['company_id']} {prefix}"
        if series not in self._numbers:
            moves = self.records["account.move"].values()
            names = [
                m["name"] for m in moves if m["company_id"] == move["company_id"] and m["name"]
            ]
            used = [int(n.removeprefix(prefix)) for n in names if n.startswith(prefix)]
            self._numbers[series] = max(used, default=0)
        self._numbers[series] += 1
        return f"{prefix}{self._numbers[series]:04}"

    def _set_lines(self, move: Record, lines: Iterable[tuple[str, str]], at: datetime) -> None:
        """One product row for each (text, amount), and the payable row that balances them."""
        company = move["company_id"]
        accounts = {
            kind: next(
                row["account_id"]
                for row in self.records["account.move.line"].values()
                if row["company_id"] == company and row["display_type"] == kind
            )
            for kind in ("product", "payment_term")
        }
        sign = -1 if move["move_type"] == "in_refund" else 1
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
            line = self.add("account.move.line", self.blank("account.move.line"), at)
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
            move["line_ids"].append(line["id"])
        move["invoice_line_ids"] = move["line_ids"][:-1]
        move |= {
            "amount_untaxed": float(total),
            "amount_tax": 0.0,
            "amount_total": float(total),
            "amount_residual": float(total),
            "amount_total_signed": float(owed),
        }


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


def _refuse_negative(total: Decimal) -> None:
    if total < 0:
        raise ValueError(
            "You cannot validate a document with a negative total amount."
            " You should create a credit note instead"
        )


def _is_twin(move: Record, other: Record) -> bool:
    """Whether 16 takes them for the same bill: vendor, reference and date are equal."""
    same = ("company_id", "move_type", "commercial_partner_id", "ref", "invoice_date")
    return bool(move["ref"]) and all(move[name] == other[name] for name in same)


def as_text(value: Any) -> Any:  # noqa: ANN401 - any field's
    """An instant as Odoo tells it: UTC, without zone and fraction; anything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value
