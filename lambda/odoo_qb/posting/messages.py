"""One message of the queue after another: what is posted, what comes again and when."""

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

RETRY_SECONDS: Final = 20  # doubled with every try
LONGEST_SECONDS: Final = 15 * 60  # the company's next bills wait behind this one
LAST_RECEIVE: Final = 4  # the queue gives five; the sweep goes on where the tries end
_STOPPED: Final = "An unexpected error ({kind}) stopped this posting. Tell the operator."


def is_record(record: object) -> bool:
    """Whether it has what SQS gives a message: without its id, nothing can be said of it."""
    if isinstance(record, dict) and isinstance(record.get("messageId"), str):
        return True
    logger.error("not a record of the queue", type=type(record).__name__)
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageConsumer:
    """Posts the bill that a message names; `poster` is made with the first one."""

    poster: Callable[[], Poster]
    queue: ApprovedQueue

    def consume(self, record: Mapping[str, Any]) -> bool:
        """Post one message's bill; False when the message must come again."""
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
        """Send what is no message of ours to the dead letters, which have an alarm.

        At once: as long as it is hidden, the bills of its group wait behind it.
        """
        message_id = record["messageId"]
        logger.error("not a message about a bill", message_id=message_id, reason=str(refusal))
        self._hide(record, 0)
        return False

    def _put_off(
        self, record: Mapping[str, Any], entry_id: str, error: Exception, received: int
    ) -> bool:
        """Have a message come again soon, for its company's next bills wait behind it.

        True when it is better left to the sweep: a dead letter would need a person, and the others
        need not wait for a bill that did not get through in an earlier message's tries.
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
        """Note what keeps a bill from QuickBooks; whether earlier messages met that, too."""
        if isinstance(error, Throttled):
            return False  # all of the company have to wait
        message = reason if isinstance(error, Unavailable) else _STOPPED.format(kind=reason)
        try:
            return self.poster().note_trouble(entry_id, record["messageId"], message)
        except (BotoCoreError, ClientError):
            logger.exception("not noted", entry_id=entry_id)
            return False

    def _hide(self, record: Mapping[str, Any], seconds: int) -> None:
        """Have a message come again after some seconds; if this fails, after the queue's own."""
        handle = record.get("receiptHandle")
        if not isinstance(handle, str):
            return
        try:
            self.queue.hide(handle, seconds)
        except (BotoCoreError, ClientError) as error:
            name = type(error).__name__
            logger.warning("not hidden", message_id=record["messageId"], reason=name)


def _received(record: Mapping[str, Any]) -> int:
    """How often the queue has given this message."""
    attributes = record.get("attributes")
    count = attributes.get("ApproximateReceiveCount") if isinstance(attributes, dict) else ""
    return int(count) if isinstance(count, str) and re.fullmatch("[0-9]{1,9}", count) else 1
