"""Send what the mirror holds of records once more, marked as replayed and no faster than it goes.

A record that was deleted is not sent again, for the mirror holds nothing of it. One that changes
meanwhile may be sent as it is then, before or after its change: the endpoint sees it by the
sequence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.errors import Unavailable
from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.mirror.content import data_of
from odoo_qb.sentences import shorten
from odoo_qb.store.mirror_months import written_in
from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.store.sorted_table import GET
from odoo_qb.webhook.changes import MALFORMED
from odoo_qb.webhook.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from odoo_qb.store.mirror_months import Place
    from odoo_qb.store.sorted_table import SortedTable
    from odoo_qb.webhook.feed import Outbox
    from odoo_qb.webhook.replay_request import ReplayRequest

logger = Logger(child=True)

PACE: Final = 1.0  # seconds that a hundred records take at least
ROOM: Final = 1_000  # messages in the queue: behind more, a replay would hold up changes
_WAIT: Final = 5.0  # seconds
_MARGIN: Final = 15.0  # seconds that a hundred records take at most


class _Stopped(Exception):  # noqa: N818 - it is no error: the next call goes on
    """Why it is not finished, as a sentence."""


@dataclass(kw_only=True)
class Replay:
    """A replay, or as much of it as there is time for; `run` may be called once.

    `batch` records are read and sent at a time.
    """

    table: SortedTable
    outbox: Outbox
    request: ReplayRequest
    seconds_left: Callable[[], float]
    sleep: Callable[[float], None]
    batch: int = GET
    _sent: Counter[str] = field(default_factory=Counter)
    _after: str = ""
    _unreadable: list[str] = field(default_factory=list)

    def run(self) -> Json:
        """Send what is wanted: {"replay_id", "sent", "by_kind"}; a dry run has "would_send".

        If it is not finished, "stopped" says why and "next" is the event that goes on. Records
        that could not be read are in "unreadable".
        """
        stopped, self._after = "", self.request.after
        try:
            for some in batched(self._places(), self.batch):
                self._deal_with(some)
                self._after = "/".join(some[-1])
        except (_Stopped, Unavailable) as reason:
            stopped = str(reason)
        except OF_AWS as error:
            stopped = f"{of_aws(error)}."
        total, is_dry = self._sent.total(), self.request.dry_run
        answer: Json = {"would_send": total} if is_dry else {"sent": total}
        answer |= {"by_kind": dict(sorted(self._sent.items()))}
        answer |= {} if is_dry else {"replay_id": self.request.replay_id}
        answer |= {"unreadable": shorten(self._unreadable)} if self._unreadable else {}
        return answer | ({"stopped": stopped, "next": self._next()} if stopped else {})

    def _places(self) -> Iterator[Place]:
        """Where the wanted records are, from where an earlier call stopped."""
        request = self.request
        *here, written = request.after.split("/") if request.after else ("",)
        is_passed = bool(here)
        for connection, kind, month in request.spans():
            start = request.start
            if is_passed:
                if [connection, kind, month] != [*here, written[:7]]:
                    continue
                start, is_passed = f"{written}!", False
            self._check_time()
            yield from written_in(self.table, connection, kind, month, start, request.end)

    def _deal_with(self, places: Sequence[Place]) -> None:
        self._check_time()
        if self.request.dry_run:
            self._sent.update(place.kind for place in places)
            return
        while self.outbox.queue.waiting() > ROOM:
            self.sleep(_WAIT)
            self._check_time("The endpoint has not taken yet what waits in the queue.")
        messages = self._messages(places)
        if self.outbox.put(messages) < len(messages):
            raise _Stopped("The queue takes nothing just now.")
        self._sent.update(message.kind for message in messages)
        self.sleep(PACE)

    def _messages(self, places: Sequence[Place]) -> list[Message]:
        ids: dict[tuple[str, Kind], list[int]] = defaultdict(list)
        for place in places:
            ids[place.connection, place.kind].append(place.source_id)
        messages: list[Message] = []
        for (connection, kind), some in ids.items():
            for source_id, item in MirrorTable(self.table, connection, kind).records(some).items():
                try:
                    messages.append(self._message(connection, kind, source_id, item))
                except MALFORMED:
                    logger.exception("cannot be replayed", kind=kind, source_id=source_id)
                    self._unreadable.append(f"{kind} {source_id}")
        return messages

    def _message(self, connection: str, kind: Kind, source_id: int, item: Json) -> Message:
        sequence = int(item["sequence"])
        return Message(
            connection=connection,
            kind=kind,
            source_id=source_id,
            event="created" if sequence == 1 else "updated",
            sequence=sequence,
            happened_at=str(item["updated_at"]),
            changed=(),
            data=data_of(item),
            replay_id=self.request.replay_id,
        )

    def _check_time(self, otherwise: str = "There was no time for more.") -> None:
        if self.seconds_left() < _MARGIN:
            raise _Stopped(otherwise)

    def _next(self) -> Json:
        request = self.request
        event: Json = {"from": _as_time(request.start), "to": _as_time(request.end)}
        event |= {"kinds": [*request.kinds], "after": self._after}
        if len(request.connections) == 1:
            event["connection"] = request.connections[0]
        event |= {"dry_run": True} if request.dry_run else {"replay_id": request.replay_id}
        return {"replay": {name: value for name, value in event.items() if value}}


def _as_time(text: str) -> str:
    return f"{text.replace(' ', 'T')}Z"
