"""Reminders for bills that wait too long: whom to remind, when, and not in quiet hours.

A reminder is first stored as pending (the item's `notices`). The sweep does that, and the notifier
posts it in the thread of the bill's card.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from dateutil import tz  # type: ignore[import-untyped]  # comes with boto3, and brings the zones

from odoo_qb.bill.notices import (
    ESCALATION,
    REMINDER,
    _is_of_this_wait,
    bounded,
    notices_of,
    waiting_since,
)
from odoo_qb.errors import Conflict
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.store.table import Table

_HOURS: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


def due_notices(item: Item, company: Company, now: datetime) -> list[Json]:
    """The reminders that became due and are not pending yet.

    Every `reminder_hours` one to the approvers, once after `escalation_hours` one to the escalation
    list. In quiet hours a reminder becomes due at their end.
    """
    since = waiting_since(item)
    if not since:
        return []
    found: list[Json] = []
    for kind, hours in (
        (REMINDER, company.reminder_hours),
        (ESCALATION, company.escalation_hours),
    ):
        earlier = [n for n in notices_of(item) if n["kind"] == kind and _is_of_this_wait(item, n)]
        done = kind == ESCALATION and earlier
        if not hours or done or any(not n["ts"] for n in earlier):
            continue
        last = max([since, *(str(n["due_at"]) for n in earlier)])
        due = outside_quiet_hours(datetime.fromisoformat(last) + timedelta(hours=hours), company)
        if due <= now and outside_quiet_hours(now, company) == now:
            found.append({"kind": kind, "due_at": stamp(now), "ts": ""})
    return found


def remind(table: Table, item: Item, company: Company, now: datetime) -> bool:
    """Store what became due and wake the notifier; False if nothing is due or the bill changed.

    This does not change the bill's version, and a simultaneous write loses or doubles no reminder.
    """
    due = due_notices(item, company, now)
    return bool(due) and keep_notices(table, item, [*notices_of(item), *due], wake=True)


def keep_notices(table: Table, item: Item, notices: Sequence[Json], *, wake: bool = False) -> bool:
    """Store a bill's notices, unless they or the bill changed since it was read."""
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


def outside_quiet_hours(instant: datetime, company: Company) -> datetime:
    """The instant, or the end of the quiet hours it falls into."""
    match = _HOURS.fullmatch(company.quiet_hours.strip())
    zone = tz.gettz(company.time_zone) or tz.UTC
    if match is None:
        return instant
    from_hour, from_minute, until_hour, until_minute = map(int, match.groups())
    starts, ends = time(from_hour, from_minute), time(until_hour, until_minute)
    local = instant.astimezone(zone)
    clock = local.time()
    is_evening = starts > ends and clock >= starts  # quiet hours across midnight
    is_morning = clock < ends and (starts > ends or starts <= clock)
    if not (is_evening or is_morning):
        return instant
    day = local.date() + timedelta(days=is_evening)
    return datetime.combine(day, ends, zone).astimezone(instant.tzinfo)


def unknown_zones(companies: Iterable[Company]) -> list[str]:
    """A sentence for each invalid time zone; Terraform cannot check them with a pattern."""
    return [
        (
            f"{company.key}: {company.time_zone} is not a time zone in the tz database, so its"
            " quiet hours are read as UTC. Correct time_zone in company_settings and apply."
        )
        for company in companies
        if tz.gettz(company.time_zone) is None
    ]
