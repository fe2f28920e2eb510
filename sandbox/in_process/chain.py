"""The whole chain in one process: the real handlers, moto for AWS, the simulators as vendors.

AWS's deliveries are simulated: `show` delivers what the stream would bring to the notifier, `post`
what the queue would bring to the poster, as often and as late as a test wants.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import boto3
from moto import mock_aws

import approval_handler
import extractor
import notifier
import poster
from odoo_qb import settings
from odoo_qb.store.table import Table
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION, Aws, make_resources, make_secrets, one_call_at_a_time
from sandbox.in_process.fast_dynamodb import plain_rows
from sandbox.odoo.importer import Importer
from sandbox.odoo.server import Odoo
from sandbox.quickbooks.server import Limits, QuickBooks
from sandbox.slack.server import SignedRequest, Slack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import pytest

    from odoo_qb.bill.item import Item

CHANNEL: Final = "C-SANDBOX"
APPROVER: Final = "U-APPROVER"
_HANDLERS: Final = (approval_handler, extractor, notifier, poster)

Json = dict[str, Any]


def utc_now() -> datetime:
    """The real time."""
    return datetime.now(UTC)


class Context:
    """The parts of Lambda's context that handlers read."""

    function_name = "test"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-west-2:123456789012:function:test"
    aws_request_id = "test"

    def __init__(self, seconds_left: float = 240.0) -> None:
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds_left * 1000)


