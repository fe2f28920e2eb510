"""The sender in one process: real code, the sandbox's endpoint and queue, a table of moto's.

Time is the test's. `on_step` is given the name of each call to DynamoDB, SQS and the endpoint, and
what does it: a test counts them, or lets the function die before or after one.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws
from standardwebhooks import Webhook, WebhookVerificationError

from odoo_qb.public_http import networks
from odoo_qb.store.alerts import Mailer
from odoo_qb.store.attributes import plain
from odoo_qb.store.ordered_queue import OrderedQueue
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.store.webhook_queue import WebhookQueue
from odoo_qb.webhook.bodies import Bodies
from odoo_qb.webhook.delivery import Delivery
from odoo_qb.webhook.endpoint import Endpoint
from odoo_qb.webhook.message import Message, from_body
from odoo_qb.webhook.operating import Operating
from odoo_qb.webhook.refusals import Refusals
from odoo_qb.webhook.sending import Sending
from odoo_qb.webhook.signing import keys_of
from odoo_qb.webhook.state import StateStore
from odoo_qb.webhook.tries import Tries
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.in_process.fifo_queue import FifoQueue
from sandbox.in_process.mirror import make_mirror_table
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.webhook.answers import Answer

SECRET: Final = "whsec_" + base64.b64encode(b"the secret that signs today").decode()
OTHER: Final = "whsec_" + base64.b64encode(b"the secret that signed before").decode()
START: Final = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
VISIBILITY: Final = 720.0  # as Terraform has it, and the next one
RECEIVES: Final = 1000
_TABLES: Final = count()


class Died(BaseException):
    """The function is gone in the middle of its work: no handler of errors sees that."""


def _do(_: str, work: Callable[[], Any]) -> Any:
    return work()


@dataclass(kw_only=True)
class SenderDesk:
    """A queue, an endpoint, and the sender between them."""

    receiver: Receiver
    url: str
    client: Any
    table_name: str
    now: datetime = START
    secret: dict[str, str] = field(default_factory=lambda: {"current": SECRET, "previous": ""})
    allowed: str = "127.0.0.0/8"
    seconds: float = 110.0  # that a run has
    answer_within: float = 5.0
    at_once: int = 1
    chance: float = 0.0
    on_step: Callable[[str, Callable[[], Any]], Any] = _do
    mails: list[str] = field(default_factory=list)
    metrics: list[tuple[str, float]] = field(default_factory=list)
    queue: FifoQueue = field(init=False)
    dead: FifoQueue = field(init=False)

    def __post_init__(self) -> None:
        self.dead = FifoQueue(clock=self.clock, url="https://sqs/webhook-dlq.fifo")
        self.queue = FifoQueue(
            clock=self.clock,
            url="https://sqs/webhook.fifo",
            visibility=VISIBILITY,
            most_receives=RECEIVES,
            dead_letters=self.dead,
        )

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # -- what the mirror's feed and people do ----------------------------------------------------

    def put(self, record: int = 1, sequence: int = 1, **more: Any) -> Message:
        """Queue a change, as the feed does."""
        message = a_message(record, sequence, **more)
        self.put_text(message.to_body(), message.group, message.message_id)
        return message

    def put_text(self, body: str, group: str, deduplication: str) -> None:
        self.queue.send_message(
            QueueUrl=self.queue.url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication,
        )

    # -- the function ----------------------------------------------------------------------------

    @property
    def table(self) -> SortedTable:
        return _WatchedTable(self)

    def sending(self) -> Sending:
        """The sender, cold."""
        endpoint = _WatchedEndpoint(self)
        delivery = Delivery(
            endpoint=endpoint,
            queue=self._queue,
            bodies=Bodies(table=self.table),
            tries=Tries(self.table),
            refusals=Refusals(self.table),
            keys=lambda: keys_of(self.secret),
            clock=self.clock,
            at_random=lambda: self.chance,
        )
        return Sending(
            delivery=delivery,
            states=StateStore(self.table),
            count=lambda name, value: self.metrics.append((name, value)),
            gone=self.operating().mail_pause,
            at_once=self.at_once,
        )

    def operating(self) -> Operating:
        client: Any = _WatchedQueue(self)
        return Operating(
            states=StateStore(self.table),
            refusals=Refusals(self.table),
            queue=OrderedQueue(client=client, url=self.queue.url, sleep=self.sleep),
            mailer=Mailer(_Topic(self), "topic"),  # type: ignore[arg-type]  # what it needs of SNS
            host="127.0.0.1",
            clock=self.clock,
        )

    @property
    def _queue(self) -> WebhookQueue:
        client: Any = _WatchedQueue(self)
        return WebhookQueue(client=client, url=self.queue.url, dead_url=self.dead.url)

    def run(self, sending: Sending | None = None) -> bool:
        """One delivery of the queue to the function, as AWS makes it; False if it had nothing."""
        answer = self.queue.receive_message(QueueUrl=self.queue.url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        if not messages:
            return False
        records = [
            {
                "messageId": m["MessageId"],
                "receiptHandle": m["ReceiptHandle"],
                "body": m["Body"],
                "attributes": m["Attributes"],
            }
            for m in messages
        ]
        try:
            failed = (sending or self.sending()).send(records, lambda: self.seconds)
        except Died:
            self.on_step = _do
            return True  # all of them come again
        for m in messages:
            if m["MessageId"] not in failed:
                delete = partial(
                    self.queue.delete_message,
                    QueueUrl=self.queue.url,
                    ReceiptHandle=m["ReceiptHandle"],
                )
                try:
                    self.on_step("sqs delete_message", delete)
                except Died:
                    self.on_step = _do
                    return True
        return True

    def work(self, **within: float) -> None:
        """Deliver what the queue holds for so long: now, and whenever something is visible."""
        until = self.now + timedelta(**(within or {"seconds": 0}))
        while True:
            while self.run():
                pass
            at = self.queue.next_change()
            if at is None or at > until.timestamp():
                break
            self.now = datetime.fromtimestamp(at, UTC) + timedelta(milliseconds=1)
        self.now = max(self.now, until)

    # -- what can be seen ------------------------------------------------------------------------

    @property
    def arrived(self) -> list[tuple[str, int]]:
        """What the endpoint got, in its order: record and sequence."""
        return [(r.record.rpartition("/")[2], r.sequence) for r in self.receiver.received]

    @property
    def accepted(self) -> list[tuple[str, int]]:
        """The same of what it took in."""
        some = [r for r in self.receiver.received if r.accepted]
        return [(r.record.rpartition("/")[2], r.sequence) for r in some]

    @property
    def buried(self) -> list[str]:
        """The ids of the changes among the dead letters."""
        return [from_body(kept.body).message_id for kept in self.dead.messages.values()]

    def hidden_for(self, record: int = 1) -> float:
        """The seconds until a record's next change is delivered again."""
        group = a_message(record).group
        kept = next(k for k in self.queue.messages.values() if k.group == group)
        return kept.visible_at - self.now.timestamp()

    def rows(self, partition: str) -> list[Json]:
        found = self.client.scan(TableName=self.table_name)["Items"]
        return [row for row in map(plain, found) if row["pk"] == partition]


