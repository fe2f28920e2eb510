"""What an operator learns of the webhook, and may do about it: the digest, a pause, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.webhook.sending import RESERVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store.alerts import Mailer
    from odoo_qb.store.ordered_queue import OrderedQueue
    from odoo_qb.webhook.refusals import Refusals
    from odoo_qb.webhook.state import StateStore

_HOW: Final = (
    "Correct the cause, then have them sent again: invoke the webhook's function with"
    ' {"retry_refused": true}. They are kept for 90 days.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """Mails and tasks beside the sending. `host` is the endpoint's."""

    states: StateStore
    refusals: Refusals
    queue: OrderedQueue
    mailer: Mailer
    host: str
    clock: Callable[[], datetime]

    def digest(self) -> Json:
        """Mail what was refused since the last digest, and a pause that was not mailed yet."""
        state = self.states.load()
        if state.paused_url and not state.pause_mailed:
            self.mail_pause()
        digest = self.refusals.digest(state.digested_until, self.clock())
        if digest.changes:
            changes = "1 change" if digest.changes == 1 else f"{digest.changes} changes"
            subject = f"The webhook's endpoint refused {changes}"
            lines = [f"What {self.host} refuses is not sent again.", *digest.lines, _HOW]
            self.mailer.mail(subject, lines)
        self.states.digested(digest.until)
        return {"refused": digest.changes, "mailed": bool(digest.changes)}

    def mail_pause(self) -> None:
        """Mail that nothing is sent any longer; a crash before it is noted mails it twice."""
        lines = [
            f"{self.host} answered 410 Gone, so nothing is sent to it.",
            "Changes wait in the queue, for up to 13 days.",
            "If the endpoint has moved, apply with its new webhook_url; sending then continues.",
            'If it is back, invoke the webhook\'s function with {"resume": true}.',
        ]
        self.mailer.mail("The webhook is paused: its endpoint is gone", lines)
        self.states.pause_was_mailed()

    def resume(self) -> Json:
        """Send again after a pause, or at once where the endpoint was thought to be down."""
        self.states.resume(self.clock())
        return {"resumed": True, "within_minutes": 30}

    def retry_refused(self, seconds_left: Callable[[], float]) -> Json:
        """Queue what was refused; with "left" above 0 the same call goes on."""
        queued, left = self.refusals.send_again(self.queue, seconds_left, RESERVE)
        return {"queued": queued, "left": left}