@dataclass
class World:
    """A running chain, with methods for what people and AWS do."""

    odoo: Odoo
    slack: Slack
    quickbooks: QuickBooks
    table: Table
    clients: dict[str, Any]
    names: dict[str, str]
    answers: list[Json] = field(default_factory=list)
    aws: Aws = field(default_factory=Aws)

    def extract(self, *, seconds_left: float = 240.0, **event: Any) -> Json:
        """Invoke the extractor."""
        return extractor.lambda_handler(event, Context(seconds_left))

    def forget_old_bills(self) -> None:
        """Date the dataset's bills before go-live, so that a test starts without them."""
        before = datetime(2025, 6, 1, tzinfo=UTC)
        for move in self.odoo.records["account.move"].values():
            move |= {"write_date": before, "create_date": before}
            move["invoice_date"] = f"{before:%Y-%m-%d}"
        for file in self.odoo.records["ir.attachment"].values():
            file["write_date"] = before

    def items(self) -> dict[str, Item]:
        """Every bill in the table."""
        found = plain_rows(REGION, self.names["table"], having="status")
        return {row["entry_id"]: cast("Item", row) for row in found}

    def item(self, entry_id: str) -> Item:
        found = self.table.get(entry_id)
        assert found, f"{entry_id} is not in the table"
        return found

    def show(self) -> Json:
        """Deliver to the notifier what the stream would: every item whose card is due."""
        due = [i for i, item in sorted(self.items().items()) if "card_due" in item]
        records = [
            {"dynamodb": {"Keys": {"entry_id": {"S": i}}, "SequenceNumber": str(n)}}
            for n, i in enumerate(due)
        ]
        return notifier.lambda_handler({"Records": records}, Context())

    def request(self, request: SignedRequest, *, as_base64: bool = True) -> Json:
        """Send a request to the Function URL; AWS delivers form bodies as base64."""
        body = base64.b64encode(request.body).decode() if as_base64 else request.body.decode()
        headers = {k.lower(): v for k, v in request.headers.items()}
        event = {"headers": headers, "body": body, "isBase64Encoded": as_base64}
        answer = approval_handler.lambda_handler(event, Context())
        self.answers.append(answer)
        return answer

    def click(self, entry_id: str, action_id: str, person: str = APPROVER) -> Json:
        """A person clicks a button of the bill's live card."""
        card = self.item(entry_id)["cards"][-1]
        return self.request(self.slack.click(person, card["channel"], card["ts"], action_id))

    def reject(self, entry_id: str, reason: str, person: str = APPROVER) -> Json:
        """A person clicks Reject and gives the reason in the modal."""
        self.click(entry_id, "reject_invoice", person)
        view = list(self.slack.views)[-1]
        return self.request(self.slack.submit(person, view, {"reason": {"text": reason}}))

    def messages(self) -> list[Json]:
        """The messages now in the queue, as Lambda would deliver them; they stay invisible."""
        answer = self.clients["sqs"].receive_message(
            QueueUrl=self.names["queue"], MaxNumberOfMessages=10, VisibilityTimeout=600
        )
        return [
            {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]}
            for m in answer.get("Messages", ())
        ]

    def post(self) -> list[Json]:
        """Deliver all messages to the poster until the queue is empty; returns its answers."""
        answers = []
        while messages := self.messages():
            for message in messages:
                answer = poster.lambda_handler({"Records": [message]}, Context())
                answers.append(answer)
                if not answer["batchItemFailures"]:
                    self.clients["sqs"].delete_message(
                        QueueUrl=self.names["queue"], ReceiptHandle=message["receiptHandle"]
                    )
        return answers

    def mails(self) -> list[str]:
        """What was published to the alert topic: subject and text."""
        from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: PLC0415 - only here
        from moto.sns.models import sns_backends  # noqa: PLC0415 - only here

        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.names["topic"]]
        return [f"{subject}\n{text}" for _, text, subject, *_ in topic.sent_notifications]

    def use(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Give every function another clock, or another way to wait."""
        for handler in _HANDLERS:
            handler.wired.use(clock=clock, sleep=sleep)

    def restart(self) -> None:
        """Let every function start cold, as after a deployment."""
        for handler in _HANDLERS:
            handler.wired.forget()


def a_world(
    monkeypatch: pytest.MonkeyPatch,
    *,
    listen: Callable[[Any], Any] = serve,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    british: Collection[str] = (),
    **odoo: Any,
) -> Iterator[World]:
    """Start a chain with the real records of the dataset, and stop it again.

    `listen` lets a simulator answer at a url. `clock` is the vendors' and the functions' time, and
    `sleep` is how the functions wait. The companies in `british` keep their books in pounds, and
    have a British QuickBooks.
    """
    odoo_simulator, slack = Odoo(clock=clock, **odoo), Slack(clock=lambda: clock().timestamp())
    slack.trigger_seconds = 600.0  # a slow machine must not decide a test
    for name in british:
        _become_british(odoo_simulator, name)
    quickbooks = QuickBooks(clock=clock, limits=Limits(enforced=False))
    with mock_aws(), listen(odoo_simulator) as o, listen(slack) as s, listen(quickbooks) as q:
        slack.public_url = s.url
        names = make_resources()
        companies = _companies(odoo_simulator)
        for key, company in companies.items():
            country = {"country": "GB"} if key in british else {}
            token = f"sandbox-refresh-{key}"
            quickbooks.add_realm(company["realm_id"], key, refresh_token=token, **country)
        clients: dict[str, Any] = {
            n: boto3.client(n, region_name=REGION)
            for n in ("dynamodb", "s3", "sqs", "secretsmanager", "sns")
        }
        secrets = make_secrets(clients["secretsmanager"], odoo_simulator, companies)
        clients["dynamodb"].put_item(
            TableName=names["table"],
            Item={"entry_id": {"S": "settings"}, "companies": {"S": json.dumps(companies)}},
        )
        environment = {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "DYNAMODB_TABLE": names["table"],
            "S3_BUCKET": names["bucket"],
            "SQS_QUEUE_URL": names["queue"],
            "SNS_ALERT_TOPIC": names["topic"],
            "RECORD_RETENTION_DAYS": "2555",
            "POWERTOOLS_METRICS_NAMESPACE": "OdooQuickBooks/test",
            "EXTRACT_SINCE": "2026-01-01",
            "ODOO_API_URL": o.url,
            "ODOO_SECRET_ARN": secrets["odoo"],
            "SLACK_SECRET_ARN": secrets["slack"],
            "SLACK_CHANNEL_ID": CHANNEL,
            "SLACK_API_URL": f"{s.url}/api/",
            "SLACK_MESSAGES_PER_SECOND": "100000",
            "QB_SECRET_ARN": secrets["quickbooks"],
            "QB_TOKEN_SECRET_PREFIX": "token/",
            "QB_CALLS_PER_MINUTE": "1000000",
            "QB_API_URL": q.url,
            "QB_OAUTH_URL": f"{q.url}/oauth2/v1/tokens/bearer",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        aws = Aws()
        one_call_at_a_time(monkeypatch, aws)
        table = Table(clients["dynamodb"], names["table"], retention=settings.retention())
        world = World(odoo_simulator, slack, quickbooks, table, clients, names, aws=aws)
        world.restart()
        world.use(clock=clock, sleep=sleep)
        # Wall-clock budgets are for production: a slow machine must not decide a test.
        approval_handler.wired.use(call_slack_within=60.0)
        yield world
        world.restart()
        world.use(clock=utc_now, sleep=time.sleep)


def _companies(odoo: Odoo) -> dict[str, Json]:
    names = sorted(str(r["name"]) for r in odoo.records["res.company"].values())
    return {
        name: {"realm_id": str(9130350000000001 + n), "default_account": "Uncategorized Expense"}
        for n, name in enumerate(names)
    }


def _become_british(odoo: Odoo, name: str) -> None:
    company = next(r for r in odoo.records["res.company"].values() if r["name"] == name)
    company["currency_id"] = Importer(odoo).currency("GBP")
