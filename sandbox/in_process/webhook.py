"""The webhook in one process: mirror, stream, feed, queue, sender and endpoint, in virtual time.

The functions are the real ones. AWS's part is played here: the stream delivers in order, and again
where a batch failed; the queue is a `FifoQueue`. Each call of a function to the outside is a step;
`on_step` does it, fails it or kills the function.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore import xform_name
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

import webhook
import webhook_feed
from sandbox.aws.streams import Batch, first_failed, shard_of, split_by_age, still_to_do
from sandbox.in_process.aws import REGION
from sandbox.in_process.fast_dynamodb import handled
from sandbox.in_process.lambda_context import TimedContext
from sandbox.in_process.table_stream import is_let_through, lambda_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from botocore.client import BaseClient

    from sandbox.in_process.fifo_queue import FifoQueue
    from sandbox.in_process.mirror import MirrorDesk
    from sandbox.webhook.receiver import Receiver

END: Final = "its end"  # the step after the last one: done, but AWS does not learn of it
FUNCTIONS: Final = (webhook_feed, webhook)
TIMEOUT: Final = 120  # as webhook.tf has it, like what follows
VISIBILITY: Final = 6 * TIMEOUT
MOST_RECEIVES: Final = 1_000
_SHARDS: Final = 2
_MAPPING: Final[dict[str, Any]] = {
    "BisectBatchOnFunctionError": True,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "MaximumRecordAgeInSeconds": 86_400,
    "MaximumRetryAttempts": 50,
}
_BATCH: Final = 100
_QUICK: Final = ("GetItem", "Query", "UpdateItem")
HOST: Final = "localhost"  # where the endpoint is
FAILURES: Final = "https://sqs.us-west-2.amazonaws.com/123456789012/failures"

Json = dict[str, Any]


class Killed(BaseException):
    """The function's process ended here."""


