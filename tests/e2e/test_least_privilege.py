"""Each function's role, asked on the applied chain: it may do what its function does, no more.

A probe runs in each role, as the function does, and makes every call of the list below. A call
that is allowed does no harm: it fails a condition, or says something no service accepts. What
cannot be asked here is in infra.tftest.hcl: writing logs and reading the stream, which the emulator
does itself and knows by other ARNs, and who may take a role, which its owner always may there.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.terminal import Json, Standing

PROBE: Final = """
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def handler(calls, context):
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    clients, said = {}, {}
    for name, (service, operation, arguments) in calls.items():
        if service not in clients:
            clients[service] = boto3.client(service, config=config)
        try:
            getattr(clients[service], operation)(**arguments)
            said[name] = "done"
        except ClientError as error:
            said[name] = error.response["Error"]["Code"]
    return said
"""
TABLE: Final = "odoo-qb-invoices-sandbox"
SETTINGS: Final = "odoo-qb-settings-sandbox"
BUCKET: Final = "odoo-qb-invoices-sandbox-000000000000-us-west-2"
FOLDERS: Final = ("pending", "lines", "reference", "attempts", "audit")
QUEUES: Final = {
    "approved": "odoo-approved-invoices-sandbox.fifo",
    "dead": "odoo-approved-invoices-dlq-sandbox.fifo",
    "extractor": "odoo-extractor-failures-sandbox",
    "notifier": "odoo-notifier-failures-sandbox",
}
SECRETS: Final = {
    "odoo": "odoo-qb-integration/odoo-credentials-sandbox",
    "slack": "odoo-qb-integration/slack-config-sandbox",
    "quickbooks": "odoo-qb-integration/quickbooks-credentials-sandbox",
    "token": "odoo-qb-integration/quickbooks-token-sandbox/1MD",
}
FUNCTIONS: Final = ("extractor", "notifier", "approval-handler", "poster")
DENIED: Final = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}

# What each function does, in the words of the calls below; whatever is not here is denied.
ALLOWED: Final = {
    "extractor": {
        "GetItem settings",
        *("GetItem", "BatchGetItem", "PutItem", "UpdateItem"),
        *("Query status-index", "Query company-status-index"),
        *("PutObject pending", "PutObject lines", "PutObject audit"),
        *("GetObject lines", "GetObject reference"),
        *("GetSecretValue odoo", "SendMessage approved", "SendMessage extractor", "Publish"),
    },
    "notifier": {
        *("GetItem", "UpdateItem", "GetSecretValue slack", "SendMessage notifier"),
        "GetItem settings",
    },
    "approval-handler": {
        *("GetItem", "UpdateItem", "GetSecretValue slack", "SendMessage approved"),
        *("GetObjectVersion pending", "GetItem settings"),
    },
    "poster": {
        *("GetItem", "UpdateItem", "Publish", "GetItem settings"),
        *("GetSecretValue quickbooks", "GetSecretValue token", "PutSecretValue token"),
        *("ReceiveMessage approved", "DeleteMessage approved", "GetQueueAttributes approved"),
        *("ChangeMessageVisibility approved", "GetObjectVersion pending", "GetObject lines"),
        *("GetObject reference", "PutObject reference"),
        *("GetObject attempts", "PutObject attempts"),
    },
}


def table_calls() -> Json:
    key = {"entry_id": {"S": "nobody"}}
    never = {"ConditionExpression": "attribute_exists(nothing)"}
    named = {"TableName": TABLE, "Key": key}
    settings = {"TableName": SETTINGS, "Key": key}
    by_status: Json = {
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":s": {"S": "nothing"}},
    }

    def query(condition: str, **more: Any) -> list[Any]:
        arguments = {"TableName": TABLE, "KeyConditionExpression": condition, **more}
        return ["dynamodb", "query", arguments]

    value = {":s": {"S": "nothing"}}
    of_company = query(
        "company = :s", IndexName="company-status-index", ExpressionAttributeValues=value
    )
    update = {"UpdateExpression": "SET nothing = :s", "ExpressionAttributeValues": value}
    return {
        "GetItem": ["dynamodb", "get_item", named],
        "BatchGetItem": ["dynamodb", "batch_get_item", {"RequestItems": {TABLE: {"Keys": [key]}}}],
        "PutItem": ["dynamodb", "put_item", {"TableName": TABLE, "Item": key, **never}],
        "UpdateItem": ["dynamodb", "update_item", {**named, **update, **never}],
        "DeleteItem": ["dynamodb", "delete_item", {**named, **never}],
        "Query": query("entry_id = :s", ExpressionAttributeValues=value),
        "Query status-index": query("#status = :s", IndexName="status-index", **by_status),
        "Query company-status-index": of_company,
        "Scan": ["dynamodb", "scan", {"TableName": TABLE, "Limit": 1}],
        "DescribeTable": ["dynamodb", "describe_table", {"TableName": TABLE}],
        "DeleteTable": ["dynamodb", "delete_table", {"TableName": TABLE}],
        "GetItem settings": ["dynamodb", "get_item", settings],
        "PutItem settings": ["dynamodb", "put_item", {"TableName": SETTINGS, "Item": key, **never}],
        "UpdateItem settings": ["dynamodb", "update_item", {**settings, **update, **never}],
        "DeleteItem settings": ["dynamodb", "delete_item", {**settings, **never}],
    }


def document_calls(versions: dict[str, str]) -> Json:
    calls: Json = {
        "ListBuckets": ["s3", "list_buckets", {}],
        "ListBucket": ["s3", "list_objects_v2", {"Bucket": BUCKET}],
        "PutBucketPolicy": ["s3", "put_bucket_policy", {"Bucket": BUCKET, "Policy": "{}"}],
    }
    for folder in FOLDERS:
        named = {"Bucket": BUCKET, "Key": f"{folder}/probe"}
        version = {**named, "VersionId": versions[folder]}
        calls |= {
            f"PutObject {folder}": ["s3", "put_object", {**named, "Body": "probe"}],
            f"GetObject {folder}": ["s3", "get_object", named],
            f"GetObjectVersion {folder}": ["s3", "get_object", version],
            f"DeleteObject {folder}": ["s3", "delete_object", named],
        }
    return calls


def queue_calls(urls: dict[str, str]) -> Json:
    calls: Json = {}
    for name, url in urls.items():
        queue = {"QueueUrl": url}
        message = {**queue, "ReceiptHandle": "nobody"}
        unacceptable = {**queue, "MessageBody": "probe", "DelaySeconds": 100_000}
        calls |= {
            f"SendMessage {name}": ["sqs", "send_message", unacceptable],
            f"ReceiveMessage {name}": ["sqs", "receive_message", {**queue, "VisibilityTimeout": 0}],
            f"DeleteMessage {name}": ["sqs", "delete_message", message],
            f"ChangeMessageVisibility {name}": [
                "sqs",
                "change_message_visibility",
                {**message, "VisibilityTimeout": 0},
            ],
            f"GetQueueAttributes {name}": ["sqs", "get_queue_attributes", queue],
            f"PurgeQueue {name}": ["sqs", "purge_queue", queue],
        }
    return calls


def secret_calls() -> Json:
    calls: Json = {"ListSecrets": ["secretsmanager", "list_secrets", {}]}
    for name, secret in SECRETS.items():
        named = {"SecretId": secret}
        both = {**named, "SecretString": "{}", "SecretBinary": "{}"}
        calls |= {
            f"GetSecretValue {name}": ["secretsmanager", "get_secret_value", named],
            f"PutSecretValue {name}": ["secretsmanager", "put_secret_value", both],
            f"DeleteSecret {name}": ["secretsmanager", "delete_secret", named],
        }
    return calls


def other_calls(topic: str) -> Json:
    calls: Json = {
        "Publish": ["sns", "publish", {"TopicArn": topic, "Message": ""}],
        "Subscribe": ["sns", "subscribe", {"TopicArn": topic, "Protocol": "email"}],
        "ListRoles": ["iam", "list_roles", {}],
        "PutMetricData": ["cloudwatch", "put_metric_data", {"Namespace": "X", "MetricData": []}],
    }
    for function in FUNCTIONS:
        full = f"odoo-{function}-sandbox"
        group = {"logGroupName": f"/aws/lambda/{full}"}
        calls |= {
            f"Invoke {function}": ["lambda", "invoke", {"FunctionName": full, "Payload": "{}"}],
            f"UpdateFunctionConfiguration {function}": [
                "lambda",
                "update_function_configuration",
                {"FunctionName": full, "Timeout": 30},
            ],
            f"FilterLogEvents {function}": ["logs", "filter_log_events", group],
            f"AssumeRole {function}": [
                "sts",
                "assume_role",
                {"RoleArn": f"arn:aws:iam::000000000000:role/{full}", "RoleSessionName": "probe"},
            ],
        }
    return calls


@pytest.fixture(scope="module")
def calls(stand: Standing) -> Json:
    """Every call by the name its permission goes by; what must exist to be read is there."""
    s3, sqs = stand.client("s3"), stand.client("sqs")
    versions = {
        folder: s3.put_object(Bucket=BUCKET, Key=f"{folder}/probe", Body=b"probe")["VersionId"]
        for folder in FOLDERS
    }
    urls = {name: sqs.get_queue_url(QueueName=queue)["QueueUrl"] for name, queue in QUEUES.items()}
    (topic,) = (
        t["TopicArn"]
        for t in stand.client("sns").list_topics()["Topics"]
        if "odoo-qb-alerts" in t["TopicArn"]
    )
    return {
        **table_calls(),
        **document_calls(versions),
        **queue_calls(urls),
        **secret_calls(),
        **other_calls(topic),
    }


@pytest.fixture(params=FUNCTIONS)
def probed(
    stand: Standing, calls: Json, request: pytest.FixtureRequest
) -> Iterator[tuple[str, Json]]:
    """A function, and what its role was answered to each call."""
    name, client = f"probe-{request.param}", stand.client("lambda")
    role = stand.client("iam").get_role(RoleName=f"odoo-{request.param}-sandbox")["Role"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("probe.py", PROBE)
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="probe.handler",
        Role=role["Arn"],
        Code={"ZipFile": package.getvalue()},
        Timeout=300,
    )
    try:
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        answer = client.invoke(FunctionName=name, Payload=json.dumps(calls).encode())
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        yield request.param, said
    finally:
        client.delete_function(FunctionName=name)


def test_a_function_may_do_what_it_does_and_nothing_else(
    calls: Json, probed: tuple[str, Json]
) -> None:
    function, said = probed

    assert set(said) == set(calls)
    done = {name for name, code in said.items() if code not in DENIED}
    assert done - ALLOWED[function] == set(), {name: said[name] for name in done}
    assert ALLOWED[function] - done == set()
