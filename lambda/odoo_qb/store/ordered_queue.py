"""A FIFO queue that is filled in batches, each group's messages in their order."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from aws_lambda_powertools import Logger

from odoo_qb.guarding import OF_AWS, of_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_sqs import SQSClient

logger = Logger(child=True)

# SQS's limits: messages of a call, bytes of all of them (with some left for what AWS counts
# besides), characters of an id.
_AT_ONCE: Final = 10
_BYTES: Final = 250_000
_ID: Final = 128
_PAUSES: Final = (0.1, 0.5, 2.0)  # seconds between tries


class Entry(NamedTuple):
    """A message: the group it is ordered in, what SQS recognises it by if it comes twice, text."""

    group: str
    message_id: str
    body: str  # ASCII


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedQueue:
    """The queue. `client` is boto3's SQS client."""

    client: SQSClient
    url: str
    sleep: Callable[[float], None] = time.sleep

    def send(self, entries: Sequence[Entry]) -> int:
        """Queue messages; returns how many of the first are in the queue for certain.

        It stops at the first one that SQS does not take after some tries. A few behind it may be
        in the queue as well: sent again within five minutes, SQS drops them.
        """
        sent = 0
        for batch in batches(entries):
            refused = self._send(batch)
            if refused is not None:
                return sent + refused
            sent += len(batch)
        return sent

    def waiting(self) -> int:
        """About how many messages can be received now, or soon."""
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def _send(self, batch: Sequence[Entry]) -> int | None:
        """The place of the first message that was not taken; None if all were."""
        left = dict(enumerate(batch))
        for pause in (*_PAUSES, None):
            failed = self._try(left)
            left = {place: left[place] for place in failed}
            if not left:
                return None
            logger.warning("not queued yet", messages=len(left), reason=next(iter(failed.values())))
            if pause is not None:
                self.sleep(pause)
        return min(left)

    def _try(self, batch: dict[int, Entry]) -> dict[int, str]:
        """The messages that SQS did not take, each with its reason."""
        try:
            answer = self.client.send_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {
                        "Id": str(place),
                        "MessageBody": entry.body,
                        "MessageGroupId": _short(entry.group),
                        "MessageDeduplicationId": _short(entry.message_id),
                    }
                    for place, entry in batch.items()
                ],
            )
        except OF_AWS as error:
            return dict.fromkeys(batch, of_aws(error))
        return {int(row["Id"]): str(row["Code"]) for row in answer.get("Failed", ())}


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """What is sent in one call: never two messages of a group.

    SQS may take the second and not the first, and it would be delivered first.
    """
    batch: list[Entry] = []
    for entry in entries:
        size = sum(len(other.body) for other in batch) + len(entry.body)
        groups = {other.group for other in batch}
        if batch and (len(batch) == _AT_ONCE or size > _BYTES or entry.group in groups):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _short(name: str) -> str:
    return name if len(name) <= _ID else hashlib.sha256(name.encode()).hexdigest()
