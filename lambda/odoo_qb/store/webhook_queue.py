"""The webhook's queue as the sender uses it: hide a change that was received, or give it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from odoo_qb.store.ordered_queue import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookQueue:
    """The queue of changes on their way, and the dead letters'. `client` is boto3's SQS client."""

    client: SQSClient
    url: str
    dead_url: str

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Deliver a received message again after so many seconds, and its group after it."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )

    def bury(self, entry: Entry, reason: str) -> None:
        """Put a message among the dead letters, with the reason beside it."""
        self.client.send_message(
            QueueUrl=self.dead_url,
            MessageBody=entry.body,
            MessageGroupId=entry.group,
            MessageDeduplicationId=entry.message_id,
            MessageAttributes={"Reason": {"DataType": "String", "StringValue": reason}},
        )
