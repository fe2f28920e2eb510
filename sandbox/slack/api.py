"""The methods of Slack's Web API that an approval needs, on a simulated workspace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.slack.answers import message_json, person_json, view_json
from sandbox.slack.arguments import truth
from sandbox.slack.payloads import BOT
from sandbox.slack.refusals import RefusalError
from sandbox.slack.workspace import BOT_ID, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.slack.payloads import Channel, Json, Message

RESPONSE_URL_USES = 5
MOST_UPDATED_TEXT = 4_000

# The scope each method needs; one that names {} needs it for the kind of channel it looks at.
SCOPES = {
    "auth.test": None,
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "views.open": None,
    "views.update": None,
    "bots.info": "users:read",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
    "usergroups.users.list": "usergroups:read",
    "conversations.members": "{}:read",
    "conversations.info": "{}:read",
    "conversations.history": "{}:history",
}

# Methods that only read ignore a JSON body: https://docs.slack.dev/apis/web-api
FORMS_ONLY = {
    name for name in SCOPES if name.startswith(("bots.", "users.", "usergroups.", "conversations."))
}


class WebApi(Workspace):
    """What each method does; `_methods` has them by the names Slack gives them."""

    def _methods(self) -> dict[str, Callable[[Json], Json]]:
        return {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._post_ephemeral,
            "views.open": self._views_open,
            "views.update": self._views_update,
            "bots.info": self._bots_info,
            "users.info": self._users_info,
            "users.lookupByEmail": self._users_lookup,
            "usergroups.users.list": self._group_users,
            "conversations.members": self._members,
            "conversations.info": self._channel_info,
            "conversations.history": self._history,
        }

    def _need(self, scope: str) -> None:
        if scope not in self.scopes:
            provided = ",".join(sorted(self.scopes))
            raise RefusalError("missing_scope", {"needed": scope, "provided": provided})

    def _auth_test(self, _: Json) -> Json:
        return {
            "url": "https://sandbox.slack.com/",
            "team": "Sandbox",
            "user": "bill_approvals",
            "team_id": self.team,
            "user_id": BOT,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
            **({"enterprise_id": self.organisation} if self.organisation else {}),
        }

    def _bots_info(self, arguments: Json) -> Json:
        if arguments.get("bot") != BOT_ID:
            raise RefusalError("bot_not_found")
        about = {"id": BOT_ID, "app_id": self.app, "user_id": BOT, "name": "Bill Approvals"}
        return {"bot": {**about, "deleted": False, "updated": 1_700_000_000, "icons": {}}}

    def _post_message(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        message = self._put(channel.id, self._composed(arguments, self._thread(channel, arguments)))
        return {
            "channel": channel.id,
            "ts": message.ts,
            "message": message_json(self, message, metadata=True),
        }

    def _update(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        old = self._own(channel, arguments, "cant_update_message")
        if len(str(arguments.get("text") or "")) > MOST_UPDATED_TEXT:
            raise RefusalError("msg_too_long")
        message = self._rewritten(old, arguments)
        channel.messages[old.ts] = message
        return {
            "channel": channel.id,
            "ts": old.ts,
            "text": message.text,
            "message": message_json(self, message, metadata=True),
        }

    def _delete(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        message = self._own(channel, arguments, "cant_delete_message")
        del channel.messages[message.ts]
        return {"channel": channel.id, "ts": message.ts}

    def _post_ephemeral(self, arguments: Json) -> Json:
        channel = self._channel(arguments, writing=True)
        if arguments.get("user") not in self.people:
            raise RefusalError("user_not_found")
        if arguments["user"] not in channel.members:
            raise RefusalError("user_not_in_channel")
        composed = self._composed(arguments, self._thread(channel, arguments))
        message = self._put(channel.id, replace(composed, person=arguments["user"]))
        return {"message_ts": message.ts}

    def _views_open(self, arguments: Json) -> Json:
        trigger = str(arguments.get("trigger_id"))
        if trigger in self._used_triggers:
            raise RefusalError("exchanged_trigger_id")
        if trigger not in self._triggers:
            raise RefusalError("invalid_trigger_id")
        person, until = self._triggers[trigger]
        if self._clock() > until:
            raise RefusalError("expired_trigger_id")
        view = self._new_view(person, arguments.get("view"))
        self._used_triggers.add(trigger)
        return {"view": view_json(self, self._show(view))}

    def _views_update(self, arguments: Json) -> Json:
        named = (
            view
            for view in self.views.values()
            if view.id == arguments.get("view_id")
            or (arguments.get("external_id") or "-") == view.content.get("external_id")
        )
        view = next(named, None)
        if view is None:
            raise RefusalError("not_found")
        if arguments.get("hash") not in {None, "", view.hash}:
            raise RefusalError("hash_conflict")
        return {"view": view_json(self, self._show(self._changed(view, arguments.get("view"))))}

    def _users_info(self, arguments: Json) -> Json:
        person = self.people.get(str(arguments.get("user")))
        if person is None:
            raise RefusalError("user_not_found")
        return {"user": person_json(self, person)}

    def _users_lookup(self, arguments: Json) -> Json:
        for person in self.people.values():
            ours = not person.team and not person.deleted
            if ours and person.email and person.email == arguments.get("email"):
                return {"user": person_json(self, person)}
        raise RefusalError("users_not_found")

    def _group_users(self, arguments: Json) -> Json:
        group = self.groups.get(str(arguments.get("usergroup")))
        if group is None:
            raise RefusalError("no_such_subteam")
        return {"users": list(group.users)}

    def _members(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="read")
        page, cursor = _page(sorted(channel.members), arguments, most=1000)
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def _channel_info(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="read")
        about: Json = {
            "id": channel.id,
            "name": channel.name,
            "is_channel": not channel.private,
            "is_group": channel.private,
            "is_private": channel.private,
            "is_archived": channel.archived,
            "is_member": BOT in channel.members,
            "is_im": False,
            "context_team_id": self.team,
        }
        if truth(arguments.get("include_num_members")):
            about["num_members"] = len(channel.members)
        return {"channel": about}

    def _history(self, arguments: Json) -> Json:
        channel = self._channel(arguments, needs="history")
        if BOT not in channel.members:
            raise RefusalError("not_in_channel")
        oldest, latest = arguments.get("oldest") or "0", arguments.get("latest") or "inf"
        edges = truth(arguments.get("inclusive"))
        newest_first = [
            message_json(self, message, metadata=truth(arguments.get("include_all_metadata")))
            for message in reversed(channel.messages.values())
            if message.thread_ts is None
            and (
                float(oldest) < float(message.ts) < float(latest)
                or (edges and message.ts in {oldest, latest})
            )
        ]
        page, cursor = _page(newest_first, arguments, most=999)
        return {
            "messages": page,
            "has_more": bool(cursor),
            "response_metadata": {"next_cursor": cursor},
        }

    def _respond_to_url(self, token: str, arguments: Json) -> Json:
        """See https://docs.slack.dev/interactivity/handling-user-interaction#message_responses ."""
        url = self._response_urls.get(token)
        if url is None or self._clock() > url.until:
            raise RefusalError("expired_url", status=404)
        if url.uses >= RESPONSE_URL_USES:
            raise RefusalError("used_url", status=404)
        original = self._current(url)
        if truth(arguments.get("delete_original")):
            if original:
                self._remove(url.channel, original)
        elif truth(arguments.get("replace_original")):
            if original is None:
                raise RefusalError("message_not_found", status=404)
            self._overwrite(url.channel, self._rewritten(original, arguments))
        else:
            # A reply in a thread needs both of them, as the page above says.
            threaded = arguments.get("replace_original") in (False, "false", "0")
            thread_ts = arguments.get("thread_ts") if threaded else None
            message = self._composed(arguments, thread_ts)
            if arguments.get("response_type") != "in_channel":
                message = replace(message, person=url.person)
            self._put(url.channel, message)
        url.uses += 1
        return {"ok": True}

    def _own(self, channel: Channel, arguments: Json, otherwise: str) -> Message:
        message = channel.messages.get(str(arguments.get("ts")))
        if message is None:
            raise RefusalError("message_not_found")
        if message.user != BOT:
            raise RefusalError(otherwise)
        return message

    def _channel(self, arguments: Json, *, writing: bool = False, needs: str = "") -> Channel:
        channel = self.channels.get(str(arguments.get("channel")))
        if channel is None or (channel.private and BOT not in channel.members):
            raise RefusalError("channel_not_found")
        if needs:
            self._need(f"{'groups' if channel.private else 'channels'}:{needs}")
        if writing and BOT not in channel.members:
            raise RefusalError("not_in_channel")
        if writing and channel.archived:
            raise RefusalError("is_archived")
        return channel

    def _thread(self, channel: Channel, arguments: Json) -> str | None:
        """The first message of the thread to post in; a reply's own ts leads to it as well."""
        ts = arguments.get("thread_ts")
        if not ts:
            return None
        if ts not in channel.messages:
            raise RefusalError("thread_not_found")
        return channel.messages[ts].thread_ts or str(ts)


def _page[T](items: list[T], arguments: Json, *, most: int) -> tuple[list[T], str]:
    """One page and the cursor of the next; Slack's default is 100."""
    start = int(arguments.get("cursor") or 0)
    end = start + min(int(arguments.get("limit") or 100), most)
    return items[start:end], str(end) if end < len(items) else ""
