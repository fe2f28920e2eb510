"""Slack's clicks: verify, write the decision, queue what was approved, answer the person."""

from __future__ import annotations

import json
import re
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

from odoo_qb import settings
from odoo_qb.bill import amount_text
from odoo_qb.blocks import escaped
from odoo_qb.card import approval_card, retired_card
from odoo_qb.decisions import Answer, Decisions
from odoo_qb.documents import Documents
from odoo_qb.errors import BadSignature, Refused, Unavailable
from odoo_qb.interaction import MODAL_FIELDS, raw_body, wish_of
from odoo_qb.modals import link_modal, rejection_modal
from odoo_qb.slack import Slack, may_be_signed, verify
from odoo_qb.store import Table
from odoo_qb.sweep import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.card import Message
    from odoo_qb.decisions import Click
    from odoo_qb.interaction import Wish

logger = Logger()

STRANGER: Final = "Only people of the workspace the bills belong to decide about them."
TRY_AGAIN: Final = "That did not work just now: try again in a minute."
NEEDED: Final = {
    "reject_invoice": "A reason is needed.",
    "link_existing": "Give its address in QuickBooks, or the number at the end of it (txnId=145).",
}
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


_FORMATTING: Final = re.compile("[*_~`]")  # what Slack would make of a name


class _TooLate(Exception):  # noqa: N818 - never leaves this module
    """There is no time left to call Slack within its own limit."""


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """A request to the Function URL; every answer but a modal's is empty."""
    del context
    started = time.monotonic()
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
    try:
        return _answer(HTTPStatus.OK, _done(wish, started) if wish else None)
    except _TooLate:
        logger.warning("no time was left to answer the person")
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _verified(event: Mapping[str, Any]) -> Wish | None:
    """What the request asks for, once it is known to be Slack's; junk costs no call to AWS."""
    headers = event.get("headers") or {}
    if not may_be_signed(headers, datetime.now(UTC)):
        raise BadSignature("The request has no recent timestamp or no signature.")
    body = raw_body(event)
    wired = _wiring()
    verify(wired.signing_secret, headers, body, wired.decisions.clock())
    return wish_of(body)


def _done(wish: Wish, started: float) -> dict[str, Any] | None:
    wired = _wiring()
    answering = Answering(slack=wired.slack, until=started + CALL_SLACK_WITHIN)
    try:
        return handle(wish, wired.decisions, answering)
    except (BotoCoreError, ClientError):
        # Nothing was decided, or it was written and the sweep goes on with it.
        logger.exception("AWS did not do as asked", entry_id=wish.click.entry_id)
        if wish.is_submission:
            return _in_modal(wish, TRY_AGAIN)
        answering.tell(wish, TRY_AGAIN)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The one call to Slack that answers a click; `until` is the latest moment to begin it."""

    slack: Slack
    until: float

    def tell(self, wish: Wish, text: str) -> None:
        """Say something to the person alone."""
        self._try(lambda: self.slack.respond(wish.response_url, text))

    def replace(self, wish: Wish, message: Message) -> None:
        """Put something in the place of the card that was clicked."""
        self._try(lambda: self.slack.replace(wish.response_url, message))

    def open_modal(self, wish: Wish, view: Mapping[str, Any]) -> None:
        """Ask the person for more."""
        self._try(lambda: self.slack.open_modal(wish.trigger_id, view))

    def _try(self, call: Callable[[], None]) -> None:
        """A failed answer costs the answer only: what was decided is written."""
        if time.monotonic() > self.until:
            raise _TooLate
        try:
            call()
        except (Unavailable, Refused) as error:
            logger.warning("the person could not be answered", reason=str(error))


def handle(wish: Wish, decisions: Decisions, answering: Answering) -> dict[str, Any] | None:
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
        return _submitted(wish, decisions)
    if wish.is_stranger:
        answer = Answer(text=STRANGER)
    elif click.action_id in MODAL_FIELDS:
        answer = decisions.may_decide(click)
        if answer.is_done and answer.item:
            asks = rejection_modal if click.action_id == "reject_invoice" else link_modal
            answering.open_modal(wish, asks(answer.item))
            return None
    elif click.action_id == "view_pdf":
        answer = decisions.view(click)
    else:
        answer = decisions.decide(click)
    instead = _instead(wish, answer)
    if instead:
        answering.replace(wish, instead)
    else:
        answering.tell(wish, _about(answer, click))
    return None


def _about(answer: Answer, click: Click) -> str:
    """What the person is told, and about which bill: an answer stands apart from its card."""
    if answer.item is None or not answer.is_done or click.action_id == "view_pdf":
        return answer.text
    name = _FORMATTING.sub("", escaped(answer.item["odoo_name"]))
    amount = amount_text(answer.item["amount_total"], answer.item["currency"])
    return f"{answer.text} ({name}, {amount})"


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


def _submitted(wish: Wish, decisions: Decisions) -> dict[str, Any] | None:
    """The modal closes when it was done, and says why when not."""
    if wish.is_stranger:
        return _in_modal(wish, STRANGER)
    if not _typed(wish.click):
        return _in_modal(wish, NEEDED[wish.click.action_id])
    answer = decisions.decide(wish.click)
    if answer.is_done:
        return None
    # A modal's errors are plain text: a mention would be shown as it is written.
    return _in_modal(wish, re.sub(r"<@[^>]*>", "somebody else (the card says who)", answer.text))


def _typed(click: Click) -> str:
    return click.document if click.action_id == "link_existing" else click.reason


def _in_modal(wish: Wish, text: str) -> dict[str, Any]:
    field = MODAL_FIELDS[wish.click.action_id]
    return {"response_action": "errors", "errors": {field: text}}


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
        session.client("secretsmanager", config=AWS), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(
        session.client("dynamodb", config=AWS),
        settings.environment("DYNAMODB_TABLE"),
        retention=settings.retention(),
    )
    queue = Queue(
        client=session.client("sqs", config=AWS), url=settings.environment("SQS_QUEUE_URL")
    )
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
