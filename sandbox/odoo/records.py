"""The records of the sandbox's Odoo: a real Odoo 18's, with ids, names and rates for new ones."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.dataset import DERIVED, empty, recorded
from sandbox.odoo.errors import V18

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox.odoo.dataset import Dataset
    from sandbox.odoo.query import Record

_UNKNOWN_RATE: Final = 0.8  # of a currency no record has: any will do but 1, which hides mistakes
_RESERVED: Final = 100  # ids of each model, more than a transaction of ours ever makes
_PURCHASES: Final = ("in_invoice", "in_refund", "in_receipt")
# One administrator entered all recorded bills; real bills are typed in by several people, and
# whoever entered a bill matters (nobody approves a bill of their own).
CLERKS: Final = {
    11: ("Ana Ruiz", "ana.ruiz@example.com"),
    12: ("Ben Okafor", "ben.okafor@example.com"),
    13: ("Chloe Marsh", "chloe.marsh@example.com"),
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that has begun: its changes carry its start and ids given out then."""

    at: datetime
    ids: dict[str, list[int]]


class Records:
    """The records, which may be read and added to from any thread.

    `records` is model -> id -> record, where a many2one is an id (or False), an instant an aware
    datetime with the microseconds that Odoo stores and does not show, and money a float, as Odoo
    sends it. `at` is the start of the transaction, which becomes write_date whenever it commits.
    """

    def __init__(
        self, *, version: int, clock: Callable[[], datetime], dataset: Dataset = "odoo-18"
    ) -> None:
        self.version = version
        self._clock = clock
        self.ahead = timedelta()  # by how much the server's clock is wrong
        # Of the flow's rows it was not recorded what is open of them: the view works it out.
        self.keeps_residuals = dataset == "ledger-18"
        self.lock = threading.RLock()
        begun = recorded(version, dataset)
        self.fields, self.records, self.names = begun.fields, begun.records, begun.names
        self.codes = begun.codes  # of accounts that belong to several companies, by company
        self.messages: list[tuple[int, str]] = []  # what was posted to a record's chatter
        self._numbers: Counter[str] = Counter()
        self._committing: Transaction | None = None
        for number, (name, login) in CLERKS.items():
            self.add_user(number, name, login)
        if dataset == "odoo-18":
            self._employ_clerks()
        self._last_ids = dict.fromkeys(self.records, 0)
        self.count_from_records()

    def count_from_records(self) -> None:
        """Let new records take the ids after the highest that there are."""
        self._last_ids |= {model: max(rows) for model, rows in self.records.items() if rows}

    def _employ_clerks(self) -> None:
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
        """When a change is made: now or, while a transaction commits, when that began."""
        return self._committing.at if self._committing else self.now()

    def now(self) -> datetime:
        """The time, as the server has it."""
        return self._clock() + self.ahead

    def begin(self) -> Transaction:
        """Begin a transaction: what it changes shows when `committing` does it."""
        with self.lock:
            ids: dict[str, list[int]] = {}
            for model in self.records:
                first = self._last_ids[model] + 1
                self._last_ids[model] += _RESERVED
                ids[model] = list(range(first, first + _RESERVED))
            return Transaction(self.clock(), ids)

    @contextmanager
    def committing(self, transaction: Transaction) -> Iterator[None]:
        """Do within what the transaction changed: late, with its earlier write_date and ids."""
        with self.lock:
            self._committing = transaction
            try:
                yield
            finally:
                self._committing = None

    def posted(self) -> Iterable[Record]:
        """The documents that are posted now."""
        return (m for m in self.records["account.move"].values() if m["state"] == "posted")

    def commercial(self, vendor: int) -> int:
        """The company that a contact person belongs to, or the vendor itself."""
        return int(self.records["res.partner"][vendor]["commercial_partner_id"])

    def rate(self, currency: int, company: int) -> float:
        """What a unit of the company's currency was in another when that was last booked."""
        if currency == self.records["res.company"][company]["currency_id"]:
            return 1.0
        known = [
            abs(m["amount_total"] / m["amount_total_signed"])
            for m in self.posted()
            if m["currency_id"] == currency and m["amount_total_signed"]
        ]
        return float(round(known[-1], 6)) if known else _UNKNOWN_RATE

    def blank(self, model: str) -> Record:
        """An empty record, without the fields that the view derives where nothing is stored."""
        derived = DERIVED.get(model, frozenset())
        fields = self.fields[model].items()
        return {name: empty(field) for name, field in fields if name not in derived}

    def last_id(self, model: str) -> int:
        """The highest id a model has had."""
        return self._last_ids[model]

    def add(self, model: str, values: Record, at: datetime) -> Record:
        """Keep a new record, under the next id and written at that moment."""
        number = self._next_id(model)
        stamps = {"id": number, "create_date": at, "write_date": at}
        self.records[model][number] = values | stamps
        return self.records[model][number]

    def _next_id(self, model: str) -> int:
        """An id that never comes back: one of the transaction's, if one commits."""
        if self._committing and self._committing.ids[model]:
            return self._committing.ids[model].pop(0)
        self._last_ids[model] += 1
        return self._last_ids[model]

    def touch(self, model: str, numbers: Iterable[int], at: datetime) -> None:
        """Set the write_date of records."""
        for number in numbers:
            self.records[model][number]["write_date"] = at

    def next_name(self, move: Record) -> str:
        """The number a document or a payment's entry gets when it is posted."""
        journal = self.records["account.journal"][move["journal_id"]]
        is_monthly = journal["type"] in ("purchase", "general")
        year = self._fiscal_year(move["company_id"], move["date"])
        kind = "R" if move["move_type"] in ("in_refund", "out_refund") else ""
        kind = "P" if move.get("origin_payment_id") else kind
        month = f"{move['date'][5:7]}/" if is_monthly else ""
        prefix = f"{kind}{journal['code']}/{year}/{month}"
        digits = 4 if is_monthly or "-" in year else 5
        series = f"{move['company_id']} {prefix}"
        if series not in self._numbers:
            moves = self.records["account.move"].values()
            names = [
                m["name"] for m in moves if m["company_id"] == move["company_id"] and m["name"]
            ]
            used = [int(n.removeprefix(prefix)) for n in names if n.startswith(prefix)]
            self._numbers[series] = max(used, default=0)
        self._numbers[series] += 1
        return f"{prefix}{self._numbers[series]:0{digits}}"

    def _fiscal_year(self, company: int, day: str) -> str:
        """What a number calls the year: from 18 on "25-26" where it does not end in December."""
        last = int(self.records["res.company"][company].get("fiscalyear_last_month") or 12)
        year, month = int(day[:4]), int(day[5:7])
        if self.version < V18 or last == 12:  # noqa: PLR2004 - December
            return str(year)
        end = year + (month > last)
        return f"{(end - 1) % 100:02}-{end % 100:02}"


def as_text(value: Any) -> Any:  # noqa: ANN401 - any field's
    """An instant as Odoo shows it: UTC, without zone and fraction; anything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value
