"""Compare a mirror with its Odoo: every served field of every record, and every count."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.mirror.content import data_of
from odoo_qb.mirror.request import TASKS
from odoo_qb.odoo.served_kinds import SERVED_KINDS
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.attributes import plain
from odoo_qb.store.mirror_table import MirrorTable
from sandbox.odoo import truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from odoo_qb.sources import Kind, Reading, Source
    from odoo_qb.store.sorted_table import SortedTable
    from sandbox.odoo.server import Odoo

Json = dict[str, Any]
Family = str  # "contact", "invoice", "bill", "refund", "payment", "order" or "account"
Ids = dict[str, dict[int, set[int]]]  # kind -> partition -> ids

KINDS: Final[tuple[Kind, ...]] = TASKS["sync_all"]
_BY_TYPE: Final = {
    "out_invoice": "invoice",
    "out_receipt": "invoice",
    "in_invoice": "bill",
    "in_receipt": "bill",
    "out_refund": "refund",
    "in_refund": "refund",
}
FAMILIES: Final = ("contact", "invoice", "bill", "refund", "payment", "order", "account")
_VALUE: Final = 60  # characters of a value in a sentence
_KIND_AND_NUMBER: Final = 2


@dataclass(slots=True, kw_only=True)
class Tally:
    """The records of a family: how many each side has, and the ids of those that differ."""

    source: int = 0
    mirrored: int = 0
    different: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One connection's mirror beside its Odoo. `sentences` has one for each difference."""

    families: dict[Family, Tally] = field(
        default_factory=lambda: {name: Tally() for name in FAMILIES}
    )
    sentences: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """The number of records in Odoo."""
        return sum(tally.source for tally in self.families.values())


def family(kind: Kind, record: Mapping[str, object]) -> Family:
    """The family of a record: documents are told apart by their type."""
    return _BY_TYPE[str(record["move_type"])] if kind == "move" else kind


def differences(
    kind: Kind, ids: Collection[int], reading: Reading, stored: Mapping[int, Json]
) -> dict[int, str]:
    """What the mirror has wrong, by record: `ids` are Odoo's, `reading` is what it says of them."""
    title = SERVED_KINDS[kind].title
    found = {}
    for number in sorted({*ids, *stored}):
        record, kept = reading.records.get(number), stored.get(number)
        if number in reading.faults:
            found[number] = reading.faults[number]
        elif kept is None:
            found[number] = f"{title} {number} is in Odoo but is not mirrored."
        elif number not in ids or record is None:
            found[number] = f"{title} {number} is mirrored but is not in Odoo."
        elif wrong := [n for n in sorted(record.keys() | kept) if record.get(n) != kept.get(n)]:
            found[number] = f"{title} {number}: {_fields(wrong, record, kept)}."
    return found


def _fields(wrong: list[str], record: Json, kept: Json) -> str:
    name = wrong[0]
    more = f", and {len(wrong) - 1} more fields differ" if wrong[1:] else ""
    return f"{name} is {_shown(record.get(name))} in Odoo and {_shown(kept.get(name))} here{more}"


def _shown(value: object) -> str:
    text = "empty" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def simulated_ids(odoo: Odoo) -> Callable[[Kind], Iterable[int]]:
    """The ids of a simulator's records, straight from what it holds."""

    def ids(kind: Kind) -> Iterable[int]:
        fields = ["move_type"] if kind == "move" else []
        held = truth.held(odoo, SERVED_KINDS[kind].model, fields)
        return [number for number, row in held.items() if row.get("move_type") != "entry"]

    return ids


def compare(
    connection: str,
    source: Source,
    table: SortedTable,
    stored: Ids,
    ids: Callable[[Kind], Iterable[int]],
) -> Comparison:
    """Read everything in Odoo and in the mirror, a thousand ids at a time.

    `stored` are the ids in the whole table, so that nothing is overlooked that no count knows.
    """
    result = Comparison()
    for kind in KINDS:
        theirs = _by_partition(ids(kind))
        ours = stored.get(kind, {})
        mirror = MirrorTable(table, connection, kind)
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for number in sorted(theirs.keys() | ours):
            wanted = theirs.get(number, set())
            reading = source.read(kind, wanted)
            rows = {int(row["sk"]): row for row in mirror.every([number])}
            for row in rows.values():
                for name in keys.counts_of(row):
                    counts[name][number] += 1
            kept = {i: data_of(row) for i, row in rows.items()}
            _add(result, connection, kind, wanted, reading, kept)
        result.sentences += _miscounts(mirror, table, counts)
    return result


def _add(
    result: Comparison,
    connection: str,
    kind: Kind,
    wanted: set[int],
    reading: Reading,
    kept: dict[int, Json],
) -> None:
    found = differences(kind, wanted, reading, kept)
    for number in wanted | kept.keys():
        record = reading.records.get(number) or kept.get(number)
        if record is None:
            continue  # unreadable on both sides: the sentence says so
        tally = result.families[family(kind, record)]
        tally.source += number in wanted
        tally.mirrored += number in kept
        if number in found:
            tally.different.add(number)
    result.sentences += [f"{connection}: {sentence}" for sentence in found.values()]


def _miscounts(
    mirror: MirrorTable, table: SortedTable, counts: Mapping[str, Mapping[int, int]]
) -> Iterator[str]:
    """Where the mirror's own counts, from which lists know their length, are wrong."""
    rows = table.query(
        "pk = :pk AND begins_with(sk, :counts)", {":pk": mirror.home, ":counts": keys.COUNTS}
    )
    noted = {str(row["sk"]): keys.counted(row) for row in rows}
    for name in sorted(noted.keys() | counts):
        known, held = sum(noted.get(name, {}).values()), sum(counts.get(name, {}).values())
        if noted.get(name, {}) != dict(counts.get(name, {})):
            what = name.removeprefix(keys.COUNTS) or "all"
            yield (
                f"{mirror.connection}: the mirror counts {known} records of kind {mirror.kind}"
                f" ({what}) and holds {held}."
            )


def stored_ids(client: Any, table: str) -> dict[str, Ids]:  # noqa: ANN401 - boto3's client
    """The ids of every stored record, by connection, kind and partition, from the whole table."""
    found: dict[str, Ids] = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
    pages = client.get_paginator("scan").paginate(
        TableName=table, ProjectionExpression="pk, sk", ConsistentRead=True
    )
    for page in pages:
        for row in map(plain, page["Items"]):
            connection, *place = str(row["pk"]).split("#")
            # A kind's own items have no partition, and other items no record's.
            if len(place) == _KIND_AND_NUMBER and place[1].isdecimal():
                kind, number = place
                found[connection][kind][int(number)].add(int(row["sk"]))
    return found


def _by_partition(ids: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for number in ids:
        found[keys.thousand(number)].add(number)
    return found
