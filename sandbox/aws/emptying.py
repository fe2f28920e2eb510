"""Delete what an earlier sandbox left in the emulator's tables, bucket, queues and secrets."""

from __future__ import annotations

from itertools import batched
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.aws.emulator import Emulator

_EMPTY: Final = "{}"  # an empty token secret, with which the poster starts from its seed
_TOKENS: Final = ("odoo-qb-integration/quickbooks-token-", "odoo-erp-session-")


def forget(
    emulator: Emulator,
    *,
    table: str,
    bucket: str,
    mirror: str | None = None,
    intake: str | None = None,
) -> None:
    """Delete a demo's items, documents, messages, tokens, records, invoices and e-mails.

    The infrastructure stays, and so do the settings, in their own table and among the bills.
    """
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    sqs, secrets = emulator.client("sqs"), emulator.client("secretsmanager")
    for url in sqs.list_queues().get("QueueUrls", ()):
        sqs.purge_queue(QueueUrl=url)
    _empty(dynamodb, table, "entry_id", keep={"entry_id": {"S": "settings"}})
    if mirror:
        _bare(dynamodb, mirror, "pk, sk")
    for name, key in ((mirror, "pk, sk"), (intake, "pk")):
        if name:
            _empty(dynamodb, name, key)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for version in page.get(kind, ())
        ]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for page in secrets.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            if secret["Name"].startswith(_TOKENS):
                secrets.put_secret_value(SecretId=secret["ARN"], SecretString=_EMPTY)
    emulator.outbox.unlink(missing_ok=True)


def _bare(dynamodb: Any, table: str, key: str) -> None:  # noqa: ANN401 - boto3
    """Leave nothing of a table's items but their keys: what has no content is no change to tell.

    The webhook would otherwise tell its endpoint that every record was deleted.
    """
    keys = _keys(dynamodb, table, key)
    _write(dynamodb, table, [{"PutRequest": {"Item": item}} for item in keys])


def _empty(dynamodb: Any, table: str, key: str, keep: object = None) -> None:  # noqa: ANN401 - boto3
    """Delete a table's items except the one with the key `keep`; `key` lists the key attributes."""
    keys = [item for item in _keys(dynamodb, table, key) if item != keep]
    _write(dynamodb, table, [{"DeleteRequest": {"Key": item}} for item in keys])


def _keys(dynamodb: Any, table: str, key: str) -> list[Any]:  # noqa: ANN401 - boto3
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression=key)
    return [item for page in pages for item in page["Items"]]


def _write(dynamodb: Any, table: str, requests: list[Any]) -> None:  # noqa: ANN401 - boto3
    for some in batched(requests, 25):
        pending = list(some)
        while pending:
            answer = dynamodb.batch_write_item(RequestItems={table: pending})
            pending = answer.get("UnprocessedItems", {}).get(table)
