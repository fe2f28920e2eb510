"""Changes that the endpoint refused: kept with its answer, mailed as one digest, sent again.

They lie in the mirror's table by the time of refusal, so that a digest reads only what is new.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from typing import TYPE_CHECKING, Final

from odoo_qb.store.attributes import attributes
from odoo_qb.store.ordered_queue import Entry
from odoo_qb.store.sorted_table import GET
from odoo_qb.store.webhook_content import PARTITION as CONTENT
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store.ordered_queue import OrderedQueue
    from odoo_qb.store.sorted_table import SortedTable
    from odoo_qb.webhook.answers import Answer
    from odoo_qb.webhook.parcel import Parcel

PARTITION: Final = "webhook#refused"
KEPT: Final = timedelta(days=90)
# A run that stamped a refusal may still be writing it: a digest leaves out the last minutes, or a
# refusal that arrives late would never be mailed. No run takes longer.
SETTLED: Final = timedelta(minutes=3)
_SHOWN: Final = 20  # lines of a digest
_NAMED: Final = 3  # records of a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What to mail of new refusals; `until` is where the next digest begins."""

    changes: int
    lines: list[str]
    until: str


class Refusals:
    """The refused changes. Keeping one twice is harmless."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def keep(self, parcel: Parcel, answer: Answer, now: datetime) -> None:
        """Keep a change, as it lay in the queue, and what the endpoint answered to it."""
        expires_at = int((now + KEPT).timestamp())
        if parcel.message and parcel.message.content_key:  # which would be deleted earlier
            key = self._table.key(CONTENT, parcel.message.content_key)
            self._table.update(key, {"expires_at": expires_at}, [])
        item: Json = {
            "pk": PARTITION,
            "sk": f"{stamp(now)}#{parcel.message_id}",
            "record": parcel.group,
            "sequence": parcel.message.sequence if parcel.message else 0,
            "status": answer.status,
            "answer": answer.text,
            "packed": zlib.compress(parcel.body.encode()),
            "expires_at": expires_at,
        }
        self._table.ask("put_item", TableName=self._table.name, Item=attributes(item))

    def digest(self, since: str, now: datetime) -> Digest:
        """What was refused after `since`, a line for each kind of answer."""
        until = stamp(now - SETTLED)
        counts: Counter[tuple[int, str]] = Counter()
        named: dict[tuple[int, str], list[str]] = {}
        for row in self._between(since or "0", until, ("status", "answer", "record")):
            kind = int(row["status"]), str(row["answer"])
            counts[kind] += 1
            if len(named.setdefault(kind, [])) < _NAMED:
                named[kind].append(str(row["record"]))
        lines = [
            f"{count} with {_said(status, answer)} ({', '.join(named[status, answer])}"
            f"{', …' if count > _NAMED else ''})"
            for (status, answer), count in counts.most_common(_SHOWN)
        ]
        if len(counts) > _SHOWN:
            lines.append(f"and {len(counts) - _SHOWN} other answers")
        return Digest(changes=counts.total(), lines=lines, until=max(until, since))

    def send_again(
        self, queue: OrderedQueue, seconds_left: Callable[[], float], reserve: float
    ) -> tuple[int, int]:
        """Queue what was refused, each record's in order, and forget it: how many, how many left.

        Ends early when time runs out. A crash between queueing and forgetting sends some twice.
        """
        rows = self._between("0", "9", ("sk", "record", "sequence"))
        in_order = sorted(rows, key=lambda r: (str(r["record"]), int(r["sequence"]), str(r["sk"])))
        sent = 0
        for some in batched([str(row["sk"]) for row in in_order], GET):
            if seconds_left() < reserve:
                break
            entries = self._entries(some)
            taken = queue.send([*entries.values()])
            self._forget([*entries][:taken])
            sent += taken
            if taken < len(entries):
                break
        return sent, len(in_order) - sent

    def _between(self, since: str, until: str, only: Sequence[str]) -> Iterator[Json]:
        # Beyond every name that may follow the instant in a key.
        values = {":pk": PARTITION, ":since": f"{since}~", ":until": f"{until}~"}
        condition = "pk = :pk AND sk BETWEEN :since AND :until"
        return self._table.query(condition, values, only=only)

    def _entries(self, sort_keys: Sequence[str]) -> dict[str, Entry]:
        """What is queued, by sort key; without what another run has sent meanwhile."""
        found = self._table.get_many([(PARTITION, sort_key) for sort_key in sort_keys])
        rows = {str(row["sk"]): row for row in found}
        return {
            sort_key: Entry(
                group=str(rows[sort_key]["record"]),
                message_id=hashlib.sha256(sort_key.encode()).hexdigest(),
                body=zlib.decompress(bytes(rows[sort_key]["packed"])).decode(),
            )
            for sort_key in sort_keys
            if sort_key in rows
        }

    def _forget(self, sort_keys: Sequence[str]) -> None:
        keys = [self._table.key(PARTITION, sort_key) for sort_key in sort_keys]
        self._table.write_all([{"DeleteRequest": {"Key": key}} for key in keys])


def _said(status: int, answer: str) -> str:
    said = str(status) if status else "no answer of HTTP"
    return f"{said}: {answer}" if answer else said
