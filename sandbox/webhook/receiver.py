"""The sandbox's endpoint of the webhook, which verifies as a receiver should.

`Receiver` is a WSGI application. Each POST is verified with the package standardwebhooks and kept
in the order of arrival, whatever is answered. What was planned with `fail` goes wrong; a redirect
leads to /elsewhere, where nothing may ever arrive.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.wrappers import Request, Response

from sandbox.http_server import Hold, hang_up, say_garbage
from sandbox.webhook.failures import ACCEPTED, FAILURES, STATUSES, Failure, Plan, Plans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    Verify = Callable[[str, bytes, Mapping[str, str]], object]

Json = dict[str, Any]

_ELSEWHERE: Final = "/elsewhere"
_UNVERIFIED: Final = "None of the receiver's secrets has made the signature."


def verify(secret: str, body: bytes, headers: Mapping[str, str]) -> object:
    """Verify a request as Standard Webhooks describe it; WebhookVerificationError if it fails."""
    return Webhook(secret).verify(body, dict(headers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request that arrived: `number` counts from 1, `attempt` counts those with the same id.

    `record` names the record as "odoo/account.move/12". `verified_by` are the names of the secrets
    that verify it; if there are none, `problem` says why. `answer` is the status it was answered
    with, None if the connection was closed instead. `accepted` tells whether it was taken in.
    """

    number: int
    at: datetime
    message_id: str
    attempt: int
    body: Json
    raw: bytes
    record: str
    verified_by: tuple[str, ...]
    problem: str
    signatures: int
    answer: int | None
    accepted: bool

    @property
    def sequence(self) -> int:
        """The record's count of changes; 0 if the body tells none."""
        sequence = self.body.get("sequence")
        return sequence if isinstance(sequence, int) else 0

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the fields that changed."""
        names = self.body.get("changed")
        return tuple(map(str, names)) if isinstance(names, list) else ()


class Receiver:
    """An endpoint with one secret or, while it is rotated, two; safe to call from many threads.

    `secrets` are by a name of the test's or page's choosing.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        verify: Verify = verify,
    ) -> None:
        self._clock, self._verify = clock, verify
        self._lock = threading.Lock()
        self.secrets = dict(secrets)
        self.reset()

    def reset(self) -> None:
        """Forget what arrived and what is planned."""
        with self._lock:
            self.received: list[Received] = []
            self.strays: list[str] = []  # methods and paths of requests that nobody should make
            self._plans = Plans()
            self._attempts: Counter[str] = Counter()

    # -- what goes wrong -----------------------------------------------------------------------

    def fail(
        self,
        kind: Failure,
        *,
        record: str = "",
        times: int | None = 1,
        seconds: float = 0.0,
        retry_after: int = 0,
    ) -> Hold:
        """Plan a failure for the next `times` requests, or until `recover` (None).

        slow: taken in and answered after `seconds`. error: 500. gone: 410. ratelimited: 429.
        redirect: 302. refused: 422. garbage: bytes that are no HTTP. close: no answer. lost: taken
        in, but the answer is lost. With a `record` only that record's requests fail.
        """
        if kind not in FAILURES:
            raise ValueError(f"{kind} is no failure of an endpoint: choose one of {FAILURES}")
        hold = Hold(seconds)
        plan = Plan(kind=kind, hold=hold, record=record, times=times, retry_after=retry_after)
        with self._lock:
            self._plans.waiting.append(plan)
        return hold

    def recover(self, record: str | None = None) -> None:
        """Work again: for every record, or for what was planned for one ("": for all of them)."""
        with self._lock:
            self._plans.take_back(record)

    @property
    def planned(self) -> list[Plan]:
        """The failures that are still to come."""
        with self._lock:
            return list(self._plans.waiting)

    # -- HTTP ----------------------------------------------------------------------------------

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a POST anywhere but under /_sim, which is for whoever runs the sandbox."""
        request = Request(environ)
        if request.path.startswith("/_sim/"):
            answer: WSGIApplication = self._control(request)
        elif request.method != "POST" or request.path == _ELSEWHERE:
            with self._lock:
                self.strays.append(f"{request.method} {request.path}")
            answer = Response(status=HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            answer = self._receive(request, environ)
        return answer(environ, start_response)

    def _receive(self, request: Request, environ: WSGIEnvironment) -> Response:
        raw = request.get_data()
        body = _object(raw)
        verified_by, problem = self._verified(raw, dict(request.headers))
        record = record_of(body)
        message_id = request.headers.get("webhook-id", "")
        with self._lock:
            plan = self._plans.take(record)
            self._attempts[message_id] += 1
            answer = STATUSES[plan.kind] if plan else HTTPStatus.OK.value
            if answer == HTTPStatus.OK and not verified_by:
                answer = HTTPStatus.UNAUTHORIZED.value
            received = Received(
                number=len(self.received) + 1,
                at=self._clock(),
                message_id=message_id,
                attempt=self._attempts[message_id],
                body=body,
                raw=raw,
                record=record,
                verified_by=verified_by,
                problem=problem,
                signatures=len(request.headers.get("webhook-signature", "").split()),
                answer=answer,
                accepted=bool(verified_by) and (plan is None or plan.kind in ACCEPTED),
            )
            self.received.append(received)
        return _answered(plan, received, environ)

    def _verified(self, raw: bytes, headers: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
        names, problem = [], _UNVERIFIED
        for name, secret in self.secrets.items():
            try:
                self._verify(secret, raw, headers)
            except (WebhookVerificationError, ValueError) as error:
                problem = str(error) or problem
            else:
                names.append(name)
        return tuple(names), "" if names else problem

    def _control(self, request: Request) -> Response:
        """GET state; POST reset, recover, or fail with the arguments of `fail`."""
        match request.method, request.path.removeprefix("/_sim/"):
            case "GET", "state":
                pass
            case "POST", "reset":
                self.reset()
            case "POST", "recover":
                self.recover()
            case "POST", "fail":
                try:
                    self.fail(**request.get_json())
                except (TypeError, ValueError) as error:
                    return Response(f"{error}\n", HTTPStatus.BAD_REQUEST)
            case _:
                return Response(status=HTTPStatus.NOT_FOUND)
        return Response(json.dumps(self.state()), mimetype="application/json")

    def state(self) -> Json:
        """All there is to see, as JSON."""
        with self._lock:
            received, strays = list(self.received), list(self.strays)
            plans = [
                {"kind": p.kind, "record": p.record, "times": p.times} for p in self._plans.waiting
            ]
        shown = [asdict(one) | {"at": one.at.isoformat()} for one in received]
        for one in shown:
            del one["raw"]
        return {"received": shown, "planned": plans, "strays": strays}


def _answered(plan: Plan | None, received: Received, environ: WSGIEnvironment) -> Response:
    if plan:
        plan.hold.wait()
    if plan and plan.kind == "garbage":
        say_garbage(environ)
    if received.answer is None:
        hang_up(environ)
    response = Response(received.problem, received.answer)
    if plan and plan.retry_after:
        response.headers["Retry-After"] = str(plan.retry_after)
    if plan and plan.kind == "redirect":
        response.headers["Location"] = _ELSEWHERE
    return response


def _object(raw: bytes) -> Json:
    """The body as a JSON object; {} if it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def record_of(body: Mapping[str, Any]) -> str:
    """Which record a body is about: connection, model and id; the others if one is missing."""
    data = body.get("data")
    number = data.get("id") if isinstance(data, dict) else None
    return "/".join(str(p) for p in (body.get("connection"), body.get("model"), number) if p)
