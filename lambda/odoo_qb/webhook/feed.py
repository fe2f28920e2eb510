"""Move changes from the table's stream into the queue: all of them, in their order."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.store.ordered_queue import Entry
from odoo_qb.timestamps import stamp
from odoo_qb.webhook.changes import MALFORMED, change_of, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from odoo_qb.store.ordered_queue import OrderedQueue
    from odoo_qb.store.webhook_content import WebhookContent
    from odoo_qb.webhook.message import Message

logger = Logger(child=True)

LARGEST: Final = 200_000  # bytes of a message that holds its content; SQS takes 256 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Puts messages into the queue, what is too large beside it into the table."""

    queue: OrderedQueue
    content: WebhookContent
    clock: Callable[[], datetime]

    def put(self, messages: Sequence[Message]) -> int:
        """Queue messages; returns how many of the first are in the queue for certain."""
        entries: list[Entry] = []
        for message in messages:
            try:
                entries.append(self._entry(message))
            except OF_AWS as error:
                logger.warning("not kept yet", id=message.message_id, reason=of_aws(error))
                break
        return self.queue.send(entries)

    def _entry(self, message: Message) -> Entry:
        body = message.to_body()
        if len(body) > LARGEST:  # it is ASCII
            self.content.keep(message.message_id, message.data, self.clock())
            body = replace(message, data={}, content_key=message.message_id).to_body()
        return Entry(group=message.group, message_id=message.message_id, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Where a malformed record of the stream is reported, so that it stops no other."""

    client: SQSClient
    url: str
    clock: Callable[[], datetime]

    def report(self, number: str, keys: object) -> None:
        """Put a record's number and keys into the failures' queue, which has an alarm."""
        reason = "This record of the mirror could not be read, so its change was not sent."
        told = {"reason": reason, "at": stamp(self.clock()), "number": number, "keys": keys}
        self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Takes the stream's records: those of `kinds`, and what a first load finds if it is wanted."""

    outbox: Outbox
    unreadable: Unreadable
    kinds: frozenset[str]
    first_load: bool

    def take(self, records: Sequence[object]) -> list[str]:
        """Queue the changes in a batch of the stream; returns the numbers of those to send again.

        AWS sends everything from the first of them on again. A change that is queued twice has
        the same message id, which SQS drops within five minutes and the endpoint may drop later.
        """
        numbers: list[str] = []
        messages: list[Message] = []
        failed: list[str] = []
        for record in records:
            number = number_of(record)
            try:
                change = change_of(record)  # type: ignore[arg-type] # what it is not, it raises for
                if change and self._is_wanted(change.message, of_first_load=change.of_first_load):
                    messages.append(change.message)
                    numbers.append(number)
            except MALFORMED:
                logger.exception("not a record of the mirror", number=number)
                if not self._reported(record, number):
                    failed.append(number)
        sent = self.outbox.put(messages)
        if messages:
            logger.info("queued", changes=len(messages), queued=sent)
        return [*failed, *numbers[sent:]]

    def _is_wanted(self, message: Message, *, of_first_load: bool) -> bool:
        return message.kind in self.kinds and (self.first_load or not of_first_load)

    def _reported(self, record: object, number: str) -> bool:
        change = record.get("dynamodb") if isinstance(record, dict) else None
        try:
            self.unreadable.report(number, change.get("Keys") if isinstance(change, dict) else None)
        except OF_AWS as error:
            logger.warning("not reported yet", number=number, reason=of_aws(error))
            return False
        return True
