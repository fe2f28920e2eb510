"""Make Slack match the table: post the card of a new bill, update the card of a changed one."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from odoo_qb import settings
from odoo_qb.card import approval_card, retired_card
from odoo_qb.errors import Refused, Throttled, Unavailable
from odoo_qb.slack import Slack
from odoo_qb.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.item import Card, Item
    from odoo_qb.settings import Company

logger = Logger()


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Records of the table's stream; the first one that could not be shown is answered back.

    A bill changed five times in one batch is shown once, as it stands. What is answered back
    comes again with all that follows it: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    notifier = _wiring()
    shown: set[str] = set()
    for record in event["Records"]:
        entry_id = record["dynamodb"]["Keys"]["entry_id"]["S"]
        if entry_id in shown:
            continue
        try:
            notifier.show(entry_id, seconds_left=context.get_remaining_time_in_millis() / 1000)
        except (Unavailable, Refused) as error:
            logger.warning("not shown", entry_id=entry_id, reason=str(error))
            failed = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": failed}]}
        shown.add(entry_id)
    logger.info("shown", bills=len(shown))
    return {"batchItemFailures": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """What showing needs; `pause` keeps a channel within Slack's one message a second."""

    table: Table
    slack: Slack
    companies: Mapping[str, Company]
    channel: str
    pause: Callable[[], None]
    sleep: Callable[[float], None]

    def show(self, entry_id: str, seconds_left: float) -> None:
        """Post or update the card of a bill, if one is owed; waits as long as Slack asks."""
        for _ in range(3):
            item = self.table.get(entry_id)
            if item is None or "card_due" not in item:
                return
            try:
                cards = self._cards(item)
            except Throttled as throttled:
                if throttled.wait_seconds > seconds_left / 2:
                    raise
                self.sleep(throttled.wait_seconds)
                continue
            if self.table.card_shown(entry_id, int(item["card_due"]), cards):
                return
        raise Unavailable("The bill changes faster than it can be shown.")

    def _cards(self, item: Item) -> list[Card]:
        """The bill's cards after Slack was told; the last one lives, the others are retired."""
        cards = list(item["cards"])
        asks = item["status"] == "READY_FOR_APPROVAL"
        for number, card in enumerate(cards):
            if asks and not card["retired"] and card["digest"] != item["digest"]:
                self.pause()
                self.slack.update(card["channel"], card["ts"], retired_card(item))
                cards[number] = {**card, "retired": True}
        live = [c for c in cards if not c["retired"]]
        self.pause()
        if live:
            self.slack.update(live[-1]["channel"], live[-1]["ts"], approval_card(item))
        elif asks:
            company = self.companies.get(item["company"])
            channel = (company.slack_channel_id if company else "") or self.channel
            ts = self.slack.post(channel, approval_card(item))
            card = {"channel": channel, "ts": ts, "digest": item["digest"], "retired": False}
            cards.append(card)
        return cards


@cache
def _wiring() -> Notifier:
    session = boto3.Session()
    config = settings.secret(
        session.client("secretsmanager"), settings.environment("SLACK_SECRET_ARN")
    )
    table = Table(session.client("dynamodb"), settings.environment("DYNAMODB_TABLE"))
    gap = 1 / float(os.environ.get("SLACK_MESSAGES_PER_SECOND") or 1)
    return Notifier(
        table=table,
        slack=Slack(config["bot_token"], settings.environment("SLACK_API_URL")),
        companies=settings.stored_companies(table),
        channel=settings.environment("SLACK_CHANNEL_ID"),
        pause=lambda: time.sleep(gap),
        sleep=time.sleep,
    )
