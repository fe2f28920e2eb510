"""The Function URL's requests and answers, in Lambda's format."""

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
    """The interaction in a request, after its signature was verified; junk costs no call to AWS.

    None if there is nothing to do. BadSignature if it is not from Slack, ValueError if we do not
    know this kind of request.
    """
    headers = _headers_of(event)
    if not may_be_signed(headers, now):
        raise BadSignature("The request has no recent timestamp or no signature.")
    body = raw_body(event)
    try:
        verify(signing_secret(), headers, body, now)
    except BadSignature:
        logger.warning("signed with another secret than ours: check slack_signing_secret")
        count("WronglySigned", 1)  # an alarm in alarms.tf watches this metric
        raise
    return interaction_of(body)


def _headers_of(event: dict[str, Any]) -> dict[str, str]:
    """The headers that are text."""
    headers = event.get("headers")
    found = headers if isinstance(headers, dict) else {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}


def http_answer(status: HTTPStatus, content: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer with a JSON body, or without one."""
    if content is None:
        return {"statusCode": int(status), "body": ""}
    headers = {"Content-Type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps(content)}
