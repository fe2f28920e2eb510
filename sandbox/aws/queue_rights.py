"""Which right a batch of a queue needs: that to do the same with one message."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sandbox.aws.internals import replace


def fix_queue_rights() -> None:
    """Ask about the single action; 1.5.33 asks about batches, for which AWS has no right.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-using-identity-based-policies.html
    """
    permissions = import_module("ministack.core.iam_actions")

    def action(*request: Any) -> str | None:  # noqa: ANN401 - MiniStack's arguments
        found: str | None = stock_action(*request)
        if found and found.startswith("sqs:"):
            return found.removesuffix("Batch")
        return found

    stock_action = replace(permissions, "extract_iam_action", action)
