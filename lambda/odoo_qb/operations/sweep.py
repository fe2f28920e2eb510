"""Restart what got stuck: approvals never queued, postings that hang, cards never shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import table_keys
from odoo_qb.approval import approvers
from odoo_qb.approval.reminders import remind
from odoo_qb.bill.delays import since
from odoo_qb.bill.history import sent_at
from odoo_qb.bill.status import IN_QUICKBOOKS, TRANSITIONS
from odoo_qb.cards.card import approval_card
from odoo_qb.guarding import BadRecords
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.store.queue import ApprovedQueue
    from odoo_qb.store.table import Table

logger = Logger(child=True)

QUEUED_WITHIN: Final = timedelta(minutes=10)  # an approval is normally posted in seconds
POSTED_WITHIN: Final = timedelta(minutes=15)  # longer than a claim and the queue's own retries

# A bill that always fails would delay its company's other bills, so it is not sent every time.
SENT_AGAIN_AFTER: Final = timedelta(hours=1)
UNPOSTED_AFTER: Final = timedelta(hours=1)  # then a person should know
SHOWN_WITHIN: Final = timedelta(minutes=20)  # a busy channel accepts a card a second
_MARGIN: Final = timedelta(minutes=5)  # an index may lag behind its table
_ON_THEIR_WAY: Final[tuple[Status, ...]] = ("APPROVED", "POSTING")


def sweep(
    table: Table, queue: ApprovedQueue, now: datetime, bad_records: BadRecords | None = None
) -> dict[str, int]:
    """Queue again what was approved or linked but not finished, and show cards never shown.

    Returns how many of each kind. What cannot be checked is reported in `bad_records`.
    """
    bad_records = bad_records or BadRecords()
    note = table.read_note(table_keys.SWEEP)
    due = _Due(table, _instant_or_none(note.get("swept_at")), now)
    late = set(table.in_status("APPROVED", until=now - QUEUED_WITHIN))
    hanging = set(table.in_status("POSTING", until=now - POSTED_WITHIN))
    failed = set(table.in_status("POST_FAILED", until=now - POSTED_WITHIN))

    def send(item: Item) -> None:
        is_asked_to_link = item["status"] == "POST_FAILED" and item.get("link")
        is_stuck = (
            item["status"] in {"APPROVED", "POSTING"} or is_asked_to_link
        )  # the index may be outdated
        if is_stuck and due.is_due(item):
            queue.send(item)

    items = table.get_many(sorted(late | hanging | failed)).values()
    for _ in bad_records.each(items, send):
        pass
    since = _instant_or_none(note.get("cards_since"))
    cards = _show_again(table, queue, stamp(since) if since else "0", now, bad_records)
    return {"approved": len(late), "posting": len(hanging), "cards": cards}


def sweep_all(
    table: Table,
    queue: ApprovedQueue,
    companies: Callable[[], Mapping[str, Company]],
    now: datetime,
    bad_records: BadRecords,
) -> dict[str, Any]:
    """Sweep even if Odoo is down; if the sweep fails, Odoo is still read."""
    try:
        swept = sweep(table, queue, now, bad_records)
        return swept | look_after_waiting(table, companies(), now, bad_records)
    except (BotoCoreError, ClientError) as error:
        logger.exception("not swept")
        return {"error": type(error).__name__}


class _Due:
    """Which stuck bills to send: at every sweep in the first hour, then once an hour.

    If a company's connection has ended, or was renewed since, all its bills are sent: that costs
    almost nothing, and makes them resume.
    """

    def __init__(self, table: Table, swept_at: datetime | None, now: datetime) -> None:
        self._table = table
        self._swept_at = swept_at
        self._now = now
        self._states: dict[str, Json] = {}

    def is_due(self, item: Item) -> bool:
        """Whether this sweep sends a bill; attempts update it, but not since when it is stuck."""
        stuck_since = since(item)
        hours = (self._now - stuck_since) // SENT_AGAIN_AFTER
        if not hours or not self._swept_at:
            return True
        if hours > (self._swept_at - stuck_since) // SENT_AGAIN_AFTER:
            return True
        company = item["company"]
        if company not in self._states:
            self._states[company] = self._table.read_note(table_keys.connection(company))
        state = self._states[company]
        is_renewed = str(state.get("connected_at", "")) > stamp(self._swept_at)
        return is_renewed or state.get("state") == "NEEDS_RECONNECT"


def unposted(table: Table, now: datetime, bad_records: BadRecords | None = None) -> dict[str, str]:
    """When each bill was approved that is still not posted long after, by entry_id.

    Every posting attempt changes the bill, so the time of approval counts. Companies whose
    connection has ended are left out: there was a mail about that, and their bills wait for it.
    """
    bad_records = bad_records or BadRecords()
    ids = [i for s in _ON_THEIR_WAY for i in table.in_status(s, until=now)]
    items = bad_records.where(table.get_many(ids).values(), lambda i: i["status"] in _ON_THEIR_WAY)
    approved = bad_records.each(items, lambda i: (i["entry_id"], (i["company"], _approved_at(i))))
    late = {i: (c, at) for i, (c, at) in approved if at <= stamp(now - UNPOSTED_AFTER)}
    notes = {c: table.read_note(table_keys.connection(c)) for c in {c for c, _ in late.values()}}
    return {i: at for i, (c, at) in late.items() if notes[c].get("state") != "NEEDS_RECONNECT"}


def _approved_at(item: Item) -> str:
    """When a person last sent it to be posted; the poster only returns it to approved."""
    return max(map(sent_at, item["history"]), default="") or item["updated_at"]


def _show_again(
    table: Table, queue: ApprovedQueue, since: str, now: datetime, bad_records: BadRecords
) -> int:
    """Make the stream repeat the bills whose cards are overdue; returns how many.

    A card is due from the bill's last change, so bills changed since the last sweep are checked,
    and those from the oldest one still due. Bills whose later files a person asked to attach are
    queued again until that is done. A bill for which no card can be made is reported.
    """
    until = now - SHOWN_WITHIN
    changed = [i for s in TRANSITIONS for i in table.in_status(s, since=since, until=until)]
    items = table.get_many(changed).values()
    owing = [item for item in items if "card_due" in item]
    to_attach = bad_records.where(items, lambda i: i.get("attach") and i["status"] in IN_QUICKBOOKS)

    def touch(item: Item) -> None:
        table.touch(item["entry_id"], now)
        approval_card(item)

    for _ in (*bad_records.each(owing, touch), *bad_records.each(to_attach, queue.send)):
        pass
    at = (str(item.get("updated_at")) for item in (*owing, *to_attach))
    oldest = min(at, default=stamp(until - _MARGIN))
    cards_since = min(oldest, stamp(until - _MARGIN))
    table.write_note(table_keys.SWEEP, {"cards_since": cards_since, "swept_at": stamp(now)})
    return len(owing)


def look_after_waiting(
    table: Table,
    companies: Mapping[str, Company],
    now: datetime,
    bad_records: BadRecords | None = None,
) -> dict[str, int]:
    """Store the reminders that became due, and have outdated approver lists read again.

    A bill whose company has another channel by now gets its card there. Returns how many bills wait
    and how many reminders are due. The notifier sends them once the stream delivers the bill: only
    the notifier posts to Slack.
    """
    waiting = table.get_many(table.in_status("READY_FOR_APPROVAL", until=now))
    looked_at = set[str]()

    def look_after(item: Item) -> bool:
        company = companies.get(item["company"])
        if company is None or item["status"] != "READY_FOR_APPROVAL":
            return False
        is_reminded = remind(table, item, company, now)
        channel = item["cards"][-1]["channel"] if item["cards"] else ""
        is_elsewhere = channel not in {"", company.slack_channel_id or channel}
        is_woken = is_reminded
        if not is_woken and is_elsewhere:
            approvers.wake(table, item)
            is_woken = True
        if company.key not in looked_at:
            looked_at.add(company.key)
            ids = [i for i in approvers.sources(company, channel) if i]
            if not is_woken and approvers.need_refresh(table, ids, now):
                approvers.wake(table, item)
        return is_reminded

    reminders = sum((bad_records or BadRecords()).each(waiting.values(), look_after))
    return {"waiting": len(waiting), "reminders": reminders}


def _instant_or_none(text: object) -> datetime | None:
    """An instant that the sweep noted; None if it is not a valid one."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
