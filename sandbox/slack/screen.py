"""What people do in the simulated Slack: they click, fill in a modal, and see its answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.slack.answers import message_json, user_json, view_json
from sandbox.slack.api import WebApi
from sandbox.slack.payloads import ScreenError, block_actions, envelope, filled, signed
from sandbox.slack.refusals import RefusalError
from sandbox.slack.workspace import ResponseUrl

if TYPE_CHECKING:
    from sandbox.slack.payloads import Json, Message, Person, SignedRequest, View

ANSWER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1800.0


class Screen(WebApi):
    """A person's side of the workspace; ScreenError for what they cannot do."""

    def click(self, person: str, channel: str, ts: str, action_id: str) -> SignedRequest:
        """The request Slack sends when a person clicks a button; ScreenError if they cannot."""
        with self._lock:
            clicker, message = self._person_here(person, channel), self._seen(person, channel, ts)
            now = self._clock()
            url = ResponseUrl(
                channel=channel, message=message, person=person, until=now + RESPONSE_URL_SECONDS
            )
            payload = block_actions(
                person=user_json(self, clicker),
                team=self.team,
                app=self.app,
                organisation=self.organisation,
                channel={"id": channel, "name": self.channels[channel].name},
                message=message_json(self, message),
                action_id=action_id,
                trigger_id=self._trigger(person),
                response_url=self._response_url(url),
                at=now,
                ephemeral=message.person is not None,
            )
            return signed(payload, secret=self.signing_secret, at=now)

    def submit(
        self, person: str, view_id: str, values: dict[str, dict[str, str | None]]
    ) -> SignedRequest:
        """The request Slack sends when a person submits a modal, `values` by block and action id.

        ScreenError for what Slack's client stops: somebody else's modal, an unknown field, a
        mandatory one left empty, a text too short or too long, no such option.
        """
        with self._lock:
            view, now = self._open_view(person, view_id), self._clock()
            inputs = {
                block["block_id"]: block
                for block in view.content["blocks"]
                if block["type"] == "input"
            }
            if unknown := values.keys() - inputs.keys():
                raise ScreenError(f"the modal has no field {', '.join(sorted(unknown))}")
            state = {name: filled(block, values.get(name, {})) for name, block in inputs.items()}
            payload = {
                "type": "view_submission",
                **envelope(
                    user_json(self, self.people[person]), self.team, self.app, self.organisation
                ),
                "trigger_id": self._trigger(person),
                "view": view_json(self, view) | {"state": {"values": state}},
                "response_urls": [],
            }
            return signed(payload, secret=self.signing_secret, at=now)

    def apply_submit_answer(
        self, view_id: str, status: int, body: bytes, *, seconds: float = 0.0
    ) -> View | None:
        """Do with a modal what the app answered to its submission after so many `seconds`.

        Returns the modal now in front of the person: None once it is closed, with `errors` if some
        were answered, with `trouble` if the answer was late, not 200, or not one Slack understands.
        https://docs.slack.dev/surfaces/modals#response_actions
        """
        with self._lock:
            view = self.views[view_id]
            try:
                answer = json.loads(body) if body.strip() else {}
                if status != 200 or seconds > ANSWER_SECONDS:  # noqa: PLR2004 - HTTP's OK
                    return self._show(replace(view, errors={}, trouble=True))
                return self._respond(view, answer)
            except (ValueError, KeyError, TypeError, AttributeError, RefusalError):
                return self._show(replace(view, errors={}, trouble=True))

    def _respond(self, view: View, answer: Json) -> View | None:
        action = answer.get("response_action")
        if action == "errors":
            fields = {each.get("block_id") for each in view.content["blocks"]}
            if not answer["errors"] or not answer["errors"].keys() <= fields:
                raise ValueError("errors must name input blocks of the view")
            return self._show(replace(view, errors=dict(answer["errors"]), trouble=False))
        if action == "update":
            return self._show(self._changed(view, answer["view"]))
        if action == "push":
            return self._show(self._new_view(view.person, answer["view"], previous=view))
        if action == "clear":
            self.views = {name: each for name, each in self.views.items() if each.root != view.root}
            return None
        if answer:
            raise ValueError("no such response_action")
        del self.views[view.id]
        return self.views.get(view.previous or "")

    def _person_here(self, person: str, channel: str) -> Person:
        found = self.people.get(person)
        if found is None or found.is_bot or found.deleted:
            raise ScreenError(f"{person} cannot click")
        if channel not in self.channels or person not in self.channels[channel].members:
            raise ScreenError(f"{person} is not in {channel}")
        return found

    def _seen(self, person: str, channel: str, ts: str) -> Message:
        place = self.channels[channel]
        everything = [*place.messages.values(), *place.ephemerals[person]]
        for message in everything:
            if message.ts == ts:
                return message
        raise ScreenError(f"{person} sees no message {ts} in {channel}")

    def _open_view(self, person: str, view_id: str) -> View:
        view = self.views.get(view_id)
        if view is None or view.person != person:
            raise ScreenError(f"{person} has no open modal {view_id}")
        if "submit" not in view.content:
            raise ScreenError("this modal has no submit button")
        if any(other.previous == view_id for other in self.views.values()):
            raise ScreenError("another modal is on top of this one")
        return view
