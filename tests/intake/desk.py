"""The intake's functions in one process: moto for table, topic and SES, a simulated Slack."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends

import intake
from odoo_qb.store.attributes import plain
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.slack.server import Slack

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

Json = dict[str, Any]

TABLE: Final = "intake"
NOON: Final = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
CHANNEL: Final = "C-SANDBOX"


def an_invoice(**changes: Any) -> Json:
    """A valid invoice with some fields changed; None removes one."""
    given = {
        "invoiceId": "A-1",
        "customerId": "C-9",
        "customerEmail": "ada@example.com",
        "amount": 1500.00,
        "dueDate": "2026-12-28",
        "description": "Consulting",
        "items": [{"description": "Hours", "quantity": 10, "rate": 150.0}],
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


@dataclass
class Desk:
    """The three functions. Time is the test's."""

    slack: Slack
    dynamodb: Any
    topic: str
    sqs: Any
    queue: str
    now: datetime = NOON
    waited: list[float] = field(default_factory=list)
    _executions: int = 0

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)

    def validate(self, invoice: Any) -> Json:
        return intake.validate_invoice({"invoice": invoice}, None)

    def process(self, invoice: Json, execution: str = "") -> Json:
        return intake.process_invoice(
            {
                "invoice": invoice,
                "result": {"outcome": "valid", "notes": []},
                "execution": execution or self.execution(),
            },
            None,
        )

    def announce(self, result: Json, execution: str = "") -> Json:
        return intake.send_notification(
            {"result": result, "execution": execution or self.execution()}, None
        )

    def execution(self) -> str:
        self._executions += 1
        return f"arn:aws:states:us-west-2:123456789012:execution:intake:{self._executions}"

    def rows(self, kind: str) -> list[Json]:
        rows = map(plain, self.dynamodb.scan(TableName=TABLE)["Items"])
        return [row for row in rows if row["pk"].startswith(kind)]

    def published(self) -> list[Json]:
        """What the topic delivered since it was last asked: subject, text, outcome."""
        found = []
        while batch := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in batch:
                body = json.loads(message["Body"])
                found.append(
                    {
                        "subject": body["Subject"],
                        "text": body["Message"],
                        "outcome": body["MessageAttributes"]["outcome"]["Value"],
                    }
                )
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def posted(self) -> list[str]:
        """The texts in Slack's channel."""
        return [message.text for message in self.slack.channels[CHANNEL].messages.values()]

    def mailed(self) -> list[Any]:
        """The messages that SES took."""
        return list(sesv2_backends[DEFAULT_ACCOUNT_ID][REGION].core_backend.sent_messages)


@contextmanager
def a_desk(
    monkeypatch: pytest.MonkeyPatch, *, slack: bool = True, mails: bool = True
) -> Iterator[Desk]:
    """The functions with an empty table; Slack and mail to customers may be off."""
    simulator = Slack()
    with mock_aws(), serve(simulator) as server:
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        make_intake_table(dynamodb)
        topic = boto3.client("sns", region_name=REGION).create_topic(Name=TABLE)["TopicArn"]
        sqs = boto3.client("sqs", region_name=REGION)
        queue = sqs.create_queue(QueueName=TABLE)["QueueUrl"]
        boto3.client("sns", region_name=REGION).subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{DEFAULT_ACCOUNT_ID}:{TABLE}",
        )
        boto3.client("sesv2", region_name=REGION).create_email_identity(
            EmailIdentity="billing@example.com"
        )
        secret = boto3.client("secretsmanager", region_name=REGION).create_secret(
            Name="slack", SecretString=json.dumps({"bot_token": "xoxb-sandbox"})
        )
        environment = {
            "AWS_DEFAULT_REGION": REGION,
            "INTAKE_TABLE": TABLE,
            "INTAKE_TOPIC": topic,
            "INTAKE_TIME_ZONE": "Europe/Paris",
            "INTAKE_MAXIMUM_AMOUNT": "1000000",
            "INTAKE_SENDER": "billing@example.com" if mails else "",
            "SLACK_SECRET_ARN": secret["ARN"],
            "SLACK_API_URL": f"{server.url}/api/",
            "SLACK_CHANNEL_ID": CHANNEL if slack else "",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        desk = Desk(simulator, dynamodb, topic, sqs, queue)
        intake.wired.forget()
        intake.wired.use(clock=lambda: desk.now, sleep=desk.sleep)
        yield desk
        intake.wired.forget()


def make_intake_table(client: Any) -> None:
    """The table with its index, as Terraform makes it."""
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in ("pk", "number")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-number",
                "KeySchema": [{"AttributeName": "number", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
