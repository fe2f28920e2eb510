"""Pages of a mirror's lists by skip and limit, found by counting rather than by reading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.store.mirror_table import MirrorTable

_ARCHIVED: Final = keys.counts_for({"state": keys.ARCHIVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`take` records of a partition after the first `skip`, of the `held` that a list has there."""

    number: int
    skip: int
    take: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a list holds: by partition, and beside it the `hidden` records that it leaves out.

    `state` is the item of the kind's state, {} before the first run.
    """

    counts: dict[int, int]
    hidden: dict[int, int]
    state: Json

    @property
    def total(self) -> int:
        """How many records the whole list has."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Stored items by id, and how many the whole list has."""

    items: tuple[Json, ...]
    total: int


def slices(counts: Mapping[int, int], skip: int, limit: int) -> Iterator[Slice]:
    """Where a page lies, by the records that each partition holds, ascending."""
    for number, held in counts.items():
        if limit <= 0:
            return
        if skip >= held:
            skip -= held
            continue
        take = min(limit, held - skip)
        yield Slice(number=number, skip=skip, take=take, held=held)
        skip, limit = 0, limit - take


def held(table: MirrorTable, filters: Mapping[str, str], *, with_archived: bool = True) -> Held:
    """What a list holds, by one request; `filters` may have move_type and state.

    Archived contacts can be left out only of a list that is not filtered.
    """
    if unknown := filters.keys() - set(keys.FILTERS):
        raise ValueError(f"a list by {', '.join(sorted(unknown))} has no counts")
    wanted = keys.counts_for(filters)
    rows = table.own_many((keys.STATE, wanted, *([] if with_archived else [_ARCHIVED])))
    counts = keys.counted(rows.get(wanted, {}))
    hidden = {} if with_archived else keys.counted(rows.get(_ARCHIVED, {}))
    left = {number: count - hidden.get(number, 0) for number, count in counts.items()}
    return Held(
        counts={number: count for number, count in left.items() if count > 0},
        hidden=hidden,
        state=rows.get(keys.STATE, {}),
    )


def page(
    table: MirrorTable,
    filters: Mapping[str, str],
    skip: int,
    limit: int,
    *,
    of: Held | None = None,
) -> Page:
    """A page of a kind's records by id; `of` is what the list holds, if that was read before.

    One request for that, and a query or two for each partition that the page lies in.
    """
    of = of or held(table, filters)
    found: list[Json] = []
    for part in slices(of.counts, skip, limit):
        found += _items(table, filters, part, of)
    return Page(items=tuple(found), total=of.total)


def _items(table: MirrorTable, filters: Mapping[str, str], part: Slice, of: Held) -> list[Json]:
    hidden = of.hidden.get(part.number, 0)
    if not filters and part.held == keys.THOUSAND:  # no id is missing: its place is known
        low = part.number * keys.THOUSAND + part.skip
        return list(table.listed(part.number, low=low, high=low + part.take))
    after = part.held - part.skip - part.take
    # While a partition is written, its end has records that are not counted yet.
    is_nearer_the_end = after < part.skip and part.number not in of.state.get("writing", ())
    before = after if is_nearer_the_end else part.skip
    rows = table.listed(
        part.number,
        filters=filters,
        backwards=is_nearer_the_end,
        most=None if filters else before + part.take + hidden,
    )
    shown = (row for row in rows if not hidden or row.get("state") != keys.ARCHIVED)
    found = list(islice(shown, before, before + part.take))
    return found[::-1] if is_nearer_the_end else found
