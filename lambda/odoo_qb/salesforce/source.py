"""Read Salesforce for a mirror: which records changed or exist, and their content.

Salesforce's ids are 18 letters and digits, a mirror's are numbers. Each id gets the next number of
its kind when it is first seen, and keeps it (see `Numbering`).
"""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final, Protocol

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.salesforce.records import (
    ALWAYS,
    MalformedRecordError,
    Reference,
    id_of,
    moment_of,
    served,
)
from odoo_qb.sources import Reading, ServerInfo, Summary, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.salesforce.client import Record, SalesforceClient
    from odoo_qb.salesforce.mapping import MappedKind
    from odoo_qb.sources import Kind

_PAGE: Final = 10_000  # records of a page that a mirror gets
_IDS: Final = 400  # in a query: an address and its headers may have 16 kB
_TITLES: Final[dict[Kind, str]] = {
    "contact": "Contact",
    "move": "Document",
    "payment": "Payment",
    "order": "Order",
    "account": "Account",
    "transaction": "Journal item",
}


class Numbering(Protocol):
    """The numbers of one connection's records, by kind: each is given once and never again."""

    def numbers(self, kind: Kind, ids: Collection[str]) -> dict[str, int]:
        """The number of each id; those that had none get the next ones, in this order."""

    def ids(self, kind: Kind, numbers: Collection[int]) -> dict[int, str]:
        """The ids that these numbers were given to, those that were given."""


