"""What a thousand changes ask of AWS on their way to the endpoint, and how fast many are drained.

The functions are the real ones, in one process. How long a run takes on AWS is assumed.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle, islice
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import webhook
from odoo_qb.mirror.content import data_of
from odoo_qb.webhook.message import Message
from sandbox.benchmark.capacity import read_units, size_of
from sandbox.benchmark.lifecycle import Patches
from sandbox.benchmark.mirror import enter_documents
from sandbox.benchmark.prices import PRICES
from sandbox.in_process.webhook_setup import a_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.in_process.webhook import WebhookPath

CHANGES: Final = 1_000
DRAINED: Final = 10_000
ANSWER: Final = 0.05  # seconds that the endpoint takes
RUNS: Final = 2  # of the sender at a time, as webhook.tf has it
OWN: Final = 0.05  # seconds of a warm run beside waiting for the endpoint
GIGABYTES: Final = Decimal("0.25")
_CHUNK: Final = 65_536  # bytes of messages that SQS bills as one request

Json = dict[str, Any]


@dataclass(slots=True)
class Usage:
    """What was asked of AWS; `billed` are SQS's requests as it bills them."""

    requests: Counter[str] = field(default_factory=Counter)
    billed: int = 0
    reads: float = 0.0

    def on_call(self, service: str, operation: str, asked: Json, answer: Json) -> None:
        """Count a call of a function to AWS."""
        self.requests[f"{service} {operation}"] += 1
        if service == "sqs":
            size = sum(len(entry.get("MessageBody", "")) for entry in asked.get("Entries", ()))
            self.billed += max(1, ceil(size / _CHUNK))
        if operation == "GetItem":
            self.reads += read_units([size_of(answer.get("Item", {}))], consistent=True)


def measure(say: Callable[[str], None], changes: int = CHANGES) -> Json:
    """Requests and runs of so many changes, dollars of a thousand, at an endpoint that works."""
    say(f"the webhook: {changes:,} changes to an endpoint")
    usage = Usage()
    with ExitStack() as stack:
        path = _path(stack)
        path.desk.sync()
        path.settle()
        path.forget()
        enter_documents(path.desk.odoo, changes)
        path.desk.sync("sync_invoices")
        path.on_call = usage.on_call
        received = _counted_batches(path)
        path.settle()
        if len(path.receiver.received) != changes:
            raise RuntimeError(f"{len(path.receiver.received)} of {changes} arrived")
    runs = usage_of_runs(path.steps)
    sqs = usage.billed + 2 * received.total()  # each batch is received and deleted
    together = _dollars(changes, runs, sqs, usage.reads) * CHANGES / changes
    alone = dict.fromkeys(runs, changes)  # a run of each function, a batch of one message
    one_by_one = _dollars(changes, alone, 3 * changes, usage.reads + changes) * CHANGES / changes
    return {
        "changes": changes,
        "posts": path.steps["webhook: POST"],
        "feed_runs": runs["webhook_feed"],
        "sender_runs": runs["webhook"],
        "sqs_requests": sqs,
        "dynamodb_reads": usage.reads,
        "aws_requests": sum(usage.requests.values()),
        "costs": {
            "thousand_changes": round(float(together), 5),
            "thousand_one_by_one": round(float(one_by_one), 5),
        },
    }


def drain(say: Callable[[str], None], changes: int = DRAINED) -> Json:
    """Seconds until many changes of as many records are delivered, each answered after 50 ms."""
    say(f"the webhook: {changes:,} changes, {ANSWER * 1000:.0f} ms each")
    with ExitStack() as stack:
        path = _path(stack, in_virtual_time=False)
        path.desk.sync("sync_invoices")
        contents = [data_of(row) for row in path.desk.rows("move").values()]
        for number, data in enumerate(islice(cycle(contents), changes), start=1):
            _queue(path, number, data)
        path.receiver.fail("slow", times=None, seconds=ANSWER)
        lock, started = threading.Lock(), time.monotonic()
        threads = [threading.Thread(target=_drain, args=(path, lock)) for _ in range(RUNS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        arrived = {one.message_id for one in path.receiver.received}
    if len(arrived) != changes or path.queue.messages:
        raise RuntimeError(f"{len(arrived)} of {changes} arrived")
    return {
        "changes": changes,
        "answer_seconds": ANSWER,
        "seconds": round(seconds, 1),
        "a_second": round(changes / seconds),
        "at_best_seconds": round(changes * ANSWER / (RUNS * 10), 1),
    }


def usage_of_runs(steps: Mapping[str, int]) -> dict[str, int]:
    """How often each function ran to its end."""
    return {name: steps[f"{name}: its end"] for name in ("webhook_feed", "webhook")}


def _path(stack: ExitStack, *, in_virtual_time: bool = True) -> WebhookPath:
    patches: Any = Patches()  # the part of pytest's that is needed
    stack.callback(patches.undo)
    return stack.enter_context(
        a_webhook(patches, dataset="ledger-18", version=18, in_virtual_time=in_virtual_time)
    )


def _counted_batches(path: WebhookPath) -> Counter[str]:
    """The queue's batches that were received, counted from now on."""
    counted: Counter[str] = Counter()
    receive = path.queue.receive_message

    def receiving(**given: Any) -> Json:  # noqa: ANN401 - boto3's arguments
        answer = receive(**given)
        counted["batches"] += bool(answer)
        return answer

    path.queue.receive_message = receiving  # type: ignore[method-assign]  # to count
    return counted


def _queue(path: WebhookPath, number: int, data: Json) -> None:
    message = Message(
        connection="odoo",
        kind="move",
        source_id=number,
        event="updated",
        sequence=2,
        happened_at=datetime.now(UTC).isoformat(),
        changed=("payment_state",),
        data=data | {"id": number},
    )
    path.queue.send_message(
        QueueUrl=path.queue.url,
        MessageBody=message.to_body(),
        MessageGroupId=message.group,
        MessageDeduplicationId=message.message_id,
    )


def _drain(path: WebhookPath, lock: threading.Lock) -> None:
    """Deliver batches until the queue is empty, as one run of the sender after another."""
    while True:
        with lock:
            event = path.receive()
        if not event["Records"]:
            return
        answer = webhook.lambda_handler(event, path.context())
        if answer["batchItemFailures"]:
            raise RuntimeError("a change was not delivered")
        with lock:
            for record in event["Records"]:
                path.delete(record["receiptHandle"])


def _dollars(changes: int, runs: Mapping[str, int], sqs: int, reads: float) -> Decimal:
    seconds = runs["webhook_feed"] * OWN + runs["webhook"] * (OWN + ANSWER)
    used = {
        "Lambda runs": sum(runs.values()),
        "Lambda time": Decimal(str(seconds)) * GIGABYTES,
        "SQS requests": sqs,
        "DynamoDB reads": reads,
        "Logs": Decimal(changes * 300 + sum(runs.values()) * 300) / 10**9,
    }
    return sum((PRICES[what].dollars * Decimal(str(n)) for what, n in used.items()), Decimal(0))
