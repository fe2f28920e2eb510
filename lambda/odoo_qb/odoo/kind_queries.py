"""Queries for one kind of records, within a connection's companies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo.client import JSON_2
from odoo_qb.odoo.scope import lacks_model
from odoo_qb.odoo.served_kinds import SERVED_KINDS
from odoo_qb.odoo.values import moment_of, related_id
from odoo_qb.sources import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odoo_qb.odoo.model_fields import ModelFields
    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.values import Record
    from odoo_qb.sources import Kind

_IDS: Final = 50_000  # per page; each is about 6 bytes


class KindQueries:
    """Asks Odoo for a kind's records; `notes` are the kinds that this Odoo lacks, and what to do.

    A kind without its app counts as empty and is not queried again.
    """

    def __init__(self, scope: Scope, fields: ModelFields) -> None:
        self.notes: dict[Kind, str] = {}
        self._scope = scope
        self._fields = fields

    def domain(self, kind: Kind) -> list[object]:
        """All of a kind's records in our companies; contacts without a company are shared."""
        served = SERVED_KINDS[kind]
        domain: list[object] = list(served.domain)
        if not self._scope.is_narrow:
            return domain
        company = self.company_field(kind)
        ours = [company, "in", self._scope.ids()]
        return ["|", [company, "=", False], ours] if kind == "contact" else [*domain, ours]

    def company_field(self, kind: Kind) -> str:
        """The name of the company field in this version."""
        served = SERVED_KINDS[kind]
        return self._fields.one_of(served, served.company)

    def call(self, kind: Kind, method: str, subject: object, **named: Any) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Like Scope.call, for the kind's model."""
        served = SERVED_KINDS[kind]
        return self._scope.call(served.model, method, subject, group=served.group, **named)

    def search(
        self, kind: Kind, domain: list[Any], fields: Sequence[str], **named: object
    ) -> list[Record]:
        """These fields of the records that a domain finds, by id."""
        rows: list[Record] = self.call(
            kind, "search_read", domain, fields=list(fields), order="id", **named
        )
        return rows

    def ids(
        self, kind: Kind, conditions: Sequence[object] = (), after: int = 0
    ) -> Iterator[list[int]]:
        """The ids of a kind's records that meet these conditions too: pages, ascending."""

        def page(last: int) -> list[int]:
            domain = [*conditions, *self.domain(kind), ["id", ">", last]]
            found: list[int] = self.call(kind, "search", domain, order="id", limit=_IDS)
            return found

        return self.pages(kind, page, _IDS, int, after)

    def summary(self, kind: Kind, domain: Sequence[object]) -> Summary:
        """How many records a domain finds, and when the last of them was written."""
        if self._scope.odoo.protocol == JSON_2:
            aggregates = ["__count", "write_date:max"]
            rows = self.call(
                kind, "formatted_read_group", list(domain), groupby=[], aggregates=aggregates
            )
            written = "write_date:max"
        else:
            fields = ["write_date:max"]
            rows = self.call(
                kind, "read_group", list(domain), fields=fields, groupby=[], lazy=False
            )
            written = "write_date"
        count = rows[0].get("__count") if len(rows) == 1 else None
        if type(count) is not int:  # which true would be too
            raise Unavailable("Odoo sent an invalid number of records.")
        return Summary(count=count, last_written_at=moment_of(rows[0][written]))

    def ours(self, kind: Kind, ids: Sequence[int]) -> set[int]:
        """Which of these exist in our companies; Refused if the user may not see one."""
        fields = [self.company_field(kind)]
        fields += [str(term[0]) for term in SERVED_KINDS[kind].domain]
        # With all of the user's companies, so that records moved to another one are seen.
        rows = self.call(kind, "read", list(ids), allowed=(), fields=fields)
        return {row["id"] for row in rows if self._is_ours(kind, row)}

    def _is_ours(self, kind: Kind, row: Record) -> bool:
        if kind == "move" and row["move_type"] == "entry":
            return False
        if kind == "transaction" and not row["account_id"]:
            return False
        if not self._scope.is_narrow:
            return True
        company = self.company_field(kind)
        if company == "company_ids":
            return not {*row[company]}.isdisjoint(self._scope.ids())
        owner = related_id(row, company)
        return owner in self._scope.ids() or (kind == "contact" and not owner)

    def pages[T](
        self,
        kind: Kind,
        page: Callable[[int], list[T]],
        size: int,
        number: Callable[[T], int],
        after: int = 0,
    ) -> Iterator[list[T]]:
        """All pages in order of id; `page` gets the last id of the page before."""
        last, found = after, size
        nothing: list[T] = []
        while found == size:

            def ask(last: int = last) -> list[T]:
                return page(last)

            rows = self.if_there(kind, ask, nothing)
            ids = [last, *map(number, rows)]
            if any(a >= b for a, b in pairwise(ids)):
                raise Unavailable("Odoo's list is not in the order of the records' numbers.")
            if rows:
                yield rows
            last, found = ids[-1], len(rows)

    def if_there[T](self, kind: Kind, ask: Callable[[], T], nothing: T) -> T:
        """Odoo's answer, or the default if Odoo lacks the kind's app."""
        if kind in self.notes:
            return nothing
        served = SERVED_KINDS[kind]
        try:
            return ask()
        except Refused as refused:
            if not lacks_model(refused, served.model):
                raise
            self.notes[kind] = (
                f"Odoo has no {served.model}: install its app in Odoo, or leave this kind out of"
                " the connection."
            )
            return nothing
