"""What tests of the Slack simulator send it: cards, modals, clicks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.slack.server import SignedRequest, Slack

type Json = dict[str, Any]

CHANNEL, APPROVER = "C-SANDBOX", "U-APPROVER"
CARD: list[Json] = [
    {"type": "section", "text": {"type": "plain_text", "text": "Acme"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve_invoice",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "odoo-1|abc",
                "style": "primary",
            },
            {
                "type": "button",
                "action_id": "reject_invoice",
                "text": {"type": "plain_text", "text": "Reject"},
                "value": "odoo-1|abc",
            },
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "reject_reason",
    "private_metadata": "odoo-1|abc",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        },
        {
            "type": "input",
            "block_id": "kind",
            "optional": True,
            "label": {"type": "plain_text", "text": "Kind"},
            "element": {
                "type": "static_select",
                "action_id": "choice",
                "options": [{"text": {"type": "plain_text", "text": "Twice"}, "value": "twice"}],
            },
        },
    ],
}


NOTE: Json = {"type": "modal", "title": MODAL["title"], "blocks": CARD[:1]}


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def a_client(slack: Slack, **more: Any) -> WebClient:
    arguments: Json = {"token": "xoxb-sandbox", "timeout": 5, "retry_handlers": []} | more
    return WebClient(base_url=f"{slack.public_url}/api/", **arguments)


def refusal(call: Callable[..., object], *names: object, **arguments: object) -> Json:
    """The answer with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        call(*names, **arguments)
    answer: Json = caught.value.response.data
    assert answer["ok"] is False
    return answer


def post(client: WebClient, **more: Any) -> str:
    arguments = {"channel": CHANNEL, "text": "A bill", "blocks": CARD} | more
    return str(client.chat_postMessage(**arguments)["ts"])


def payload(request: SignedRequest) -> Json:
    told: Json = json.loads(parse_qs(request.body.decode(), strict_parsing=True)["payload"][0])
    return told


def click(slack: Slack, ts: str, action: str = "approve_invoice", person: str = APPROVER) -> Json:
    return payload(slack.click(person, CHANNEL, ts, action))


def open_modal(slack: Slack, client: WebClient, modal: Json = MODAL) -> str:
    answer = client.views_open(trigger_id=a_trigger(slack, client), view=modal)
    return str(answer["view"]["id"])


def a_trigger(slack: Slack, client: WebClient) -> str:
    return str(click(slack, post(client), "reject_invoice")["trigger_id"])
