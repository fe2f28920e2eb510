"""The records of the sandbox's Odoo: a real Odoo 18's, with ids, names and rates for new ones."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.dataset import DERIVED, empty, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.odoo.query import Record

_UNKNOWN_RATE: Final = 0.8  # of a currency no record has: any will do but 1, which hides mistakes
_PURCHASES: Final = ("in_invoice", "in_refund", "in_receipt")
# One administrator entered all recorded bills; real bills are typed in by several people, and
# whoever entered a bill matters (nobody approves a bill of their own).
CLERKS: Final = {
    11: ("Ana Ruiz", "ana.ruiz@example.com"),
    12: ("Ben Okafor", "ben.okafor@example.com"),
    13: ("Chloe Marsh", "chloe.marsh@example.com"),
}


class Records:
    """The records, which may be read and added to from any thread.

    `records` is model -> id -> record, where a many2one is an id (or False), an instant an aware
    datetime with the microseconds that Odoo stores and does not show, and money a float, as Odoo
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
        self._last_ids: dict[str, int] = {}
        self.count_from_records()

    def count_from_records(self) -> None:
        """Let new records take the ids after the highest that there are."""
        self._last_ids |= {model: max(rows) for model, rows in self.records.items() if rows}

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


def as_text(value: Any) -> Any:  # noqa: ANN401 - any field's
    """An instant as Odoo shows it: UTC, without zone and fraction; anything else as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value
