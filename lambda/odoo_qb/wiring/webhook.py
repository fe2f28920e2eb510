"""What the webhook's sender is built from."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb import settings
from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.public_http import networks
from odoo_qb.store.alerts import Mailer
from odoo_qb.store.ordered_queue import OrderedQueue
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.store.webhook_queue import WebhookQueue
from odoo_qb.webhook.bodies import Bodies
from odoo_qb.webhook.delivery import Delivery
from odoo_qb.webhook.endpoint import SECONDS, Endpoint
from odoo_qb.webhook.operating import Operating
from odoo_qb.webhook.refusals import Refusals
from odoo_qb.webhook.sending import Sending
from odoo_qb.webhook.signing import Key, keys_of
from odoo_qb.webhook.state import StateStore
from odoo_qb.webhook.tries import Tries
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from botocore.config import Config

logger = Logger(child=True)

# A secret changed by hand, without an apply that restarts the function, is used after this long.
_SECRET_LASTS: Final = timedelta(minutes=5)


class WebhookWiring(Wiring):
    """The parts of the sender."""

    def __init__(self, *, config: Config | None = None, s3_config: Config | None = None) -> None:
        super().__init__(config=config, s3_config=s3_config)
        self._answer_within = SECONDS
        self._at_random: Callable[[], float] = SystemRandom().random

    def use(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] | None = None,
        at_random: Callable[[], float] | None = None,
        answer_within: float | None = None,
    ) -> None:
        """As all wirings; `at_random` spreads waits, `answer_within` are seconds for a request."""
        super().use(clock=clock, sleep=sleep)
        self._at_random = at_random or self._at_random
        self._answer_within = answer_within or self._answer_within

    def chance(self) -> float:
        """A number from 0 to 1."""
        return self._at_random()

    @cached_property
    def _mirrored(self) -> SortedTable:
        name = settings.environment("MIRROR_TABLE")
        return SortedTable(self.client("dynamodb"), name, sleep=self.wait)

    @cached_property
    def _queue(self) -> WebhookQueue:
        return WebhookQueue(
            client=self.client("sqs"),
            url=settings.environment("WEBHOOK_QUEUE_URL"),
            dead_url=settings.environment("WEBHOOK_DEAD_QUEUE_URL"),
        )

    @cached_property
    def _endpoint(self) -> Endpoint:
        return Endpoint(
            settings.environment("WEBHOOK_URL"),
            networks(settings.optional("ALLOWED_PRIVATE_NETWORKS")),
            self.now,
            self._answer_within,
        )

    @cached_property
    def _read_keys(self) -> list[tuple[datetime, Sequence[Key]]]:
        return []

    def _keys(self) -> Sequence[Key]:
        """What signs, read again every five minutes; the last ones where AWS does not answer."""
        known, now = self._read_keys, self.now()
        if known and known[0][0] <= now < known[0][0] + _SECRET_LASTS:
            return known[0][1]
        try:
            keys = keys_of(self.secret("WEBHOOK_SECRET_ARN"))
        except OF_AWS as error:
            if not known:
                raise
            logger.warning("the secret could not be read again", reason=of_aws(error))
            keys = tuple(known[0][1])
        known[:] = [(now, keys)]
        return keys

    @cached_property
    def _states(self) -> StateStore:
        return StateStore(self._mirrored)

    @cached_property
    def _refusals(self) -> Refusals:
        return Refusals(self._mirrored)

    @cached_property
    def sending(self) -> Sending:
        """The sender of batches."""
        delivery = Delivery(
            endpoint=self._endpoint,
            queue=self._queue,
            bodies=Bodies(table=self._mirrored),
            tries=Tries(self._mirrored),
            refusals=self._refusals,
            keys=self._keys,
            clock=self.now,
            at_random=self.chance,
        )
        return Sending(
            delivery=delivery, states=self._states, count=self.count, gone=self._mail_pause
        )

    @cached_property
    def operating(self) -> Operating:
        """The tasks beside the sending."""
        return Operating(
            states=self._states,
            refusals=self._refusals,
            queue=OrderedQueue(client=self.client("sqs"), url=self._queue.url, sleep=self.wait),
            mailer=Mailer(self.client("sns"), settings.environment("SNS_ALERT_TOPIC")),
            host=self._endpoint.host,
            clock=self.now,
        )

    def _mail_pause(self) -> None:
        """Where AWS does not take the mail, the next digest sends it."""
        try:
            self.operating.mail_pause()
        except OF_AWS as error:
            logger.warning("the pause was not mailed yet", reason=of_aws(error))
