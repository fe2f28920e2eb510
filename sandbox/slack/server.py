"""Slack on one machine: a channel for bills, people who click, and all of Slack's refusals.

`Slack` is a WSGI application for https://docs.slack.dev/reference/methods as far as an approval
needs them. A person's side is `click`, `submit` and `apply_submit_answer`; what they see is in
`channels` and `views`. What Slack would refuse is refused in its words; besides that, a message
with a problem of `block_kit.problems` is `invalid_blocks` even where Slack would let it pass.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from werkzeug.wrappers import Request, Response

from sandbox.http_server import Hold, hang_up
from sandbox.slack.api import FORMS_ONLY, SCOPES
from sandbox.slack.arguments import arguments_of
from sandbox.slack.limits import REAL_LIMITS, Limit
from sandbox.slack.payloads import (
    BOT,
    Json,
    ScreenError,
    SignedRequest,
    View,
    block_actions,
    signed,
)
from sandbox.slack.refusals import RefusalError
from sandbox.slack.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["BOT", "ScreenError", "SignedRequest", "Slack", "View", "block_actions", "signed"]

type Failure = Literal["ratelimited", "error", "http_500", "timeout", "lost", "slow"]


@dataclass(slots=True, kw_only=True)
class _Fault:
    kind: Failure
    method: str
    times: int
    hold: Hold
    retry_after: int
    error: str


class Slack(Screen):
    """A workspace with the app installed in it; safe to call from many threads."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - as Workspace takes them
        self.limits: dict[str, Limit] = {}
        super().__init__(**given)

    def reset(self) -> None:
        """Forget messages, modals, calls and planned failures; people and channels stay."""
        with self._lock:
            super().reset()
            self.calls: Counter[str] = Counter()
            self.requests: list[Json] = []
            self._faults: list[_Fault] = []
            self._called: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    # What goes wrong

    def fail(
        self,
        kind: Failure,
        *,
        method: str = "*",
        times: int = 1,
        seconds: float = 0.0,
        retry_after: int = 1,
        error: str = "internal_error",
    ) -> Hold:
        """Plan a failure for the next `times` calls of a method (`response_url` is one, `*` any).

        ratelimited: 429 with Retry-After. error: HTTP 200 and `error`. http_500: nothing done, no
        JSON. timeout: nothing done, no answer, the connection closes after `seconds`. lost: done,
        but the connection closes without the answer. slow: done and answered after `seconds`.
        With `times` 0 planned failures of that method are cancelled. The result can end the wait.
        """
        fault = _Fault(
            kind=kind,
            method=method,
            times=times,
            hold=Hold(seconds),
            retry_after=retry_after,
            error=error,
        )
        with self._lock:
            if times:
                self._faults.append(fault)
            else:
                self._faults = [planned for planned in self._faults if planned.method != method]
        return fault.hold

    def use_real_limits(self, time_scale: float = 1.0) -> None:
        """Refuse what comes faster than Slack allows; a scale of 0.1 makes a minute six seconds."""
        self.limits = {
            method: replace(limit, seconds=limit.seconds * time_scale)
            for method, limit in REAL_LIMITS.items()
        }

    # HTTP

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the Web API under /api, response URLs under /response, control under /_sim."""
        request = Request(environ)
        kind, _, name = request.path.lstrip("/").partition("/")
        if kind == "_sim":
            return self._control(name, request)(environ, start_response)
        method = name if kind == "api" else "response_url"
        with self._lock:
            self.calls[method] += 1
            fault = self._take_fault(method)
        if fault:
            fault.hold.wait()
        if fault and fault.kind == "timeout":
            hang_up(environ)
        response = self._answer(method, name, request, fault)
        if fault and fault.kind == "lost":
            hang_up(environ)
        return response(environ, start_response)

    def _answer(self, method: str, name: str, request: Request, fault: _Fault | None) -> Response:
        arguments: Json = {}
        status, headers = 200, {}
        with self._lock:
            try:
                arguments = arguments_of(request, takes_json=method not in FORMS_ONLY)
                token = arguments.pop("token", None)
                self._refuse_as_planned(fault)
                if method == "response_url":
                    answer = self._respond_to_url(name, arguments)
                else:
                    self._authenticate(method, request.authorization, token)
                    self._limit(method, arguments)
                    answer = {"ok": True, **self._methods()[method](arguments)}
            except RefusalError as refusal:
                status, headers, answer = refusal.status, refusal.headers, refusal.answer
            self.requests.append(
                {
                    "at": self._clock(),
                    "method": method,
                    "arguments": arguments,
                    "status": status,
                    "answer": answer,
                }
            )
        if fault and fault.kind == "http_500":
            return Response("Internal Server Error", status, headers, mimetype="text/html")
        content = json.dumps(answer)
        return Response(content, status, headers, content_type="application/json; charset=utf-8")

    def _control(self, name: str, request: Request) -> Response:
        """GET /_sim/state; POST /_sim/reset; POST /_sim/fail with the arguments of `fail`."""
        if name == "reset" and request.method == "POST":
            self.reset()
        elif name == "fail" and request.method == "POST":
            self.fail(**request.get_json())
        elif name != "state":
            return Response(status=404)
        return Response(json.dumps(self.state()), mimetype="application/json")

    def state(self) -> Json:
        """All there is to see, as JSON."""
        with self._lock:
            return {
                "people": [asdict(person) for person in self.people.values()],
                "groups": [asdict(group) for group in self.groups.values()],
                "channels": [
                    asdict(channel)
                    | {
                        "members": sorted(channel.members),
                        "messages": [asdict(message) for message in channel.messages.values()],
                    }
                    for channel in self.channels.values()
                ],
                "views": [asdict(view) for view in self.views.values()],
                "calls": dict(self.calls),
            }

    def _take_fault(self, method: str) -> _Fault | None:
        for fault in self._faults:
            if fault.method in {"*", method}:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def _refuse_as_planned(self, fault: _Fault | None) -> None:
        if fault and fault.kind == "ratelimited":
            raise RefusalError("ratelimited", status=429, retry_after=fault.retry_after)
        if fault and fault.kind == "http_500":
            raise RefusalError("internal_error", status=500)
        if fault and fault.kind == "error":
            raise RefusalError(fault.error)

    def _authenticate(self, method: str, authorization: Any, argument: object) -> None:  # noqa: ANN401 - werkzeug keeps its type to itself
        token = authorization.token if authorization else argument
        if not token:
            raise RefusalError("not_authed")
        if token != self.bot_token:
            raise RefusalError("invalid_auth")
        if method not in self._methods():
            raise RefusalError("unknown_method", {"req_method": method})
        scope = SCOPES[method]
        if scope and "{}" not in scope:
            self._need(scope)

    def _limit(self, method: str, arguments: Json) -> None:
        limit = self.limits.get(method)
        if limit is None:
            return
        where = str(arguments.get("channel")) if method == "chat.postMessage" else ""
        now, calls = self._clock(), self._called[method, where]
        while calls and calls[0] <= now - limit.seconds:
            calls.popleft()
        if len(calls) >= limit.calls:
            wait = max(1, ceil(calls[0] + limit.seconds - now))
            raise RefusalError("ratelimited", status=429, retry_after=wait)
        calls.append(now)
