"""Find what the mirror holds and the source has no more, believing it only after asking by id."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.applying import READ
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from odoo_qb.mirror.applying import Applying
    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Source
    from odoo_qb.store.mirror_table import MirrorTable

DELETED_SHARE: Final = 0.1  # of a kind's records: more at once is rather a right that was lost
_ALWAYS: Final = 25  # so many are believed of any mirror
_PAGE: Final = 10_000  # ids compared one by one
_AT_ONCE: Final = 50  # partitions compared so: about a page of the source's ids


def differing(
    source: Source, table: MirrorTable, unreadable: set[int], *, thorough: bool
) -> Iterator[tuple[set[int], set[int]]]:
    """Ids that only the source has and ids that only the mirror has, the `unreadable` included.

    A large mirror is halved by counting until the difference is narrowed down, unless it has to be
    `thorough`: one record that came and one that went leave a count as it was.
    """
    counts = table.counts.read()
    if not thorough:
        yield from _between(source, table, unreadable, counts, 0, None)
        return
    low = 0
    for numbers in [*batched(counts, _AT_ONCE)] or [()]:
        is_last = not numbers or numbers[-1] == max(counts)
        high = None if is_last else numbers[-1] + 1
        yield _listed(source, table, unreadable, numbers, low, high)
        low = high or 0


def _between(
    source: Source,
    table: MirrorTable,
    unreadable: set[int],
    counts: Mapping[int, int],
    low: int,
    high: int | None,
) -> Iterator[tuple[set[int], set[int]]]:
    numbers = [n for n in counts if low <= n and (high is None or n < high)]
    if sum(counts[n] for n in numbers) <= _PAGE or len(numbers) == 1:
        yield _listed(source, table, unreadable, numbers, low, high)
        return
    middle = numbers[len(numbers) // 2]
    for start, end in ((low, middle), (middle, high)):
        bounds = (start * keys.THOUSAND, None if end is None else end * keys.THOUSAND)
        held = sum(counts[n] for n in numbers if start <= n and (end is None or n < end))
        unread = _within(unreadable, *bounds)
        held += len(unread - table.stored(unread).keys())
        if source.count(table.kind, *bounds) != held:
            yield from _between(source, table, unreadable, counts, start, end)


def _listed(
    source: Source,
    table: MirrorTable,
    unreadable: set[int],
    numbers: Iterable[int],
    low: int,
    high: int | None,
) -> tuple[set[int], set[int]]:
    """Compared id by id, of the partitions from `low` up to, not including, `high`."""
    first, end = low * keys.THOUSAND, None if high is None else high * keys.THOUSAND
    theirs = {i for page in source.ids(table.kind, first, end) for i in page}
    ours = _within(unreadable, first, end).union(*(table.stored_in(n) for n in numbers))
    return theirs - ours, ours - theirs


def _within(ids: set[int], low: int, high: int | None) -> set[int]:
    return {i for i in ids if low <= i and (high is None or i < high)}


def remove_gone(
    suspects: set[int],
    source: Source,
    table: MirrorTable,
    applying: Applying,
    report: Report,
    *,
    accept: bool,
) -> None:
    """Remove those of the suspects that the source does not know when asked for each by its id.

    More than DELETED_SHARE of all at once are kept, unless somebody accepts it.
    """
    known = table.stored(suspects)
    gone: set[int] = set()
    for some in batched(sorted(known.keys() | suspects & applying.unreadable), READ):
        gone |= source.gone(table.kind, some)
    applying.unreadable -= gone
    gone &= known.keys()
    if not gone:
        return
    held = sum(table.counts.read().values())
    if len(gone) > max(_ALWAYS, held * DELETED_SHARE) and not accept:
        report.error = (
            f"{len(gone)} of {held} records ({table.kind}) no longer exist in {table.connection}."
            " That many at once may mean that rights or a company were lost there, so none was"
            " removed. If they were deleted on purpose, invoke the mirror with"
            ' "accept_deletions": true.'
        )
        return
    applying.remove({i: known[i] for i in gone})
