"""The webhook's feed in one process: a mirror's stream, its real code, moto for the queues."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from odoo_qb.store.ordered_queue import OrderedQueue
from odoo_qb.store.webhook_content import WebhookContent
from odoo_qb.webhook.feed import Feed, Outbox, Unreadable
from odoo_qb.webhook.message import Message, from_body
from odoo_qb.webhook.replay import Replay
from odoo_qb.webhook.replay_request import replay_request
from sandbox.in_process.aws import REGION
from sandbox.in_process.table_stream import is_let_through, lambda_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from sandbox.in_process.mirror import MirrorDesk

_NUMBERS: Final = count()
BATCH: Final = 100  # records of the stream
KINDS: Final[tuple[Kind, ...]] = ("contact", "move", "payment")
SECONDS: Final = 240.0


@dataclass(kw_only=True)
class FeedDesk:
    """A mirror's stream and the queue. `on_step` is given each call to SQS ("sqs send_message")."""

    mirror: MirrorDesk
    sqs: Any
    queue_url: str = ""
    failures_url: str = ""
    kinds: tuple[Kind, ...] = KINDS
    first_load: bool = False
    on_step: Callable[[str, Callable[[], Any]], Any] = field(default_factory=lambda: _do)
    seconds: float = SECONDS  # that a replay has
    batch: int = BATCH  # records of a replay at a time
    taken: int = 0  # records of the stream

    def records(self) -> list[Json]:
        """The stream's records that the function has not taken yet, as Lambda gives them."""
        return [self._form(record) for record in self._shard()[self.taken :]]

    def deliver(self, *, attempts: int = 1) -> list[str]:
        """Give the function what is in the stream, again from the first that failed."""
        failed: list[str] = []
        for _ in range(attempts):
            while records := [r for r in self.records() if is_let_through(r)][:BATCH]:
                failed = self.feed().take(records)
                numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
                done = min(numbers.index(number) for number in failed) if failed else len(numbers)
                self._advance(numbers[done - 1] if done else "")
                if failed:
                    break
        return failed

    def feed(self) -> Feed:
        """The feed, as a cold function has it."""
        return Feed(
            outbox=self.outbox(),
            unreadable=Unreadable(client=self._client(), url=self.failures_url),
            kinds=frozenset(self.kinds),
            first_load=self.first_load,
        )

    def outbox(self) -> Outbox:
        """What fills the queue."""
        queue = OrderedQueue(client=self._client(), url=self.queue_url, sleep=self.mirror.sleep)
        content = WebhookContent(self.mirror.table())
        return Outbox(queue=queue, content=content, clock=self.mirror.clock)

    def _client(self) -> Any:
        return _Watched(self)

    def replay(self, replay_id: str = "again", **wanted: Any) -> Json:
        """Replay as an event wants it; waiting takes of the time it has."""
        end = self.mirror.now + timedelta(seconds=self.seconds)

        def seconds_left() -> float:
            return (end - self.mirror.now).total_seconds()

        return Replay(
            table=self.mirror.table(),
            outbox=self.outbox(),
            request=replay_request(wanted, self.kinds, ("odoo",), replay_id),
            seconds_left=seconds_left,
            sleep=self.mirror.sleep,
            batch=self.batch,
        ).run()

    def queued(self) -> list[Message]:
        """What is in the queue, in its order; it is empty afterwards."""
        return [from_body(body) for body in self._emptied(self.queue_url)]

    def failures(self) -> list[str]:
        """What was reported as unreadable."""
        return self._emptied(self.failures_url)

    def begin_anew(self) -> None:
        """New queues, no steps watched, and only what the stream brings from now on."""
        self.on_step = _do
        self.kinds, self.first_load = KINDS, False
        self.seconds, self.batch = SECONDS, BATCH
        self.taken = len(self._shard())
        number = next(_NUMBERS)
        queue = self.sqs.create_queue(
            QueueName=f"webhook-{number}.fifo", Attributes={"FifoQueue": "true"}
        )
        failures = self.sqs.create_queue(QueueName=f"webhook-failures-{number}")
        self.queue_url, self.failures_url = queue["QueueUrl"], failures["QueueUrl"]

    def _emptied(self, url: str) -> list[str]:
        bodies: list[str] = []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            bodies += [message["Body"] for message in found]
            done = [
                {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                for n, message in enumerate(found)
            ]
            self.sqs.delete_message_batch(QueueUrl=url, Entries=done)
        return bodies

    def _advance(self, number: str) -> None:
        numbers = [r["dynamodb"]["SequenceNumber"] for r in self._shard()]
        if number:
            self.taken = numbers.index(number) + 1

    def _form(self, record: Json) -> Json:
        return lambda_form(record, record["dynamodb"]["ApproximateCreationDateTime"].timestamp())

    def _shard(self) -> list[Json]:
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[self.mirror.table_name]
        shard = table.stream_shard
        return [item.record for item in shard.items] if shard else []


class _Watched:
    """boto3's SQS client, each call of which is a step."""

    def __init__(self, desk: FeedDesk) -> None:
        self._desk = desk

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            work = partial(getattr(self._desk.sqs, name), **given)
            return self._desk.on_step(f"sqs {name}", work)

        return call


def _do(_: str, work: Callable[[], Any]) -> Any:
    return work()


@contextmanager
def a_feed(mirror: MirrorDesk) -> Iterator[FeedDesk]:
    """The feed of a mirror; what was mirrored before is not in its stream."""
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    mirror.client.update_table(TableName=mirror.table_name, StreamSpecification=view)
    desk = FeedDesk(mirror=mirror, sqs=boto3.client("sqs", region_name=REGION))
    desk.begin_anew()
    yield desk
