"""Where the mirror's table keeps what: the keys of records, counts, state and runs. No I/O.

A partition holds a thousand ids of one connection and kind, so that a list can be read from any
place in it. Beside them stands a partition of the kind's own items: state, counts and runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind

THOUSAND: Final = 1_000  # ids a partition
STATE: Final = "state"
REREAD: Final = "state#reread#"  # beside the state, so that one query reads both
RECENT: Final = "recent"
RUN: Final = "run#"
GONE: Final = "gone#"  # what is left of a removed record: its sequence
COUNTS: Final = "counts#"
ALL: Final = COUNTS  # of every record of a kind
BY_MONTH: Final = "by-month"
BY_PARTNER: Final = "by-partner"
FILTERS: Final = ("move_type", "state")  # lists by these know exactly how long they are
NO_TIME: Final = "0000-00"  # the month of what the source does not tell the time of writing of
FIRST_MONTH: Final = "2005-01"  # before it there was no Odoo
ARCHIVED: Final = "archived"  # the state of contacts that are no longer in use; others have none

Key = tuple[str, str]  # partition and sort key


def home(connection: str, kind: Kind) -> str:
    """The partition of a kind's own items."""
    return f"{connection}#{kind}"


def thousand(source_id: int) -> int:
    """The number of the partition that holds an id."""
    return source_id // THOUSAND


def partition(connection: str, kind: Kind, number: int) -> str:
    """The partition of a thousand ids."""
    return f"{connection}#{kind}#{number:07d}"


def record(connection: str, kind: Kind, source_id: int) -> Key:
    """The keys of a record."""
    return partition(connection, kind, thousand(source_id)), f"{source_id:010d}"


def gone(source_id: int) -> str:
    """The sort key of what is left of a removed record."""
    return f"{GONE}{source_id:010d}"


def connection_of(key: Key) -> str:
    """The connection of a record's keys."""
    return key[0].rsplit("#", 2)[0]


def kind_and_id(key: Key) -> tuple[str, int]:
    """The kind and id of a record's keys."""
    return key[0].rsplit("#", 2)[1], int(key[1])


def partner(connection: str, partner_id: int) -> str:
    """The index partition of what points at a contact."""
    return f"{connection}#{partner_id}"


def partner_of(partner: str) -> int:
    """The contact of such an index partition."""
    return int(partner.rpartition("#")[2])


def month(connection: str, kind: Kind, written_at: str) -> str:
    """The index partition of what was written in a month."""
    return f"{connection}#{kind}#{written_at[:7]}"


def counts_of(data: Mapping[str, object]) -> tuple[str, ...]:
    """The sort keys of the counts in which a record is counted: all, by type, by state, by both."""
    told = [f"{name}={data[name]}" for name in FILTERS if data.get(name)]
    both = ["&".join(told)] if len(told) > 1 else []
    return (ALL, *(f"{COUNTS}{one}" for one in (*told, *both)))


def counts_for(filters: Mapping[str, str]) -> str:
    """The sort key of the counts of a list that is filtered by type, state, both or neither."""
    return COUNTS + "&".join(f"{name}={filters[name]}" for name in FILTERS if filters.get(name))


def attribute(number: int) -> str:
    """The attribute of a counts item that counts a partition."""
    return f"n{number}"


def counted(item: Json) -> dict[int, int]:
    """A counts item as partition number to count, ascending, without empty ones."""
    found = {int(k[1:]): int(v) for k, v in item.items() if k[0] == "n" and k[1:].isdecimal()}
    return {number: count for number, count in sorted(found.items()) if count > 0}
