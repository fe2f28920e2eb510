"""What the intake's three functions are built from; each has only what it needs."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from dateutil import tz  # type: ignore[import-untyped]  # comes with boto3, and brings the zones

from odoo_qb import settings
from odoo_qb.errors import Misconfigured
from odoo_qb.intake.announcing import Announcer, SlackChannel
from odoo_qb.intake.processing import Ledger
from odoo_qb.intake.rules import Policy
from odoo_qb.slack.client import SlackClient
from odoo_qb.store.announcements import CustomerMail, Topic
from odoo_qb.store.intake_table import IntakeTable
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from datetime import tzinfo


class IntakeWiring(Wiring):
    """The parts of the intake."""

    @cached_property
    def zone(self) -> tzinfo:
        """The zone in which days and years begin."""
        name = settings.environment("INTAKE_TIME_ZONE")
        zone: tzinfo | None = tz.gettz(name)
        if zone is None:
            raise Misconfigured(f"{name} in intake_time_zone is not a time zone. Apply another.")
        return zone

    def policy(self) -> Policy:
        """What the operator set, and which day it is."""
        return Policy(
            maximum=Decimal(settings.environment("INTAKE_MAXIMUM_AMOUNT")),
            today=self.now().astimezone(self.zone).date(),
        )

    @cached_property
    def invoices(self) -> IntakeTable:
        """The intake's table."""
        return IntakeTable(self.client("dynamodb"), settings.environment("INTAKE_TABLE"))

    @cached_property
    def ledger(self) -> Ledger:
        """What stores and numbers."""
        return Ledger(self.invoices, self.zone, self.wait)

    @cached_property
    def announcer(self) -> Announcer:
        """The channels that are on."""
        sender = settings.optional("INTAKE_SENDER")
        return Announcer(
            table=self.invoices,
            topic=Topic(self.client("sns"), settings.environment("INTAKE_TOPIC")),
            slack=self._slack(),
            mail=CustomerMail(self.client("sesv2"), sender) if sender else None,
        )

    def _slack(self) -> SlackChannel | None:
        channel = settings.optional("SLACK_CHANNEL_ID")
        if not channel:
            return None
        token = self.secret("SLACK_SECRET_ARN")["bot_token"]
        client = SlackClient(token, settings.environment("SLACK_API_URL"))
        return SlackChannel(client=client, channel=channel)
