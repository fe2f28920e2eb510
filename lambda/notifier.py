"""Make Slack match the table: post the card of a new bill, update the card of a changed one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools import Logger

from odoo_qb import approvers, settings
from odoo_qb.card import approval_card, notices_of, rejection_notice, retired_card
from odoo_qb.errors import Conflict, Refused, Throttled, Unavailable
from odoo_qb.slack import Slack
from odoo_qb.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odoo_qb.card import Message
    from odoo_qb.item import Card, Item, Raw
    from odoo_qb.settings import Company

logger = Logger()

_ENOUGH_SECONDS: Final = 20  # for one more bill: what is left is answered back
_TRIES: Final = 3
# A message of ours that can no longer be changed: somebody deleted it, or it is too old.
_GONE: Final = {"message_not_found", "cant_update_message", "edit_window_closed"}
_NO_CHANNEL: Final = {"channel_not_found", "not_in_channel", "is_archived"}


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Records of the table's stream; those that could not be shown are answered back.

    A bill changed five times in one batch is shown once, as it stands. What Slack refuses for
    one bill does not keep the others from being shown; when Slack is down, the rest waits.
    From the first one answered back all come again, and those shown cost a look at the table:
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    notifier = _wiring()
    numbers: dict[str, str] = {}  # each bill's first record
    for record in event["Records"]:
        change = record["dynamodb"]
        numbers.setdefault(change["Keys"]["entry_id"]["S"], change["SequenceNumber"])
    failed: list[str] = []

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    for entry_id, number in numbers.items():
        try:
            if seconds_left() < _ENOUGH_SECONDS:
                raise Unavailable("There is no time left in this run.")  # noqa: TRY301 - one way out
            notifier.show(entry_id, seconds_left)
        except Refused as refusal:
            logger.error("Slack refused a card", entry_id=entry_id, reason=str(refusal))  # noqa: TRY400 - a sentence, no traceback
            failed.append(number)
        except Unavailable as error:
            logger.warning("not shown yet", entry_id=entry_id, reason=str(error))
            failed.append(number)
            break
    logger.info("shown", bills=len(numbers), failed=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """What showing needs; `pause` keeps a channel within Slack's one message a second."""

    table: Table
    slack: Slack
    companies: Mapping[str, Company]
    channel: str
    rejection_notify_users: Sequence[str]
    pause: Callable[[], None]
    sleep: Callable[[float], None]
    clock: Callable[[], datetime]

    def show(self, entry_id: str, seconds_left: Callable[[], float]) -> None:
        """Bring the card of a bill up to date if that is owed, and send the replies it owes."""
        for _ in range(_TRIES):
            item = self.table.get(entry_id)
            if item is None:
                return None
            if "card_due" not in item:
                return self._reply(item, seconds_left)
            self._refresh_approvers(item)
            cards = self._cards(item, seconds_left)
            self.table.card_shown(entry_id, int(item["card_due"]), cards)
        raise Unavailable("The bill changes faster than it can be shown.")

    def _cards(self, item: Item, seconds_left: Callable[[], float]) -> list[Card]:
        """The bill's cards after Slack was told; the last one lives, the others are retired."""
        asks = item["status"] == "READY_FOR_APPROVAL"
        cards: list[Card] = []
        for card in item["cards"]:
            outdated = asks and card["digest"] != item["digest"]
            if not card["retired"]:
                message = retired_card(item) if outdated else approval_card(item)
                gone = _GONE | _NO_CHANNEL if asks else _GONE  # a new card can ask elsewhere
                there = self._updated(card, message, gone, seconds_left)
                card = {**card, "retired": outdated or not there}  # noqa: PLW2901 - the card as it now is
            cards.append(card)
        if asks and all(c["retired"] for c in cards):
            company = self.companies.get(item["company"])
            channel = (company.slack_channel_id if company else "") or self.channel
            post = partial(self.slack.post, channel, approval_card(item))
            ts = self._patiently(post, seconds_left)
            cards.append({"channel": channel, "ts": ts, "digest": item["digest"], "retired": False})
        return cards

    def _updated(
        self, card: Card, message: Message, gone: set[str], seconds_left: Callable[[], float]
    ) -> bool:
        """Update a card; False when it is not there any more, by one of the errors `gone`."""
        try:
            update = partial(self.slack.update, card["channel"], card["ts"], message)
            self._patiently(update, seconds_left)
        except Refused as refusal:
            if refusal.code in gone:
                return False
            raise
        return True

    def _reply(self, item: Item, seconds_left: Callable[[], float]) -> None:
        """Send the replies owed in the thread of the bill's last card, and note each at once."""
        for notice in [n for n in notices_of(item) if item["cards"] and not n["ts"]]:
            card = item["cards"][-1]
            thread = None if card["retired"] else card["ts"]  # somebody deleted it
            message = rejection_notice(item, notice, self.rejection_notify_users)
            post = partial(self.slack.post, card["channel"], message, thread_ts=thread)
            self._note_reply(item["entry_id"], notice, self._patiently(post, seconds_left))

    def _note_reply(self, entry_id: str, notice: Raw, ts: str) -> None:
        """Keep the reply's `ts`; replies that others owe meanwhile are left as they are."""
        for _ in range(_TRIES):
            item = self.table.get(entry_id)
            if item is None:
                return None
            notices = [{**n, "ts": ts} if n == notice else n for n in notices_of(item)]
            try:
                return self.table.write_note(
                    entry_id,
                    {"notices": notices},
                    condition="version = :version",
                    condition_values={"version": item["version"]},
                )
            except Conflict:
                continue
        raise Unavailable("The bill changes faster than a reply can be noted.")

    def _patiently[T](self, call: Callable[[], T], seconds_left: Callable[[], float]) -> T:
        """What `call` gives, after waiting as long as Slack asks, if there is the time."""
        while True:
            self.pause()
            try:
                return call()
            except Throttled as throttled:
                if throttled.wait_seconds > seconds_left() - _ENOUGH_SECONDS:
                    raise
                self.sleep(throttled.wait_seconds)

    def _refresh_approvers(self, item: Item) -> None:
        """Who may decide is looked up before they are asked; a card is shown all the same."""
        company = self.companies.get(item["company"])
        if company is None:
            return
        try:
            ids = approvers.sources(company, self.channel)
            approvers.refresh(self.table, self.slack, ids, self.clock())
        except (Refused, Unavailable) as error:
            logger.warning("it was not read who may decide", company=company.key, reason=str(error))


@cache
def _wiring() -> Notifier:
    session = boto3.Session()
    config = settings.secret(
        session.client("secretsmanager"), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(session.client("dynamodb"), settings.environment("DYNAMODB_TABLE"))
    gap = 1 / float(os.environ.get("SLACK_MESSAGES_PER_SECOND") or 1)
    notified = os.environ.get("REJECTION_NOTIFY_USERS", "").split(",")
    return Notifier(
        table=table,
        slack=Slack(config["bot_token"], settings.environment("SLACK_API_URL")),
        companies=settings.stored_companies(table),
        channel=settings.environment("SLACK_CHANNEL_ID"),
        rejection_notify_users=[user.strip() for user in notified if user.strip()],
        pause=lambda: time.sleep(gap),
        sleep=time.sleep,
        clock=lambda: datetime.now(UTC),
    )
