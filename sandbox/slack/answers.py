"""Messages, people and modals in the JSON that Slack answers with.

https://docs.slack.dev/reference/objects
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.slack.payloads import BOT
from sandbox.slack.workspace import BOT_ID

if TYPE_CHECKING:
    from sandbox.slack.payloads import Json, Message, Person, View
    from sandbox.slack.workspace import Workspace


def message_json(workspace: Workspace, message: Message, *, metadata: bool = False) -> Json:
    """A message as the Web API answers it."""
    answer: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "text": message.text,
        "team": workspace.team,
    }
    if message.user == BOT:
        answer |= {"bot_id": BOT_ID, "app_id": workspace.app}
    if message.blocks:
        answer["blocks"] = list(message.blocks)
    if message.thread_ts:
        answer["thread_ts"] = message.thread_ts
    if message.edited:
        answer["edited"] = {"user": message.user, "ts": message.ts}
    if metadata and message.metadata:
        answer["metadata"] = message.metadata
    return answer


def user_json(workspace: Workspace, person: Person) -> Json:
    """A person as an interaction names them."""
    username = person.name.lower().replace(" ", ".")
    return {"id": person.id, "username": username, "team_id": person.team or workspace.team}


def person_json(workspace: Workspace, person: Person) -> Json:
    """A person as users.info answers them, with what the app's scopes allow."""
    profile = {"real_name": person.name, "display_name": person.name.split()[0]}
    is_ours = not person.team or workspace.team in person.teams
    if person.email and is_ours and "users:read.email" in workspace.scopes:
        profile["email"] = person.email
    in_organisation: Json = {}
    if workspace.organisation and (person.teams or not person.team):
        in_organisation = {
            "enterprise_user": {
                "id": person.id,
                "enterprise_id": workspace.organisation,
                "enterprise_name": "Group",
                "is_admin": False,
                "is_owner": False,
                "teams": list(person.teams or (workspace.team,)),
            }
        }
    return {
        **in_organisation,
        "id": person.id,
        "team_id": person.team or workspace.team,
        "name": user_json(workspace, person)["username"],
        "real_name": person.name,
        "deleted": person.deleted,
        "is_bot": person.is_bot,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": False,
        # Slack's word for who shares no channel with the app, wherever they come from.
        "is_stranger": not any(person.id in c.members for c in workspace.channels.values()),
        "profile": profile,
    }


def view_json(workspace: Workspace, view: View) -> Json:
    """A modal as the Web API and interactions carry it."""
    defaults = {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
    }
    return {
        **defaults,
        **view.content,
        "id": view.id,
        "team_id": workspace.people[view.person].team or workspace.team,
        "app_id": workspace.app,
        "app_installed_team_id": workspace.team,
        "bot_id": BOT_ID,
        "state": {"values": {}},
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
    }
