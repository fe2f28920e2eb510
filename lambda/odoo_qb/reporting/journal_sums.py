"""Sums of journal items by account, as Odoo 16 to 19 compute them in its own database.

Four calls at most give everything that twelve figures of two periods rest on, however many items
there are. Only posted items of the one company count, by accounting date, in its currency; the
accounts may be archived, and may belong to several companies.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import money
from odoo_qb.errors import Unavailable
from odoo_qb.exact_json import to_json
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.client import JSON_2
from odoo_qb.odoo.scope import ACCOUNTING, INTERNAL, Scope
from odoo_qb.odoo.values import by_id, moment_of, related, related_id, text_of
from odoo_qb.reporting.sums import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.values import Record
    from odoo_qb.reporting.periods import Comparison, Period

Flow = dict[int, Decimal]

_ITEMS: Final = "account.move.line"
_INVALID: Final = (
    "Odoo's sums of journal items are not valid. Try again; if this stays, check the connection."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What each account holds on a day, and what tells that an item up to that day changed.

    `currency` is "" where there are no items. `digest` is another text after any change but one
    within the second of `last_written_at`, as far as Odoo's times go.
    """

    closing: Mapping[int, Decimal]
    currency: str
    digest: str
    last_written_at: str


class JournalSums:
    """Reads the journal items of one database. Unavailable: try again; Refused: a person acts."""

    def __init__(self, odoo: OdooClient) -> None:
        self._scope = Scope(odoo)

    def balances(self, company_id: int, day: date) -> Balances:
        """What all accounts hold at the end of a day: one call."""
        rows = self._groups(
            company_id,
            [["date", "<=", day.isoformat()]],
            ["account_id", "company_currency_id"],
            ["balance:sum", "debit:sum", "write_date:max"],
        )

        def read() -> Balances:
            held: list[list[object]] = []
            for row in rows:
                amounts = [_amount(row["balance"]), _amount(row["debit"])]
                written = moment_of(row["write_date"])
                held.append([related_id(row, "account_id"), row["__count"], *amounts, written])
            held.sort(key=str)
            currencies = {related(row, "company_currency_id", "currency")[1] for row in rows}
            return Balances(
                closing=_flow_of(rows),
                currency=min(currencies, default=""),
                digest=hashlib.sha256(to_json(held).encode()).hexdigest(),
                last_written_at=max((moment_of(row["write_date"]) for row in rows), default=""),
            )

        return _sound(read)

    def flows(self, company_id: int, periods: Comparison) -> tuple[Flow, Flow]:
        """What moved on each account in the current period and in the previous one.

        One call where calendar months, quarters or years make up both, else two.
        """
        if not periods.granularity:
            return self._flow(company_id, periods.current), self._flow(company_id, periods.previous)
        by = f"date:{periods.granularity}"
        domain = _between(periods.previous.first, periods.current.last)
        rows = self._groups(company_id, domain, ["account_id", by], ["balance:sum"])

        def read() -> tuple[Flow, Flow]:
            found = _by_begin(rows, by)
            current = [row for day, row in found if day >= periods.current.first]
            previous = [row for day, row in found if day < periods.current.first]
            return _flow_of(current), _flow_of(previous)

        return _sound(read)

    def months(self, company_id: int, first: date, last: date) -> dict[date, Flow]:
        """What moved on each account in each month, by the month's first day: one call."""
        by = "date:month"
        rows = self._groups(company_id, _between(first, last), ["account_id", by], ["balance:sum"])

        def read() -> dict[date, Flow]:
            found: dict[date, list[Record]] = defaultdict(list)
            for day, row in _by_begin(rows, by):
                found[day].append(row)
            return {day: _flow_of(some) for day, some in found.items()}

        return _sound(read)

    def open_items(self, company_id: int) -> dict[tuple[int, date | None], Decimal]:
        """What is unpaid of receivables and payables, by account and day due: one call.

        The day is None where an item has none.
        """
        by = "date_maturity:day"
        rows = self._groups(
            company_id,
            [
                ["account_id.account_type", "in", ["asset_receivable", "liability_payable"]],
                ["amount_residual", "!=", 0],
            ],
            ["account_id", by],
            ["amount_residual:sum"],
        )

        def read() -> dict[tuple[int, date | None], Decimal]:
            found: dict[tuple[int, date | None], Decimal] = defaultdict(Decimal)
            for row in rows:
                due = _begin(row, by) if row[by] else None
                found[related_id(row, "account_id"), due] += _amount(row["amount_residual"])
            return dict(found)

        return _sound(read)

    def chart(self, company_id: int) -> dict[int, Account]:
        """The accounts that the company can use, archived ones too: one call.

        Codes are the company's own from Odoo 18 on. A branch uses those of its parent.
        """
        rows = self._scope.call(
            "account.account",
            "search_read",
            [],
            group=INTERNAL,
            allowed=[company_id],
            fields=["code", "account_type", "non_trade"],
            order="id",
        )
        return {
            number: Account(
                code=text_of(row["code"]),
                type=text_of(row["account_type"]),
                non_trade=row["non_trade"] is True,
            )
            for number, row in by_id(rows).items()
        }

    def _flow(self, company_id: int, period: Period) -> Flow:
        domain = _between(period.first, period.last)
        rows = self._groups(company_id, domain, ["account_id"], ["balance:sum"])
        return _sound(lambda: _flow_of(rows))

    def _groups(
        self,
        company_id: int,
        conditions: Sequence[object],
        groupby: Sequence[str],
        sums: Sequence[str],
    ) -> list[Record]:
        """Groups of posted items, their sums by the field's name in all versions."""
        domain = [
            ["parent_state", "=", "posted"],
            ["company_id", "=", company_id],
            ["account_id", "!=", False],  # sections and notes
            *conditions,
        ]
        method, named = "read_group", {"fields": list(sums), "lazy": False}
        if self._scope.odoo.protocol == JSON_2:
            method, named = "formatted_read_group", {"aggregates": [*sums, "__count"]}
        rows: list[Record] = self._scope.call(
            _ITEMS,
            method,
            domain,
            group=ACCOUNTING,
            allowed=[company_id],
            groupby=list(groupby),
            **named,
        )
        if method == "formatted_read_group":
            rows = [row | {name.partition(":")[0]: row[name] for name in sums} for row in rows]
        return rows


def _between(first: date, last: date) -> list[object]:
    return [["date", ">=", first.isoformat()], ["date", "<=", last.isoformat()]]


def _begin(row: Record, by: str) -> date:
    """The first day of a row's calendar period, which has no name that is the same everywhere."""
    key = row[by]
    text = key[0] if isinstance(key, list) else row["__range"][by]["from"]
    return date.fromisoformat(text)


def _amount(value: Any) -> Decimal:  # noqa: ANN401 - Odoo's JSON
    """A sum; Odoo's false is that of no amounts at all."""
    return Decimal(0) if value is False or value is None else money(value)


def _by_begin(rows: Sequence[Record], by: str) -> list[tuple[date, Record]]:
    return [(_begin(row, by), row) for row in rows]


def _flow_of(rows: Sequence[Record]) -> Flow:
    found: Flow = defaultdict(Decimal)
    for row in rows:
        found[related_id(row, "account_id")] += _amount(row["balance"])
    return dict(found)


def _sound[T](read: Callable[[], T]) -> T:
    """What the rows say, or Unavailable where they are not what Odoo documents."""
    try:
        return read()
    except DAMAGE as damage:
        raise Unavailable(_INVALID) from damage