def a_message(record: int = 1, sequence: int = 1, **more: Any) -> Message:
    """A change of a record."""
    given: dict[str, Any] = {
        "connection": "odoo",
        "kind": "move",
        "source_id": record,
        "event": "updated",
        "sequence": sequence,
        "happened_at": "2026-11-28T08:00:00.000Z",
        "changed": ("state",),
        "data": {"id": record, "name": f"INV/{record}", "move_type": "out_invoice"},
        **more,
    }
    return Message(**given)


class _WatchedTable(SortedTable):
    def __init__(self, desk: SenderDesk) -> None:
        super().__init__(desk.client, desk.table_name, sleep=desk.sleep)
        self._desk = desk

    def ask(self, operation: str, **given: Any) -> Json:
        work = partial(super().ask, operation, **given)
        answer: Json = self._desk.on_step(f"dynamodb {operation}", work)
        return answer


class _WatchedQueue:
    """boto3's client of both queues."""

    def __init__(self, desk: SenderDesk) -> None:
        self._desk = desk

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            queue = next(
                q for q in (self._desk.queue, self._desk.dead) if q.url == given["QueueUrl"]
            )
            return self._desk.on_step(
                f"sqs {operation}", partial(getattr(queue, operation), **given)
            )

        return call


class _WatchedEndpoint(Endpoint):
    def __init__(self, desk: SenderDesk) -> None:
        super().__init__(desk.url, networks(desk.allowed), desk.clock, desk.answer_within)
        self._desk = desk

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer: Answer = self._desk.on_step("post", partial(super().post, body, headers))
        return answer


class _Topic:
    def __init__(self, desk: SenderDesk) -> None:
        self._desk = desk

    def publish(self, **given: str) -> None:
        def work() -> None:
            self._desk.mails.append(f"{given['Subject']}\n{given['Message']}")

        self._desk.on_step("sns publish", work)


@contextmanager
def a_desk(**more: Any) -> Iterator[SenderDesk]:
    """A queue and an endpoint that works."""
    desks: list[SenderDesk] = []

    def verify(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
        given = {name.lower(): value for name, value in headers.items()}
        at = datetime.fromtimestamp(int(given["webhook-timestamp"]), UTC)
        expected = Webhook(secret).sign(given["webhook-id"], at, body.decode())
        is_late = abs(desks[0].now - at) > timedelta(minutes=5)
        if is_late or expected not in given["webhook-signature"].split():
            raise WebhookVerificationError("It does not verify.")

    receiver = Receiver({"current": SECRET}, clock=lambda: desks[0].now, verify=verify)
    with mock_aws(), serve(receiver) as server:
        client = boto3.client("dynamodb", region_name=REGION)
        name = f"mirror-{next(_TABLES)}"
        make_mirror_table(client, name)
        parts = {"receiver": receiver, "url": f"{server.url}/odoo", "client": client}
        desks.append(SenderDesk(**{**parts, "table_name": name, **more}))
        yield desks[0]
