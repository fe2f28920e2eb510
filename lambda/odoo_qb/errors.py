"""What went wrong, by what to do next.

Exception
├── Unavailable      try again: the other side is down, busy or did not answer
│   └── Throttled    try again, but only after `wait_seconds`
├── Refused          a person must act: the sentence says what
│   ├── Disconnected QuickBooks ended the connection: a new refresh token is needed
│   └── Altered      stored data was changed outside this system: it is not sent
├── Misconfigured    the operator must act: a setting is missing or wrong
├── Conflict         someone else changed the bill first: read it again
└── BadSignature     this request did not come from Slack

Every sentence is written for the person who reads it in Slack, an e-mail or the log. None
repeats another system's traceback.
"""

from __future__ import annotations


class Unavailable(Exception):  # noqa: N818 - the name says what to do, not that it is an error
    """The other side is down or busy, or did not answer; the same call may work later."""


class Throttled(Unavailable):
    """The other side asks us to wait `wait_seconds` before the next call."""

    def __init__(self, sentence: str, wait_seconds: int) -> None:
        super().__init__(sentence)
        self.wait_seconds = wait_seconds


class Refused(Exception):  # noqa: N818 - see above
    """A definitive no: the reason, and the remedy if it is separate.

    `code` is the other side's error code, `tid` its trace id for a support case, and `source` says
    whose error it is. `document` is what QuickBooks has for the bill anyway, such as "Bill 145".
    """

    def __init__(
        self,
        reason: str,
        *,
        remedy: str = "",
        source: str = "",
        code: str = "",
        tid: str = "",
        document: str = "",
    ) -> None:
        source = f"({source})" if source else ""
        super().__init__(" ".join(part for part in (reason, remedy, source) if part))
        self.reason = f"{reason} {source}".rstrip()
        self.remedy = remedy
        self.code = code
        self.tid = tid
        self.document = document

    def as_error(self) -> dict[str, str]:
        """The error as stored with a bill; a closed bill shows the reason without the remedy."""
        error = {"code": self.code, "message": str(self), "tid": self.tid, "reason": self.reason}
        if self.remedy:
            error["remedy"] = self.remedy
        if self.document:
            error["document"] = self.document
        return error


class Disconnected(Refused):
    """The connection to a QuickBooks company has ended until a person connects it again.

    `on_write` if a write was refused; a later successful read does not disprove that.
    """

    on_write = False


class Altered(Refused):
    """What is stored is not what was approved; it is not sent, and the operator gets an e-mail."""


class Misconfigured(Exception):  # noqa: N818 - see above
    """A setting is missing or wrong; the sentence names it."""


class Conflict(Exception):  # noqa: N818 - see above
    """The item changed since it was read."""


class BadSignature(Exception):  # noqa: N818 - see above
    """The request was not signed by Slack, or too long ago."""
