"""What an endpoint's answer means for a change. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from odoo_qb.sentences import one_line

Verdict = Literal["delivered", "later", "refused", "gone"]

_LATER: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_TEXT: Final = 300  # characters of an answer that are kept
# An endpoint that shows what it expected or got must not bring our secret into a mail.
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/=_-]+|v1,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a request.

    `status` is 0 where there was no answer of HTTP. `text` is one line for the log and the mail:
    the beginning of the answer, or what went wrong. `asked` are the seconds of Retry-After.
    """

    verdict: Verdict
    status: int = 0
    text: str = ""
    asked: float | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the endpoint works, whatever it thinks of this change."""
        return self.verdict in {"delivered", "refused"}


def verdict_of(status: int) -> Verdict:
    """What a status means: a redirect is a refusal too, because none is followed."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return "delivered"
    if status == HTTPStatus.GONE:
        return "gone"
    if status in _LATER or HTTPStatus.INTERNAL_SERVER_ERROR <= status < _BEYOND:
        return "later"
    return "refused"


_BEYOND: Final = 600  # no status of HTTP


def shown(text: str) -> str:
    """Foreign text, as far as it is kept: one line without signatures and secrets."""
    return one_line(_SECRET.sub("…", text), _TEXT)
