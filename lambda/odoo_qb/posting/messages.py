"""Handle queue messages one by one: what is posted, and what comes again when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.errors import Refused, Throttled, Unavailable
from odoo_qb.store.queue import message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.posting.poster import Poster
    from odoo_qb.store.queue import ApprovedQueue

logger = Logger(child=True)

RETRY_SECONDS: Final = 20  # doubled with every attempt
LONGEST_SECONDS: Final = 15 * 60  # the company's next bills wait behind this one
LAST_RECEIVE: Final = 4  # the queue delivers five times; afterwards the sweep continues
_STOPPED: Final = "An unexpected error ({kind}) stopped this posting. Tell the operator."


def is_record(record: object) -> bool:
    """Whether it is a message of SQS; without its id nothing can be reported about it."""
    if isinstance(record, dict) and isinstance(record.get("messageId"), str):
        return True
    logger.error("not a record of the queue", type=type(record).__name__)
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageConsumer:
    """Posts the bill that a message names; `poster` is made for the first message."""

    poster: Callable[[], Poster]
    queue: ApprovedQueue

    def consume(self, record: Mapping[str, Any]) -> bool:
        """Post one message's bill; False if the message must come again."""
        try:
            message = message_of(record.get("body"))
        except Refused as refusal:
            return self._turn_away(record, refusal)
        received = _received(record)
        try:
            status = self.poster().post(
                message.entry_id,
                message.revision,
                record["messageId"],
                last_try=received >= LAST_RECEIVE,
            )
        except Exception as error:  # noqa: BLE001 - whatever stops one bill must not stop the others
            return self._put_off(record, message.entry_id, error, received)
        logger.info("done", entry_id=message.entry_id, status=status)
        return True

    def _turn_away(self, record: Mapping[str, Any], refusal: Refused) -> bool:
        """Send a message that is not ours to the dead-letter queue, which has an alarm.

        At once, because the bills of its group wait while it is hidden.
        """
        message_id = record["messageId"]
        logger.error("not a message about a bill", message_id=message_id, reason=str(refusal))
        self._hide(record, 0)
        return False

    def _put_off(
        self, record: Mapping[str, Any], entry_id: str, error: Exception, received: int
    ) -> bool:
        """Have a message delivered again soon, because its company's next bills wait behind it.

        True if it is better left to the sweep: a dead letter would need a person, and others need
        not wait for a bill that already failed in the attempts of an earlier message.
        """
        reason, wait = str(error), RETRY_SECONDS * 2 ** (received - 1)
        if not isinstance(error, Unavailable):
            reason = type(error).__name__
            logger.error("crashed", entry_id=entry_id, exc_info=error)
        if isinstance(error, Throttled):
            wait = min(error.wait_seconds, LONGEST_SECONDS)
        if received >= LAST_RECEIVE or self._is_delayed(record, entry_id, error, reason):
            logger.warning("left to the sweep", entry_id=entry_id, reason=reason)
            return True
        logger.warning("not posted yet", entry_id=entry_id, reason=reason, seconds=wait)
        self._hide(record, wait)
        return False

    def _is_delayed(
        self, record: Mapping[str, Any], entry_id: str, error: Exception, reason: str
    ) -> bool:
        """Note what delays a bill; returns whether earlier messages were delayed, too."""
        if isinstance(error, Throttled):
            return False  # all bills of the company have to wait
        message = reason if isinstance(error, Unavailable) else _STOPPED.format(kind=reason)
        try:
            return self.poster().note_trouble(entry_id, record["messageId"], message)
        except (BotoCoreError, ClientError):
            logger.exception("not noted", entry_id=entry_id)
            return False

    def _hide(self, record: Mapping[str, Any], seconds: int) -> None:
        """Have a message delivered again after some seconds; if this fails, when the queue does."""
        handle = record.get("receiptHandle")
        if not isinstance(handle, str):
            return
        try:
            self.queue.hide(handle, seconds)
        except (BotoCoreError, ClientError) as error:
            name = type(error).__name__
            logger.warning("not hidden", message_id=record["messageId"], reason=name)


def _received(record: Mapping[str, Any]) -> int:
    """How often the queue has delivered this message."""
    attributes = record.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else ""
    return int(count) if isinstance(count, str) and re.fullmatch("[0-9]{1,9}", count) else 1
