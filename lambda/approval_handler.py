"""Slack's clicks: verify, write the decision, queue what was approved, answer the person."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import settings
from odoo_qb.card import approval_card, rejection_modal, retired_card
from odoo_qb.decisions import REASON_LENGTH, RULES, Answer, Click, Decisions
from odoo_qb.documents import Documents
from odoo_qb.errors import BadSignature, Refused, Unavailable
from odoo_qb.slack import Slack, may_be_signed, verify
from odoo_qb.store import Table
from odoo_qb.sweep import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.card import Message

logger = Logger()

_STRANGER: Final = "Only people of the workspace the bills belong to decide about them."
_TRY_AGAIN: Final = "That did not work just now: try again in a minute."
BODY_BYTES: Final = 1_000_000
SLACK_SECONDS: Final = 1.5  # Slack shows an error after 3; the decision is written by then

_PERSON: Final = re.compile(r"[A-Z0-9-]{1,40}")
_VALUE: Final = re.compile(r"(odoo-[0-9]{1,18})\|([0-9a-f]{64})")
_ACTIONS: Final = {*RULES, "view_pdf"}


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """A request to the Function URL; every answer but a modal's is empty."""
    del context
    try:
        wish = _verified(event)
    except BadSignature:
        return _answer(HTTPStatus.UNAUTHORIZED)
    except ValueError as error:
        logger.warning("not a request we know", reason=str(error)[:200])
        return _answer(HTTPStatus.BAD_REQUEST)
    except (BotoCoreError, ClientError):
        logger.exception("the signing secret could not be read")
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
    return _answer(HTTPStatus.OK, _done(wish) if wish else None)


# A link signed the old way does not open what KMS encrypts, nor one at S3's global address a
# new bucket: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_S3: Final = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})


def _verified(event: Mapping[str, Any]) -> Wish | None:
    """What the request asks for, once it is known to be Slack's; junk costs no call to AWS."""
    headers = event.get("headers") or {}
    if not may_be_signed(headers, datetime.now(UTC)):
        raise BadSignature("The request has no recent timestamp or no signature.")
    body = _body(event)
    wired = _wiring()
    verify(wired.signing_secret, headers, body, wired.decisions.clock())
    return _wish(_payload(body))


def _done(wish: Wish) -> dict[str, Any] | None:
    wired = _wiring()
    try:
        return handle(wish, wired.decisions, wired.slack)
    except (BotoCoreError, ClientError):
        # Nothing was decided, or it was written and the sweep goes on with it.
        logger.exception("AWS did not do as asked", entry_id=wish.click.entry_id)
        if wish.is_submission:
            return _in_modal(_TRY_AGAIN)
        _try(lambda: wired.slack.respond(wish.response_url, _TRY_AGAIN))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A click as Slack sent it: `message_ts` is the card's, `is_submission` a modal's answer."""

    click: Click
    is_stranger: bool = False
    is_submission: bool = False
    message_ts: str = ""
    response_url: str = ""
    trigger_id: str = ""


def handle(wish: Wish, decisions: Decisions, slack: Slack) -> dict[str, Any] | None:
    """Do what the person wishes; the result is what a modal shows, if anything."""
    click = wish.click
    logger.info(
        "clicked",
        entry_id=click.entry_id,
        action=click.action_id,
        person=click.person,
        stranger=wish.is_stranger,
    )
    if wish.is_submission:
        return _in_modal(_STRANGER) if wish.is_stranger else _submitted(click, decisions)
    if wish.is_stranger:
        answer = Answer(text=_STRANGER)
    elif click.action_id == "reject_invoice":
        answer = decisions.may_reject(click)
        if answer.is_done and answer.item:
            modal = rejection_modal(answer.item, f"{click.entry_id}|{click.digest}")
            _try(lambda: slack.open_modal(wish.trigger_id, modal))
            return None
    elif click.action_id == "view_pdf":
        answer = decisions.view(click)
    else:
        answer = decisions.decide(click)
    instead = _instead(wish, answer)
    if instead:
        _try(lambda: slack.replace(wish.response_url, instead))
    else:
        _try(lambda: slack.respond(wish.response_url, answer.text))
    return None


def _instead(wish: Wish, answer: Answer) -> Message | None:
    """What takes the place of a card that is not, or no longer, the bill's; None if it is."""
    item = answer.item
    if item is None or not wish.message_ts:
        return None
    is_live = any(c["ts"] == wish.message_ts and not c["retired"] for c in item["cards"])
    if answer.is_outdated:
        # A bill that cannot be decided has no newer card: this one says how it stands.
        if is_live and item["status"] != "READY_FOR_APPROVAL":
            return approval_card(item)
        return retired_card(item)
    if is_live or not item["cards"] or wish.click.action_id == "view_pdf":
        return None
    # A second card of the bill: Slack's answer to the notifier got lost, and it posted again.
    return retired_card(item, f"{answer.text} This bill has another card.")


