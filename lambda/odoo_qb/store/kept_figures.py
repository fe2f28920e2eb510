"""Sums of periods that are over, kept in the mirror's table until one of their items changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

_COMPANIES: Final = "companies"
_DAYS: Final = timedelta(days=40)  # then DynamoDB removes what nobody asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedSums:
    """Sums of two periods by name, when they were made, and what the items were told by then.

    They were still true at `compared_at`.
    """

    currency: str
    digest: str
    current: Mapping[str, Decimal]
    previous: Mapping[str, Decimal]
    calculated_at: datetime
    compared_at: datetime


class KeptFigures:
    """The kept sums and companies of one connection.

    Their partitions are figures#CONNECTION#company-ID; no partition of a record is called so.
    """

    def __init__(self, table: SortedTable, connection: str) -> None:
        self._table = table
        self._home = f"figures#{connection}"

    def load(self, company_id: int, name: str) -> ComputedSums | None:
        """What is kept under a name, such as the days of two periods; None if nothing is."""
        row = self._table.get(self._partition(company_id), name)
        if not row:
            return None
        return ComputedSums(
            currency=str(row["currency"]),
            digest=str(row["digest"]),
            current={k: Decimal(v) for k, v in row["current"].items()},
            previous={k: Decimal(v) for k, v in row["previous"].items()},
            calculated_at=_instant(row["calculated_at"]),
            compared_at=_instant(row["compared_at"]),
        )

    def save(self, company_id: int, name: str, kept: ComputedSums) -> None:
        """Keep sums in the place of those that are kept under this name."""
        self._put(
            self._partition(company_id),
            name,
            {
                "currency": kept.currency,
                "digest": kept.digest,
                "current": {k: str(v) for k, v in kept.current.items()},
                "previous": {k: str(v) for k, v in kept.previous.items()},
                "calculated_at": stamp(kept.calculated_at),
                "compared_at": stamp(kept.compared_at),
            },
            kept.compared_at,
        )

    def companies(self) -> tuple[list[Json], datetime] | None:
        """The connection's companies and when they were read; None if they are not kept."""
        row = self._table.get(self._home, _COMPANIES)
        return (row["companies"], _instant(row["read_at"])) if row else None

    def save_companies(self, companies: list[Json], read_at: datetime) -> None:
        """Keep the connection's companies: plain values by name."""
        values = {"companies": companies, "read_at": stamp(read_at)}
        self._put(self._home, _COMPANIES, values, read_at)

    def _partition(self, company_id: int) -> str:
        return f"{self._home}#company-{company_id}"

    def _put(self, pk: str, sk: str, values: Json, now: datetime) -> None:
        expires_at = int((now + _DAYS).timestamp())
        self._table.update(self._table.key(pk, sk), {**values, "expires_at": expires_at}, ())


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
