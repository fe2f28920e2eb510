"""Slack's clicks: verify, write the decision, queue what was approved, answer the person."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import metric, settings
from odoo_qb.approval.decisions import DecisionService
from odoo_qb.approval.interaction import interaction_of, raw_body
from odoo_qb.approval.responder import TRY_AGAIN, Responder, TooLate, handle, in_modal
from odoo_qb.errors import BadSignature
from odoo_qb.slack.client import SlackClient
from odoo_qb.slack.signature import may_be_signed, verify
from odoo_qb.store import companies
from odoo_qb.store.documents import Documents
from odoo_qb.store.queue import ApprovedQueue
from odoo_qb.store.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.approval.interaction import Interaction

logger = Logger()

# Slack shows an error after 3 seconds. The decision is written by the time Slack is called, so
# a call that no longer fits is left out, and Slack's own error tells the person to look again.
SLACK_SECONDS: Final = 1.5
CALL_SLACK_WITHIN: Final = 1.3
# DynamoDB answers in milliseconds. Two tries of a second, and botocore's "legacy" waits 50 ms
# between those: https://github.com/boto/botocore/blob/develop/botocore/data/_retry.json
AWS: Final = Config(
    connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2, "mode": "legacy"}
)
# A link signed the old way does not open what KMS encrypts, nor one at S3's global address a
# new bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_S3: Final = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """A request to the Function URL; every answer but a modal's is empty."""
    del context
    started = time.monotonic()
    try:
        wish = _verified(event if isinstance(event, dict) else {})
    except BadSignature:
        return _answer(HTTPStatus.UNAUTHORIZED)
    except ValueError as error:
        logger.warning("not a request we know", reason=str(error)[:200])
        return _answer(HTTPStatus.BAD_REQUEST)
    except (BotoCoreError, ClientError):
        logger.exception("the signing secret could not be read")
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        return _answer(HTTPStatus.OK, _done(wish, started) if wish else None)
    except TooLate:
        logger.warning("no time was left to answer the person")
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _verified(event: Mapping[str, Any]) -> Interaction | None:
    """What the request asks for, once it is known to be Slack's; junk costs no call to AWS."""
    headers = _texts(event.get("headers"))
    if not may_be_signed(headers, datetime.now(UTC)):
        raise BadSignature("The request has no recent timestamp or no signature.")
    body = raw_body(event)
    wired = _wiring()
    try:
        verify(wired.signing_secret, headers, body, wired.decisions.clock())
    except BadSignature:
        logger.warning("signed with another secret than ours: check slack_signing_secret")
        metric.put("WronglySigned", 1)  # alarms.tf asks whether any click was signed rightly
        raise
    return interaction_of(body)


def _texts(headers: object) -> dict[str, str]:
    """The headers that are texts, as AWS says them."""
    found = headers if isinstance(headers, dict) else {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}


def _done(wish: Interaction, started: float) -> dict[str, Any] | None:
    wired = _wiring()
    answering = Responder(slack=wired.slack, until=started + CALL_SLACK_WITHIN)
    try:
        return handle(wish, wired.decisions, answering)
    except (BotoCoreError, ClientError):
        # Nothing was decided, or it was written and the sweep goes on with it.
        logger.exception("AWS did not do as asked", entry_id=wish.click.entry_id)
        if wish.is_submission:
            return in_modal(wish, TRY_AGAIN)
        answering.tell(wish, TRY_AGAIN)
        return None


def _answer(status: HTTPStatus, content: dict[str, Any] | None = None) -> dict[str, Any]:
    if content is None:
        return {"statusCode": int(status), "body": ""}
    headers = {"Content-Type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps(content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    signing_secret: str
    decisions: DecisionService
    slack: SlackClient


@cache
def _clients() -> dict[str, Any]:
    session = boto3.Session()
    ours = {n: session.client(n, config=AWS) for n in ("dynamodb", "secretsmanager", "sqs")}
    return {**ours, "s3": session.client("s3", config=_S3)}


@cache
def _wiring() -> _Wiring:
    clients = _clients()
    config = settings.secret(clients["secretsmanager"], settings.environment("SLACK_SECRET_ARN"))
    table = Table(
        clients["dynamodb"],
        settings.environment("DYNAMODB_TABLE"),
        retention=settings.retention(),
    )
    queue = ApprovedQueue(client=clients["sqs"], url=settings.environment("SQS_QUEUE_URL"))
    return _Wiring(
        signing_secret=config["signing_secret"],
        decisions=DecisionService(
            table=table,
            queue=queue,
            documents=Documents(clients["s3"], settings.environment("S3_BUCKET")),
            companies=companies.load_companies(table),
            channel=settings.environment("SLACK_CHANNEL_ID"),
            clock=lambda: datetime.now(UTC),
        ),
        slack=SlackClient(
            config["bot_token"], settings.environment("SLACK_API_URL"), seconds=SLACK_SECONDS
        ),
    )


# The one thing done at import: a function that starts has ten seconds and more of a processor than
# the third of one, and the three seconds, of the click that waits for it.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _clients()
