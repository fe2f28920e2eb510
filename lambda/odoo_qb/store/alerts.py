"""E-mails about what needs a person: each is sent once, and again only after it changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.sentences import LINE, one_line
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mypy_boto3_sns import SNSClient

    from odoo_qb.store.table import Table

_LINES: Final = 200  # of LINE characters; a message of SNS holds 256 kB
# "Must be less than 100 characters long", ASCII, and without line breaks:
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT: Final = 99


class Mailer:
    """The alert topic. `client` is boto3's SNS client."""

    def __init__(self, client: SNSClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def mail(self, subject: str, lines: Sequence[str]) -> None:
        """Mail the lines, even if they were mailed before.

        Each becomes one line, so that foreign text cannot pass for ours.
        """
        shown = [one_line(line, LINE) for line in lines[:_LINES]]
        if len(lines) > _LINES:
            shown.append(f"... and {len(lines) - _LINES} more")
        text = "\n".join([subject, "", *shown])
        self._client.publish(TopicArn=self._topic, Subject=subject_of(subject), Message=text)


class Alerts(Mailer):
    """The same, mailing what is new only; the note keeps what was mailed last."""

    def __init__(self, client: SNSClient, topic: str, table: Table, note_id: str) -> None:
        super().__init__(client, topic)
        self._table = table
        self._note_id = note_id

    def mail_if_new(self, about: str, subject: str, lines: Sequence[str], now: datetime) -> None:
        """Mail the lines, unless the last mail about this had the same; no lines: recovered."""
        content = hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""
        note = self._note()
        before = note.get(about, "")
        if before == content:
            return
        if lines:
            self.mail(subject, lines)
        since = note.get(f"{about}_at", stamp(now)) if before and lines else stamp(now)
        self._table.write_note(self._note_id, {about: content, f"{about}_at": since})

    def mail_recovery(self, about: str, subject: str, now: datetime) -> None:
        """Mail that the last reported problem is over, if there was one."""
        note = self._note()
        if note.get(about):
            self.mail(subject, [f"Recovered. The problem began at {note.get(f'{about}_at')}."])
            self._table.write_note(self._note_id, {about: "", f"{about}_at": stamp(now)})

    def _note(self) -> dict[str, Any]:
        return self._table.read_note(self._note_id)


def subject_of(text: str) -> str:
    """A subject that SNS accepts: short enough, and ASCII."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:_SUBJECT]
