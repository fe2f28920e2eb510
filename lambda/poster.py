"""Post what was approved to QuickBooks: one message of the queue at a time."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger

from odoo_qb import reference, settings
from odoo_qb.documents import Documents
from odoo_qb.errors import Disconnected, Throttled, Unavailable
from odoo_qb.posting import Poster
from odoo_qb.quickbooks import CALLS_PER_MINUTE, Connection, QuickBooksCompany
from odoo_qb.store import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = Logger()

RETRY_SECONDS: Final = 10


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """A message of the queue, or {"action": "sync_reference"} from the schedule or a person."""
    del context
    if event.get("action") == "sync_reference":
        return _sync()
    if "Records" not in event:
        return {"error": 'This function takes queue messages or {"action": "sync_reference"}.'}
    failures = [r["messageId"] for r in event["Records"] if not _post(r)]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failures]}


def _post(record: Mapping[str, Any]) -> bool:
    """Post one message's bill; False when the message must come again."""
    message = json.loads(record["body"])
    entry_id = message["entry_id"]
    try:
        status = _poster().post(entry_id, int(message["revision"]), record["messageId"])
    except Unavailable as error:
        wait = error.wait_seconds if isinstance(error, Throttled) else RETRY_SECONDS
        logger.warning("not posted yet", entry_id=entry_id, reason=str(error), seconds=wait)
        _clients()["sqs"].change_message_visibility(
            QueueUrl=settings.environment("SQS_QUEUE_URL"),
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=wait,
        )
        return False
    logger.info("posted" if status == "POSTED" else "done", entry_id=entry_id, status=status)
    return True


def _sync() -> dict[str, Any]:
    """Refresh every company's snapshot; one that fails does not stop the others."""
    poster, counts = _poster(), {}
    for key in poster.companies:
        try:
            snapshot = reference.sync(
                poster.quickbooks(key), poster.documents, key, datetime.now(UTC)
            )
            counts[key] = f"{len(snapshot.accounts)} accounts"
        except Exception as error:  # noqa: BLE001 - said for this company; the others go on
            logger.warning("no snapshot", company=key, reason=str(error))
            counts[key] = str(error)
    return {"companies": counts}


@cache
def _clients() -> dict[str, Any]:
    session = boto3.Session()
    return {n: session.client(n) for n in ("dynamodb", "s3", "secretsmanager", "sqs")}


@cache
def _company(key: str) -> QuickBooksCompany:
    secrets = _clients()["secretsmanager"]
    credentials = settings.secret(secrets, settings.environment("QB_SECRET_ARN"))
    seed = credentials["refresh_tokens"].get(key)
    if not seed:
        raise Disconnected(f"{key} was never connected: give its token in qb_refresh_tokens.")
    connection = Connection(
        secrets=secrets,
        secret_id=settings.environment("QB_TOKEN_SECRET_PREFIX") + key,
        seed_token=seed,
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        oauth_url=settings.environment("QB_OAUTH_URL"),
    )
    return QuickBooksCompany(
        connection=connection,
        realm_id=_poster().companies[key].realm_id,
        api_url=settings.environment("QB_API_URL"),
        clock=lambda: datetime.now(UTC),
        calls_per_minute=float(os.environ.get("QB_CALLS_PER_MINUTE") or CALLS_PER_MINUTE),
    )


@cache
def _poster() -> Poster:
    clients = _clients()
    table = Table(clients["dynamodb"], settings.environment("DYNAMODB_TABLE"))
    sandbox = "sandbox-" in settings.environment("QB_API_URL")
    return Poster(
        table=table,
        documents=Documents(clients["s3"], settings.environment("S3_BUCKET")),
        companies=settings.stored_companies(table),
        quickbooks=lambda key: _company(key).take_over(),
        web_url=f"https://{'sandbox.' if sandbox else ''}qbo.intuit.com",
        clock=lambda: datetime.now(UTC),
    )
