"""A simulated approver: reads cards as they reach Slack and decides by signed clicks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import requests

from sandbox.chain import RESPONSE_PATH, SIGNING_SECRET
from sandbox.recording import matching
from sandbox.slack import SignedRequest, block_actions, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.chain import Chain
    from sandbox.recording import Exchange

APPROVER: Final = "U-APPROVER"
TEAM: Final = "T-SANDBOX"
REASON: Final = "Same reference as an earlier bill of this vendor: a duplicate."
_MODAL_SECONDS: Final = 20.0

Json = dict[str, Any]


def rule(text: str) -> Callable[[int], bool]:
    """`all`, `none` or `every:K` as whether the n-th card (from 0) is decided."""
    if text == "all":
        return lambda _: True
    if text == "none":
        return lambda _: False
    word, _, number = text.partition(":")
    if word == "every" and number.isdecimal() and int(number) > 0:
        return lambda n: n % int(number) == 0
    raise ValueError(f"--approve is all, none or every:K, not {text}")


@dataclass(slots=True, kw_only=True)
class Approver:
    """Decides each card once: acknowledges what is not posted, rejects likely duplicates.

    The cards come from the recorded traffic, so that a Slack outside is served alike.
    """

    chain: Chain
    wanted: Callable[[int], bool]
    decided: dict[str, int] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    _seen: int = 0

    def decide_new(self) -> int:
        """Decide every card that arrived since the last time; returns how many arrived."""
        posts = matching(self._exchanges(), lambda e: _is_call(e, "chat.postMessage"))
        new = posts[self._seen :]
        for number, post in enumerate(new, start=self._seen):
            if self.wanted(number):
                self._decide(post["body"] | {"ts": post["answer"]["ts"]})
        self._seen = len(posts)
        return len(new)

    def _decide(self, message: Json) -> None:
        actions = {
            e["action_id"]
            for b in message["blocks"]
            for e in b.get("elements", [])
            if "action_id" in e
        }
        if "acknowledge_intercompany" in actions:
            self._click(message, "acknowledge_intercompany")
            self._count("acknowledged")
        elif "Possible duplicate" in message["text"]:
            self._reject(message)
            self._count("rejected")
        elif "approve_invoice" in actions:
            self._click(message, "approve_invoice")
            self._count("approved")

    def _count(self, what: str) -> None:
        self.decided[what] = self.decided.get(what, 0) + 1

    def _reject(self, message: Json) -> None:
        opened_before = len(self._modals())
        self._click(message, "reject_invoice")
        until = time.monotonic() + _MODAL_SECONDS
        while len(self._modals()) == opened_before:
            if time.monotonic() > until:
                self.trouble.append(f"no modal opened for {message['text']}")
                return
            time.sleep(0.02)
        modal = self._modals()[-1]
        values: dict[str, dict[str, str | None]] = {"reason": {"text": REASON}}
        if self.chain.slack:
            self._send(self.chain.slack.submit(APPROVER, modal["answer"]["view"]["id"], values))
            return
        typed = {"reason": {"text": {"type": "plain_text_input", "value": REASON}}}
        view = modal["body"]["view"] | {"state": {"values": typed}}
        self._send(self._signed({"type": "view_submission", "view": view, **_people()}))

    def _modals(self) -> list[Exchange]:
        return matching(self._exchanges(), lambda e: _is_call(e, "views.open"))

    def _click(self, message: Json, action_id: str) -> None:
        channel, ts = message["channel"], message["ts"]
        if self.chain.slack:
            self._send(self.chain.slack.click(APPROVER, channel, ts, action_id))
            return
        blocks = [{"block_id": f"b{n}", **block} for n, block in enumerate(message["blocks"])]
        payload = block_actions(
            person=_people()["user"],
            team=TEAM,
            app="A-SANDBOX",
            channel={"id": channel, "name": "bills"},
            message={**message, "blocks": blocks},
            action_id=action_id,
            trigger_id=f"{time.time_ns()}.sandbox",
            response_url=f"{self.chain.addresses['slack']}{RESPONSE_PATH}{time.time_ns()}",
            at=time.time(),
        )
        self._send(self._signed(payload))

    def _signed(self, payload: Json) -> SignedRequest:
        return signed(payload, secret=SIGNING_SECRET, at=time.time())

    def _send(self, request: SignedRequest) -> None:
        emulator = self.chain.emulator
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                emulator.function_url(self.chain.outputs["approval_handler_url"]),
                data=request.body,
                headers=request.headers,
                verify=str(emulator.ca_bundle),
                timeout=60,
            )
        if answer.status_code != requests.codes.ok:
            self.trouble.append(f"a click was answered with HTTP {answer.status_code}")

    def _exchanges(self) -> list[Exchange]:
        return self.chain.recorders["slack"].exchanges


def _is_call(exchange: Exchange, method: str) -> bool:
    answer = exchange["answer"]
    return bool(exchange["path"].endswith(f"/{method}") and answer and answer.get("ok"))


def _people() -> Json:
    return {
        "user": {"id": APPROVER, "username": "ada", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "sandbox"},
    }
