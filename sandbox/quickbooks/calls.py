"""A request that passed the gateway, and request ids, which prevent doing it twice."""

from __future__ import annotations

import copy
import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks import responses as answers
from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.responses import Answer
from sandbox.quickbooks.store import Json, Realm, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from sandbox.quickbooks.faults import Injection
    from sandbox.quickbooks.modes import Limits, Modes

# Faults for payloads that no client should send.
_SHAPE_CODES: Final = frozenset({"2010", "2020", "2030", "2040", "2050", "2170", "6080"})
_LONGEST_REQUEST_ID: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with everything needed to answer it; `tell` records a client's mistake."""

    request: Request
    operation: str
    path: tuple[str, ...]  # what follows the realm's id
    realm: Realm
    injection: Injection | None
    modes: Modes
    limits: Limits
    clock: Callable[[], datetime]
    tell: Callable[[str], None]

    @property
    def request_id(self) -> str:
        """The client's request id, empty if it gave none."""
        return self.request.args.get("requestid", "")

    def suffers(self, kind: str) -> bool:
        """Whether this request was picked for a kind of fault."""
        return self.injection is not None and self.injection.kind == kind

    def dawdle(self) -> None:
        """Wait as long as an injected slowness requires."""
        if self.injection and self.injection.kind == "slow":
            time.sleep(self.injection.seconds)


@dataclass(slots=True)
class Remembered:
    """The answer to a request id; none while the first request is still running."""

    fingerprint: str
    at: datetime
    answer: Answer | None = None


class RequestIds:
    """Answers a repeated request id with the first answer, as the modes say."""

    def __init__(self, lock: threading.RLock) -> None:
        self._changed = threading.Condition(lock)
        self._known: dict[tuple[str, str], Remembered] = {}
        self._late: dict[tuple[str, str], tuple[datetime, Callable[[], None]]] = {}

    def remember(self, realm_id: str, request_id: str, earlier: Remembered) -> None:
        """Repeat this answer if the same request comes again."""
        self._known[realm_id, request_id] = earlier

    def once(self, call: Call, work: Callable[[], Json]) -> Answer:
        """Do the work, or return its earlier answer."""
        if len(call.request_id) > _LONGEST_REQUEST_ID:
            raise FaultError("2050", "requestid is longer than 50 characters")
        if not call.request_id:
            call.tell("was sent without a request id")
        ignored = call.operation == "upload" and call.modes.request_id_on_upload == "ignored"
        if not call.request_id or ignored:
            return self._done(call, work)
        if earlier := self._claim(call):
            return earlier
        answer = None
        try:
            answer = self._done(call, work)
        finally:
            self._settle(call, answer)
        return answer

    def later(self, call: Call, work: Callable[[], Json], due: datetime) -> None:
        """Do the work when `finish` is called at its time, after the client has gone.

        A repeat that has to wait for the answer has waited that long.
        """
        with self._changed:
            if self._claim(call):
                return
            self._late[(call.realm.id, call.request_id)] = (
                due,
                lambda: self._settle(call, self._done(call, work)),
            )

    def finish(self, now: datetime) -> None:
        """Do the postponed work that is due."""
        with self._changed:
            for key in [k for k, (due, _) in self._late.items() if due <= now]:
                self._finish(key)

    def _finish(self, key: tuple[str, str]) -> None:
        _, finish = self._late.pop(key)
        finish()

    def item(self, call: Call, key: str, work: Callable[[], Json]) -> Json:
        """The same for an item of a batch, whose id is the batch's and its own."""
        if not call.request_id:
            return work()
        whole = (call.realm.id, f"{call.request_id}+{key}")
        earlier = self._known.get(whole)
        if not earlier or not earlier.answer:
            result = Answer(200, copy.deepcopy(work()))
            earlier = self._known[whole] = Remembered("", call.clock(), result)
        body = earlier.answer.body if earlier.answer else {}
        return body if isinstance(body, dict) else {}

    def _done(self, call: Call, work: Callable[[], Json]) -> Answer:
        call.dawdle()
        with self._changed:
            try:
                return succeed(call, work())
            except FaultError as error:
                if error.code in _SHAPE_CODES:
                    call.tell(f"was invalid: {error.fault['Error'][0]['Detail']}")
                return answers.service_fault(error, call.clock())

    def _claim(self, call: Call) -> Answer | None:
        """The earlier answer to this request id; None when the work is ours to do."""
        key, modes, mark = (call.realm.id, call.request_id), call.modes, _fingerprint(call.request)
        with self._changed:
            while (earlier := self._known.get(key)) and not earlier.answer:
                if modes.request_id_in_flight == "error600":
                    raise _duplicate_request()
                if key in self._late:
                    self._finish(key)
                else:
                    self._changed.wait()
            old = earlier and call.clock() - earlier.at >= timedelta(hours=modes.request_id_hours)
            if not earlier or (old and modes.request_id == "forget_after_ttl"):
                self._known[key] = Remembered(mark, call.clock())
                return None
            if earlier.fingerprint != mark:
                call.tell("used the request id of a different request")
                if modes.request_id == "error600_on_payload_change":
                    raise _duplicate_request()
            return earlier.answer

    def _settle(self, call: Call, answer: Answer | None) -> None:
        key = (call.realm.id, call.request_id)
        keeps_faults = call.modes.request_id != "replay_success_only"
        with self._changed:
            if answer and (keeps_faults or "Fault" not in answer.body):
                self._known[key].answer = answer
            else:
                self._known.pop(key, None)
            self._changed.notify_all()


def succeed(call: Call, body: Json) -> Answer:
    """A 200 with a copy of the body as it is now."""
    return Answer(200, {**copy.deepcopy(body), "time": timestamp(call.clock())})


def _fingerprint(request: Request) -> str:
    text = f"{request.method} {request.path}?{request.args.get('operation', '')}\n".encode()
    return hashlib.sha256(text + request.get_data()).hexdigest()


def _duplicate_request() -> FaultError:
    return FaultError("600", "RequestId already exists in the system")
