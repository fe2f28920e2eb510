"""The webhook's sender as AWS starts it: batches, tasks, its secret, and wrong settings."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

import webhook
from odoo_qb.errors import Misconfigured
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION, Aws, one_call_at_a_time
from sandbox.in_process.chain import Context, utc_now
from sandbox.in_process.mirror import TABLE, make_mirror_table
from sandbox.webhook.receiver import Receiver
from tests.webhook.sender_desk import a_message

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD: Final = "whsec_" + base64.b64encode(b"the secret that signed before").decode()
NEW: Final = "whsec_" + base64.b64encode(b"the secret that signs from now on").decode()

Json = dict[str, Any]


@dataclass
class Sent:
    """The function with its table, its queues and an endpoint."""

    receiver: Receiver
    aws: Aws
    clients: dict[str, Any]
    queue: str
    dead: str
    topic: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def invoke(self, event: object, seconds_left: float = 110.0) -> Json:
        return webhook.lambda_handler(event, Context(seconds_left))

    def put(self, record: int = 1, sequence: int = 1) -> None:
        message = a_message(record, sequence)
        self.clients["sqs"].send_message(
            QueueUrl=self.queue,
            MessageBody=message.to_body(),
            MessageGroupId=message.group,
            MessageDeduplicationId=message.message_id,
        )

    def deliver(self) -> Json:
        """Deliver a batch of the queue, as Lambda does."""
        answer = self.clients["sqs"].receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        messages = answer.get("Messages", ())
        records = [
            {
                "messageId": m["MessageId"],
                "receiptHandle": m["ReceiptHandle"],
                "body": m["Body"],
                "attributes": m["Attributes"],
            }
            for m in messages
        ]
        answered = self.invoke({"Records": records})
        failed = {row["itemIdentifier"] for row in answered["batchItemFailures"]}
        for m in messages:
            if m["MessageId"] not in failed:
                self.clients["sqs"].delete_message(
                    QueueUrl=self.queue, ReceiptHandle=m["ReceiptHandle"]
                )
        return answered

    def give_secret(self, current: str, previous: str = "") -> None:
        self.clients["secretsmanager"].put_secret_value(
            SecretId="webhook",
            SecretString=json.dumps({"current": current, "previous": previous}),
        )

    def mails(self) -> list[str]:
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic]
        return [str(subject) for _, _, subject, *_ in topic.sent_notifications]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    receiver = Receiver({"old": OLD, "new": NEW})
    with mock_aws(), serve(receiver) as server:
        names = ("dynamodb", "sqs", "sns", "secretsmanager")
        session: Any = boto3.Session(region_name=REGION)
        clients = {name: session.client(name) for name in names}
        make_mirror_table(clients["dynamodb"])
        queue, dead = (
            clients["sqs"].create_queue(QueueName=name, Attributes={"FifoQueue": "true"})[
                "QueueUrl"
            ]
            for name in ("webhook.fifo", "webhook-dlq.fifo")
        )
        topic = clients["sns"].create_topic(Name="alerts")["TopicArn"]
        arn = clients["secretsmanager"].create_secret(Name="webhook", SecretString="{}")["ARN"]
        environment = {
            "MIRROR_TABLE": TABLE,
            "WEBHOOK_URL": f"{server.url}/odoo",
            "WEBHOOK_SECRET_ARN": arn,
            "WEBHOOK_QUEUE_URL": queue,
            "WEBHOOK_DEAD_QUEUE_URL": dead,
            "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "SNS_ALERT_TOPIC": topic,
            "POWERTOOLS_METRICS_NAMESPACE": "OdooQuickBooks/test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        aws = Aws()
        one_call_at_a_time(monkeypatch, aws)
        world = Sent(receiver, aws, clients, queue, dead, topic)
        world.give_secret(NEW)
        webhook.wired.forget()
        webhook.wired.use(clock=lambda: world.now, sleep=lambda _: None, at_random=lambda: 0.0)
        yield world
        webhook.wired.forget()
        webhook.wired.use(clock=utc_now)


def test_a_batch_is_sent_and_what_failed_is_reported(sent: Sent) -> None:
    sent.receiver.fail("error", record="odoo/account.move/2")
    for record in range(1, 6):
        sent.put(record)
    answer = sent.deliver()

    assert len(answer["batchItemFailures"]) == 1
    assert sorted(r.record for r in sent.receiver.received if r.accepted) == [
        f"odoo/account.move/{record}" for record in (1, 3, 4, 5)
    ]
    hidden = [a for o, a in sent.aws.calls if o == "ChangeMessageVisibility"]
    assert [a["VisibilityTimeout"] for a in hidden] == [5]


def test_a_batch_of_new_changes_costs_few_calls(sent: Sent) -> None:
    for record in range(1, 11):
        sent.put(record)
    sent.aws.calls.clear()
    sent.deliver()
    calls = [o for o, _ in sent.aws.calls if o not in {"ReceiveMessage", "DeleteMessage"}]
    assert sorted(calls) == [
        "GetItem",
        "GetSecretValue",
    ]  # the endpoint's state, and once the secret


def test_a_changed_secret_signs_after_a_restart_or_five_minutes(sent: Sent) -> None:
    def signatures() -> int:
        sent.put(1, len(sent.receiver.received) + 1)
        sent.deliver()
        return sent.receiver.received[-1].signatures

    assert signatures() == 1
    sent.give_secret(OLD, NEW)
    assert signatures() == 1
    webhook.wired.forget()  # as Terraform has it, by SECRETS_VERSION
    assert signatures() == 2
    assert sent.receiver.received[-1].verified_by == ("old", "new")
    sent.give_secret(OLD)
    sent.now += timedelta(minutes=4, seconds=59)
    assert signatures() == 2
    sent.now += timedelta(seconds=2)
    assert signatures() == 1


def test_a_secret_that_cannot_be_read_again_goes_on_signing(sent: Sent) -> None:
    sent.put()
    sent.deliver()
    sent.now += timedelta(minutes=4, seconds=55)
    sent.put(2)
    sent.deliver()
    sent.now += timedelta(seconds=6)
    sent.put(3)
    sent.aws.refuses = lambda operation, _: operation == "GetSecretValue"
    assert sent.deliver() == {"batchItemFailures": []}
    webhook.wired.forget()
    sent.put(4)
    with pytest.raises(ClientError):
        sent.deliver()
    assert len(sent.receiver.received) == 3


@pytest.mark.parametrize("refused", ["PutItem", "UpdateItem", "ChangeMessageVisibility"])
def test_what_aws_refuses_meanwhile_loses_nothing(sent: Sent, refused: str) -> None:
    sent.receiver.fail("refused" if refused == "PutItem" else "error")
    sent.put()
    sent.aws.refuses = lambda operation, _: operation == refused
    assert len(sent.deliver()["batchItemFailures"]) == 1


def test_refusals_are_mailed_and_sent_again_on_demand(sent: Sent) -> None:
    sent.receiver.fail("refused", times=3)
    for record in (1, 2, 3):
        sent.put(record)
    sent.deliver()
    sent.now += timedelta(minutes=10)
    assert sent.invoke({"task": "digest"}) == {"refused": 3, "mailed": True}
    assert sent.mails() == ["The webhook's endpoint refused 3 changes"]
    assert sent.invoke({"retry_refused": True}) == {"queued": 3, "left": 0}


def test_a_pause_is_mailed_and_ended_on_demand(sent: Sent, capsys: Any) -> None:
    sent.receiver.fail("gone")
    sent.put()
    assert len(sent.deliver()["batchItemFailures"]) == 1
    assert sent.mails() == ["The webhook is paused: its endpoint is gone"]
    assert '"WebhookPaused": 1' in capsys.readouterr().out
    sent.put(2)
    assert len(sent.deliver()["batchItemFailures"]) == 1
    assert len(sent.receiver.received) == 1
    assert sent.invoke({"resume": True}) == {"resumed": True, "within_minutes": 30}
    sent.put(3)
    assert sent.deliver() == {"batchItemFailures": []}


def test_a_pause_that_aws_does_not_mail_stands_all_the_same(sent: Sent) -> None:
    sent.receiver.fail("gone")
    sent.put()
    sent.aws.refuses = lambda operation, _: operation == "Publish"
    assert len(sent.deliver()["batchItemFailures"]) == 1
    sent.aws.refuses = lambda _operation, _arguments: False
    assert sent.mails() == []
    sent.invoke({"task": "digest"})
    assert sent.mails() == ["The webhook is paused: its endpoint is gone"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEBHOOK_URL", "https://hook:password@example.com/"),
        ("WEBHOOK_URL", ""),
        ("ALLOWED_PRIVATE_NETWORKS", "nonsense"),
    ],
)
def test_a_wrong_setting_stops_all_before_anything_is_sent(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    sent.put()
    with pytest.raises(Misconfigured, match=r"[Aa]pply") as error:
        sent.deliver()
    assert "password" not in str(error.value)
    assert sent.receiver.received == []


def test_a_wrong_secret_stops_all_before_anything_is_sent(sent: Sent) -> None:
    sent.give_secret("hush")
    sent.put()
    with pytest.raises(Misconfigured, match="webhook_secret"):
        sent.deliver()
    assert sent.receiver.received == []


@pytest.mark.parametrize(
    "event",
    [
        *(None, [], "digest", 7, {}, {"Records": {}}, {"task": "resume"}, {"resume": False}),
        *({"resume": "true"}, {"retry_refused": 1}, {"task": "digest", "more": 1}),
    ],
    ids=str,
)
def test_a_wrong_request_is_answered_in_a_sentence(sent: Sent, event: object) -> None:
    answer = sent.invoke(event)
    assert answer.keys() == {"error"}
    assert '{"retry_refused": true}' in answer["error"]


def test_records_that_are_none_are_survived(sent: Sent) -> None:
    sent.put()
    records: list[Any] = [None, 7, {}, {"messageId": 1}, {"messageId": "a", "body": None}]
    failed = sent.invoke({"Records": records})["batchItemFailures"]
    assert failed == []
    dead = sent.clients["sqs"].receive_message(QueueUrl=sent.dead, MaxNumberOfMessages=10)
    assert len(dead["Messages"]) == 1


def test_no_log_holds_the_secret_a_signature_or_the_address(
    sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    sent.receiver.fail("error")
    sent.put()
    sent.put(2)
    sent.deliver()
    said = str([record.__dict__ for record in caplog.records])
    assert "not delivered" in said
    assert "msg_odoo_move_1_1" in said
    assert not [secret for secret in ("whsec_", "v1,", "/odoo'") if secret in said]