@dataclass(kw_only=True)
class WebhookPath:
    """Everything from Odoo to the endpoint. Time is the mirror desk's.

    `failures` has what the feed could not queue: records of the stream that were given up, and
    reports of unreadable ones. `steps` counts what the functions did.
    """

    desk: MirrorDesk
    receiver: Receiver
    queue: FifoQueue
    dead: FifoQueue
    names: dict[str, str]
    failures: list[Json] = field(default_factory=list)
    on_step: Callable[[str, Callable[[], Any]], Any] = lambda _step, work: work()
    on_call: Callable[[str, str, Json, Json], None] = lambda *_: None  # what was asked of AWS
    steps: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    kills: int = 0
    _running: str = ""
    _is_dead: bool = False
    _ends: float = 0.0
    last_batch: tuple[Json, ...] = ()  # of the stream
    _since: int = 0  # records of the stream that are of before
    _taken: int = 0
    _waiting: list[list[Batch]] = field(default_factory=lambda: [[] for _ in range(_SHARDS)])

    # -- the functions -------------------------------------------------------------------------

    def invoke(self, function: ModuleType, event: Json) -> Any:
        """Run a function; None when it died or failed, as AWS sees it."""
        self.desk.sleep(1)
        self._running, self._is_dead = function.__name__, False
        self._ends = self.now() + TIMEOUT
        try:
            with redirect_stdout(io.StringIO()):  # its log
                answer = function.lambda_handler(event, self.context())
            self.step(END, lambda: None)
        except Killed:
            self.kills += 1
            function.wired.forget()
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is ends the invocation
            self.errors.append(f"{self._running}: {type(error).__name__}: {error}")
            return None
        finally:
            self._running, self._is_dead = "", False
        return answer

    def context(self) -> TimedContext:
        """What Lambda tells a function that starts now."""
        ends = self.now() + TIMEOUT
        return TimedContext(lambda: ends - self.now())

    def die(self) -> None:
        """End the function that runs: nothing it does from now on counts."""
        self._is_dead = True
        raise Killed

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """A call to the outside; a dead function makes none, nor one that ran out of time."""
        if not self._running:
            return work()
        if self._is_dead or self.now() > self._ends:
            self.die()
        name = f"{self._running}: {name}"
        self.steps[name] += 1
        return self.on_step(name, work)

    def perform(self, call: Any, client: BaseClient, operation: str, given: Json) -> Json:
        """A call to AWS."""
        service = client.meta.service_model.service_name

        def work() -> Json:
            if service == "sqs":
                answer = self._sqs(operation, given)
            elif operation in _QUICK and "ConditionExpression" not in given:
                answer = handled(client, operation, given)
            else:
                answer = call(client, operation, given)
            if self._running:
                self.on_call(service, operation, given, answer)
            return answer

        done: Json = self.step(f"{service} {operation}", work)
        return done

    def call(self, host: str, method: str, _path: str, work: Callable[[], bytes]) -> bytes:
        """A request over HTTP; only those to the endpoint are steps."""
        answer: bytes = self.step(method, work) if host == HOST else work()
        return answer

    def _sqs(self, operation: str, given: Json) -> Json:
        if given["QueueUrl"] == FAILURES:
            self.failures.append(json.loads(given["MessageBody"]))
            return {"MessageId": "m"}
        queues = (self.queue, self.dead)
        queue = next((q for q in queues if q.url == given["QueueUrl"]), self.queue)
        answer: Json = getattr(queue, xform_name(operation))(**given)
        return answer

    # -- AWS -----------------------------------------------------------------------------------

    def feed(self) -> bool:
        """One batch of the stream to the feed; False if there is none."""
        self._read()
        shard = next((n for n, waiting in enumerate(self._waiting) if waiting), None)
        if shard is None:
            return False
        waiting = self._waiting[shard]
        old, batch = split_by_age(_MAPPING, waiting.pop(0), self.now())
        self.failures += old.records
        if batch.records:
            self.last_batch = tuple(batch.records)
            answer = self.invoke(webhook_feed, {"Records": list(batch.records)})
            result = {"error": True} if answer is None else {"body": answer}
            failed = first_failed(_MAPPING, batch.records, result)
            left = still_to_do(_MAPPING, batch, failed)
            if left and left[0].failures > _MAPPING["MaximumRetryAttempts"]:
                self.failures += left.pop(0).records
            waiting[:0] = left
        return True

    def unread(self) -> list[Json]:
        """The records of the stream that the feed has not dealt with."""
        self._read()
        return [record for waiting in self._waiting for one in waiting for record in one.records]

    def _read(self) -> None:
        """Take what is new in the stream, as far as it is about records."""
        new = [self._form(item) for item in self._stream()[self._taken :]]
        self._taken += len(new)
        for shard, waiting in enumerate(self._waiting):
            mine = [r for r in new if is_let_through(r) and shard_of(r, _SHARDS) == shard]
            waiting += [Batch(mine[n : n + _BATCH]) for n in range(0, len(mine), _BATCH)]

    def _form(self, item: Any) -> Json:
        return lambda_form(item.record, self.now())

    def _stream(self) -> list[Any]:
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[self.desk.table_name]
        shard: Any = table.stream_shard
        items: list[Any] = shard.items
        return items

    def receive(self) -> Json:
        """The event of a batch of the queue; without records if none can be received."""
        found = self.queue.receive_message(QueueUrl=self.queue.url, MaxNumberOfMessages=10)
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                }
                for message in found.get("Messages", ())
            ]
        }

    def deliver(self, event: Json) -> None:
        """Give a batch to the sender, and delete what it has dealt with."""
        answer = self.invoke(webhook, event)
        if answer is None:
            return
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for record in event["Records"]:
            if record["messageId"] not in failed:
                self.delete(record["receiptHandle"])

    def delete(self, receipt: str) -> None:
        """As Lambda deletes a message; one whose time is over comes again."""
        kept = self.queue.messages.get(receipt.partition("#")[0])
        if kept and kept.receipt == receipt and kept.visible_at > self.now():
            self.queue.delete_message(QueueUrl=self.queue.url, ReceiptHandle=receipt)

    def send(self) -> bool:
        """One batch of the queue to the sender; False if none can be received now."""
        event = self.receive()
        if event["Records"]:
            self.deliver(event)
        return bool(event["Records"])

    def flow(self) -> None:
        """The stream and the queue deliver what they can deliver now."""
        while self.feed() or self.send():
            pass

    def settle(self, *, within: float = 3 * 86_400.0) -> None:
        """Let time pass until the queue is empty, or for so many seconds."""
        until = self.now() + within
        self.flow()
        while self.queue.messages and self.now() < until:
            following = self.queue.next_change() or self.now()
            self.desk.sleep(max(following - self.now(), 0.001))
            self.flow()

    def now(self) -> float:
        """The time in POSIX seconds."""
        return self.desk.now.timestamp()

    def forget(self) -> None:
        """Begin with what the stream brings from now on, with cold functions and empty queues."""
        self._since = self._taken = len(self._stream())
        self._begin()

    def remember(self) -> Callable[[], None]:
        """How Odoo, mirror, stream and time stand now; what is returned brings it back."""
        restore, taken, length = self.desk.remember(), self._taken, len(self._stream())

        def again() -> None:
            restore()
            del self._stream()[length:]
            self._taken = taken
            self._begin()

        return again

    def _begin(self) -> None:
        self._waiting = [[] for _ in range(_SHARDS)]
        for queue in (self.queue, self.dead):
            queue.clear()
        for noted in (self.failures, self.errors, self.steps):
            noted.clear()
        self.receiver.reset()
        self.kills, self.last_batch = 0, ()
        self.on_step = lambda _step, work: work()
        for function in FUNCTIONS:
            function.wired.forget()

    def told(self) -> list[Json]:
        """The records of the stream since the last `forget`, as the functions are given them."""
        return [r for r in map(self._form, self._stream()[self._since :]) if is_let_through(r)]
