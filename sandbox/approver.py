"""A simulated approver: reads cards as they reach Slack and decides by signed clicks."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import requests

from sandbox.recording import matching
from sandbox.slack.screen import ANSWER_SECONDS
from sandbox.slack.server import ScreenError, SignedRequest, block_actions, signed
from sandbox.vendors import RESPONSE_PATH, SIGNING_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.chain import Chain
    from sandbox.recording import Exchange

APPROVER: Final = "U-APPROVER"
TEAM: Final = "T-SANDBOX"
REASON: Final = "Same reference as an earlier bill of this vendor: a duplicate."
_MODAL_SECONDS: Final = 20.0
_CLICKS: Final = 5  # after so many errors a person gives up

Json = dict[str, Any]


def rule(text: str) -> Callable[[int], bool]:
    """Turn `all`, `none` or `every:K` into whether the n-th card (from 0) is decided."""
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

    Cards are read from the recorded traffic, so that an external Slack works, too. `at_once` people
    approve at the same time; other decisions are made one by one.
    """

    chain: Chain
    wanted: Callable[[int], bool]
    decided: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)
    slow: list[float] = field(
        default_factory=list
    )  # seconds of answers for which Slack would not wait
    seen: int = 0
    at_once: int = 1

    def decide_new(self) -> int:
        """Decide every card that arrived since the last time; returns how many arrived."""
        posts = matching(self._exchanges(), _is_card)
        new = posts[self.seen :]
        wanted = [p for n, p in enumerate(new, start=self.seen) if self.wanted(n)]
        self.seen += len(new)
        messages = [p["body"] | {"ts": p["answer"]["ts"]} for p in wanted]
        plain = [m for m in messages if self.at_once > 1 and _is_to_approve(m)]
        for message in messages:
            if message not in plain:
                self._decide(message)
        if plain:
            with ThreadPoolExecutor(self.at_once) as people:
                list(people.map(lambda m: self._click(m, "approve_invoice"), plain))
            self.decided["approved"] += len(plain)
        return len(new)

    def slow_summary(self) -> str:
        """How many answers came too late for Slack; that is the machine, so no failure."""
        limit, longest = f"{ANSWER_SECONDS:.0f} s", max(self.slow, default=0.0)
        return (
            f"Answers to clicks after Slack's {limit}: {len(self.slow)}, at most {longest:.1f} s."
        )

    def _decide(self, message: Json) -> None:
        if "acknowledge_intercompany" in _actions(message):
            self._click(message, "acknowledge_intercompany")
            self.decided["acknowledged"] += 1
        elif not _is_to_approve(message):
            self._reject(message)
            self.decided["rejected"] += 1
        else:
            self._click(message, "approve_invoice")
            self.decided["approved"] += 1

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
            opened = modal["answer"]["view"]["id"]
            said = self._send(self.chain.slack.submit(APPROVER, opened, values))
            self.chain.slack.apply_submit_answer(opened, HTTPStatus.OK, said)
            return
        typed = {"reason": {"text": {"type": "plain_text_input", "value": REASON}}}
        view = modal["body"]["view"] | {"id": "V-SANDBOX", "state": {"values": typed}}
        self._send(self._signed({"type": "view_submission", "view": view, **_people()}))

    def _modals(self) -> list[Exchange]:
        """The modals the handler asked for.

        An external Slack did not issue our trigger id, so it may refuse. The request has what the
        person would have seen.
        """
        asked = [e for e in list(self._exchanges()) if e["path"].endswith("/views.open")]
        return [e for e in asked if _is_ok(e)] if self.chain.slack else asked

    def _click(self, message: Json, action_id: str) -> None:
        """Click as a person does: after an error in Slack, look at the card and click again.

        A handler without time left answers 503; that depends on the machine.
        """
        for clicks in range(1, _CLICKS + 1):
            try:
                request = self._clicked(message, action_id)
            except ScreenError as error:
                if clicks == 1:
                    self.trouble.append(f"a click was not possible: {error}")
                return  # otherwise the card shows that the earlier click counted
            answer = self._post(request)
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or clicks == _CLICKS:
                self._note(answer)
                return

    def _clicked(self, message: Json, action_id: str) -> SignedRequest:
        channel, ts = message["channel"], message["ts"]
        if self.chain.slack:
            return self.chain.slack.click(APPROVER, channel, ts, action_id)
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
        return self._signed(payload)

    def _signed(self, payload: Json) -> SignedRequest:
        return signed(payload, secret=SIGNING_SECRET, at=time.time())

    def _send(self, request: SignedRequest) -> bytes:
        answer = self._post(request)
        self._note(answer)
        return answer.content

    def _post(self, request: SignedRequest) -> requests.Response:
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
        if (seconds := answer.elapsed.total_seconds()) > ANSWER_SECONDS:
            self.slow.append(seconds)
        return answer

    def _note(self, answer: requests.Response) -> None:
        if answer.status_code != HTTPStatus.OK:
            self.trouble.append(f"a click was answered with HTTP {answer.status_code}")
        elif b"errors" in answer.content:
            self.trouble.append(f"a modal was answered with {answer.text}")

    def _exchanges(self) -> list[Exchange]:
        return self.chain.recorders["slack"].exchanges


def _is_card(exchange: Exchange) -> bool:
    """Whether a message was posted that asks for a decision."""
    wanted = {"approve_invoice", "acknowledge_intercompany"}
    return (
        exchange["path"].endswith("/chat.postMessage")
        and _is_ok(exchange)
        and bool(wanted & _actions(exchange["body"]))
    )


def _is_to_approve(message: Json) -> bool:
    """Whether it is not a likely duplicate, and will be posted."""
    may_be_posted = "acknowledge_intercompany" not in _actions(message)
    return may_be_posted and "Possible duplicate" not in message["text"]


def _is_ok(exchange: Exchange) -> bool:
    answer = exchange["answer"]
    return isinstance(answer, dict) and bool(answer.get("ok"))


def _actions(message: Json) -> set[str]:
    """The action ids of a message's buttons."""
    elements = (e for b in message.get("blocks") or () for e in b.get("elements", ()))
    return {str(e["action_id"]) for e in elements if "action_id" in e}


def _people() -> Json:
    return {
        "user": {"id": APPROVER, "username": "ada", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "sandbox"},
    }
