"""What the approval handler is built from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.config import Config

from odoo_qb import settings
from odoo_qb.approval.decisions import DecisionService
from odoo_qb.approval.responder import Responder
from odoo_qb.slack.client import SlackClient
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

# Slack shows an error after 3 seconds. The decision is stored before Slack is called, so a reply
# that no longer fits is left out, and the person sees Slack's own error.
SLACK_SECONDS: Final = 1.5
_CALL_SLACK_WITHIN: Final = 1.3  # seconds after the click's arrival
# DynamoDB answers in milliseconds. Two tries of a second, and botocore's "legacy" waits 50 ms
# between those: https://github.com/boto/botocore/blob/develop/botocore/data/_retry.json
AWS: Final = Config(
    connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2, "mode": "legacy"}
)
# A link signed the old way does not open what KMS encrypts, nor one at S3's global address a
# new bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_S3: Final = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


class ApprovalWiring(Wiring):
    """The parts of the approval handler."""

    def __init__(self) -> None:
        super().__init__(config=AWS, s3_config=_S3)
        self._call_slack_within = _CALL_SLACK_WITHIN

    def use(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] | None = None,
        call_slack_within: float | None = None,
    ) -> None:
        """Also change how many seconds after a click Slack may still be called."""
        super().use(clock=clock, sleep=sleep)
        if call_slack_within is not None:
            self._call_slack_within = call_slack_within

    def start(self) -> None:
        """Make the clients before the first click.

        While a function starts it has ten seconds and a whole processor. During a click it has
        three seconds and a third of one.
        """
        if settings.optional("AWS_LAMBDA_FUNCTION_NAME"):
            for name in ("dynamodb", "secretsmanager", "sqs", "s3"):
                self.client(name)

    @cached_property
    def slack_secret(self) -> dict[str, str]:
        """Slack's bot token and signing secret."""
        return self.secret("SLACK_SECRET_ARN")

    @cached_property
    def signing_secret(self) -> str:
        """The secret with which Slack signs its requests."""
        return self.slack_secret["signing_secret"]

    @cached_property
    def decisions(self) -> DecisionService:
        """The service that checks and stores decisions."""
        return DecisionService(
            table=self.table,
            queue=self.queue,
            documents=self.documents,
            companies=self.companies,
            channel=settings.environment("SLACK_CHANNEL_ID"),
            clock=self.now,
        )

    @cached_property
    def slack(self) -> SlackClient:
        """Slack, which must answer within SLACK_SECONDS."""
        url = settings.environment("SLACK_API_URL")
        return SlackClient(self.slack_secret["bot_token"], url, seconds=SLACK_SECONDS)

    def responder(self, started: float) -> Responder:
        """The reply to a click that arrived at `started` of time.monotonic()."""
        return Responder(slack=self.slack, until=started + self._call_slack_within)
