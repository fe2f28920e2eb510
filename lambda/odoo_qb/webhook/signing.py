"""Sign a request as Standard Webhooks describe it. No I/O.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

VERSION: Final = "1.0.0"  # ours, as the changelog has it
_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)  # the specification's

Key = bytes


def keys_of(secret: Mapping[str, object]) -> tuple[Key, ...]:
    """The keys in the secret as Terraform stores it: the current one, then the previous if any."""
    texts = [str(secret.get(name) or "") for name in ("current", "previous")]
    return tuple(_key(text) for text in texts if text or text is texts[0])


def _key(text: str) -> Key:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise Misconfigured(
            "webhook_secret must be whsec_ and 24 to 64 bytes in base64. Correct it, raise"
            " secrets_version and apply."
        )
    return key


def signed_headers(
    message_id: str, now: datetime, body: bytes, keys: Sequence[Key]
) -> dict[str, str]:
    """The headers of a request, with a signature by each of the keys."""
    timestamp = str(int(now.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(key, content, hashlib.sha256) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(d).decode()}" for d in digests),
        "content-type": "application/json",
        "user-agent": f"odoo-webhook/{VERSION}",
        "accept-encoding": "identity",  # its answer is only quoted, and never unpacked
    }
