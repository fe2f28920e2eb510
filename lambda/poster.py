"""Post approved bills to QuickBooks, one queue message at a time."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from odoo_qb.posting.messages import is_record
from odoo_qb.wiring.poster import PosterWiring

logger = Logger()
wired = PosterWiring()


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Handle queue messages, or an action from a schedule or a person.

    {"action": "sync_reference"} reads accounts, vendors and preferences again,
    {"action": "check_connections"} renews every token and reports how long it is valid.
    {"company": "..."} limits either to one company. Anything else gets {"error": ...}.
    """
    del context
    asked = event if isinstance(event, dict) else {}
    action, records, company = asked.get("action"), asked.get("Records"), asked.get("company")
    if action == "sync_reference":
        return wired.connections.sync_reference(str(company or ""))
    if action == "check_connections":
        return wired.connections.check(str(company or ""))
    if not isinstance(records, list):
        actions = "sync_reference, check_connections"
        return {"error": f"This function only takes queue messages or an action: {actions}."}
    failures = [r["messageId"] for r in records if is_record(r) and not wired.consumer.consume(r)]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in failures]}
