"""The short ways to moto's secrets, queues and files: they answer what the wire does."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.response import StreamingBody
from moto import mock_aws

from sandbox.in_process.aws import REGION
from sandbox.in_process.fast_dynamodb import on_the_wire
from sandbox.in_process.fast_services import answered

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
_NEW_EACH_TIME = {
    "ResponseMetadata", "ETag", "CreatedDate", "LastModified", "VersionId", "MessageId",
    "ReceiptHandle", "SequenceNumber", "ARN", "SentTimestamp", "ApproximateFirstReceiveTimestamp",
}  # fmt: skip
_OF_THE_CHECKSUM = {"ChecksumCRC32", "ChecksumType", "ServerSideEncryption"}


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with mock_aws():
        secrets, s3, sqs = (_client(name) for name in ("secretsmanager", "s3", "sqs"))
        secrets.create_secret(Name="empty")
        secrets.create_secret(Name="known", SecretString='{"a": 1}')
        secrets.create_secret(Name="bytes", SecretBinary=b"binary")
        for bucket in ("plain", "versioned"):
            place: Any = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        sqs.create_queue(QueueName="approved.fifo", Attributes={"FifoQueue": "true"})
        yield


def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


@contextmanager
def _way(*, is_short: bool) -> Iterator[None]:
    if is_short:
        yield
        return
    with on_the_wire():
        yield


def _told(service: str, operation: str, given: Json, *, is_short: bool) -> Any:
    """What a call comes to, comparable with another: times and ids are only known to be there."""
    with _way(is_short=is_short):
        try:
            answer = getattr(_client(service), operation)(**given)
        except (ClientError, ParamValidationError) as error:
            code = getattr(error, "response", {}).get("Error")
            return type(error), code or str(error)
    return _comparable({k: v for k, v in answer.items() if k not in _OF_THE_CHECKSUM})


def _comparable(value: Any) -> Any:
    if isinstance(value, StreamingBody):
        return value.read()
    if isinstance(value, list):
        return [_comparable(v) for v in value]
    if isinstance(value, dict):
        return {
            k: type(v) if k in _NEW_EACH_TIME else _comparable(v)
            for k, v in value.items()
            if k != "ResponseMetadata"
        }
    return value


def _url() -> str:
    return str(_client("sqs").get_queue_url(QueueName="approved.fifo")["QueueUrl"])


def _topic() -> str:
    return str(_client("sns").create_topic(Name="alerts")["TopicArn"])


FILE: Json = {"Key": "a/b.pdf", "Body": b"%PDF", "ContentType": "application/pdf"}
PLACE: Json = {"LocationConstraint": REGION}
ENABLED: Json = {"VersioningConfiguration": {"Status": "Enabled"}}
CALLS: list[tuple[str, str, Json]] = [
    ("s3", "create_bucket", {"Bucket": "NEW", "CreateBucketConfiguration": PLACE}),
    ("s3", "create_bucket", {"Bucket": "plain", "CreateBucketConfiguration": PLACE}),
    ("s3", "create_bucket", {"Bucket": "NEW"}),
    ("s3", "put_bucket_versioning", {"Bucket": "plain"} | ENABLED),
    ("s3", "put_bucket_versioning", {"Bucket": "nowhere"} | ENABLED),
    ("secretsmanager", "create_secret", {"Name": "NEW"}),
    ("secretsmanager", "create_secret", {"Name": "NEW", "SecretString": "now"}),
    ("secretsmanager", "create_secret", {"Name": "known", "SecretString": "now"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "known"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "known", "VersionStage": "AWSCURRENT"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "bytes"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "empty"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "unknown"}),
    ("secretsmanager", "get_secret_value", {"SecretId": 1}),
    ("secretsmanager", "put_secret_value", {"SecretId": "empty", "SecretString": "now"}),
    ("secretsmanager", "put_secret_value", {"SecretId": "empty", "SecretString": ""}),
    ("secretsmanager", "put_secret_value", {"SecretId": "unknown", "SecretString": "now"}),
    ("s3", "put_object", {"Bucket": "plain"} | FILE),
    ("s3", "put_object", {"Bucket": "versioned"} | FILE),
    ("s3", "put_object", {"Bucket": "versioned", "Key": "a/b.pdf", "Body": "of text"}),
    ("s3", "put_object", {"Bucket": "nowhere"} | FILE),
    ("s3", "get_object", {"Bucket": "plain", "Key": "never"}),
    ("s3", "get_object", {"Bucket": "nowhere", "Key": "never"}),
    ("s3", "get_object", {"Bucket": "versioned", "Key": "a/b.pdf", "VersionId": "never"}),
    ("sqs", "receive_message", {"QueueUrl": "URL", "MaxNumberOfMessages": 11}),
    ("sqs", "receive_message", {"QueueUrl": "https://sqs/1/nowhere"}),
    ("sqs", "delete_message", {"QueueUrl": "URL", "ReceiptHandle": "never"}),
    ("sqs", "change_message_visibility",
     {"QueueUrl": "URL", "ReceiptHandle": "never", "VisibilityTimeout": 5}),
    ("sqs", "send_message", {"QueueUrl": "URL", "MessageBody": "a", "MessageGroupId": "1"}),
    ("sqs", "send_message", {"QueueUrl": "URL", "MessageBody": "a", "MessageDeduplicationId": "1",
                             "MessageGroupId": "1"}),
    ("sqs", "create_queue", {"QueueName": "NEW.fifo", "Attributes": {"FifoQueue": "true"}}),
    ("sqs", "create_queue", {"QueueName": "approved.fifo"}),
    ("sns", "create_topic", {"Name": "alerts"}),
    ("sns", "publish", {"TopicArn": "TOPIC", "Subject": "Held", "Message": "A bill waits."}),
    ("sns", "publish", {"TopicArn": "TOPIC", "Subject": "a" * 101, "Message": "A bill waits."}),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:us-west-2:1:nowhere", "Message": "A bill waits."}),
]  # fmt: skip


def _bytes_of(given: Json) -> Json:
    return {k: v for k, v in given.items() if isinstance(v, bytes)}


@pytest.mark.parametrize(("service", "operation", "given"), CALLS)
def test_a_call_comes_to_the_same_on_either_way(service: str, operation: str, given: Json) -> None:
    answers = []
    for is_short, new in ((True, "new-short"), (False, "new-wired")):
        text = json.dumps(given, default=bytes.decode).replace("NEW", new)
        named = json.loads(text.replace("URL", _url()).replace("TOPIC", _topic()))
        answer = _told(service, operation, named | _bytes_of(given), is_short=is_short)
        answers.append(json.loads(json.dumps(answer, default=str).replace(new, "new")))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("writes_short", [True, False])
def test_what_one_way_wrote_the_other_reads(writes_short: bool) -> None:
    url, reads_short = _url(), not writes_short
    with _way(is_short=writes_short):
        _client("secretsmanager").put_secret_value(SecretId="known", SecretString="of now")
        first = _client("s3").put_object(Bucket="versioned", **FILE)["VersionId"]
        _client("s3").put_object(Bucket="versioned", **FILE | {"Body": b"%PDF-2"})
        message = {"MessageGroupId": "1", "MessageDeduplicationId": "1"}
        _client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"a": 1}), **message)
    with _way(is_short=reads_short):
        secret = _client("secretsmanager").get_secret_value(SecretId="known")
        assert secret["SecretString"] == "of now"
        found = _client("s3").get_object(Bucket="versioned", Key=FILE["Key"])
        assert found["Body"].read() == b"%PDF-2"
        assert found["ContentType"] == "application/pdf"
        found = _client("s3").get_object(Bucket="versioned", Key=FILE["Key"], VersionId=first)
        assert found["Body"].read() == b"%PDF"
        every = {"VisibilityTimeout": 60, "MessageSystemAttributeNames": ["All"]}
        (received,) = _client("sqs").receive_message(QueueUrl=url, **every)["Messages"]
        assert json.loads(received["Body"]) == {"a": 1}
        assert received["Attributes"]["MessageGroupId"] == "1"
    with _way(is_short=writes_short):
        assert "Messages" not in _client("sqs").receive_message(QueueUrl=url)
        _client("sqs").delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])


@pytest.mark.parametrize("is_short", [True, False])
def test_a_file_and_a_message_are_read_the_same_on_either_way(is_short: bool) -> None:
    url = _url()
    with on_the_wire():
        _client("s3").put_object(Bucket="versioned", **FILE)
        message = {"MessageGroupId": "1", "MessageDeduplicationId": "1"}
        _client("sqs").send_message(QueueUrl=url, MessageBody="a", **message)
    file = _told("s3", "get_object", {"Bucket": "versioned", "Key": FILE["Key"]}, is_short=is_short)
    assert file == {
        "AcceptRanges": "bytes",
        "Body": b"%PDF",
        "ContentLength": 4,
        "ContentType": "application/pdf",
        "ETag": str,
        "LastModified": datetime,
        "Metadata": {},
        "VersionId": str,
    }
    every = {"QueueUrl": url, "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    (received,) = _told("sqs", "receive_message", every, is_short=is_short)["Messages"]
    assert received == {
        "MessageId": str,
        "ReceiptHandle": str,
        "MD5OfBody": "0cc175b9c0f1b6a831c399e269772661",
        "Body": "a",
        "Attributes": {"ApproximateReceiveCount": "1"},
    }


def test_a_plain_call_takes_the_short_way_and_another_does_not() -> None:
    s3: Any = _client("s3")
    assert answered(s3, "PutObject", {"Bucket": "plain"} | FILE)
    assert answered(s3, "GetObject", {"Bucket": "plain", "Key": FILE["Key"]})
    assert answered(s3, "GetObject", {"Bucket": "plain", "Key": FILE["Key"], "Range": "1"}) is None
    assert answered(s3, "ListBuckets", {}) is None
