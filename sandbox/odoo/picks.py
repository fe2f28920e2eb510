"""What a random change to the sandbox's Odoo is made to, and with: the same for the same seed."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.odoo.books import Books
    from sandbox.odoo.query import Record

_TEXTS: Final = (
    "Supplements, case",
    "Freight",
    'Labels, 4"',
    "Beratung (Stunde), € je h",
    "Rent 🏠",
)
_FIRST_DAY: Final = date(2026, 6, 1)
_DAYS: Final = 90


class Picks:
    """Picks records, days, amounts and texts at random."""

    def __init__(self, odoo: Books, *, seed: int) -> None:
        self.odoo = odoo
        self.random = Random(seed)  # noqa: S311 - not for secrets

    def _pick(self, model: str, test: Callable[[Record], bool] = lambda _: True) -> int | None:
        rows = self.odoo.records[model].values()
        ids = sorted(row["id"] for row in rows if test(row))
        return self.random.choice(ids) if ids else None

    def _company(self) -> int:
        return self.random.choice(sorted(self.odoo.records["res.company"]))

    def _partner(self, company: int) -> int:
        """A contact that this company may deal with, sometimes an archived one or a person."""
        found = self._pick(
            "res.partner",
            lambda row: row["id"] not in self._owners() and row["company_id"] in (False, company),
        )
        if found is None:
            raise LookupError("no contact to deal with")
        return found

    def _owners(self) -> set[int]:
        """The companies' own contacts and the users', which nobody merges or deletes."""
        users = {row["email"] for row in self.odoo.records["res.users"].values()}
        partners = self.odoo.records["res.partner"].values()
        own = {row["partner_id"] for row in self.odoo.records["res.company"].values()}
        return own | {row["id"] for row in partners if row["email"] and row["email"] in users}

    def _document(self, test: Callable[[Record], bool]) -> int | None:
        return self._pick("account.move", lambda row: row["move_type"] != "entry" and test(row))

    def _payment(self, *states: str) -> int | None:
        """A payment in one of these states whose entry and documents are all on record."""
        moves = self.odoo.records["account.move"]
        return self._pick(
            "account.payment",
            lambda row: (
                row["state"] in states
                and (not row["move_id"] or row["move_id"] in moves)
                and all(number in moves for number in row["invoice_ids"])
            ),
        )

    def _order(self, *states: str) -> int | None:
        return self._pick("sale.order", lambda row: row["state"] in states)

    def _day(self) -> str:
        return (_FIRST_DAY + timedelta(days=self.random.randrange(_DAYS))).isoformat()

    def _amount(self) -> str:
        return f"{self.random.randrange(1, 500_000) / 100:.2f}"

    def _text(self) -> str:
        return f"{self.random.choice(_TEXTS)} {self.random.randrange(10**6)}"

    def _lines(self) -> list[tuple[str, str]]:
        return [(self._text(), self._amount()) for _ in range(self.random.randint(1, 3))]

    def _order_lines(self) -> list[tuple[str, str, str]]:
        count = self.random.randint(1, 3)
        return [
            (self._text(), str(self.random.randint(1, 40)), self._amount()) for _ in range(count)
        ]
