"""Send each change of the mirror to the webhook's endpoint."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.webhook.request import request_of
from odoo_qb.wiring.webhook import WebhookWiring

logger = Logger()
wired = WebhookWiring()


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Send what the queue delivers, or do a task beside that.

    {"Records": [...]} answers {"batchItemFailures": [...]}: what is hidden and comes again.
    {"task": "digest"} mails what was refused since the last time. {"resume": true} ends a pause.
    {"retry_refused": true} queues what was refused, and answers how many there were and how many
    are left for another call. Anything else gets {"error": sentence}.
    """

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    try:
        request = request_of(event)
    except Refused as refusal:
        return {"error": str(refusal)}
    match request:
        case "send":
            failed = wired.sending.send(event["Records"], seconds_left)
            return {"batchItemFailures": [{"itemIdentifier": i} for i in failed]}
        case "digest":
            return wired.operating.digest()
        case "resume":
            return wired.operating.resume()
        case "retry_refused":
            return wired.operating.retry_refused(seconds_left)
