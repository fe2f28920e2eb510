"""The mirror of one connection's kind: what is stored of its records, and its own items."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.attributes import attributes
from odoo_qb.store.mirror_counts import MirrorCounts
from odoo_qb.store.mirror_gone import MirrorGone
from odoo_qb.store.sorted_table import GET

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from odoo_qb.store.sorted_table import SortedTable

# A partition is a term of the expression that counts it, and DynamoDB takes 4 kB of expression.
_PARTITIONS: Final = 100
_REREAD: Final = 1_000  # ids noted in an item
_DENSE: Final = 40  # so many ids of a partition are read by one query rather than by their keys
_STORED: Final = ("sk", "hash", "written_at", "sequence", "created_at", "label", *keys.FILTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a comparison needs of a stored record, without its content.

    `label` is the name by which others show it (a contact's), `counts` the counts it is in.
    """

    hash: str
    written_at: str
    sequence: int
    created_at: str
    label: str
    counts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A record to be stored: its item without keys, and what was stored of it before.

    `made_at` is when the source made it, as the source writes that.
    """

    source_id: int
    item: Json
    before: Stored | None
    made_at: str = ""


class MirrorTable:
    """The items of one kind of records of one connection.

    Writes are not conditional: a lease keeps every other run out.
    """

    def __init__(self, table: SortedTable, connection: str, kind: Kind) -> None:
        self._table = table
        self.connection = connection
        self.kind = kind
        self.home = keys.home(connection, kind)
        self.counts = MirrorCounts(table, self.home)
        self.gone = MirrorGone(table, self.home)

    def other(self, kind: Kind) -> MirrorTable:
        """Another kind of the same connection."""
        return MirrorTable(self._table, self.connection, kind)

    # -- its own items ---------------------------------------------------------------------------

    def own(self, sort_key: str) -> Json:
        """One of the kind's own items; {} if there is none."""
        return self._table.get(self.home, sort_key)

    def own_many(self, sort_keys: Collection[str]) -> dict[str, Json]:
        """Several of the kind's own items by sort key, those that exist."""
        rows = self._table.get_many([(self.home, sort_key) for sort_key in sorted({*sort_keys})])
        return {str(row["sk"]): row for row in rows}

    def set_own(
        self, sort_key: str, values: Mapping[str, object], *, remove: Sequence[str] = ()
    ) -> None:
        """Set attributes of one of the kind's own items."""
        self._table.update(self._table.key(self.home, sort_key), values, remove)

    def state(self) -> dict[str, Json]:
        """The kind's state and, beside it, what is noted to be read again, by sort key."""
        rows = self._table.query(
            "pk = :pk AND begins_with(sk, :state)", {":pk": self.home, ":state": keys.STATE}
        )
        return {row["sk"]: row for row in rows}

    def note_to_reread(self, ids: Collection[int]) -> None:
        """Let the next run of this kind read these records, whatever their times say.

        Each note is an item of its own: a run that is at work forgets only what it has read, and
        a contact may have more documents than an item holds.
        """
        for some in batched(sorted(ids), _REREAD):
            self.set_own(f"{keys.REREAD}{uuid4().hex}", {"ids": list(some)})

    def forget_reread(self, note: str) -> None:
        """The records of this note were read."""
        key = self._table.key(self.home, note)
        self._table.ask("delete_item", TableName=self._table.name, Key=key)

    # -- records ---------------------------------------------------------------------------------

    def stored(self, ids: Collection[int]) -> dict[int, Stored]:
        """What is stored of these records."""
        found: dict[int, Stored] = {}
        sparse: list[int] = []
        for number, group in _by_thousand(ids).items():
            if len(group) < _DENSE:
                sparse += group
            else:
                every = self.stored_in(number)
                found |= {i: every[i] for i in group if i in every}
        for some in batched(sorted(sparse), GET):
            rows = self._table.get_many([self._record(i) for i in some], _STORED)
            found |= {int(row["sk"]): stored(row) for row in rows}
        return found

    def stored_in(self, number: int, low: int = 0, high: int | None = None) -> dict[int, Stored]:
        """What is stored in a partition, of ids from `low` up to, not including, `high`."""
        last = 10**10 - 1 if high is None else high - 1
        if last < low:
            return {}
        rows = self._table.query(
            "pk = :pk AND sk BETWEEN :low AND :high",
            {":pk": self._partition(number), ":low": f"{low:010d}", ":high": f"{last:010d}"},
            only=_STORED,
        )
        return {int(row["sk"]): stored(row) for row in rows}

    def records(self, ids: Collection[int]) -> dict[int, Json]:
        """Whole records by id, those that are stored."""
        wanted = [self._record(i) for i in sorted(set(ids))]
        rows = (row for some in batched(wanted, GET) for row in self._table.get_many(some))
        return {int(row["sk"]): row for row in rows}

    def listed(
        self,
        number: int,
        *,
        low: int = 0,
        high: int = 10**10,
        filters: Mapping[str, str] | None = None,
        backwards: bool = False,
        most: int | None = None,
    ) -> Iterator[Json]:
        """Whole records of a partition by id from `low` up to, not including, `high`.

        Those that `filters` let through; `most` is how many are wanted at all.
        """
        return self._table.query(
            "pk = :pk AND sk BETWEEN :low AND :high",
            {":pk": self._partition(number), ":low": f"{low:010d}", ":high": f"{high - 1:010d}"},
            filters=filters or {},
            backwards=backwards,
            most=most,
        )

    def every(self, numbers: Iterable[int]) -> Iterator[Json]:
        """The whole records of partitions, by id."""
        for number in numbers:
            yield from self._table.query("pk = :pk", {":pk": self._partition(number)})

    def written_in(self, month: str, before: str) -> Iterator[str]:
        """What was written in a month ("2026-01") as "time#id", the last first, below `before`."""
        rows = self._table.query(
            "#month = :month AND written < :before",
            {":month": keys.month(self.connection, self.kind, month), ":before": before},
            index=keys.BY_MONTH,
            names={"#month": "month"},
            backwards=True,
        )
        return (str(row["written"]) for row in rows)

    def with_state(self, source_id: int) -> tuple[Json, Json]:
        """A record and the kind's state, by one request; {} for what there is not."""
        rows = self._table.get_many([self._record(source_id), (self.home, keys.STATE)])
        found = {str(row["sk"]): row for row in rows}
        return found.get(f"{source_id:010d}", {}), found.get(keys.STATE, {})

    def pointing_at(self, partner_id: int) -> list[keys.Key]:
        """The keys of the connection's records whose partner, or parent, is this contact."""
        partner = keys.partner(self.connection, partner_id)
        rows = self._table.query("partner = :at", {":at": partner}, index=keys.BY_PARTNER)
        return [(row["pk"], row["sk"]) for row in rows]

    def parents(self, contacts: Collection[int]) -> set[int]:
        """The contacts to which these belong."""
        found: set[int] = set()
        for some in batched(sorted(contacts), GET):
            rows = self._table.get_many([self._record(i) for i in some], ("partner",))
            found |= {keys.partner_of(row["partner"]) for row in rows if "partner" in row}
        return found

    def shown(self, records: Iterable[keys.Key]) -> dict[keys.Key, str]:
        """By what name these records of the connection show their partner."""
        found: dict[keys.Key, str] = {}
        for some in batched(records, GET):
            rows = self._table.get_many(some, ("pk", "sk", "shown"))
            found |= {(row["pk"], row["sk"]): str(row.get("shown", "")) for row in rows}
        return found

    def write(
        self,
        puts: Sequence[Put],
        gone: Mapping[int, Stored],
        *,
        noted: Mapping[str, object] | None = None,
    ) -> None:
        """Store records, remove those that are `gone`, and count them.

        The partitions are noted in the kind's state first, beside what else is to be `noted`:
        after a crash `mend` counts them anew.
        """
        numbers = sorted({keys.thousand(i) for i in (*gone, *(put.source_id for put in puts))})
        for some in batched(numbers, _PARTITIONS):
            self.set_own(keys.STATE, {"writing": list(some), **(noted or {})})
            self._write(
                [put for put in puts if keys.thousand(put.source_id) in some],
                {i: before for i, before in gone.items() if keys.thousand(i) in some},
            )

    def _write(self, puts: Sequence[Put], gone: Mapping[int, Stored]) -> None:
        requests: list[Json] = []
        for put in puts:
            pk, sk = self._record(put.source_id)
            item = attributes({"pk": pk, "sk": sk, **put.item})
            requests.append({"PutRequest": {"Item": item}})
        for source_id in gone:
            key = self._table.key(*self._record(source_id))
            requests.append({"DeleteRequest": {"Key": key}})
        self.gone.keep({i: before.sequence + 1 for i, before in gone.items()})  # before it is lost
        self._table.write_all(requests)
        self.counts.change(_changes(puts, gone))

    def mark(self, number: int, ids: Collection[int], values: Mapping[str, object]) -> None:
        """Set attributes by which records of a partition are counted, and count it anew."""
        self.set_own(keys.STATE, {"writing": [number]})
        for source_id in sorted(ids):
            self._table.update(self._table.key(*self._record(source_id)), values, ())
        self.mend([number])

    def mend(self, numbers: Collection[int]) -> None:
        """Count partitions anew whose counting a crash interrupted."""
        exact = {number: self.stored_in(number).values() for number in numbers}
        self.counts.replace({n: [one.counts for one in every] for n, every in exact.items()})

    def _record(self, source_id: int) -> keys.Key:
        return keys.record(self.connection, self.kind, source_id)

    def _partition(self, number: int) -> str:
        return keys.partition(self.connection, self.kind, number)


def stored(row: Json) -> Stored:
    """What a comparison needs of an item."""
    return Stored(
        hash=str(row.get("hash", "")),
        written_at=str(row.get("written_at", "")),
        sequence=int(row.get("sequence", 0)),
        created_at=str(row.get("created_at", "")),
        label=str(row.get("label", "")),
        counts=keys.counts_of(row),
    )


def _by_thousand(ids: Collection[int]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for source_id in sorted(set(ids)):
        groups[keys.thousand(source_id)].append(source_id)
    return groups


def _changes(puts: Sequence[Put], gone: Mapping[int, Stored]) -> dict[str, dict[int, int]]:
    """By how much each count of each partition changes."""
    changes: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for put in puts:
        number = keys.thousand(put.source_id)
        for name in keys.counts_of(put.item):
            changes[name][number] += 1
        for name in put.before.counts if put.before else ():
            changes[name][number] -= 1
    for source_id, before in gone.items():
        for name in before.counts:
            changes[name][keys.thousand(source_id)] -= 1
    return changes
