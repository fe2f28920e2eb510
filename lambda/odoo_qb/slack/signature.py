"""Whether a request was signed by Slack in the last five minutes. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slack_sdk.signature import Clock, SignatureVerifier

from odoo_qb.errors import BadSignature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

WINDOW_SECONDS: Final = 300  # how old, or how far ahead, a signed request may be
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")


@dataclass(slots=True)
class _At(Clock):
    """The caller's time as the clock that slack_sdk expects."""

    instant: datetime

    def now(self) -> float:
        """Seconds since 1970."""
        return self.instant.timestamp()


def may_be_signed(headers: Mapping[str, str], now: datetime) -> bool:
    """Whether a request has a recent timestamp and something like a signature.

    This is cheap, so junk is refused before the signing secret is read.
    """
    lower = {k.lower(): v for k, v in headers.items()}
    stamp, signature = (lower.get(f"x-slack-{n}", "") for n in ("request-timestamp", "signature"))
    # Ten digits last until the year 2286; more would be junk.
    if not re.fullmatch(r"[0-9]{1,10}", stamp) or not _SIGNATURE.fullmatch(signature):
        return False
    return abs(now.timestamp() - int(stamp)) <= WINDOW_SECONDS


def verify(signing_secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise BadSignature unless Slack signed these raw bytes in the last five minutes.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    lower = {k.lower(): v for k, v in headers.items()}
    try:
        genuine = may_be_signed(headers, now) and SignatureVerifier(
            signing_secret, clock=_At(now)
        ).is_valid(
            body=body,
            timestamp=lower["x-slack-request-timestamp"],
            signature=lower["x-slack-signature"],
        )
    except (ValueError, TypeError):
        # The SDK raises on an empty secret, and on a signature that is not ASCII.
        genuine = False
    if not genuine:
        raise BadSignature("The request was not signed by Slack in the last five minutes.")
