"""Moto as our AWS: the resources that Terraform makes, and calls to record or refuse."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Collection

    import pytest

    from sandbox.odoo.server import Odoo

REGION: Final = "us-west-2"

Json = dict[str, Any]
Call = Callable[[BaseClient, str, Json], Json]
Performs = Callable[[Call, BaseClient, str, Json], Json]


@dataclass
class Aws:
    """All calls to AWS as (operation, arguments); a call fails if `refuses` returns true.

    `performs` does the other calls; it may do more, or raise in the middle.
    """

    calls: list[tuple[str, Json]] = field(default_factory=list)
    refuses: Callable[[str, Json], bool] = lambda _operation, _arguments: False
    performs: Performs = lambda call, client, operation, arguments: call(
        client, operation, arguments
    )


def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    """Make calls one after the other: two threads must not change moto's dicts at once."""
    lock, call = threading.RLock(), cast("Any", BaseClient)._make_api_call

    def serial(client: BaseClient, operation: str, arguments: Json) -> Json:
        with lock:
            aws.calls.append((operation, arguments))
            if aws.refuses(operation, arguments):
                error: Any = {"Code": "InternalServerError", "Message": "planned"}
                raise ClientError({"Error": error}, operation)
            return aws.performs(call, client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", serial)


def make_table(dynamodb: Any, name: str = "bills") -> None:
    """The table with its two indexes."""
    attributes = ("entry_id", "status", "updated_at", "company")

    def index(name: str, key: str, sort: str) -> Json:
        return {
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": key, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }

    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "entry_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        GlobalSecondaryIndexes=[
            index("status-index", "status", "updated_at"),
            index("company-status-index", "company", "status"),
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def make_resources() -> dict[str, str]:
    """The table, bucket, queue and topic; their names, as the functions' environment has them."""
    make_table(boto3.client("dynamodb", region_name=REGION))
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="documents", VersioningConfiguration={"Status": "Enabled"})
    queue = boto3.client("sqs", region_name=REGION).create_queue(
        QueueName="approved.fifo", Attributes={"FifoQueue": "true"}
    )
    topic = boto3.client("sns", region_name=REGION).create_topic(Name="alerts")
    return {
        "table": "bills",
        "bucket": "documents",
        "queue": queue["QueueUrl"],
        "topic": topic["TopicArn"],
    }


def make_secrets(client: Any, odoo: Odoo, companies: Collection[str]) -> dict[str, str]:
    """The vendors' secrets and an empty token for each company; the ARNs of the former."""
    values = {
        "odoo": {
            "database": odoo.database,
            "username": "ap-bot@example.com",
            "api_key": "sandbox-odoo-key",
        },
        "slack": {"bot_token": "xoxb-sandbox", "signing_secret": "sandbox-signing-secret"},
        "quickbooks": {
            "client_id": "sandbox-client",
            "client_secret": "sandbox-client-secret",
            "refresh_tokens": {key: f"sandbox-refresh-{key}" for key in companies},
        },
    }
    for key in companies:
        client.create_secret(Name=f"token/{key}")
    return {
        name: client.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
        for name, value in values.items()
    }
