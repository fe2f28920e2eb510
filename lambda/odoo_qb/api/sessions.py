"""A browser's session: a cookie that names the token it was signed in with, and ends with it.

The cookie is signed with a key that is derived from the token's hash. Without the secret nobody can
make one, and once the token is neither current nor previous, no cookie of it is good.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from odoo_qb.api.tokens import Token, Tokens

# The prefix makes browsers refuse it without Secure, with a domain, or for a part of the paths.
COOKIE: Final = "__Host-odoo-api"
LASTS: Final = timedelta(hours=12)
_FORM: Final = re.compile(r"([a-z][a-z0-9_-]{0,30})\.([0-9]{1,12})\.([0-9a-f]{64})")
_KEEP: Final = "Path=/; Secure; HttpOnly; SameSite=Strict"


def cookie(token: Token, now: datetime, environment: str) -> str:
    """The Set-Cookie header of a new session."""
    ends = int((now + LASTS).timestamp())
    value = f"{token.name}.{ends}.{_signature(token, ends, environment)}"
    return f"{COOKIE}={value}; Max-Age={int(LASTS.total_seconds())}; {_KEEP}"


def no_cookie() -> str:
    """The Set-Cookie header that ends the session in this browser."""
    return f"{COOKIE}=; Max-Age=0; {_KEEP}"


def signed_in(value: str, tokens: Tokens, now: datetime, environment: str) -> str:
    """The name of the token of a session; "" if it is none of ours, or over."""
    parts = _FORM.fullmatch(value)
    if not parts:
        return ""
    name, ends, signature = parts[1], int(parts[2]), parts[3]
    if not now.timestamp() < ends <= (now + LASTS).timestamp():
        return ""
    good = False
    for token in tokens.named(name):
        good |= hmac.compare_digest(_signature(token, ends, environment), signature)
    return name if good else ""


def _signature(token: Token, ends: int, environment: str) -> str:
    key = hmac.new(bytes.fromhex(token.digest), b"odoo-api session key", hashlib.sha256).digest()
    told = f"{environment}\n{token.name}\n{ends}"
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