class SalesforceSource:
    """A mirror's source: one org, through a mapping of kinds to objects."""

    def __init__(
        self,
        client: SalesforceClient,
        mapping: Mapping[Kind, MappedKind],
        numbering: Numbering,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._numbering = numbering
        self._existing: dict[Kind, list[int]] = {}

    @property
    def notes(self) -> Mapping[Kind, str]:
        """The kinds that are not mapped, with what to do; they count as empty."""
        return {
            kind: f"Salesforce has no object for {title.lower()}s: map one to it, or leave this"
            " kind out of the connection."
            for kind, title in _TITLES.items()
            if kind not in self._mapping
        }

    @property
    def calls(self) -> int:
        """How many requests were sent, answered or not."""
        return self._client.calls

    def now(self) -> datetime | None:
        """The server's clock at its last answer; None if it did not send it."""
        return self._client.clock

    def refresh(self) -> None:
        """List ids anew; call it when a run begins."""
        self._existing.clear()
        self._client.refresh()

    def test_connection(self) -> ServerInfo:
        """Sign in and describe the org and our user, in four calls."""
        user = self._client.get("/services/oauth2/userinfo")
        versions = self._client.get("/services/data")
        rows = [row for page in self._query("SELECT Id, Name FROM Organization") for row in page]
        try:
            name, org = str(rows[0]["Name"]), str(rows[0]["Id"])
            newest = versions[-1]
            return ServerInfo(
                version=f"{newest['label']} (API {newest['version']})",
                database=org,
                user=f"{user['name']} ({user['preferred_username']})",
                companies=(name,),
            )
        except (LookupError, TypeError):
            raise Unavailable("Salesforce did not say who it is. Try again.") from None

    def summary(self, kind: Kind) -> Summary:
        """The count and the time of the last write in one call, without deleted records."""
        mapped = self._mapping.get(kind)
        if not mapped:
            return Summary(count=0, last_written_at="")
        self._existing.pop(kind, None)
        soql = f"SELECT COUNT(Id) held, MAX(SystemModstamp) latest FROM {mapped.object}"  # noqa: S608
        rows = [row for page in self._query(soql) for row in page]
        count = rows[0].get("held") if len(rows) == 1 else None
        if type(count) is not int:  # which true would be too
            raise Unavailable("Salesforce sent an invalid number of records.")
        return Summary(count=count, last_written_at=moment_of(rows[0].get("latest")))

    def changes(self, kind: Kind, since: str, after: int = 0) -> Iterator[list[Written]]:
        """Records written at or after `since` ("": all) with a number above `after`, by number.

        Deleted records are among those since a time: they are read next, and then are not there.
        """
        mapped = self._mapping.get(kind)
        if not mapped:
            return
        soql = f"SELECT Id, SystemModstamp FROM {mapped.object}"  # noqa: S608 - the mapping's name
        if since:
            soql += f" WHERE SystemModstamp >= {since.replace(' ', 'T')}Z"
        times: dict[str, str] = {}
        for page in self._query(f"{soql} ORDER BY Id", deleted=bool(since)):
            times |= {_listed(row): moment_of(row.get("SystemModstamp")) for row in page}
        numbers = self._numbering.numbers(kind, list(times))
        found = sorted(Written(numbers[name], at) for name, at in times.items())
        yield from map(list, batched([w for w in found if w.source_id > after], _PAGE))

    def ids(self, kind: Kind, low: int = 0, high: int | None = None) -> Iterator[list[int]]:
        """The numbers of all records from `low` up to, not including, `high`: ascending pages."""
        yield from map(list, batched(self._within(kind, low, high), _PAGE))

    def count(self, kind: Kind, low: int = 0, high: int | None = None) -> int:
        """How many records `ids` would list."""
        return len(self._within(kind, low, high))

    def read(self, kind: Kind, ids: Collection[int]) -> Reading:
        """The current records with these numbers, 400 per call."""
        mapped = self._mapping.get(kind)
        if not mapped:
            return Reading()
        names = self._numbering.ids(kind, ids)
        numbers = {name: number for number, name in names.items()}
        records: dict[int, Json] = {}
        faults: dict[int, str] = {}
        fields = ", ".join(dict.fromkeys([*ALWAYS, *mapped.paths]))
        for row in self._of_ids(f"SELECT {fields} FROM {mapped.object}", numbers):  # noqa: S608
            number = numbers.get(_listed(row))
            if number is None:
                raise Unavailable("Salesforce answered with a record that was not asked for.")
            try:
                records[number] = {"id": number} | served(kind, mapped, row)
            except MalformedRecordError as damage:
                faults[number] = (
                    f"{_TITLES[kind]} {names[number]} cannot be read: {damage}. Check it in"
                    " Salesforce, and the mapping."
                )
        self._number_references(records.values())
        return Reading(records=records, faults=faults)

    def shown(self, kind: Kind) -> str:
        """The mapping: with another one, all records are read again."""
        return repr(self._mapping.get(kind))

    def gone(self, kind: Kind, ids: Collection[int]) -> set[int]:
        """Which of these are deleted, or no longer visible to our user; each is looked up.

        Refused where a number has lost its id, or the kind is not mapped: then nothing is certain.
        """
        mapped = self._mapping.get(kind)
        if not mapped:
            raise Refused(self.notes[kind])
        names = self._numbering.ids(kind, ids)
        if len(names) < len({*ids}):
            raise Refused(
                "Some records' ids in Salesforce are no longer known, so none was removed. Restore"
                " the mirror's table, or remove the connection and add it under another name."
            )
        numbers = {name: number for number, name in names.items()}
        soql = f"SELECT Id, IsDeleted FROM {mapped.object}"  # noqa: S608 - the mapping's name
        rows = self._of_ids(soql, numbers, deleted=True)
        there = {numbers.get(_listed(row)) for row in rows if row.get("IsDeleted") is not True}
        return {*ids} - there

    def pointing_at(self, kind: Kind, contact_ids: Collection[int]) -> list[int]:
        """None: a mirror knows from its own records what refers to a contact."""
        del kind, contact_ids
        return []

    # -- queries -------------------------------------------------------------------------------

    def _query(self, soql: str, *, deleted: bool = False) -> Iterator[list[Record]]:
        return self._client.query(soql, deleted=deleted)

    def _of_ids(
        self, soql: str, names: Collection[str], *, deleted: bool = False
    ) -> Iterator[Record]:
        for some in batched(sorted(names), _IDS):
            listed = ",".join(f"'{name}'" for name in some)  # letters and digits only
            for page in self._query(f"{soql} WHERE Id IN ({listed})", deleted=deleted):
                yield from page

    def _within(self, kind: Kind, low: int, high: int | None) -> Sequence[int]:
        """All numbers of records that exist; the list is read once in a run."""
        mapped = self._mapping.get(kind)
        if not mapped:
            return []
        if kind not in self._existing:
            soql = f"SELECT Id FROM {mapped.object} ORDER BY Id"  # noqa: S608 - the mapping's name
            names = [_listed(row) for page in self._query(soql) for row in page]
            self._existing[kind] = sorted(self._numbering.numbers(kind, names).values())
        every = self._existing[kind]
        return [number for number in every if low <= number and (high is None or number < high)]

    def _number_references(self, records: Collection[Json]) -> None:
        """Replace the ids of records that others refer to by their numbers."""
        named: dict[Kind, dict[str, None]] = {}
        for record in records:
            for value in record.values():
                if isinstance(value, Reference):
                    named.setdefault(value.kind, {})[value.id] = None
        numbers = {kind: self._numbering.numbers(kind, list(ids)) for kind, ids in named.items()}
        for record in records:
            for name, value in record.items():
                if isinstance(value, Reference):
                    record[name] = numbers[value.kind][value.id]


def _listed(row: Record) -> str:
    """A row's id, without which an answer is none."""
    try:
        return id_of(row)
    except MalformedRecordError:
        raise Unavailable("Salesforce sent a record without a valid id.") from None
