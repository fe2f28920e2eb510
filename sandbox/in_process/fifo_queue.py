"""A FIFO queue in one process, with the client of boto3 that a function talks to it by.

True to what AWS documents and a function could stumble over: groups, of which only one batch is out
at a time; visibility; receipt handles that expire; deduplication; dead letters; retention. Time is
the caller's.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Json = dict[str, Any]

_MOST: Final = 10  # messages a call
_LARGEST: Final = 1_048_576  # bytes of a message, and of a batch
_SAME: Final = 300.0  # seconds for which a deduplication id is remembered
_LONGEST: Final = 12 * 3600.0  # seconds that a message may stay invisible after it was received
_RETENTION: Final = 14 * 24 * 3600.0
_ID: Final = 128  # characters of a group or a deduplication id
_PRINTABLE: Final = {*map(chr, range(33, 127))}


@dataclass(slots=True, kw_only=True, eq=False)
class Kept:
    """A message in the queue. `visible_at` and the other instants are POSIX seconds."""

    message_id: str
    body: str
    group: str
    dedup: str
    sequence: int
    sent_at: float
    visible_at: float
    receives: int = 0
    received_at: float = 0.0
    first_received_at: float = 0.0
    receipt: str = ""


@dataclass(kw_only=True)
class FifoQueue:
    """The queue. `dead_letters` takes what was received more than `most_receives` times.

    `refuses` may have the queue not take an entry of a batch, as SQS does under load.
    """

    clock: Callable[[], datetime]
    url: str = "https://sqs.us-west-2.amazonaws.com/123456789012/webhook.fifo"
    visibility: float = 30.0
    most_receives: int = 0  # 0: for ever
    dead_letters: FifoQueue | None = None
    messages: dict[str, Kept] = field(default_factory=dict)  # by id, in the order of sending
    refuses: Callable[[Json], bool] = lambda _entry: False
    _seen: dict[str, tuple[float, Kept]] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    # -- what a function calls -----------------------------------------------------------------

    def send_message(self, **given: Any) -> Json:
        self._mine(given)
        kept = self._put(given)
        return {"MessageId": kept.message_id, "SequenceNumber": f"{kept.sequence:020d}"}

    def send_message_batch(self, **given: Any) -> Json:
        self._mine(given)
        entries = _entries(given)
        if sum(len(e["MessageBody"].encode()) for e in entries) > _LARGEST:
            raise _error("BatchRequestTooLong", "SendMessageBatch")
        return self._each(entries, self._sent)

    def clear(self) -> None:
        """As a new queue."""
        self.messages.clear()
        self._seen.clear()
        self.refuses = lambda _entry: False

    def receive_message(self, **given: Any) -> Json:
        """The oldest first; of a group of which any is out, none."""
        self._mine(given)
        most = int(given.get("MaxNumberOfMessages", 1))
        if not 1 <= most <= _MOST:
            raise _error("InvalidParameterValue", "ReceiveMessage")
        visibility = float(given.get("VisibilityTimeout", self.visibility))
        found = [self._received(kept, visibility) for kept in self._ready(most)]
        return {"Messages": found} if found else {}

    def delete_message(self, **given: Any) -> Json:
        self._mine(given)
        kept = self._held(given["ReceiptHandle"], "DeleteMessage")
        if kept:
            del self.messages[kept.message_id]
        return {}

    def delete_message_batch(self, **given: Any) -> Json:
        self._mine(given)
        url = given["QueueUrl"]
        return self._each(_entries(given), lambda e: self.delete_message(
            QueueUrl=url, ReceiptHandle=e["ReceiptHandle"]))  # fmt: skip

    def change_message_visibility(self, **given: Any) -> Json:
        self._mine(given)
        seconds, now = float(given["VisibilityTimeout"]), self._now()
        kept = self._held(given["ReceiptHandle"], "ChangeMessageVisibility")
        if kept is None:
            raise _error("InvalidParameterValue", "ChangeMessageVisibility")
        if not seconds >= 0 or now + seconds > kept.received_at + _LONGEST:
            raise _error("InvalidParameterValue", "ChangeMessageVisibility")
        kept.visible_at = now + seconds
        return {}

    def change_message_visibility_batch(self, **given: Any) -> Json:
        url = given["QueueUrl"]
        return self._each(_entries(given), lambda e: self.change_message_visibility(
            QueueUrl=url, ReceiptHandle=e["ReceiptHandle"],
            VisibilityTimeout=e["VisibilityTimeout"]))  # fmt: skip

    def get_queue_attributes(self, **given: Any) -> Json:
        self._mine(given)
        now = self._now()
        out = sum(kept.visible_at > now for kept in self.messages.values())
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(self.messages) - out),
                "ApproximateNumberOfMessagesNotVisible": str(out),
                "ApproximateNumberOfMessagesDelayed": "0",
            }
        }

    # -- how it works --------------------------------------------------------------------------

    def next_change(self) -> float | None:
        """The next instant, in POSIX seconds, at which a message becomes visible; None: never."""
        now = self._now()
        later = (k.visible_at for k in self.messages.values() if k.visible_at > now)
        return min(later, default=None)

    def _ready(self, most: int) -> list[Kept]:
        now, found = self._now(), list[Kept]()
        everything = list(self.messages.values())
        out = {kept.group for kept in everything if kept.visible_at > now}
        for kept in everything:
            if now - kept.sent_at > _RETENTION:
                del self.messages[kept.message_id]
            elif kept.group in out:
                continue
            elif self._is_dead(kept):
                self._bury(kept)
            else:
                found.append(kept)
                if len(found) == most:
                    break
        return found

    def _is_dead(self, kept: Kept) -> bool:
        return bool(self.most_receives) and kept.receives >= self.most_receives

    def _bury(self, kept: Kept) -> None:
        del self.messages[kept.message_id]
        if self.dead_letters is not None:
            self.dead_letters._take_over(kept)

    def _take_over(self, kept: Kept) -> None:
        kept.sent_at = kept.visible_at = self._now()
        kept.receipt, kept.sequence = "", next(self._numbers)
        self.messages[kept.message_id] = kept

    def _received(self, kept: Kept, visibility: float) -> Json:
        now = self._now()
        kept.receives += 1
        kept.received_at, kept.visible_at = now, now + visibility
        kept.first_received_at = kept.first_received_at or now
        kept.receipt = f"{kept.message_id}#{kept.receives}"
        return {
            "MessageId": kept.message_id,
            "ReceiptHandle": kept.receipt,
            "MD5OfBody": hashlib.md5(kept.body.encode(), usedforsecurity=False).hexdigest(),
            "Body": kept.body,
            "Attributes": {
                "ApproximateReceiveCount": str(kept.receives),
                "ApproximateFirstReceiveTimestamp": str(round(kept.first_received_at * 1000)),
                "SentTimestamp": str(round(kept.sent_at * 1000)),
                "SequenceNumber": f"{kept.sequence:020d}",
                "MessageGroupId": kept.group,
                "MessageDeduplicationId": kept.dedup,
            },
        }

    def _held(self, receipt: str, operation: str) -> Kept | None:
        """The message of a receipt handle, None if it is deleted; an expired handle is refused."""
        kept = self.messages.get(receipt.partition("#")[0])
        if kept and (kept.receipt != receipt or kept.visible_at <= self._now()):
            raise _error("InvalidParameterValue", operation)
        return kept

    def _sent(self, entry: Json) -> Json:
        if self.refuses(entry):
            raise _error("InternalError", "SendMessageBatch")
        return {"MessageId": self._put(entry).message_id}

    def _put(self, given: Json) -> Kept:
        body, group = given["MessageBody"], given.get("MessageGroupId", "")
        dedup = given.get("MessageDeduplicationId", "")
        if not body or len(body.encode()) > _LARGEST or not _is_id(group) or not _is_id(dedup):
            raise _error("InvalidParameterValue", "SendMessage")
        if given.get("DelaySeconds"):
            raise _error("InvalidParameterValue", "SendMessage")  # a FIFO queue has only its own
        now = self._now()
        since, known = self._seen.get(dedup, (0.0, None))
        if known and now - since < _SAME:
            return known
        number = next(self._numbers)
        kept = Kept(
            message_id=f"m{number}",
            body=body,
            group=group,
            dedup=dedup,
            sequence=number,
            sent_at=now,
            visible_at=now,
        )
        self._seen[dedup] = (now, kept)
        self.messages[kept.message_id] = kept
        return kept

    def _each(self, entries: list[Json], work: Callable[[Json], Json]) -> Json:
        """A batch: what is refused is in Failed, and does not stop the rest."""
        done: Json = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                done["Successful"].append({"Id": entry["Id"], **work(entry)})
            except ClientError as error:
                code = error.response["Error"]["Code"]
                done["Failed"].append({"Id": entry["Id"], "Code": code, "SenderFault": True})
        return {name: rows for name, rows in done.items() if rows}

    def _now(self) -> float:
        return self.clock().timestamp()

    def _mine(self, given: Json) -> None:
        if given["QueueUrl"] != self.url:
            raise _error("AWS.SimpleQueueService.NonExistentQueue", "GetQueueUrl")


def _entries(given: Json) -> list[Json]:
    entries: list[Json] = given["Entries"]
    if not 1 <= len(entries) <= _MOST or len({e["Id"] for e in entries}) < len(entries):
        raise _error("BatchEntryIdsNotDistinct", "Batch")
    return entries


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _ID and set(text) <= _PRINTABLE


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "refused as SQS would"}}, operation)
