"""What the webhook's feed is built from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from odoo_qb import settings
from odoo_qb.errors import Misconfigured
from odoo_qb.mirror.connections import DEFAULT
from odoo_qb.sources import KINDS
from odoo_qb.store.ordered_queue import OrderedQueue
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.store.webhook_content import WebhookContent
from odoo_qb.webhook.feed import Feed, Outbox, Unreadable
from odoo_qb.webhook.replay import Replay
from odoo_qb.webhook.replay_request import replay_request
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.sources import Kind


class WebhookFeedWiring(Wiring):
    """The parts of the feed."""

    @cached_property
    def mirrored(self) -> SortedTable:
        """The mirror's table."""
        name = settings.environment("MIRROR_TABLE")
        return SortedTable(self.client("dynamodb"), name, sleep=self.wait)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds whose changes are sent."""
        named = {*settings.environment("WEBHOOK_KINDS").split(",")}
        if unknown := named - {*KINDS}:
            raise Misconfigured(
                f"webhook_kinds has {', '.join(sorted(unknown))}, which is no kind."
            )
        return tuple(kind for kind in KINDS if kind in named)

    @cached_property
    def outbox(self) -> Outbox:
        """What puts messages into the queue."""
        url = settings.environment("WEBHOOK_QUEUE_URL")
        return Outbox(
            queue=OrderedQueue(client=self.client("sqs"), url=url, sleep=self.wait),
            content=WebhookContent(self.mirrored),
            clock=self.now,
        )

    @cached_property
    def feed(self) -> Feed:
        """What takes the stream's records."""
        failures = settings.environment("WEBHOOK_FAILURES_URL")
        return Feed(
            outbox=self.outbox,
            unreadable=Unreadable(client=self.client("sqs"), url=failures, clock=self.now),
            kinds=frozenset(self.kinds),
            first_load=settings.optional("WEBHOOK_FIRST_LOAD") == "true",
        )

    def replay(self, wanted: object, seconds_left: Callable[[], float]) -> Replay:
        """A replay that has so many seconds; Refused where it makes no sense."""
        others = settings.optional("WEBHOOK_CONNECTIONS").split(",")
        connections = (DEFAULT, *(name for name in others if name and name != DEFAULT))
        return Replay(
            table=self.mirrored,
            outbox=self.outbox,
            request=replay_request(wanted, self.kinds, connections, uuid4().hex[:8]),
            seconds_left=seconds_left,
            sleep=self.wait,
        )
