"""Update a bill's card in Slack, and send the pending replies in its thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.approval import approvers
from odoo_qb.approval.reminders import keep_notices
from odoo_qb.bill import exchange_rates
from odoo_qb.bill.item import approved_by
from odoo_qb.bill.notices import ESCALATION, is_escalated, notices_of, pending
from odoo_qb.cards.card import approval_card, retired_card, why_outdated
from odoo_qb.cards.replies import rejection_notice, reminder
from odoo_qb.errors import Conflict, Refused, Throttled, Unavailable
from odoo_qb.guarding import DAMAGE, OF_AWS, flaw_of
from odoo_qb.slack.client import CALL_SECONDS
from odoo_qb.store import recent_bills
from odoo_qb.store.vendor_notes import note_id_of
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Card, Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.slack.client import SlackClient
    from odoo_qb.slack.message import Message
    from odoo_qb.store.table import Table

logger = Logger(child=True)

ENOUGH_SECONDS: Final = 20  # needed for one more bill; the rest is returned as failed
_TRIES: Final = 3
_RETIRED_KEPT: Final = 20
_POSTED_WITHIN: Final = timedelta(minutes=10)  # sooner than the sweep looks for overdue cards
# Our message can no longer be changed: it was deleted or is too old.
_GONE: Final = {"message_not_found", "cant_update_message", "edit_window_closed"}
_CAN_BE_ACTED_ON: Final = {"POST_FAILED", "REJECTED"}  # besides cards that request approval
_NO_CHANNEL: Final = {"channel_not_found", "not_in_channel", "is_archived"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPublisher:
    """Posts and updates cards; `pause` keeps to Slack's limit of one message a second.

    The caller says how many seconds are left.
    """

    table: Table
    slack: SlackClient
    companies: Mapping[str, Company]
    channel: str
    rejection_notify_users: Sequence[str]
    pause: Callable[[float], None]
    sleep: Callable[[float], None]
    clock: Callable[[], datetime]

    def show(self, entry_id: str, seconds_left: Callable[[], float]) -> None:
        """Update a bill's card if it is due, and send its pending replies.

        A bill that is being posted is shown when posting has ended. So the card of an approved bill
        stays due until then, which saves a second write.
        """
        for _ in range(_TRIES):
            item = self.table.get(entry_id)
            if item is None:
                return None
            if "card_due" not in item:
                return self._reply(item, seconds_left)
            if _is_being_posted(item, self.clock()):
                return None
            self._refresh_approvers(item, seconds_left)
            cards = self._cards(item, seconds_left)
            if cards == item["cards"] and _is_on_its_way(item, self.clock()):
                return self._reply(item, seconds_left)
            shown: Item = {**item, "cards": cards}
            if cards and pending(shown):
                # They are due with the card: the sweep repeats what Slack does not accept now.
                self.table.note_on_bill(entry_id, {"cards": cards})
                self._reply(shown, seconds_left)
            self.table.card_shown(entry_id, int(item["card_due"]), cards)
        raise Unavailable("The bill kept changing while its card was being updated.")

    def _cards(self, item: Item, seconds_left: Callable[[], float]) -> list[Card]:
        """The bill's cards after Slack was updated; only the last one has buttons.

        A card that requests approval is in its company's channel, even if that has changed.
        """
        asks, channel = item["status"] == "READY_FOR_APPROVAL", self._channel_of(item)
        twins = self._twins(item) if asks else {}
        shown = approval_card(item, self._earlier_bills(item), twins)
        cards: list[Card] = []
        for card in item["cards"]:
            if not card["retired"]:
                message = shown
                if asks and card["digest"] != item["digest"]:
                    message = retired_card(item, why_outdated(item, card["digest"]))
                elif asks and card["channel"] != channel:
                    message = retired_card(
                        item, f"Approval of this bill has moved to <#{channel}>."
                    )
                there = self._updated(item, card, message, seconds_left)
                card = {**card, "retired": message is not shown or not there}  # noqa: PLW2901 - the card as it is now
            cards.append(card)
        needs_one = asks or (cards and item["status"] in _CAN_BE_ACTED_ON)
        if needs_one and all(c["retired"] for c in cards):
            post = partial(self.slack.post, channel, shown)
            ts = self._with_retry(post, seconds_left)
            cards.append({"channel": channel, "ts": ts, "digest": item["digest"], "retired": False})
        long_ago = [c for c in cards if c["retired"]][:-_RETIRED_KEPT]
        return [c for c in cards if c not in long_ago]

    def _updated(
        self, item: Item, card: Card, message: Message, seconds_left: Callable[[], float]
    ) -> bool:
        """Update a card; False if it no longer exists or cannot be reached.

        A bill that can be acted on then gets a new card. For a finished bill the card is given up:
        waiting for its channel to return would gain nothing.
        """
        try:
            update = partial(self.slack.update, card["channel"], card["ts"], message)
            self._with_retry(update, seconds_left)
        except Refused as refusal:
            if refusal.code not in _GONE | _NO_CHANNEL:
                raise
            logger.warning(
                "a card was given up",
                entry_id=item["entry_id"],
                status=item["status"],
                channel=card["channel"],
                reason=str(refusal),
            )
            return False
        return True

    def _twins(self, item: Item) -> dict[str, Item]:
        """The earlier bills that this one may duplicate, in their current state."""
        found = {i: self.table.get(i) for i in item.get("duplicates", ())}
        return {i: twin for i, twin in found.items() if twin and not flaw_of(twin)}

    def _earlier_bills(self, item: Item) -> list[Json]:
        """The vendor's earlier bills; a posted bill is added for the next one."""
        note_id = note_id_of(item)
        if not note_id:
            return []
        try:
            return recent_bills.earlier_bills(self._noted(note_id, item), item)
        except (*OF_AWS, *DAMAGE):
            logger.exception("what the vendor billed before was left out", note=note_id)
            return []

    def _noted(self, note_id: str, item: Item) -> Json:
        """The vendor's note, with a posted bill added."""
        note: Json = {}
        for _ in range(_TRIES):
            note = self.table.read_note(note_id)
            bills = recent_bills.with_bill(note, item)
            if bills is None:
                break
            condition, values = recent_bills.as_read(note)
            try:
                self.table.write_note(
                    note_id, {"recent": bills}, condition=condition, condition_values=values
                )
                self._note_rate(item)
                break
            except Conflict:
                continue
        return note

    def _note_rate(self, item: Item) -> None:
        """Store the exchange rate of a posted bill, one a day, to compare later bills with."""
        if not exchange_rates.is_kept(item):
            return
        note_id = exchange_rates.note_id_of(item)
        values = exchange_rates.with_rate(self.table.read_note(note_id), item, self.clock())
        if values:
            self.table.write_note(note_id, values)

    def _reply(self, item: Item, seconds_left: Callable[[], float]) -> None:
        """Send the pending replies in the thread of the bill's last card; record each at once."""
        for notice in pending(item) if item["cards"] else ():
            card = _card_of(notice, item)
            if notice["kind"] == "rejected":
                called: list[str] = list(self.rejection_notify_users)
                message = rejection_notice(item, notice, called, in_thread=card is not None)
            else:
                called = self._called(item, notice)
                message = reminder(item, notice, called)
            post = partial(
                self.slack.post,
                card["channel"] if card else self._channel_of(item),
                message,
                thread_ts=card["ts"] if card else None,
                # In a thread, a reminder that mentions no one would not be seen.
                in_channel=notice["kind"] != "rejected" and not called,
            )
            self._note_reply(item["entry_id"], notice, self._with_retry(post, seconds_left))

    def _called(self, item: Item, notice: Json) -> list[str]:
        """Whom a reminder mentions: those who may decide and have not approved yet."""
        company = self.companies.get(item["company"])
        if company is None:
            return []
        ids = company.approvers
        if notice["kind"] == ESCALATION and company.escalation_approvers:
            ids = company.escalation_approvers
        done = approved_by(item)
        people = approvers.to_mention(self.table, ids)
        return [person for person in people if person not in done]

    def _note_reply(self, entry_id: str, notice: Json, ts: str) -> None:
        """Store the reply's `ts`; replies that became pending meanwhile stay as they are."""
        for _ in range(_TRIES):
            item = self.table.get(entry_id)
            if item is None:
                return
            notices = [{**n, "ts": ts} if n == notice else n for n in notices_of(item)]
            if keep_notices(self.table, item, notices):
                return
        raise Unavailable("The bill kept changing while a reply was being recorded.")

    def _with_retry[T](self, call: Callable[[], T], seconds_left: Callable[[], float]) -> T:
        """The result of `call`, after waiting as long as Slack asks, if time allows."""
        while True:
            self.pause(seconds_left() - ENOUGH_SECONDS)
            try:
                return call()
            except Throttled as throttled:
                if throttled.wait_seconds > seconds_left() - ENOUGH_SECONDS:
                    raise
                self.sleep(throttled.wait_seconds)

    def _refresh_approvers(self, item: Item, seconds_left: Callable[[], float]) -> None:
        """Read outdated approver lists before the card is shown, leaving time for the card."""
        company = self.companies.get(item["company"])
        if company is None:
            return
        ids = approvers.sources(company, self.channel, escalated=is_escalated(item))
        approvers.refresh(
            self.table,
            self.slack,
            ids,
            self.clock(),
            lambda: seconds_left() > ENOUGH_SECONDS + CALL_SECONDS,
        )

    def _channel_of(self, item: Item) -> str:
        company = self.companies.get(item["company"])
        return (company.slack_channel_id if company else "") or self.channel


def _card_of(notice: Json, item: Item) -> Card | None:
    """The card for a reply; for a rejection the rejected card.

    The current card if that is gone; None if there is none.
    """
    rejected = [c for c in item["cards"] if c["ts"] == notice.get("card")]
    # Retired with the same content: it was deleted, or its channel is gone.
    there = [c for c in rejected if not c["retired"] or c["digest"] != item["digest"]]
    return next(iter(there or [c for c in item["cards"] if not c["retired"]]), None)


def _is_on_its_way(item: Item, now: datetime) -> bool:
    """Whether a bill was approved a moment ago, so that its card will change again soon."""
    return item["status"] == "APPROVED" and item["updated_at"] > stamp(now - _POSTED_WITHIN)


def _is_being_posted(item: Item, now: datetime) -> bool:
    """Whether the poster is working on the bill right now; its next write is shown."""
    return item["status"] == "POSTING" and item.get("claim", {}).get("until", "") > stamp(now)
