"""Put each change of the mirror into the webhook's queue, and on demand what it holds once more."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.wiring.webhook_feed import WebhookFeedWiring

logger = Logger()
wired = WebhookFeedWiring()


def lambda_handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Queue the changes in records of the mirror's stream; returns the records to send again.

    {"replay": {"from": "2026-11-01", "to": "2026-11-30", "kinds": ["move"]}} queues what the mirror
    holds of records written then; beside these may stand "connection" and "dry_run": true. It
    answers {"sent": n, "by_kind": {…}, "replay_id": …}, and where the time was too short "next",
    the event that goes on. Anything else gets {"error": sentence}.
    """
    given = event if isinstance(event, dict) else {}
    if "replay" in given:
        try:
            replay = wired.replay(
                given["replay"], lambda: context.get_remaining_time_in_millis() / 1000
            )
        except Refused as refusal:
            return {"error": str(refusal)}
        answer = replay.run()
        logger.info("replayed", **answer)
        return answer
    records = given.get("Records")
    if not isinstance(records, list):
        return {
            "error": "This function takes records of the mirror's stream, or a replay as"
            ' {"replay": {"from": "2026-11-01", "to": "2026-11-30"}}.'
        }
    failed = wired.feed.take(records)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
