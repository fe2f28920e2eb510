"""The records of lists that have no counts, one after the other from any place in them."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.sorted_table import GET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.store.mirror_table import MirrorTable

_END: Final = "~"  # sorts after every digit

type Placed = tuple[str, Json | None]


def by_id(
    table: MirrorTable, numbers: Iterable[int], after: str, most: int | None
) -> Iterator[Placed]:
    """The records of these partitions by id, each with its place; `after` is one, "" the start.

    `most` are read at a time, None for as many as come at once.
    """
    low = int(after) + 1 if after else 0
    for number in numbers:
        if number >= keys.thousand(low):
            for item in table.listed(number, low=low, most=most):
                yield str(item["sk"]), item


def of_partner(table: MirrorTable, partner_id: int, after: str) -> Iterator[Placed]:
    """The records of a contact by id."""
    kinds = (keys.kind_and_id(key) for key in table.pointing_at(partner_id))
    ids = sorted(number for kind, number in kinds if kind == table.kind)
    left = [number for number in ids if not after or number > int(after)]
    for some in batched(left, GET):
        for number, item in sorted(table.records(some).items()):
            yield f"{number:010d}", item


def newest_first(
    table: MirrorTable, months: tuple[str, str], after: str, most: int
) -> Iterator[Placed]:
    """The records written last, from a place on; `months` are the last and the first with any.

    The first is "" where it is not known. `most` are read at a time. Between two months comes a
    place without a record, from which the next request can go on.
    """
    last, first = months
    place = after or f"{last}{_END}"
    while True:
        month = place[:7] if place[0].isdecimal() else keys.NO_TIME
        for some in batched(table.written_in(month, place), min(most, GET)):
            ids = {written: int(written.rpartition("#")[2]) for written in some}
            found = table.records(ids.values())
            for written, number in ids.items():
                if number in found:
                    yield written, found[number]
        if month == keys.NO_TIME:
            return
        place = f"{_before(month)}{_END}" if month > (first or keys.FIRST_MONTH) else _END
        yield place, None


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year - (number == 1)}-{(number - 2) % 12 + 1:02d}"
