"""Bring records that may have changed into the mirror: read, decide, write."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.content import decide
from odoo_qb.mirror.dependents import Dependents
from odoo_qb.sentences import NAME, one_line
from odoo_qb.store.mirror_keys import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Kind, Source
    from odoo_qb.store.mirror_table import MirrorTable, Put, Stored

READ: Final = 2_500  # records a batch: a source reads a thousand a call, lines of so many


class OutOfTime(Exception):  # noqa: N818 - it is no error: the next run goes on
    """The function's time is nearly over."""


class Applying:
    """What a run does to the mirror of one kind; a dry run reads and decides, and writes nothing.

    `handled` are the records that were read, `missing` stored ones that the source did not answer,
    `unreadable` those that could not be understood. `loading` is when the first load began while
    it reads everything, else "". `gone_up_to` is the largest id ever removed: what comes with a
    larger one needs no look at what is gone. `oldest` is the first month in which any record was
    written, where lists by that time end. OutOfTime before a batch that might not be finished.
    """

    def __init__(
        self,
        *,
        source: Source,
        table: MirrorTable,
        report: Report,
        now: datetime,
        read_at: Callable[[], str],
        in_time: Callable[[], bool],
        dry_run: bool,
        batch: int,
    ) -> None:
        self._source = source
        self._table = table
        self._report = report
        self._now = now
        self._read_at = read_at
        self._in_time = in_time
        self.dry_run = dry_run
        self.batch = batch
        self.dependents = Dependents(table)
        self.handled: set[int] = set()
        self.missing: set[int] = set()
        self.unreadable: set[int] = set()
        self.loading = ""
        self.gone_up_to = 0
        self.oldest = ""

    @property
    def kind(self) -> Kind:
        """The kind of records."""
        return self._table.kind

    def check_time(self) -> None:
        """OutOfTime if the next batch might not be finished."""
        if not self._in_time():
            raise OutOfTime

    def apply(self, ids: Collection[int]) -> None:
        """Bring these records into the mirror."""
        for some in batched(sorted(ids), self.batch):
            self._apply(list(some))

    def _apply(self, ids: list[int]) -> None:
        self.check_time()
        reading = self._source.read(self.kind, ids)
        self.handled |= set(ids)
        stored = self._table.stored(ids)
        place = (self._table.connection, self.kind)
        may_return = {i for i in reading.records.keys() - stored if i <= self.gone_up_to}
        decision = decide(
            ids,
            reading,
            stored,
            place,
            self._now,
            gone=self._table.gone.sequences(may_return),
            loading=self.loading,
        )
        for source_id, fault in decision.faults.items():
            self._report.notes.append(one_line(f"{self.kind} {source_id}: {fault}", 2 * NAME))
        self.missing |= set(decision.missing)
        self.unreadable = (self.unreadable - reading.records.keys()) | decision.faults.keys()
        self._report.inserted += decision.inserted
        self._report.updated += decision.updated
        self._report.unchanged += decision.unchanged
        if self.dry_run:
            return
        self.dependents.of_puts(decision.puts)
        self.oldest = _first_month(decision.puts, self.oldest)
        noted = {"read_at": self._read_at()} | ({"oldest": self.oldest} if self.oldest else {})
        self._table.write(decision.puts, {}, noted=noted)

    def remove(self, gone: dict[int, Stored]) -> None:
        """Take records out of the mirror."""
        self._report.deleted += len(gone)
        if self.dry_run:
            return
        self.dependents.of_removed(gone)
        self.gone_up_to = max(self.gone_up_to, *gone)
        self._table.write([], gone, noted={"gone_up_to": self.gone_up_to})


def _first_month(puts: Sequence[Put], known: str) -> str:
    """The first month in which one of these was written, or the known one if that is earlier."""
    months = (str(put.item.get("month", ""))[-len(NO_TIME) :] for put in puts)
    return min([*(m for m in months if m > NO_TIME), *([known] if known else [])], default="")
