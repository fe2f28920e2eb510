"""The webhook's feed as AWS starts it: the stream's batches, replays, and wrong requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

import webhook_feed
from odoo_qb.errors import Misconfigured
from odoo_qb.store.attributes import attributes
from odoo_qb.store.mirror_keys import record
from odoo_qb.webhook.message import from_body
from sandbox.in_process.aws import REGION
from sandbox.in_process.chain import Context
from sandbox.in_process.mirror import TABLE, make_mirror_table
from tests.support.mirror_stream import a_stream_record, an_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.webhook.message import Message

Json = dict[str, Any]


@dataclass
class Fed:
    """The function with its table and its queues."""

    dynamodb: Any
    sqs: Any
    queue: str
    failures: str

    def invoke(self, event: object) -> Json:
        return webhook_feed.lambda_handler(event, Context())

    def stream(self, *records: Json) -> list[str]:
        answer = self.invoke({"Records": list(records)})
        return [row["itemIdentifier"] for row in answer["batchItemFailures"]]

    def store(self, data: Json, *, connection: str = "odoo") -> None:
        pk, sk = record(connection, "move", data["id"])
        item = an_item(data, connection=connection) | {"pk": pk, "sk": sk}
        self.dynamodb.put_item(TableName=TABLE, Item=attributes(item))

    def queued(self) -> list[Message]:
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [from_body(row["Body"]) for row in found.get("Messages", ())]


@pytest.fixture
def fed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fed]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        make_mirror_table(dynamodb)
        sqs = boto3.client("sqs", region_name=REGION)
        queue = sqs.create_queue(QueueName="webhook.fifo", Attributes={"FifoQueue": "true"})
        failures = sqs.create_queue(QueueName="webhook-failures")["QueueUrl"]
        environment = {
            "MIRROR_TABLE": TABLE,
            "WEBHOOK_QUEUE_URL": queue["QueueUrl"],
            "WEBHOOK_FAILURES_URL": failures,
            "WEBHOOK_KINDS": "move,payment",
            "WEBHOOK_FIRST_LOAD": "false",
            "WEBHOOK_CONNECTIONS": "ledger",
            "AWS_DEFAULT_REGION": REGION,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        webhook_feed.wired.forget()
        webhook_feed.wired.use(sleep=lambda _seconds: None)
        yield Fed(dynamodb, sqs, queue["QueueUrl"], failures)
        webhook_feed.wired.forget()


def test_a_batch_of_the_stream_is_queued(fed: Fed) -> None:
    new = a_stream_record(None, an_item({"id": 1}), source_id=1)
    contact = a_stream_record(None, an_item({"id": 2}, kind="contact"), kind="contact", source_id=2)
    loaded = a_stream_record(None, an_item({"id": 3}, first_load=True), source_id=3)
    state = a_stream_record(None, {"since": "2026-11-28 10:00:00"})
    assert fed.stream(new, contact, loaded, state) == []
    assert [m.message_id for m in fed.queued()] == ["msg_odoo_move_1_1"]
    assert fed.stream() == []


@pytest.mark.parametrize(("wanted", "queued"), [("true", 1), ("false", 0), ("", 0)])
def test_a_first_load_is_queued_if_terraform_says_so(
    fed: Fed, monkeypatch: pytest.MonkeyPatch, wanted: str, queued: int
) -> None:
    monkeypatch.setenv("WEBHOOK_FIRST_LOAD", wanted)
    fed.stream(a_stream_record(None, an_item({"id": 3}, first_load=True), source_id=3))
    assert len(fed.queued()) == queued


def test_what_sqs_does_not_take_is_given_back(fed: Fed) -> None:
    records = [a_stream_record(None, an_item({"id": n}), source_id=n) for n in range(1, 13)]
    fed.sqs.delete_queue(QueueUrl=fed.queue)
    assert fed.stream(*records) == [record["dynamodb"]["SequenceNumber"] for record in records]


def test_a_malformed_record_goes_to_the_failures(fed: Fed) -> None:
    assert fed.stream(a_stream_record(None, {"hash": "x"})) == []
    (found,) = fed.sqs.receive_message(QueueUrl=fed.failures)["Messages"]
    assert "odoo#move#0000000" in found["Body"]


def test_a_replay_is_queued_and_answers_how_much(fed: Fed) -> None:
    for number in (1, 2):
        fed.store({"id": number, "write_date": "2026-11-05 10:00:00"})
    fed.store({"id": 3, "write_date": "2026-11-05 10:00:00"}, connection="ledger")
    span = {"from": "2026-11-01", "to": "2026-11-30"}
    counted = fed.invoke({"replay": span | {"dry_run": True}})
    assert counted == {"would_send": 3, "by_kind": {"move": 3}}
    answer = fed.invoke({"replay": span})
    assert (answer["sent"], answer["by_kind"]) == (3, {"move": 3})
    messages = fed.queued()
    assert {m.replay_id for m in messages} == {answer["replay_id"]}
    assert [(m.connection, m.source_id) for m in messages] == [
        ("odoo", 1),
        ("odoo", 2),
        ("ledger", 3),
    ]
    one = fed.invoke({"replay": span | {"connection": "ledger", "kinds": ["move"]}})
    assert (one["sent"], one["replay_id"] != answer["replay_id"]) == (1, True)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"replay": None}, "A replay is given as"),
        ({"replay": {"from": "2026-11-01"}}, "A replay needs to"),
        (
            {"replay": {"from": "2026-11-01", "to": "2026-11-02", "kinds": ["order"]}},
            "move, payment",
        ),
        ({"replay": {"from": "2026-11-01", "to": "2026-11-02", "connection": "x"}}, "ledger, odoo"),
        ({}, "takes records of the mirror's stream, or a replay"),
        ({"Records": "all"}, "takes records of the mirror's stream"),
        (None, "takes records of the mirror's stream"),
        ([], "takes records of the mirror's stream"),
    ],
)
def test_a_wrong_request_gets_a_sentence(fed: Fed, event: object, sentence: str) -> None:
    answer = fed.invoke(event)
    assert answer.keys() == {"error"}
    assert sentence in answer["error"]


def test_a_kind_there_is_not_is_the_operators_to_correct(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_KINDS", "move,invoice")
    with pytest.raises(Misconfigured, match="invoice"):
        fed.stream()
