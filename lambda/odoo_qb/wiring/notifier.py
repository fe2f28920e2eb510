"""What the notifier is built from."""

from __future__ import annotations

from functools import cached_property

from odoo_qb import settings
from odoo_qb.approval.publisher import CardPublisher
from odoo_qb.slack.client import SlackClient
from odoo_qb.store.shared_throttle import SharedThrottle
from odoo_qb.wiring.base import Wiring


class NotifierWiring(Wiring):
    """The parts of the notifier."""

    @cached_property
    def throttle(self) -> SharedThrottle:
        """Slack's rate limit for a channel, shared by all running notifiers."""
        gap = 1 / float(settings.optional("SLACK_MESSAGES_PER_SECOND") or 1)
        return SharedThrottle(self.table, gap, self.now)

    @cached_property
    def publisher(self) -> CardPublisher:
        """The publisher that posts and updates cards."""
        secret = self.secret("SLACK_SECRET_ARN")
        notified = settings.optional("REJECTION_NOTIFY_USERS").split(",")
        return CardPublisher(
            table=self.table,
            slack=SlackClient(secret["bot_token"], settings.environment("SLACK_API_URL")),
            companies=self.companies,
            channel=settings.environment("SLACK_CHANNEL_ID"),
            rejection_notify_users=[user.strip() for user in notified if user.strip()],
            pause=self.throttle.wait,
            sleep=self.wait,
            clock=self.now,
        )
