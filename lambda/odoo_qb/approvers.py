"""Who may decide about a company's bills: read from Slack now and then, kept in the table.

An approver is a user by id, anybody of a user group, or, where a company names nobody, any
colleague in the channel its cards are in; guests and people of other workspaces never are.
What Slack said of a user, group or channel is a note of the table (`approvers#<id>`) that the
notifier writes, so that a click is decided without asking Slack: `people` has the colleagues
and their e-mail addresses, `others` who is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.errors import Conflict, Refused, Unavailable
from odoo_qb.item import Raw, stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from odoo_qb.item import Item
    from odoo_qb.settings import Company
    from odoo_qb.slack import Slack
    from odoo_qb.store import Table

REFRESHED_AFTER: Final = timedelta(minutes=1)
VALID_FOR: Final = timedelta(hours=24)  # longer ago, and nobody is an approver by it
# Well before that, somebody should look again: a list is old by the time a weekend is over.
RENEWED_AFTER: Final = timedelta(hours=12)
_LOOKUPS: Final = 100  # how many people are looked up in one go; Slack allows as many a minute
_MENTIONED: Final = 20
# What a stand-in for Slack says that knows neither members nor guests; Slack itself never does.
_NO_SUCH_METHOD: Final = {"unknown_method", "HTTP status 404"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a person: "unknown" when the lists are missing or not fresh."""

    may_decide: Literal["yes", "no", "unknown"]
    email: str = ""


def sources(company: Company, channel: str, *, escalated: bool = False) -> tuple[str, ...]:
    """The ids of whoever may decide: users (U…, W…), groups (S…), or else the channel.

    To a bill that waits too long the second list is called as well.
    """
    ids = company.approvers or (company.slack_channel_id or channel,)
    return (*ids, *company.escalation_approvers) if escalated else ids


def known(table: Table, ids: Sequence[str], person: str, now: datetime) -> Known:
    """What is known of a person who wants to decide, where `ids` may."""
    concerning = [i for i in ids if i == person or not _is_user(i)]
    notes = {source: table.read_note(_note_id(source)) for source in concerning}
    email = next(filter(None, (_email(note, person) for note in notes.values())), "")
    answer: Literal["no", "unknown"] = "no"
    for source, note in notes.items():
        read_at = str(note.get("at", ""))
        is_listed = note.get("everybody") or person in note.get("people", ())
        if is_listed and read_at > stamp(now - VALID_FOR):
            return Known(may_decide="yes", email=email)
        # A guest may be named by id, too: who is one only Slack knows, and it may be down.
        is_open = source == person and not _is_read(source, note)
        if is_open or read_at <= stamp(now - REFRESHED_AFTER):
            answer = "unknown"
    return Known(may_decide=answer)


def refresh(table: Table, slack: Slack, ids: Sequence[str], now: datetime) -> None:
    """Read users, groups and channels from Slack again, where that was not done just now."""
    for source in ids:
        note = table.read_note(_note_id(source))
        age = RENEWED_AFTER if _is_user(source) and _is_read(source, note) else REFRESHED_AFTER
        if str(note.get("at", "")) <= stamp(now - age):
            table.write_note(_note_id(source), _read(slack, source, note, now))


def need_refresh(table: Table, ids: Sequence[str], now: datetime) -> bool:
    """Whether what is known of `ids` grows old: then a bill that waits should `wake` somebody."""
    notes = (table.read_note(_note_id(i)) for i in ids)
    return any(str(note.get("at", "")) <= stamp(now - RENEWED_AFTER) for note in notes)


def wake(table: Table, item: Item) -> None:
    """Wake the notifier, which reads the approvers from Slack; the bill is left as it is."""
    version = {"version": item["version"]}
    try:
        table.write_note(
            item["entry_id"],
            {"card_due": item["version"]},
            condition="version = :version",
            condition_values=version,
        )
    except Conflict:
        return  # whoever changed the bill woke it


def to_mention(table: Table, ids: Sequence[str]) -> list[str]:
    """The people to call: colleagues named by id and those of the groups."""
    found: list[str] = []
    for source in ids:
        note = table.read_note(_note_id(source))
        listed = [source] if _is_user(source) else sorted(note.get("people", ()))
        found += [p for p in listed if p not in note.get("others", ())]
    return list(dict.fromkeys(found))[:_MENTIONED]


def _read(slack: Slack, source: str, note: Raw, now: datetime) -> Raw:
    try:
        return _colleagues(slack, _members(slack, source), note, now) | {"everybody": False}
    except Refused as refusal:
        if refusal.code not in _NO_SUCH_METHOD or source.startswith("S"):
            raise
        return {"everybody": True, "people": {}, "others": [], "at": stamp(now)}


def _members(slack: Slack, source: str) -> list[str]:
    if _is_user(source):
        return [source]
    return slack.group_members(source) if source.startswith("S") else slack.channel_members(source)


def _colleagues(slack: Slack, members: Sequence[str], note: Raw, now: datetime) -> Raw:
    """Which members are colleagues; somebody is looked up once a day, not at each refresh."""
    looked_up_at = str(note.get("looked_up_at", ""))
    if looked_up_at <= stamp(now - VALID_FOR / 2):
        note, looked_up_at = {}, stamp(now)
    emails: dict[str, str | None] = dict(note.get("people", {}))
    emails |= dict.fromkeys(note.get("others", ()), None)
    for person in [m for m in members if m not in emails][:_LOOKUPS]:
        try:
            emails[person] = slack.colleague_email(person)
        except Unavailable:
            break  # the next refresh goes on from here
    found = {m: emails[m] for m in members if m in emails}
    return {
        "people": {m: email for m, email in found.items() if email is not None},
        "others": [m for m, email in found.items() if email is None],
        "looked_up_at": looked_up_at,
        "at": stamp(now),
    }


def _is_read(person: str, note: Raw) -> bool:
    """Whether Slack has said what somebody named by id is."""
    return bool(note.get("everybody")) or any(
        person in note.get(k, ()) for k in ("people", "others")
    )


def _email(note: Raw, person: str) -> str:
    return str(note.get("people", {}).get(person, ""))


def _is_user(source: str) -> bool:
    return source.startswith(("U", "W"))


def _note_id(source: str) -> str:
    return f"approvers#{source}"
