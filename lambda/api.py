"""The HTTP API: what the mirror holds, its schedules, its documentation."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from odoo_qb.wiring.api import ApiWiring

logger = Logger()
wired = ApiWiring()
wired.start()


def lambda_handler(event: object, context: object) -> dict[str, Any]:
    """Answer a request of the HTTP API, payload format 2.0."""
    del context
    return wired.api.answer(event)
