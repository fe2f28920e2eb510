"""Who may decide on a company's bills: read from Slack now and then, stored in the table.

Approvers are users by id, all members of a user group, or, if a company names none, all colleagues
in the channel of its cards. Guests and people from other workspaces never are.

The notifier stores what Slack says about a user, group or channel in a note (`approvers#<id>`), so
that a click is decided without calling Slack. `people` are the colleagues with their e-mail
addresses, `others` are not colleagues, `unread` were not looked up yet or recently, `asked` clicked
meanwhile. `home` is our workspace, `app` our app, `trouble` what Slack refused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from aws_lambda_powertools import Logger

from odoo_qb import table_keys
from odoo_qb.errors import Conflict, Refused, Unavailable
from odoo_qb.slack.workspace import Workspace
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.slack.client import SlackClient
    from odoo_qb.store.table import Table

logger = Logger(child=True)

REFRESHED_AFTER: Final = timedelta(minutes=1)
# A person missing from a list this recent is not an approver. With an older list they are asked to
# try again in a minute: by then it was read again, and must still count as recent.
_SAYS_NO_FOR: Final = timedelta(minutes=10)
VALID_FOR: Final = timedelta(hours=24)  # an older list makes no one an approver
# Read again well before that: after a weekend every list is old.
RENEWED_AFTER: Final = timedelta(hours=12)
_LOOKUPS: Final = 100  # people looked up at once; Slack allows about as many a minute
_MOST: Final = 2000  # people in a list: a note holds 400 kB
_MENTIONED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproverCheck:
    """What is known about a person: "unknown" if lists are missing, outdated or incomplete.

    A "no" that `may_be_old` may miss changes of the last minutes.
    """

    may_decide: Literal["yes", "no", "unknown"]
    email: str = ""
    home: Workspace = field(default_factory=Workspace)
    app: str = ""  # our own; empty if Slack has not said
    may_be_old: bool = False


def sources(company: Company, channel: str, *, escalated: bool = False) -> tuple[str, ...]:
    """The ids of the approvers: users (U…, W…), groups (S…), or else the channel.

    For a bill that waits too long, the escalation list is included.
    """
    ids = company.approvers or (company.slack_channel_id or channel,)
    return (*ids, *company.escalation_approvers) if escalated else ids


def known(table: Table, ids: Sequence[str], person: str, now: datetime) -> ApproverCheck:
    """What is known about a person who wants to decide, if `ids` may."""
    notes = {source: table.read_note(_note_id(source)) for source in _concerning(ids, person)}
    email = next(filter(None, (_email(note, person) for note in notes.values())), "")
    home = Workspace(**next(filter(None, (note.get("home") for note in notes.values())), {}))
    app = next(filter(None, (str(note.get("app", "")) for note in notes.values())), "")
    answer: Literal["no", "unknown"] = "no"
    for source, note in notes.items():
        read_at = str(note.get("at", ""))
        is_listed = note.get("everybody") or person in note.get("people", ())
        if is_listed and read_at > stamp(now - VALID_FOR):
            return ApproverCheck(may_decide="yes", email=email, home=home, app=app)
        # A guest may be named by id, too: only Slack knows, and it may be down.
        is_named = source == person
        is_open = (is_named or person in note.get("unread", ())) and not _is_read(person, note)
        is_old = read_at <= stamp(now - (VALID_FOR if is_named else _SAYS_NO_FOR))
        # If Slack refuses to tell, trying again every minute would not help.
        if is_open or (is_old and not note.get("trouble")):
            answer = "unknown"
    lists = [str(note.get("at", "")) for source, note in notes.items() if source != person]
    may_be_old = min(lists, default=stamp(now)) <= stamp(now - REFRESHED_AFTER)
    return ApproverCheck(may_decide=answer, home=home, app=app, may_be_old=may_be_old)


def refresh(
    table: Table, slack: SlackClient, ids: Sequence[str], now: datetime, is_time: Callable[[], bool]
) -> None:
    """Read users, groups and channels from Slack again, unless that was just done.

    A refusal for one is stored there and does not stop the others. If Slack is down, or `is_time`
    says that time is up, the next refresh continues.
    """
    for source in ids:
        note = table.read_note(_note_id(source))
        age = RENEWED_AFTER if _is_user(source) and _is_read(source, note) else REFRESHED_AFTER
        is_fresh = str(note.get("at", "")) > stamp(now - age)
        if is_fresh or str(note.get("refused_at", "")) > stamp(now - REFRESHED_AFTER):
            continue
        if not is_time():
            return
        try:
            read = _read(slack, source, note, now, is_time)
        except Refused as refusal:
            logger.error("approvers not read from Slack", source=source, reason=str(refusal))  # noqa: TRY400 - a sentence, no traceback
            read = {"trouble": str(refusal), "refused_at": stamp(now)}
        except Unavailable as error:
            logger.warning("approvers not read from Slack", source=source, reason=str(error))
            return
        table.write_note(_note_id(source), read)


def need_refresh(table: Table, ids: Sequence[str], now: datetime) -> bool:
    """Whether the lists of `ids` are outdated or incomplete, so that `wake` is needed."""
    notes = (table.read_note(_note_id(i)) for i in ids)
    return any(
        str(note.get("at", "")) <= stamp(now - RENEWED_AFTER) or note.get("unread")
        for note in notes
    )


def troubles(table: Table, companies: Iterable[Company]) -> list[str]:
    """What Slack refused to tell about configured approvers, for the operator."""
    named = {(c.key, i) for c in companies for i in (*c.approvers, *c.escalation_approvers)}
    notes = table.get_many(_note_id(i) for i in sorted({i for _, i in named}))
    found = ((key, i, dict(notes.get(_note_id(i), {})).get("trouble")) for key, i in sorted(named))
    return [f"{key}, approver {i}: {trouble}" for key, i, trouble in found if trouble]


def wake(table: Table, item: Item) -> None:
    """Wake the notifier, which reads the approvers from Slack; the bill does not change."""
    version = {"version": item["version"]}
    try:
        table.note_on_bill(
            item["entry_id"],
            {"card_due": item["version"]},
            condition="version = :version",
            condition_values=version,
        )
    except Conflict:
        return  # the change of the bill has woken it


def ask_about(table: Table, ids: Sequence[str], person: str) -> None:
    """Have a person who clicked looked up first, if the list is incomplete."""
    for source in _concerning(ids, person):
        note = table.read_note(_note_id(source))
        if person in note.get("unread", ()) and person not in note.get("asked", ()):
            asked = [*note.get("asked", ()), person][-_LOOKUPS:]
            table.write_note(_note_id(source), {"asked": asked})


def to_mention(table: Table, ids: Sequence[str]) -> list[str]:
    """The people to mention: colleagues named by id and those in the groups."""
    found: list[str] = []
    for source in ids:
        note = table.read_note(_note_id(source))
        listed = [source] if _is_user(source) else sorted(note.get("people", ()))
        found += [p for p in listed if p not in note.get("others", ())]
    return list(dict.fromkeys(found))[:_MENTIONED]


def _concerning(ids: Sequence[str], person: str) -> list[str]:
    """The lists in which a person may be."""
    return [i for i in ids if i == person or not _is_user(i)]


def _read(
    slack: SlackClient, source: str, note: Json, now: datetime, is_time: Callable[[], bool]
) -> Json:
    fresh: Json = {"everybody": False, "trouble": "", "asked": [], "at": stamp(now)}
    fresh["app"] = _app(slack) or note.get("app", "")
    try:
        return {**fresh, **_colleagues(slack, _members(slack, source), note, now, is_time)}
    except Refused as refusal:
        if not slack.lacks(refusal) or source.startswith("S"):
            raise
        return {**fresh, "everybody": True, "people": {}, "others": [], "unread": []}


def _app(slack: SlackClient) -> str:
    """Our app's id; if Slack does not tell it, the signature alone must do."""
    try:
        return slack.app()
    except (Refused, Unavailable) as error:
        logger.warning("our app id not read from Slack", reason=str(error))
        return ""


