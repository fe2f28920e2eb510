"""Bring records that may have changed into the mirror: read, decide, write."""

from __future__ import annotations

from collections import defaultdict
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.content import decide
from odoo_qb.sentences import NAME, one_line
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Kind, Source
    from odoo_qb.store.mirror_table import MirrorTable, Stored

READ: Final = 2_500  # records a batch: a source reads a thousand a call, lines of so many
_REREAD: Final = 500  # ids added to a set at once


class OutOfTime(Exception):  # noqa: N818 - it is no error: the next run goes on
    """The function's time is nearly over."""


class Applying:
    """What a run does to the mirror of one kind; a dry run reads and decides, and writes nothing.

    `handled` are the records that were read, `missing` stored ones that the source did not answer,
    `unreadable` those that could not be understood. OutOfTime before a batch that might not be
    finished.
    """

    def __init__(
        self,
        *,
        source: Source,
        table: MirrorTable,
        report: Report,
        now: datetime,
        in_time: Callable[[], bool],
        dry_run: bool,
    ) -> None:
        self._source = source
        self._table = table
        self._report = report
        self._now = now
        self._in_time = in_time
        self.dry_run = dry_run
        self.handled: set[int] = set()
        self.missing: set[int] = set()
        self.unreadable: set[int] = set()

    @property
    def kind(self) -> Kind:
        """The kind of records."""
        return self._table.kind

    def apply(self, ids: Collection[int]) -> None:
        """Bring these records into the mirror, and those that show a renamed one's name."""
        waiting, done = set(ids), set[int]()
        while waiting:
            done |= waiting
            again: set[int] = set()
            for some in batched(sorted(waiting), READ):
                again |= self._apply(list(some))
            waiting = again - done

    def _apply(self, ids: list[int]) -> set[int]:
        """Bring a batch in; the others of this kind that now show another name."""
        if not self._in_time():
            raise OutOfTime
        reading = self._source.read(self.kind, ids)
        self.handled |= set(ids)
        stored = self._table.stored(ids)
        place = (self._table.connection, self.kind)
        decision = decide(ids, reading, stored, place, self._now)
        for source_id, fault in decision.faults.items():
            self._report.notes.append(one_line(f"{self.kind} {source_id}: {fault}", 2 * NAME))
        self.missing |= set(decision.missing)
        self.unreadable = (self.unreadable - reading.records.keys()) | decision.faults.keys()
        self._report.inserted += decision.inserted
        self._report.updated += decision.updated
        self._report.unchanged += decision.unchanged
        if self.dry_run:
            return set()
        again = self.note_dependents(decision.renamed)
        self._table.write(decision.puts, {})
        return again

    def remove(self, gone: dict[int, Stored]) -> None:
        """Take records out of the mirror."""
        self._report.deleted += len(gone)
        self.unreadable -= gone.keys()
        if self.dry_run:
            return
        again = self.note_dependents(gone)
        self._table.write([], gone)
        self.apply(again - gone.keys())

    def note_dependents(self, contacts: Iterable[int]) -> set[int]:
        """Have the records read again that show these contacts' names; those of this kind.

        Odoo does not touch a payment when its partner is renamed, and nothing at all when it
        merges two contacts: their invoices point at the other one from then on. They are noted
        before the contact is written, for a crash in between must not forget them.
        """
        if self.kind != "contact":
            return set()
        pointing: dict[str, set[int]] = defaultdict(set)
        for contact in contacts:
            for key in self._table.pointing_at(contact):
                kind, source_id = keys.kind_and_id(key)
                pointing[kind].add(source_id)
        own = pointing.pop("contact", set())
        for kind, ids in pointing.items():
            other = self._table.other(kind)  # type: ignore[arg-type]  # only kinds are stored
            for some in batched(sorted(ids), _REREAD):
                other.note_to_reread(some)
        return own
