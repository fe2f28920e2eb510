"""The outcome of an invoice, announced: to the topic, in Slack, to the customer by mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.intake.wording import customer_text, headline, text_of
from odoo_qb.slack.blocks import section
from odoo_qb.slack.message import Message

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.intake.result import Result
    from odoo_qb.slack.client import SlackClient
    from odoo_qb.store.announcements import CustomerMail, Topic
    from odoo_qb.store.intake_table import IntakeTable

# As long as an execution can be redriven or read, and a little longer.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
REMEMBERED: Final = timedelta(days=100)

_CUSTOMER: Final = "customer"

type Send = Callable[[Result], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel in Slack."""

    client: SlackClient
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcer:
    """Announces each outcome once a channel. `slack` and `mail` are None where they are off."""

    table: IntakeTable
    topic: Topic
    slack: SlackChannel | None = None
    mail: CustomerMail | None = None
    _channels: Mapping[str, Send] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        channels: dict[str, Send] = {"SNS": self._publish}
        channels |= {"Slack": self._post} if self.slack else {}
        channels |= {_CUSTOMER: self._mail_customer} if self.mail else {}
        object.__setattr__(self, "_channels", channels)  # the dataclass is frozen

    def announce(self, result: Result, *, execution: str, now: datetime) -> list[str]:
        """Announce it to every channel that hasn't taken it yet; their names.

        Unavailable if one did not take it: all others did, and a retry skips them.
        """
        done, failed = self.table.announced(execution), []
        missing = [n for n in self._channels if n not in done and _concerns(n, result)]
        for name in missing:
            try:
                self._channels[name](result)
            except (Unavailable, Refused) as error:
                failed.append(f"{name}: {error}")
            else:
                expires = int((now + REMEMBERED).timestamp())
                self.table.note_announced(execution, name, expires_at=expires)
        if failed:
            raise Unavailable(
                f"The outcome of this invoice ({result.outcome}) stands, but it could not be"
                f" announced. {' '.join(failed)}"
            )
        return missing

    def _publish(self, result: Result) -> None:
        self.topic.publish(headline(result), text_of(result), result.outcome)

    def _post(self, result: Result) -> None:
        if self.slack:
            text = f"{headline(result)}\n{text_of(result)}"
            message = Message(
                text=headline(result),
                blocks=[section(text)],
                ids={"outcome": result.outcome, "invoice_number": result.invoice_number},
            )
            self.slack.client.post(self.slack.channel, message)

    def _mail_customer(self, result: Result) -> None:
        stored: Json = self.table.invoice(result.invoice_id)
        if self.mail and stored.get("customer_email"):
            subject, text = customer_text(stored)
            self.mail.send(str(stored["customer_email"]), subject, text)


def _concerns(channel: str, result: Result) -> bool:
    """Only what was stored concerns the customer, and an invoice that came twice came once."""
    return channel != _CUSTOMER or result.outcome == "processed"
