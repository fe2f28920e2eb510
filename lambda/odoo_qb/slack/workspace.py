"""Our Slack workspace, and who or what comes from another one. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the app is installed: one workspace, or a whole organisation (Enterprise Grid).

    Both ids are empty if Slack did not say.
    """

    team: str = ""
    organisation: str = ""


def home_of(answer: Mapping[str, Any]) -> Workspace:
    """The workspace in the answer of auth.test.

    https://docs.slack.dev/reference/methods/auth.test
    """
    everywhere = bool(answer.get("is_enterprise_install"))
    return Workspace(
        team="" if everywhere else str(answer.get("team_id") or ""),
        organisation=str(answer.get("enterprise_id") or ""),
    )


def is_member(user: Mapping[str, Any], home: Workspace) -> bool:
    """Whether users.info describes a member of our workspace.

    `is_stranger` does not tell: it is false for everyone who shares a channel with the app, so also
    for people who come by Slack Connect. In an organisation a person may belong to several
    workspaces: https://docs.slack.dev/reference/objects/user-object
    """
    theirs = user.get("enterprise_user") or {}
    if home.team:
        return home.team in {user.get("team_id"), *(theirs.get("teams") or ())}
    if home.organisation:
        return home.organisation in {theirs.get("enterprise_id"), user.get("team_id")}
    return True


def is_ours(named: AbstractSet[str], home: Workspace) -> bool:
    """Whether every workspace that a request names is ours; false if it names none.

    If the app is installed for a whole organisation, or Slack did not say where, all of them must
    at least be the same.
    """
    others = named - {home.team, home.organisation}
    return bool(named) and len(others) <= (0 if home.team else 1)


def is_of_organisation(named: AbstractSet[str], organisation: str, home: Workspace) -> bool:
    """Whether a request comes from a workspace of our own organisation (Enterprise Grid).

    This says nothing about the person: someone from another company may have clicked in a shared
    channel. Only known members of our own workspace may decide.
    """
    return bool(named) and organisation == home.organisation != ""