def _submitted(click: Click, decisions: Decisions) -> dict[str, Any] | None:
    if not click.reason:
        return _in_modal("A reason is needed.")
    answer = decisions.decide(click)
    if answer.is_done:
        return None
    # A modal's errors are plain text: a mention would be shown as it is written.
    return _in_modal(re.sub(r"<@[^>]*>", "somebody else (the card says who)", answer.text))


def _in_modal(text: str) -> dict[str, Any]:
    return {"response_action": "errors", "errors": {"reason": text}}


def _wish(payload: Mapping[str, Any]) -> Wish | None:
    """What the payload asks for; None for what is not ours to do, ValueError for nonsense.

    https://docs.slack.dev/reference/interaction-payloads
    """
    kind, person = _text(payload, "type"), _text(payload, "user", "id")
    if not _PERSON.fullmatch(person):
        raise ValueError("the user has no id")
    if kind == "view_submission":
        return _submission(payload, person)
    if kind != "block_actions":
        logger.info("nothing to do for this payload", type=kind[:50])
        return None
    action_id = _text(payload, "actions", 0, "action_id")
    if action_id not in _ACTIONS:
        logger.warning("an unknown action", action=action_id[:50], person=person)
        return None
    value = _text(payload, "actions", 0, "value")
    return Wish(
        click=_click(person, action_id, value),
        is_stranger=_is_stranger(payload),
        message_ts=_text(payload, "container", "message_ts", default=""),
        response_url=_text(payload, "response_url", default=""),
        trigger_id=_text(payload, "trigger_id", default=""),
    )


def _submission(payload: Mapping[str, Any], person: str) -> Wish | None:
    if _text(payload, "view", "callback_id") != "reject_reason":
        logger.warning("an unknown modal", person=person)
        return None
    value = _text(payload, "view", "private_metadata")
    typed = _text(payload, "view", "state", "values", "reason", "text", "value", default="")
    # A lone surrogate can be said in JSON, but neither stored nor sent.
    reason = typed.encode(errors="replace").decode().strip()[:REASON_LENGTH]
    return Wish(
        click=_click(person, "reject_invoice", value, reason),
        is_stranger=_is_stranger(payload),
        is_submission=True,
    )


def _click(person: str, action_id: str, value: str, reason: str = "") -> Click:
    match = _VALUE.fullmatch(value)
    if match is None:
        raise ValueError("the button names no bill")
    entry_id, digest = match.groups()
    return Click(
        person=person, action_id=action_id, entry_id=entry_id, digest=digest, reason=reason
    )


def _text(payload: Any, *path: str | int, default: str | None = None) -> str:  # noqa: ANN401 - JSON
    """The text at a path of the payload; null and nothing are `default`, else a ValueError."""
    found = payload
    for step in path:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and len(found) > step else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    if found is None and default is not None:
        return default
    if not isinstance(found, str):
        raise ValueError(f"{'.'.join(map(str, path))} is not a text")  # noqa: TRY004 - one error for bad input
    return found


def _is_stranger(payload: Mapping[str, Any]) -> bool:
    """Somebody of another workspace sees the card in a shared channel, and decides nothing.

    Where the app is installed for an organisation, only the message or modal names the team.
    """
    theirs = _text(payload, "user", "team_id", default="")
    places = (("team", "id"), ("message", "team"), ("view", "team_id"))
    ours = next(filter(None, (_text(payload, *place, default="") for place in places)), "")
    return not ours or theirs != ours


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
    try:
        payload = json.loads(fields.get("payload", [""])[0])
    except RecursionError as error:
        raise ValueError("the payload is nested too deeply") from error
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


@cache
def _wiring() -> _Wiring:
    session = boto3.Session()
    config = settings.secret(
        session.client("secretsmanager"), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(session.client("dynamodb"), settings.environment("DYNAMODB_TABLE"))
    queue = Queue(client=session.client("sqs"), url=settings.environment("SQS_QUEUE_URL"))
    return _Wiring(
        signing_secret=config["signing_secret"],
        decisions=Decisions(
            table=table,
            queue=queue,
            documents=Documents(
                session.client("s3", config=_S3), settings.environment("S3_BUCKET")
            ),
            companies=settings.stored_companies(table),
            channel=settings.environment("SLACK_CHANNEL_ID"),
            clock=lambda: datetime.now(UTC),
        ),
        slack=Slack(
            config["bot_token"], settings.environment("SLACK_API_URL"), seconds=SLACK_SECONDS
        ),
    )
