"""Which workspace of Slack is ours, and who and what comes from another one. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Where the app is installed: a workspace, or all those of an organisation (Enterprise Grid).

    Both are empty where Slack did not say.
    """

    team: str = ""
    organisation: str = ""


def home_of(answer: Mapping[str, Any]) -> Workspace:
    """What auth.test says of the app; see https://docs.slack.dev/reference/methods/auth.test ."""
    everywhere = bool(answer.get("is_enterprise_install"))
    return Workspace(
        team="" if everywhere else str(answer.get("team_id") or ""),
        organisation=str(answer.get("enterprise_id") or ""),
    )


def is_member(user: Mapping[str, Any], home: Workspace) -> bool:
    """Whether users.info tells of somebody of ours.

    `is_stranger` does not say it: it is false for whoever shares a channel with the app, and so
    for everybody who comes by Slack Connect. A person of an organisation is at home in several
    workspaces: https://docs.slack.dev/reference/objects/user-object
    """
    theirs = user.get("enterprise_user") or {}
    if home.team:
        return home.team in {user.get("team_id"), *(theirs.get("teams") or ())}
    if home.organisation:
        return home.organisation in {theirs.get("enterprise_id"), user.get("team_id")}
    return True


def is_ours(named: AbstractSet[str], home: Workspace) -> bool:
    """Whether every workspace that a request names is ours; one that names none is nobody's.

    Where the app is installed for a whole organisation, or Slack did not say where, they must at
    least be one and the same.
    """
    others = named - {home.team, home.organisation}
    return bool(named) and len(others) <= (0 if home.team else 1)


def is_of_organisation(named: AbstractSet[str], organisation: str, home: Workspace) -> bool:
    """Whether a request comes from a workspace of our own organisation (Enterprise Grid).

    It says nothing of the person: somebody of another company may have clicked in a channel that
    is shared with them. Only who is known as a member of our own workspace decides.
    """
    return bool(named) and organisation == home.organisation != ""
