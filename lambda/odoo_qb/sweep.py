"""What got stuck is sent on its way again: approvals never queued, postings that hang."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.item import Item
    from odoo_qb.store import Table

QUEUED_WITHIN: Final = timedelta(minutes=10)  # an approval is posted in seconds, or it is stuck
POSTED_WITHIN: Final = timedelta(minutes=15)  # longer than a claim and the queue's own retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The FIFO queue to the poster. `client` is boto3's SQS client."""

    client: Any
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


def sweep(table: Table, queue: Queue, now: datetime) -> dict[str, int]:
    """Queue again what was approved and never posted; returns how many of each kind."""
    late = list(table.in_status("APPROVED", until=now - QUEUED_WITHIN))
    hanging = list(table.in_status("POSTING", until=now - POSTED_WITHIN))
    for item in table.get_many([*late, *hanging]).values():
        queue.send(item)
    return {"approved": len(late), "posting": len(hanging)}
