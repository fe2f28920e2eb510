"""The queue of approved bills: each message names a bill and the approved revision."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from odoo_qb.bill.item import Item

_ENTRY_ID: Final = re.compile(r"odoo-[0-9]{1,18}")
_LARGEST: Final = 10**9  # no bill has so many revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: the bill's id and the revision that was decided."""

    entry_id: str
    revision: int


def message_of(body: object) -> Message:
    """The message in a body; Refused if it is not one. The sentence never quotes the body."""
    try:
        content = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        raise Refused("Its body is not JSON.") from None
    if not isinstance(content, dict):
        raise Refused("Its body is not a JSON object.")
    entry_id, revision = content.get("entry_id"), content.get("revision")
    if not isinstance(entry_id, str) or not _ENTRY_ID.fullmatch(entry_id):
        raise Refused("Its entry_id is not a bill's, like odoo-42.")
    if type(revision) is not int or not 0 < revision < _LARGEST:  # a bool is an int, too
        raise Refused("Its revision is not a whole number from 1 on.")
    return Message(entry_id=entry_id, revision=revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedQueue:
    """The FIFO queue to the poster. `client` is boto3's SQS client."""

    client: SQSClient
    url: str

    def send(self, item: Item) -> None:
        """Queue a bill for posting; a company's bills are posted one after the other.

        The deduplication id includes the version: sending the same version twice within five
        minutes has no effect, sending a changed one does.
        """
        self.client.send_message(
            QueueUrl=self.url,
            MessageBody=json.dumps(
                {"entry_id": item["entry_id"], "revision": int(item["revision"])}
            ),
            MessageGroupId=item["company"],
            MessageDeduplicationId=f"{item['entry_id']}-{item['version']}",
        )

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Deliver a received message again after so many seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