def _members(slack: SlackClient, source: str) -> list[str]:
    if _is_user(source):
        return [source]
    is_group = source.startswith("S")
    members = slack.group_members(source) if is_group else slack.channel_members(source)
    if len(members) > _MOST:
        raise Refused(
            f"{source} has more than {_MOST} members. Name the approvers, or a smaller user"
            " group, in company_settings."
        )
    return members


def _colleagues(
    slack: SlackClient,
    members: Sequence[str],
    note: Json,
    now: datetime,
    is_time: Callable[[], bool],
) -> Json:
    """Which members are colleagues; each is looked up twice a day, not at every refresh.

    People not looked up again yet keep their state. Unknown people come first, those who clicked
    before the others.
    """
    home, began = asdict(slack.home()), str(note.get("looked_up_at", ""))
    emails: dict[str, str | None] = {}
    if note.get("home") == home:
        emails = dict.fromkeys(note.get("others", ()), None) | note.get("people", {})
    unread = [m for m in note.get("unread", ()) if m in emails]
    if began <= stamp(now - RENEWED_AFTER):
        unread, began = list(emails), stamp(now)
    present = set(members)
    new = sorted((m for m in members if m not in emails), key=_asked_first(note))
    due = [*new, *(m for m in unread if m in present)]
    looked_up = 0
    for person in due[:_LOOKUPS]:
        if not is_time():
            break
        try:
            emails[person] = slack.colleague_email(person)
        except Unavailable:
            break  # the next refresh continues here
        looked_up += 1
    found = {m: emails[m] for m in members if m in emails}
    return {
        "people": {m: email for m, email in found.items() if email is not None},
        "others": [m for m, email in found.items() if email is None],
        "unread": due[looked_up:],
        "looked_up_at": began,
        "home": home,
    }


def _asked_first(note: Json) -> Callable[[str], bool]:
    asked = set(note.get("asked", ()))
    return lambda person: person not in asked


def _is_read(person: str, note: Json) -> bool:
    """Whether Slack has said whether a person named by id is a colleague."""
    return bool(note.get("everybody")) or any(
        person in note.get(k, ()) for k in ("people", "others")
    )


def _email(note: Json, person: str) -> str:
    return str(note.get("people", {}).get(person, ""))


def _is_user(source: str) -> bool:
    return source.startswith(("U", "W"))


def _note_id(source: str) -> str:
    return table_keys.approvers(source)
