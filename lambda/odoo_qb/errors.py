"""What went wrong, said as what to do now.

Exception
├── Unavailable      try again: the other side is down, busy or did not answer
│   └── Throttled    try again, but only after `wait_seconds`
├── Refused          a person must act: the sentence says what
│   ├── Disconnected QuickBooks no longer knows us: a new refresh token is needed
│   └── Altered      what is stored was changed past this system: nothing is sent of it
├── Misconfigured    the operator must act: a setting is missing or wrong
├── Conflict         somebody else changed the bill first: read it again
└── BadSignature     this request did not come from Slack

Every sentence is written for the person who reads it in Slack, in the mail or in the log;
none repeats another system's traceback.
"""

from __future__ import annotations


class Unavailable(Exception):  # noqa: N818 - the name says what to do, not that it is an error
    """The other side did not answer as it should; the same call may work later."""


class Throttled(Unavailable):
    """The other side asks us to wait `wait_seconds` before the next call."""

    def __init__(self, sentence: str, wait_seconds: int) -> None:
        super().__init__(sentence)
        self.wait_seconds = wait_seconds


class Refused(Exception):  # noqa: N818 - see above
    """A definitive no: the reason and, where it is kept apart, the remedy.

    `code` is the other side's, `tid` its trace id for a support case, and `source` says whose
    error it is. `document` is what QuickBooks has for the bill all the same, as "Bill 145".
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
        """What a bill keeps of it; a closed one shows the reason without the remedy."""
        error = {"code": self.code, "message": str(self), "tid": self.tid, "reason": self.reason}
        if self.remedy:
            error["remedy"] = self.remedy
        if self.document:
            error["document"] = self.document
        return error


class Disconnected(Refused):
    """The connection to a QuickBooks company is dead until somebody connects it again.

    `on_write` where a write was refused: what is read afterwards tells nothing of that.
    """

    on_write = False


class Altered(Refused):
    """What is stored is not what was approved: it is not sent, and the operator gets an e-mail."""


class Misconfigured(Exception):  # noqa: N818 - see above
    """A setting is missing or wrong; the sentence names it."""


class Conflict(Exception):  # noqa: N818 - see above
    """The item is no longer as it was read."""


class BadSignature(Exception):  # noqa: N818 - see above
    """The request was not signed by Slack, or too long ago."""
