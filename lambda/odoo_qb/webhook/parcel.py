"""A message of the queue as Lambda delivers it. No I/O."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from odoo_qb.guarding import DAMAGE
from odoo_qb.store.ordered_queue import Entry
from odoo_qb.webhook.message import from_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odoo_qb.webhook.message import Message

_NUMBER: Final = re.compile(r"[0-9]{1,15}")
UNREADABLE: Final = (*DAMAGE, RecursionError, zlib.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message and how it was delivered.

    `queue_id` and `receipt` are the queue's, `group` is its message group, `received` counts its
    deliveries, the first of which was at `first_at`. `message` is None where the body is none of
    ours.
    """

    queue_id: str
    receipt: str
    group: str
    body: str
    sent_at: datetime
    first_at: datetime
    received: int
    message: Message | None

    @property
    def message_id(self) -> str:
        """The change's id, "" if it is unreadable."""
        return self.message.message_id if self.message else ""

    def as_entry(self) -> Entry:
        """The same, for another queue."""
        return Entry(group=self.group, message_id=self.queue_id, body=self.body)


def is_record(record: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a message of SQS; without its id nothing can be reported about it."""
    return isinstance(record, dict) and isinstance(record.get("messageId"), str)


def parcel_of(record: Mapping[str, Any], now: datetime) -> Parcel:
    """A record of Lambda's event; what it lacks is taken for just sent."""
    attributes = record.get("attributes")
    given: Mapping[str, Any] = attributes if isinstance(attributes, dict) else {}
    body = record.get("body")
    try:
        message = from_body(body) if isinstance(body, str) else None
    except UNREADABLE:
        message = None
    return Parcel(
        queue_id=record["messageId"],
        receipt=str(record.get("receiptHandle") or ""),
        group=str(given.get("MessageGroupId") or (message.group if message else "unreadable")),
        body=body if isinstance(body, str) and body else "-",  # a message needs some
        sent_at=_instant(given.get("SentTimestamp"), now),
        first_at=_instant(given.get("ApproximateFirstReceiveTimestamp"), now),
        received=_number(given.get("ApproximateReceiveCount")) or 1,
        message=message,
    )


def by_group(parcels: Iterable[Parcel]) -> list[list[Parcel]]:
    """The parcels of each group, in the order of the queue."""
    groups: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        groups.setdefault(parcel.group, []).append(parcel)
    return list(groups.values())


def _instant(text: object, otherwise: datetime) -> datetime:
    milliseconds = _number(text)
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else otherwise


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else 0
