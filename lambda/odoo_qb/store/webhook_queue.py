"""The webhook's queue as the sender uses it: hide a change, give it up, queue it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH: Final = 10  # SQS's limit
_BATCH_BYTES: Final = 250_000  # SQS takes 256 kB a request, and an entry has more than its body


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What is sent to a queue: its body, its group, and what makes it the same if sent twice."""

    body: str
    group: str
    deduplication: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookQueue:
    """Both FIFO queues: of changes on their way, and of dead letters. `client` is boto3's."""

    client: SQSClient
    url: str
    dead_url: str

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Deliver a received message again after so many seconds, and its group after it."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )

    def bury(self, message: Queued, reason: str) -> None:
        """Put a message among the dead letters, with the reason beside it."""
        self.client.send_message(
            QueueUrl=self.dead_url,
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.deduplication,
            MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason}},
        )

    def send(self, messages: Sequence[Queued]) -> list[Queued]:
        """Queue at most ten messages, as many as fit into a request; those that were taken."""
        size, some = 0, list[Queued]()
        for message in messages[:BATCH]:
            size += len(message.body.encode())
            if some and size > _BATCH_BYTES:
                break
            some.append(message)
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {
                "Id": str(number),
                "MessageBody": message.body,
                "MessageGroupId": message.group,
                "MessageDeduplicationId": message.deduplication,
            }
            for number, message in enumerate(some)
        ]
        answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
        failed = [int(entry["Id"]) for entry in answer.get("Failed", ())]
        # Nothing after the first that failed counts: a record's changes must not overtake it.
        return some[: min(failed, default=len(some))]
