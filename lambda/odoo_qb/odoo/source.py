"""Read Odoo 16 to 19 for a mirror: which records changed or exist, and their content."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.account_codes import AccountCodes
from odoo_qb.odoo.answers import MalformedRecords
from odoo_qb.odoo.document_lines import DocumentLines
from odoo_qb.odoo.kind_queries import KindQueries
from odoo_qb.odoo.model_fields import ModelFields
from odoo_qb.odoo.old_payments import OldPayments
from odoo_qb.odoo.picking import Picking, nonsense
from odoo_qb.odoo.scope import Scope, lacks_model
from odoo_qb.odoo.served_kinds import SERVED_KINDS
from odoo_qb.odoo.source_lookups import SourceLookups
from odoo_qb.odoo.values import by_id, moment_of, text_of
from odoo_qb.sources import Reading, ServerInfo, Summary, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.served_fields import Layout
    from odoo_qb.odoo.values import Record
    from odoo_qb.sources import Kind

_CHANGES: Final = 10_000  # per page; a row is about 50 bytes
_RECORDS: Final = 1_000  # per call; more is not faster, only larger


class OdooSource:
    """A mirror's source: one connection, limited to `companies` (ids or names; none: all).

    Differences between versions are detected once per instance, from the server's fields.
    """

    def __init__(self, odoo: OdooClient, companies: Sequence[int | str] = ()) -> None:
        self._odoo = odoo
        self._scope = Scope(odoo, companies)
        self._fields = ModelFields(self._scope)
        self._queries = KindQueries(self._scope, self._fields)
        self._lookups = SourceLookups(self._scope)
        self._lines = DocumentLines(self._scope, self._fields)
        self._codes = AccountCodes(self._scope)
        self._old = OldPayments(self._scope, self._fields)

    @property
    def notes(self) -> Mapping[Kind, str]:
        """The kinds that this Odoo lacks, with what to do; they count as empty."""
        return self._queries.notes

    @property
    def calls(self) -> int:
        """How many requests were sent, answered or not."""
        return self._odoo.calls

    def now(self) -> datetime | None:
        """The server's clock at its last answer; None if it did not send it."""
        return self._odoo.clock

    def refresh(self) -> None:
        """Read currencies, journals and so on again; call it when a run begins.

        An app that was missing may have been installed.
        """
        self._lookups.refresh()
        self._queries.notes.clear()

    def test_connection(self) -> ServerInfo:
        """Sign in and describe the server, in four calls."""
        version = self._odoo.version()
        number = self._odoo.call("res.users", "context_get")["uid"]
        rows = self._odoo.call("res.users", "read", [number], fields=["name", "login"])
        names = [f"{text_of(r['name'])} ({text_of(r['login'])})" for r in rows]
        return ServerInfo(
            version=version,
            database=self._odoo.database,
            user=names[0] if names else self._odoo.username,
            companies=tuple(self._scope.names()),
        )

    def summary(self, kind: Kind) -> Summary:
        """The count and the time of the last write in one call, archived records included.

        Two calls for payments of Odoo 16 and 17: the later of a payment and its move counts.
        """

        def ask() -> Summary:
            found = self._queries.summary(kind, self._queries.domain(kind))
            if not self._old.are(kind):
                return found
            moves = self._queries.summary("move", self._old.moves())
            latest = max(found.last_written_at, moves.last_written_at)
            return replace(found, last_written_at=latest)

        return self._queries.if_there(kind, ask, Summary(count=0, last_written_at=""))

    def changes(self, kind: Kind, since: str, after: int = 0) -> Iterator[list[Written]]:
        """Records written at or after `since` ("": all) with an id above `after`, by id."""

        def page(last: int) -> list[Written]:
            domain = [*self._old.since(kind, since), *self._queries.domain(kind), ["id", ">", last]]
            fields = ["write_date", *["move_id"] * self._old.are(kind)]
            rows = self._queries.search(kind, domain, fields, limit=_CHANGES)
            self._old.date(kind, rows)
            return [Written(row["id"], moment_of(row["write_date"])) for row in rows]

        return self._queries.pages(kind, page, _CHANGES, lambda written: written.source_id, after)

    def ids(self, kind: Kind, low: int = 0, high: int | None = None) -> Iterator[list[int]]:
        """The ids of all records from `low` up to, not including, `high`: pages, ascending."""
        return self._queries.ids(kind, _below(high), after=max(low - 1, 0))

    def count(self, kind: Kind, low: int = 0, high: int | None = None) -> int:
        """How many records `ids` would list."""

        def ask() -> int:
            range_ = [["id", ">=", low]] * (low > 0) + _below(high)
            domain = [*range_, *self._queries.domain(kind)]
            return int(self._queries.call(kind, "search_count", domain))

        return self._queries.if_there(kind, ask, 0)

    def read(self, kind: Kind, ids: Collection[int]) -> Reading:
        """The current records with these ids, a thousand per call.

        Lines are read for 2,500 documents per call, so pass all ids at once.
        """
        return self._queries.if_there(kind, lambda: self._read(kind, sorted({*ids})), Reading())

    def shown(self, kind: Kind) -> str:
        """What tells whether a company, journal, currency, country or way of payment was renamed.

        A call for each of these tables, once between two calls of `refresh`.
        """
        return self._lookups.shown(kind)

    def gone(self, kind: Kind, ids: Collection[int]) -> set[int]:
        """Which of these ids no longer exist or have left our companies; each is looked up.

        Odoo leaves out what does not exist and refuses what is hidden. Refused if the user may not
        see one of them, or this Odoo lacks the kind: then nothing is certain.
        """
        left = set(ids)
        for batch in batched(sorted(left), _RECORDS):
            try:
                ours = self._queries.if_there(kind, partial(self._queries.ours, kind, batch), None)
            except (MalformedRecords, *DAMAGE) as damage:
                raise Refused(
                    "Odoo's answer about deleted records is not valid, so nothing was removed. If"
                    " this stays, check these records in Odoo:"
                    f" {', '.join(map(str, batch[:5]))}."
                ) from damage
            if ours is None:
                raise Refused(self._queries.notes[kind])
            left -= ours
        return left

    def pointing_at(self, kind: Kind, contact_ids: Collection[int]) -> list[int]:
        """The records that refer to these contacts; for contacts, those that belong to them."""
        fields = SERVED_KINDS[kind].partner
        if not fields:
            return []
        found: set[int] = set()
        for batch in batched(sorted({*contact_ids}), _RECORDS):
            named: list[object] = [[field, "in", list(batch)] for field in fields]
            either = ["|"] * (len(fields) - 1)
            for ids in self._queries.ids(kind, [*either, *named]):
                found.update(ids)
        return sorted(found - {*contact_ids} if kind == "contact" else found)

    # -- reading -------------------------------------------------------------------------------

    def _read(self, kind: Kind, ids: Sequence[int]) -> Reading:
        served = SERVED_KINDS[kind]
        picking = Picking(lambda refused: lacks_model(refused, served.model))
        rows: dict[int, Record] = {}
        for batch in batched(ids, _RECORDS):
            rows |= by_id(picking.rows(batch, partial(self._rows, kind)))
        self._old.date(kind, [*rows.values()])
        records: dict[int, Json] = {}
        for number, row in rows.items():
            try:
                records[number] = {"id": number} | self._fields.layout(served).of(row)
            except DAMAGE as damage:
                picking.blamed[number] = nonsense(damage)
        self._complete(kind, records, {n: rows[n] for n in records}, picking)
        faults = {
            number: f"{served.title} {number} cannot be read: {why}. Check it in Odoo."
            for number, why in picking.blamed.items()
        }
        return Reading(records={n: r for n, r in records.items() if n not in faults}, faults=faults)

    def _complete(
        self, kind: Kind, records: dict[int, Json], rows: dict[int, Record], picking: Picking
    ) -> None:
        """Add what is in other models."""
        lines = SERVED_KINDS[kind].lines
        if lines:
            for number, served in self._lines.read(lines, rows, picking).items():
                records[number][lines.name] = served
        if kind in ("move", "payment", "order"):
            self._lookups.add_currencies(records.values())
        if kind == "payment":
            self._lookups.add_journals(records.values())
            self._lookups.add_methods(records.values())
        if kind == "contact":
            for record in records.values():  # an address may have no name
                record["name"] = record["name"] or record["display_name"]
        if kind == "account":
            by_company = self._queries.company_field(kind) == "company_ids"
            self._codes.add(SERVED_KINDS[kind], records, by_company=by_company)

    def _rows(self, kind: Kind, ids: Sequence[int]) -> list[Record]:
        served = SERVED_KINDS[kind]
        domain = [["id", "in", list(ids)], *self._queries.domain(kind)]
        extra = [served.lines.ids] if served.lines else []

        def ask(layout: Layout) -> list[Record]:
            return self._queries.search(kind, domain, [*layout.fields, *extra])

        return self._fields.with_layout(served, ask)


def _below(high: int | None) -> list[list[object]]:
    return [] if high is None else [["id", "<", high]]
