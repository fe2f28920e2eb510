"""Whose token it is: the secret holds only SHA-256 of each, current and previous.

The tokens are random and long, so a plain hash cannot be reversed. One is compared with all of
them, each in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from odoo_qb.errors import Misconfigured
from odoo_qb.guarding import OF_AWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

logger = Logger(child=True)

_UNKNOWN_AFTER: Final = timedelta(minutes=1)  # a token we do not know may be new
_ANYWAY_AFTER: Final = timedelta(minutes=5)  # one we know may have been removed
_HASH: Final = 64  # hexadecimal digits of SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token's name, and SHA-256 of it in hexadecimal."""

    name: str
    digest: str


class Tokens:
    """The tokens in the secret, which `load` reads. Misconfigured where it holds something else.

    The secret is read again for a token that is not known, at most once a minute, and every five
    minutes anyway: a token that was removed by hand ends then, one that Terraform removes at once.
    """

    def __init__(self, load: Callable[[], dict[str, Any]], clock: Callable[[], datetime]) -> None:
        self._load = load
        self._clock = clock
        self._read_at: datetime | None = None
        self._known: tuple[Token, ...] = ()

    def owner(self, token: str) -> Token | None:
        """Whose token this is."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        self._refresh(_ANYWAY_AFTER)
        found = _matching(self._known, digest)
        if found is None and self._refresh(_UNKNOWN_AFTER):
            found = _matching(self._known, digest)
        return found

    def named(self, name: str) -> tuple[Token, ...]:
        """The tokens of a name: the current and the previous one."""
        self._refresh(_ANYWAY_AFTER)
        return tuple(token for token in self._known if token.name == name)

    def _refresh(self, after: timedelta) -> bool:
        """Read the secret if that was so long ago; whether it was read."""
        now = self._clock()
        if self._read_at is not None and abs(now - self._read_at) < after:
            return False
        try:
            known = _parsed(self._load())
        except OF_AWS:
            if self._read_at is None:
                raise
            logger.exception("the tokens could not be read again: those of before still count")
            self._read_at = now
            return False
        self._known, self._read_at = known, now
        return True


def _matching(known: Iterable[Token], digest: str) -> Token | None:
    """The token with this hash; as slow wherever it stands, and if there is none."""
    found = None
    for token in known:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def _parsed(secret: dict[str, Any]) -> tuple[Token, ...]:
    """The tokens of {"tokens": {name: hash}, "previous": {name: hash}}."""
    found = []
    for part in ("tokens", "previous"):
        given = secret.get(part, {})
        if not isinstance(given, dict):
            raise Misconfigured("The secret of api_tokens cannot be read. Apply Terraform again.")
        for name, digest in given.items():
            if not isinstance(digest, str) or len(digest) != _HASH:
                raise Misconfigured(f"api_tokens has no hash of {name}. Apply Terraform again.")
            found.append(Token(name=str(name), digest=digest))
    return tuple(found)
