"""Pages of a mirror's lists by skip and limit, found by counting rather than by reading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.store.mirror_table import MirrorTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """`take` records of a partition after the first `skip`, of the `held` that a list has there."""

    number: int
    skip: int
    take: int
    held: int


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


def page(table: MirrorTable, filters: Mapping[str, str], skip: int, limit: int) -> Page:
    """A page of a kind's records by id; `filters` may have move_type and state.

    One GetItem, and a query or two for each partition that the page lies in.
    """
    if unknown := filters.keys() - set(keys.FILTERS):
        raise ValueError(f"a list by {', '.join(sorted(unknown))} has no counts")
    counts = table.counts.read(keys.counts_for(filters))
    found: list[Json] = []
    for part in slices(counts, skip, limit):
        found += _items(table, filters, part)
    return Page(items=tuple(found), total=sum(counts.values()))


def _items(table: MirrorTable, filters: Mapping[str, str], part: Slice) -> list[Json]:
    if not filters and part.held == keys.THOUSAND:  # no id is missing: its place is known
        low = part.number * keys.THOUSAND + part.skip
        return list(table.listed(part.number, low=low, high=low + part.take))
    after = part.held - part.skip - part.take
    is_nearer_the_end = after < part.skip
    before = after if is_nearer_the_end else part.skip
    rows = table.listed(
        part.number,
        filters=filters,
        backwards=is_nearer_the_end,
        most=None if filters else before + part.take,
    )
    found = list(islice(rows, before, before + part.take))
    return found[::-1] if is_nearer_the_end else found
