"""Try one change: what the endpoint's answer means for it, and for the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.webhook.bodies import NotMirroredYet
from odoo_qb.webhook.parcel import UNREADABLE
from odoo_qb.webhook.signing import signed_headers
from odoo_qb.webhook.waits import GIVE_UP_AFTER, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from odoo_qb.store.webhook_queue import WebhookQueue
    from odoo_qb.webhook.answers import Answer
    from odoo_qb.webhook.bodies import Bodies
    from odoo_qb.webhook.endpoint import Endpoint
    from odoo_qb.webhook.parcel import Parcel
    from odoo_qb.webhook.refusals import Refusals
    from odoo_qb.webhook.signing import Key
    from odoo_qb.webhook.tries import Tries

logger = Logger(child=True)

_UNEXPECTED_SECONDS: Final = 60  # until the next try, where AWS or we ourselves failed
_CONTACT_SECONDS: Final = 75  # in which the mirror runs again, as it does every minute
_PAUSED_SECONDS: Final = 30 * 60
# The queue keeps a message for 14 days. One that has waited this long is put among the dead
# letters, which keep it for as many more.
_NEARLY_LOST: Final = timedelta(days=13)
_UNREADABLE: Final = "The message can't be read as a change."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a parcel: `is_done` if the queue may delete it; the answer, if it was sent."""

    is_done: bool
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Sends single changes. `at_random` returns a number from 0 to 1, `keys` what signs."""

    endpoint: Endpoint
    queue: WebhookQueue
    bodies: Bodies
    tries: Tries
    refusals: Refusals
    keys: Callable[[], Sequence[Key]]
    clock: Callable[[], datetime]
    at_random: Callable[[], float]

    def deliver(
        self, parcel: Parcel, resumed_at: datetime | None, *, is_probe: bool = False
    ) -> Outcome:
        """Send a change and do what its answer asks for.

        Whatever stops one must not stop others, so errors are outcomes too. A probe's failure says
        that the endpoint is down: it is no try of this change, which then waits as the others do.
        """
        try:
            try:
                body = self._body_of(parcel)
            except Refused as refusal:
                self._give_up(parcel, str(refusal))
                return Outcome(is_done=True)
            except NotMirroredYet:
                logger.info("waits for its contact", message_id=parcel.message_id)
                self.hide(parcel, _CONTACT_SECONDS)
                return Outcome(is_done=False)
            headers = signed_headers(parcel.message_id, self.clock(), body, self.keys())
            answer = self.endpoint.post(body, headers)
            return self._settle(parcel, answer, resumed_at, is_probe=is_probe)
        except OF_AWS as error:
            logger.warning("not delivered", queue_id=parcel.queue_id, reason=of_aws(error))
        except Exception:
            logger.exception("not delivered", queue_id=parcel.queue_id)
        self.hide(parcel, _UNEXPECTED_SECONDS)
        return Outcome(is_done=False)

    def _body_of(self, parcel: Parcel) -> bytes:
        """What is sent; Refused where it can't be made of the message."""
        try:
            if parcel.message:
                is_first = parcel.received == 1
                return self.bodies.body_of(parcel.message, may_wait=is_first).encode()
        except UNREADABLE as error:
            raise Refused(_UNREADABLE) from error
        raise Refused(_UNREADABLE)

    def _settle(
        self, parcel: Parcel, answer: Answer, resumed_at: datetime | None, *, is_probe: bool
    ) -> Outcome:
        message_id, status, said = parcel.message_id, answer.status, answer.text
        match answer.verdict:
            case "delivered":
                logger.info("delivered", message_id=message_id, status=status)
                self._forget_tries(parcel)
            case "refused":
                logger.warning("refused", message_id=message_id, status=status, answer=said)
                self.refusals.keep(parcel, answer, self.clock())
                self._forget_tries(parcel)
            case "gone":
                logger.error("the endpoint is gone", message_id=message_id, answer=said)
                self.hide(parcel, _PAUSED_SECONDS)
                return Outcome(is_done=False, answer=answer)
            case "later":
                left = self._time_left(parcel, resumed_at)
                if left > timedelta():
                    logger.warning(
                        "not delivered", message_id=message_id, status=status, answer=said
                    )
                    if not is_probe:
                        tries = self.tries.failed(parcel.group, parcel.queue_id, self.clock())
                        wait = seconds_to_wait(tries, answer.asked, left, self.at_random())
                        self.hide(parcel, wait)
                    return Outcome(is_done=False, answer=answer)
                self._give_up(parcel, said or f"It answered {status}.")
        return Outcome(is_done=True, answer=answer)

    # -- without trying --------------------------------------------------------------------------

    def wait_down(self, parcel: Parcel, resumed_at: datetime | None, seconds: int) -> Outcome:
        """Hide a change while the endpoint is down, unless it has waited for its whole time."""
        if self._time_left(parcel, resumed_at) <= timedelta():
            reason = "The endpoint has been down for 22 hours."
            return self._give_up_or_hide(parcel, reason, seconds)
        self.hide(parcel, seconds)
        return Outcome(is_done=False)

    def wait_paused(self, parcel: Parcel) -> Outcome:
        """Hide a change while the endpoint is gone, unless the queue would soon lose it."""
        if self.clock() - parcel.sent_at > _NEARLY_LOST:
            reason = "The endpoint has been gone for 13 days."
            return self._give_up_or_hide(parcel, reason, _PAUSED_SECONDS)
        self.hide(parcel, _PAUSED_SECONDS)
        return Outcome(is_done=False)

    def _give_up_or_hide(self, parcel: Parcel, reason: str, seconds: int) -> Outcome:
        try:
            self._give_up(parcel, reason)
        except OF_AWS as error:
            logger.warning("not given up", queue_id=parcel.queue_id, reason=of_aws(error))
            self.hide(parcel, seconds)
            return Outcome(is_done=False)
        return Outcome(is_done=True)

    def _give_up(self, parcel: Parcel, reason: str) -> None:
        """Put a change among the dead letters, about which there is an alarm."""
        self.queue.bury(parcel.as_entry(), reason)
        logger.error(
            "given up", queue_id=parcel.queue_id, message_id=parcel.message_id, reason=reason
        )
        self._forget_tries(parcel)

    def _time_left(self, parcel: Parcel, resumed_at: datetime | None) -> timedelta:
        """Until a change that can't be delivered is given up.

        It counts from when we first had it, for until then the endpoint could not take it: the
        queue may have held it for days. But it must not lie there until the queue loses it.
        """
        since = max(parcel.first_at, resumed_at) if resumed_at else parcel.first_at
        until = min(since + GIVE_UP_AFTER, parcel.sent_at + _NEARLY_LOST)
        return until - self.clock()

    def hide(self, parcel: Parcel, seconds: int) -> None:
        """Deliver a change again after some seconds; if this fails, when the queue does."""
        try:
            self.queue.hide(parcel.receipt, seconds)
        except OF_AWS as error:
            logger.warning("not hidden", queue_id=parcel.queue_id, reason=of_aws(error))

    def _forget_tries(self, parcel: Parcel) -> None:
        """A count that stays behind does no harm: it is of another message, and expires."""
        if parcel.received > 1:
            try:
                self.tries.forget(parcel.group)
            except OF_AWS as error:
                logger.warning("tries not forgotten", reason=of_aws(error))
