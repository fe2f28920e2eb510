"""Slack's clicks: verify, write the decision, queue what was approved, answer the person."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import settings
from odoo_qb.card import rejection_modal
from odoo_qb.decisions import Click, Decisions
from odoo_qb.documents import Documents
from odoo_qb.errors import BadSignature, Refused, Unavailable
from odoo_qb.slack import Slack, verify
from odoo_qb.store import Table
from odoo_qb.sweep import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = Logger()

_TRY_AGAIN: Final = "That did not work just now: try again in a minute."
BODY_BYTES: Final = 1_000_000
SLACK_SECONDS: Final = 1.5  # Slack shows an error after 3; the decision is written by then


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """A request to the Function URL; every answer but a modal's is empty."""
    del context
    try:
        body = _body(event)
        wired = _wiring()
        verify(wired.signing_secret, event.get("headers") or {}, body, wired.clock())
        payload = _payload(body)
    except BadSignature:
        return _answer(HTTPStatus.UNAUTHORIZED)
    except ValueError:
        return _answer(HTTPStatus.BAD_REQUEST)
    try:
        return _answer(HTTPStatus.OK, handle(payload, wired.decisions, wired.slack))
    except (BotoCoreError, ClientError):
        # Nothing was decided, or it was written and the sweep goes on with it.
        logger.exception("AWS did not do as asked")
        _try(lambda: wired.slack.respond(str(payload.get("response_url")), _TRY_AGAIN))
        return _answer(HTTPStatus.OK)


def handle(payload: Mapping[str, Any], decisions: Decisions, slack: Slack) -> dict[str, Any] | None:
    """Do what the payload asks; the answer is what a modal shows, if anything."""
    if _is_stranger(payload):
        logger.warning("a person of another workspace clicked", team=payload.get("team"))
        return None
    if payload.get("type") == "view_submission":
        return _submitted(payload, decisions)
    if payload.get("type") == "block_actions" and payload.get("actions"):
        _clicked(payload, decisions, slack)
    else:
        logger.info("nothing to do for this payload", type=str(payload.get("type"))[:50])
    return None


def _clicked(payload: Mapping[str, Any], decisions: Decisions, slack: Slack) -> None:
    action = payload["actions"][0]
    click = _click(payload, str(action.get("action_id")), str(action.get("value", "")))
    logger.info("clicked", entry_id=click.entry_id, action=click.action_id, person=click.person)
    if click.action_id == "reject_invoice":
        item, answer = decisions.may_reject(click)
        if item and not answer:
            modal = rejection_modal(item, str(action["value"]))
            _try(lambda: slack.open_modal(str(payload.get("trigger_id")), modal))
            return
    elif click.action_id == "view_pdf":
        answer = decisions.view(click)
    elif click.action_id in {"approve_invoice", "acknowledge_intercompany"}:
        answer = decisions.decide(click)
    else:
        logger.warning("an unknown action", action=click.action_id[:50])
        return
    _try(lambda: slack.respond(str(payload.get("response_url")), answer))


def _submitted(payload: Mapping[str, Any], decisions: Decisions) -> dict[str, Any] | None:
    view = payload.get("view") or {}
    if view.get("callback_id") != "reject_reason":
        return None
    values = view.get("state", {}).get("values", {})
    reason = str(values.get("reason", {}).get("text", {}).get("value") or "").strip()
    if not reason:
        return {"response_action": "errors", "errors": {"reason": "A reason is needed."}}
    click = _click(payload, "reject_invoice", str(view.get("private_metadata", "")), reason)
    logger.info("rejected", entry_id=click.entry_id, person=click.person)
    answer = decisions.decide(click)
    if answer.startswith("Rejected"):
        return None
    return {"response_action": "errors", "errors": {"reason": answer}}


def _click(payload: Mapping[str, Any], action_id: str, value: str, reason: str = "") -> Click:
    entry_id, _, digest = value.partition("|")
    return Click(
        person=str((payload.get("user") or {}).get("id", "")),
        action_id=action_id,
        entry_id=entry_id,
        digest=digest,
        reason=reason,
    )


def _is_stranger(payload: Mapping[str, Any]) -> bool:
    """Somebody of another workspace sees the card in a shared channel, and decides nothing."""
    user = payload.get("user") or {}
    team = payload.get("team") or payload.get("enterprise") or {}
    return not user.get("id") or bool(
        user.get("team_id") and team.get("id") and user["team_id"] != team["id"]
    )


def _try(call: Callable[[], None]) -> None:
    """A failed answer costs the answer only: what was decided is written."""
    try:
        call()
    except (Unavailable, Refused) as error:
        logger.warning("the person could not be answered", reason=str(error))


def _body(event: Mapping[str, Any]) -> bytes:
    """The raw bytes that Slack signed; ValueError when they are too many or none."""
    text = event.get("body") or ""
    if not isinstance(text, str) or len(text) > BODY_BYTES * 4 // 3:
        raise ValueError("the body is too large")
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else None
    except binascii.Error as error:
        raise ValueError("the body is not base64") from error
    raw = text.encode() if body is None else body
    if len(raw) > BODY_BYTES:
        raise ValueError("the body is too large")
    return raw


def _payload(body: bytes) -> dict[str, Any]:
    fields = parse_qs(body.decode())
    payload = json.loads(fields.get("payload", [""])[0])
    if not isinstance(payload, dict):
        raise ValueError("the payload is not an object")  # noqa: TRY004 - one error for bad input
    return payload


def _answer(status: HTTPStatus, content: dict[str, Any] | None = None) -> dict[str, Any]:
    if content is None:
        return {"statusCode": int(status), "body": ""}
    headers = {"Content-Type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps(content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wiring:
    signing_secret: str
    decisions: Decisions
    slack: Slack
    clock: Callable[[], datetime]


@cache
def _wiring() -> _Wiring:
    session = boto3.Session()
    config = settings.secret(
        session.client("secretsmanager"), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(session.client("dynamodb"), settings.environment("DYNAMODB_TABLE"))
    queue = Queue(client=session.client("sqs"), url=settings.environment("SQS_QUEUE_URL"))

    def clock() -> datetime:
        return datetime.now(UTC)

    return _Wiring(
        signing_secret=config["signing_secret"],
        decisions=Decisions(
            table=table,
            queue=queue,
            documents=Documents(session.client("s3"), settings.environment("S3_BUCKET")),
            companies=settings.stored_companies(table),
            clock=clock,
        ),
        slack=Slack(
            config["bot_token"], settings.environment("SLACK_API_URL"), seconds=SLACK_SECONDS
        ),
        clock=clock,
    )
