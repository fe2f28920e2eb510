"""Content that is too large for a queue's message, kept in the mirror's table until it is sent."""

from __future__ import annotations

import json
import zlib
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.exact_json import to_json

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable

PARTITION: Final = "webhook#content"  # no kind of record is called so
# A message waits 14 days in the queue, and as many among the dead letters.
KEPT: Final = timedelta(days=30)


class WebhookContent:
    """Contents by key, compressed: each fits into an item, for it was one of the mirror's."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def keep(self, key: str, data: Json, now: datetime) -> None:
        """Keep a content; doing it twice is harmless."""
        self._table.update(
            self._table.key(PARTITION, key),
            {
                "packed": zlib.compress(to_json(data).encode()),
                "expires_at": int((now + KEPT).timestamp()),
            },
            [],
        )

    def read(self, key: str) -> Json | None:
        """A content, amounts as Decimal; None if it isn't kept any longer."""
        item = self._table.get(PARTITION, key)
        if not item:
            return None
        text = zlib.decompress(bytes(item["packed"])).decode()
        data: Json = json.loads(text, parse_float=Decimal)
        return data
