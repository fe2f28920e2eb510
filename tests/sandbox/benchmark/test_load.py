"""What a load is measured by: when cards were posted, and when they were changed."""

from __future__ import annotations

from odoo_qb.slack.client import SlackClient
from odoo_qb.slack.message import Message
from sandbox.benchmark.load import cards_of
from sandbox.http_server import serve
from sandbox.in_process.chain import CHANNEL
from sandbox.recording import Recorder
from sandbox.slack.server import Slack as Workspace


def test_a_card_is_followed_from_its_posting_to_its_last_change() -> None:
    workspace = Workspace()
    recorder = Recorder(workspace)
    with serve(recorder) as server:
        slack = SlackClient("xoxb-sandbox", f"{server.url}/api/")
        changed, left = (slack.post(CHANNEL, a_card(entry_id)) for entry_id in ("odoo-1", "odoo-2"))
        slack.update(CHANNEL, changed, a_card("odoo-1"))
        slack.post(CHANNEL, a_card("odoo-2"), thread_ts=left)  # a reply changes no card
    cards = cards_of(recorder.exchanges)
    posted, shown = cards["odoo-1"]
    assert shown
    assert shown >= posted
    assert cards["odoo-2"][1] is None


def a_card(entry_id: str) -> Message:
    return Message(text="A bill", blocks=[], ids={"entry_id": entry_id})
