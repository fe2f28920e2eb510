"""The Function URL's requests and answers, as Lambda hands them over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from odoo_qb.approval.interaction import interaction_of, raw_body
from odoo_qb.errors import BadSignature
from odoo_qb.slack.signature import may_be_signed, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from http import HTTPStatus

    from odoo_qb.approval.interaction import Interaction

logger = Logger(child=True)


def verified(
    event: dict[str, Any],
    signing_secret: Callable[[], str],
    count: Callable[[str, float], None],
    now: datetime,
) -> Interaction | None:
    """What a request asks for, once it is known to be Slack's; junk costs no call to AWS.

    None for a request with nothing to do. BadSignature for one that is not Slack's, ValueError for
    one that we do not know.
    """
    headers = _headers_of(event)
    if not may_be_signed(headers, now):
        raise BadSignature("The request has no recent timestamp or no signature.")
    body = raw_body(event)
    try:
        verify(signing_secret(), headers, body, now)
    except BadSignature:
        logger.warning("signed with another secret than ours: check slack_signing_secret")
        count("WronglySigned", 1)  # alarms.tf asks whether any click was signed rightly
        raise
    return interaction_of(body)


def _headers_of(event: dict[str, Any]) -> dict[str, str]:
    """The headers that are texts, as AWS says them."""
    headers = event.get("headers")
    found = headers if isinstance(headers, dict) else {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}


def http_answer(status: HTTPStatus, content: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer with a JSON body, or without one."""
    if content is None:
        return {"statusCode": int(status), "body": ""}
    headers = {"Content-Type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps(content)}
