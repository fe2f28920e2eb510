"""Bills that wait too long: whom to remind, when, and not while they sleep.

A reminder is owed in the table (`notices` of the item) before it is sent: whoever looks after
what got stuck makes it due, the notifier posts it in the thread of the bill's card.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from dateutil import tz  # type: ignore[import-untyped]  # comes with boto3, and brings the zones

from odoo_qb.errors import Conflict
from odoo_qb.item import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odoo_qb.item import Item, Raw
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

REMINDER: Final = "reminder"
ESCALATION: Final = "escalation"
_SENT_KEPT: Final = 10
_HOURS: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


def notices_of(item: Item) -> list[Raw]:
    """The replies owed or sent in the thread of the bill's card; `ts` is empty while owed."""
    return list(item.get("notices") or ())


def bounded(notices: Sequence[Raw]) -> list[Raw]:
    """The notices, of those sent long ago only the last ones: a bill's item has its bounds."""
    sent = [n for n in notices if n["ts"]]
    last = [n for n in sent if n["kind"] == ESCALATION][-1:]
    kept = [*last, *sent[-_SENT_KEPT:]]
    return [n for n in notices if not n["ts"] or n in kept]


def owed(item: Item) -> list[Raw]:
    """The replies still to be sent: of reminders those about the wait that goes on."""
    return [
        n
        for n in notices_of(item)
        if not n["ts"] and (n["kind"] not in {REMINDER, ESCALATION} or _is_of_this_wait(item, n))
    ]


def waiting_since(item: Item) -> str:
    """Since when a bill waits for a decision as it now stands (a stamp); "" if it does not."""
    since = ""
    for entry in reversed(item["history"]):
        if entry["to"] != "READY_FOR_APPROVAL" or entry["digest"] != item["digest"]:
            break
        since = str(entry["at"])
    return since


def is_escalated(item: Item) -> bool:
    """Whether the second list has been called to a bill as it now is.

    Who then approved it has to do with what comes of that: to take it back, to try it again.
    """
    since = ""
    for entry in reversed(item["history"]):
        if entry["digest"] != item["digest"]:
            break
        since = str(entry["at"])
    return any(n["kind"] == ESCALATION and str(n["due_at"]) >= since for n in notices_of(item))


def due_notices(item: Item, company: Company, now: datetime) -> list[Raw]:
    """The reminders that became due and are not owed yet.

    Every `reminder_hours` one to the approvers, once after `escalation_hours` one to the
    second list; what falls into the quiet hours becomes due at their end.
    """
    since = waiting_since(item)
    if not since:
        return []
    found: list[Raw] = []
    for kind, hours in (
        (REMINDER, company.reminder_hours),
        (ESCALATION, company.escalation_hours),
    ):
        earlier = [n for n in notices_of(item) if n["kind"] == kind and _is_of_this_wait(item, n)]
        done = kind == ESCALATION and earlier
        if not hours or done or any(not n["ts"] for n in earlier):
            continue
        last = max([since, *(str(n["due_at"]) for n in earlier)])
        due = awake(datetime.fromisoformat(last) + timedelta(hours=hours), company)
        if due <= now and awake(now, company) == now:
            found.append({"kind": kind, "due_at": stamp(now), "ts": ""})
    return found


def remind(table: Table, item: Item, company: Company, now: datetime) -> bool:
    """Owe what became due, and wake the notifier; False if there is nothing or it was too late.

    It is no change of the bill: its version stays, and no reminder is lost or doubled by a
    write at the same moment.
    """
    due = due_notices(item, company, now)
    return bool(due) and keep_notices(table, item, [*notices_of(item), *due], wake=True)


def keep_notices(table: Table, item: Item, notices: Sequence[Raw], *, wake: bool = False) -> bool:
    """Write a bill's notices, if neither they nor the bill changed since it was read."""
    was = notices_of(item)
    same = "notices = :was" if was else "(attribute_not_exists(notices) OR size(notices) = :none)"
    values = {"was": was} if was else {"none": 0}
    woken = {"card_due": item["version"]} if wake else {}
    try:
        table.note_on_bill(
            item["entry_id"],
            {"notices": bounded(notices), **woken},
            condition=f"version = :version AND {same}",
            condition_values={"version": item["version"], **values},
        )
    except Conflict:
        return False
    return True


def awake(instant: datetime, company: Company) -> datetime:
    """The instant, or the end of the quiet hours it falls into."""
    match = _HOURS.fullmatch(company.quiet_hours.strip())
    zone = tz.gettz(company.time_zone) or tz.UTC
    if match is None:
        return instant
    from_hour, from_minute, until_hour, until_minute = map(int, match.groups())
    starts, ends = time(from_hour, from_minute), time(until_hour, until_minute)
    local = instant.astimezone(zone)
    clock = local.time()
    is_evening = starts > ends and clock >= starts  # of hours that go through midnight
    is_morning = clock < ends and (starts > ends or starts <= clock)
    if not (is_evening or is_morning):
        return instant
    day = local.date() + timedelta(days=is_evening)
    return datetime.combine(day, ends, zone).astimezone(instant.tzinfo)


def unknown_zones(companies: Iterable[Company]) -> list[str]:
    """What is wrong with companies' time zones, a sentence each: no pattern knows them all."""
    return [
        f"{company.key}: there is no time zone {company.time_zone} in the tz database, so"
        " quiet_hours are taken as UTC: correct time_zone in company_settings and apply."
        for company in companies
        if tz.gettz(company.time_zone) is None
    ]


def _is_of_this_wait(item: Item, notice: Raw) -> bool:
    since = waiting_since(item)
    return bool(since) and str(notice["due_at"]) >= since
