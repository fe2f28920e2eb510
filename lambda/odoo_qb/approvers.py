"""Who may decide about a company's bills: read from Slack now and then, kept in the table.

An approver is a user by id, anybody of a user group, or, where a company names nobody, any
colleague in the channel its cards are in. Groups and channels are notes of the table
(`approvers#<id>`) that the notifier writes, so that a click is decided without asking Slack.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.item import Raw, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from odoo_qb.settings import Company
    from odoo_qb.slack import Slack
    from odoo_qb.store import Table

REFRESHED_AFTER: Final = timedelta(minutes=1)
VALID_FOR: Final = timedelta(hours=24)  # longer ago, and nobody is an approver by it
_LOOKUPS: Final = 100  # how many people are looked up in one go; Slack allows as many a minute
# What a stand-in for Slack says that knows neither members nor guests; Slack itself never does.
_NO_SUCH_METHOD: Final = {"unknown_method", "HTTP status 404"}


def sources(company: Company, channel: str) -> tuple[str, ...]:
    """The ids of whoever may decide: users (U…, W…), groups (S…), or else the channel."""
    return company.approvers or (company.slack_channel_id or channel,)


def may_decide(
    table: Table, ids: Sequence[str], person: str, now: datetime
) -> Literal["yes", "no", "unknown"]:
    """Whether the person is among `ids`; "unknown" when what is known is missing or not fresh."""
    if person in ids:
        return "yes"
    answer: Literal["no", "unknown"] = "no"
    for note in (table.read_note(_note_id(i)) for i in _looked_up(ids)):
        read_at = str(note.get("at", ""))
        listed = note.get("everybody") or person in note.get("people", ())
        if listed and read_at > stamp(now - VALID_FOR):
            return "yes"
        if read_at <= stamp(now - REFRESHED_AFTER):
            answer = "unknown"
    return answer


def refresh(table: Table, slack: Slack, ids: Iterable[str], now: datetime) -> None:
    """Read groups and channels from Slack again, unless that was done within the last minute."""
    for source in _looked_up(ids):
        note = table.read_note(_note_id(source))
        if str(note.get("at", "")) <= stamp(now - REFRESHED_AFTER):
            table.write_note(_note_id(source), _read(slack, source, note, now))


def _read(slack: Slack, source: str, note: Raw, now: datetime) -> Raw:
    if source.startswith("S"):
        return {"people": slack.group_members(source), "at": stamp(now)}
    try:
        return _colleagues(slack, slack.channel_members(source), note, now) | {"everybody": False}
    except Refused as refusal:
        if refusal.code not in _NO_SUCH_METHOD:
            raise
        return {"everybody": True, "at": stamp(now)}


def _colleagues(slack: Slack, members: Sequence[str], note: Raw, now: datetime) -> Raw:
    """Which members are colleagues; somebody is looked up once a day, not at each refresh."""
    looked_up_at = str(note.get("looked_up_at", ""))
    if looked_up_at <= stamp(now - VALID_FOR):
        note, looked_up_at = {}, stamp(now)
    known = dict.fromkeys(note.get("people", ()), True)
    known |= dict.fromkeys(note.get("others", ()), False)
    for person in [m for m in members if m not in known][:_LOOKUPS]:
        try:
            known[person] = slack.is_colleague(person)
        except Unavailable:
            break  # the next refresh goes on from here
    return {
        "people": [m for m in members if known.get(m)],
        "others": [m for m in members if known.get(m) is False],
        "looked_up_at": looked_up_at,
        "at": stamp(now),
    }


def _looked_up(ids: Iterable[str]) -> list[str]:
    """The groups and channels among the ids; a user needs no looking up."""
    return [i for i in ids if not i.startswith(("U", "W"))]


def _note_id(source: str) -> str:
    return f"approvers#{source}"
