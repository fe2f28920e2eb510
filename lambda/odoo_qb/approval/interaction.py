"""Parse Slack's request to the Function URL into what a person wants to do. No I/O."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from aws_lambda_powertools import Logger

from odoo_qb.approval.click import Click
from odoo_qb.approval.policy import RULES
from odoo_qb.cards.modals import REASON_LENGTH
from odoo_qb.quickbooks import deep_links

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = Logger(child=True)

BODY_BYTES: Final = 1_000_000
# Each modal's callback id: the action when it is submitted, and its input field.
_MODALS: Final = {
    "reject_reason": ("reject_invoice", "reason"),
    "link_existing": ("link_existing", "document"),
}
MODAL_FIELDS: Final = dict(_MODALS.values())
_PERSON: Final = re.compile(r"[A-Z0-9-]{1,40}")
# A modal's value includes the revision; a card's buttons have it in their block id.
_VALUE: Final = re.compile(
    r"(odoo-[0-9]{1,18})\|((?:v[0-9]{1,3}-)?[0-9a-f]{64})(?:\|([0-9]{1,9}))?"
)
# The block id of a card's buttons, and of the button for files that did not fit into a reply.
_ASKED_AS: Final = re.compile(r"revision-([0-9]{1,9})(?:-from-([1-9][0-9]{0,3}))?")
# Of a submitted modal: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
_INSTALLED: Final = ("view", "app_installed_team_id")
_ACTIONS: Final = {*RULES, "view_pdf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A click as Slack sent it; `message_ts` is the card's. `is_submission` for a modal."""

    click: Click
    is_submission: bool = False
    message_ts: str = ""
    response_url: str = ""
    trigger_id: str = ""


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The raw bytes that Slack signed; ValueError if they are too many or not base64."""
    text = event.get("body") or ""
    if not isinstance(text, str) or len(text) > BODY_BYTES * 4 // 3:
        raise ValueError("the body is too large")
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else None
    except binascii.Error as error:
        raise ValueError("the body is not base64") from error
    raw = text.encode() if body is None else body
    if len(raw) > BODY_BYTES:
        raise ValueError("the body is too large")
    return raw


def interaction_of(body: bytes) -> Interaction | None:
    """The interaction in a request; None if it is not for us, ValueError if it is malformed.

    https://docs.slack.dev/reference/interaction-payloads
    """
    payload = _payload(body)
    kind, person = _text(payload, "type"), _text(payload, "user", "id")
    if not _PERSON.fullmatch(person):
        raise ValueError("the user has no id")
    if kind == "view_submission":
        return _submission(payload, person)
    if kind != "block_actions":
        logger.info("nothing to do for this payload", type=kind[:50])
        return None
    action_id = _text(payload, "actions", 0, "action_id")
    if action_id not in _ACTIONS:
        logger.warning("an unknown action", action=action_id[:50], person=person)
        return None
    value = _text(payload, "actions", 0, "value")
    block_id = _text(payload, "actions", 0, "block_id", default="")
    return Interaction(
        click=_from(payload, _click(person, action_id, value, block_id=block_id)),
        message_ts=_text(payload, "container", "message_ts", default=""),
        response_url=_text(payload, "response_url", default=""),
        trigger_id=_text(payload, "trigger_id", default=""),
    )


def _payload(body: bytes) -> dict[str, Any]:
    fields = parse_qs(body.decode())
    try:
        payload = json.loads(fields.get("payload", [""])[0])
    except RecursionError as error:
        raise ValueError("the payload is nested too deeply") from error
    if not isinstance(payload, dict):
        raise ValueError("the payload is not an object")  # noqa: TRY004 - one error for bad input
    return payload


def _submission(payload: Mapping[str, Any], person: str) -> Interaction | None:
    callback_id = _text(payload, "view", "callback_id")
    if callback_id not in _MODALS:
        logger.warning("an unknown modal", person=person)
        return None
    action_id, field = _MODALS[callback_id]
    value = _text(payload, "view", "private_metadata")
    typed = _text(payload, "view", "state", "values", field, "text", "value", default="")
    # JSON can contain a lone surrogate, which can be neither stored nor sent.
    typed = typed.encode(errors="replace").decode().strip()[:REASON_LENGTH]
    return Interaction(
        click=_from(payload, _click(person, action_id, value, typed)), is_submission=True
    )


def _click(person: str, action_id: str, value: str, typed: str = "", block_id: str = "") -> Click:
    match = _VALUE.fullmatch(value)
    if match is None:
        raise ValueError("the button names no bill")
    entry_id, digest, in_modal = match.groups()
    asked = _ASKED_AS.fullmatch(block_id)
    shown = asked[1] if asked else in_modal
    links = action_id == "link_existing"
    document = deep_links.read(typed) if links else None
    return Click(
        person=person,
        action_id=action_id,
        entry_id=entry_id,
        digest=digest,
        revision=int(shown) if shown else None,
        reason="" if links else typed,
        document=document.id if document else "",
        realm=document.realm if document else "",
        first_file=int(asked[2] or 1) if asked else 1,
    )


def _from(payload: Mapping[str, Any], click: Click) -> Click:
    """The click, with its origin."""
    return replace(
        click,
        teams=_teams(payload),
        organisation=_text(payload, "enterprise", "id", default=""),
        app=_text(payload, "api_app_id", default=""),
    )


def _text(payload: Any, *path: str | int, default: str | None = None) -> str:  # noqa: ANN401 - JSON
    """The text at a path of the payload; `default` if null or missing; ValueError otherwise."""
    found = payload
    for step in path:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and len(found) > step else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    if found is None and default is not None:
        return default
    if not isinstance(found, str):
        raise ValueError(f"{'.'.join(map(str, path))} is not a text")  # noqa: TRY004 - one error for bad input
    return found


def _teams(payload: Mapping[str, Any]) -> frozenset[str]:
    """The workspaces that a request names, all of which must be ours; none if it says too little.

    In a shared channel people from another workspace see the card. Which workspace is the team of
    the request, the message and the modal then depends on who shares the channel.
    """
    theirs = _text(payload, "user", "team_id", default="")
    places = ("team", "id"), ("message", "team"), ("view", "team_id"), _INSTALLED
    named = {_text(payload, *place, default="") for place in places} - {""}
    return frozenset({theirs, *named}) if theirs and named else frozenset()
