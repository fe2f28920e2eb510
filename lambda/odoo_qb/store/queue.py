"""A message of the queue: which bill is to be posted, and as which revision. No I/O."""

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
_LARGEST: Final = 10**9  # revisions: a bill is not changed so often


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the queue carries: the bill's name and the revision that was decided."""

    entry_id: str
    revision: int


def message_of(body: object) -> Message:
    """The message in a body; Refused, without a word of what is in it, where it is none."""
    try:
        told = json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        raise Refused("Its body is not JSON.") from None
    if not isinstance(told, dict):
        raise Refused("Its body is not a JSON object.")
    entry_id, revision = told.get("entry_id"), told.get("revision")
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
        """Ask for a bill to be posted; one company's bills go one after the other.

        The deduplication id has the version, so that sending again after a change within
        five minutes is not swallowed, and sending the same twice is.
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
        """Have a message that was received come again after so many seconds."""
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )
