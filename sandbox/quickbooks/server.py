"""QuickBooks Online in memory: Intuit's token endpoint and Accounting API, with faults.

A WSGI application. Tests use `realms`, `inject` and `violations` directly; other processes use
/_sim/state, /_sim/reset, /_sim/config, /_sim/faults and /_sim/files. What the client must not do
is in `violations`, a sentence each.
"""

from __future__ import annotations

import copy
import random
import time
from collections import Counter
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request, Response

from sandbox.http_server import hang_up
from sandbox.quickbooks import api, oauth
from sandbox.quickbooks import responses as answers
from sandbox.quickbooks.calls import Call, RequestIds
from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.faults import Injection, Kind
from sandbox.quickbooks.gateway import Gateway
from sandbox.quickbooks.modes import Limits, Modes
from sandbox.quickbooks.opening import HOME_CURRENCIES, open_books
from sandbox.quickbooks.responses import Answer
from sandbox.quickbooks.store import Json, Realm, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["Injection", "Limits", "Modes", "QuickBooks", "Realm"]

_TOP: Final = {
    "/oauth2/v1/tokens/bearer": "token",
    "/v2/oauth2/tokens/revoke": "revoke",
    "/.well-known/openid_configuration": "discovery",
    "/.well-known/openid_sandbox_configuration": "discovery",
}
_NAMED: Final = frozenset({"query", "upload", "batch", "companyinfo", "preferences", "cdc"})
_USUAL: Final = Modes()
_PUBLISHED: Final = Limits()


class QuickBooks(Gateway):
    """The simulator; what is public may be read at any time from any thread."""

    def __init__(
        self,
        *,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-client-secret",  # noqa: S107 - the sandbox's, known to all
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        modes: Modes = _USUAL,
        limits: Limits = _PUBLISHED,
    ) -> None:
        super().__init__(client_id, client_secret, clock, modes, limits)
        self._seeds: list[tuple[str, str, str, dict[str, Any]]] = []
        self._clear()

    def _clear(self) -> None:
        self._open()
        self.realms: dict[str, Realm] = {}
        self.calls: Counter[str] = Counter()
        self._injections: list[Injection] = []
        self.request_ids = RequestIds(self._lock)
        self._shuffle = random.Random(0)  # noqa: S311 - an order, not a secret
        self._served = 0

    def add_realm(
        self,
        realm_id: str,
        company_name: str,
        *,
        refresh_token: str,
        **settings: Any,  # noqa: ANN401 - fields of Realm, which says what they are
    ) -> Realm:
        """Open a company with its chart of accounts and connect it; settings are Realm's fields."""
        with self._lock:
            if home := HOME_CURRENCIES.get(settings.get("country", "US")):
                settings = {"home_currency": home, "using_sales_tax": True, **settings}
            realm = Realm(id=realm_id, company_name=company_name, **settings)
            open_books(realm, self._clock())
            self.realms[realm_id] = realm
            self._tokens.connect(realm_id, refresh_token, self._clock())
            self._seeds.append((realm_id, company_name, refresh_token, settings))
            return realm

    def reset(self) -> None:
        """Start over: empty books, the first refresh tokens, the first modes, no faults."""
        with self._lock:
            seeds, self._seeds = self._seeds, []
            self._clear()
            for realm_id, company_name, refresh_token, settings in seeds:
                self.add_realm(realm_id, company_name, refresh_token=refresh_token, **settings)

    def configure(
        self,
        *,
        modes: Json | None = None,
        limits: Json | None = None,
        realms: dict[str, Json] | None = None,
    ) -> None:
        """Change some switches, limits or settings of realms; a date may be its ISO text."""
        with self._lock:
            self.modes = replace(self.modes, **(modes or {}))
            self.limits = replace(self.limits, **(limits or {}))
            self._windows.clear()
            for realm_id, settings in (realms or {}).items():
                for name, value in settings.items():
                    is_day = name == "book_close_date" and isinstance(value, str)
                    setting = date.fromisoformat(value) if is_day else value
                    setattr(self.realms[realm_id], name, setting)

    def inject(
        self,
        kind: Kind,
        **details: Any,  # noqa: ANN401 - fields of Injection, which says what they are
    ) -> Injection:
        """Queue a fault; details are Injection's fields."""
        injection = Injection(kind=kind, **details)
        with self._lock:
            self._injections.append(injection)
        return injection

    def finish_late(self) -> None:
        """Do what "late" postponed until now; each request begins with it."""
        self.request_ids.finish(self._clock())

    def clear_faults(self) -> None:
        """Drop the planned faults that have not happened yet."""
        with self._lock:
            self._injections.clear()

    def state(self) -> Json:
        """Everything that can be seen, as JSON would hold it."""
        with self._lock:
            return copy.deepcopy(
                {
                    "realms": {key: _shown(realm) for key, realm in self.realms.items()},
                    "calls": dict(self.calls),
                    "violations": self.violations,
                    "core_plus_calls": self.core_plus_calls,
                    "modes": asdict(self.modes),
                    "limits": asdict(self.limits),
                    "faults": [asdict(injection) for injection in self._injections],
                }
            )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI wants it."""
        request = Request(environ)
        request.get_data()  # or a refused request's body would be read as the next request
        if request.path.startswith("/_sim/"):
            return self._control(request)(environ, start_response)
        operation = _operation(request)
        self.finish_late()
        with self._lock:
            self.calls[operation] += 1
            injection = self._strike(request)
        answer = self._spoil(request, injection, committed=False)
        if not answer:
            try:
                answer = self._serve(request, operation, injection)
            except FaultError as error:
                answer = answers.service_fault(error, self._clock())
            answer = self._spoil(request, injection, committed=True) or answer
        half = injection is not None and injection.kind == "truncated"
        return self._response(request, answer, half=half)(environ, start_response)

    def _serve(self, request: Request, operation: str, injection: Injection | None) -> Answer:
        if operation in _TOP.values():
            try:
                return self._identity(request, operation, injection)
            except oauth.OAuthError as error:
                return Answer(error.status, error.body)
        version, company, realm_id, *path = (*request.path.strip("/").split("/"), "", "", "")
        if (version, company) != ("v3", "company"):
            return answers.html(404)
        if answer := self._refuse_caller(request, operation, realm_id):
            return answer
        call = Call(
            request=request,
            operation=operation,
            path=tuple(path),
            realm=self.realms[realm_id],
            injection=injection,
            modes=self.modes,
            limits=self.limits,
            clock=self._clock,
            tell=lambda what: self.violations.append(f"realm {realm_id}: {operation} {what}"),
        )
        return self._account(call)

    def _account(self, call: Call) -> Answer:
        """What the Accounting API answers."""
        if call.suffers("late") and call.operation in api.WRITES and call.injection:
            due = self._clock() + timedelta(seconds=call.injection.seconds)
            self.request_ids.later(call, lambda: api.write(call), due)
            hang_up(call.request.environ)
        if call.operation in api.WRITES:
            return self.request_ids.once(call, lambda: api.write(call))
        if call.operation == "upload":
            return self.request_ids.once(call, lambda: api.attach(call))
        call.dawdle()
        with self._lock:
            if call.operation != "batch":
                return api.read(call)
            answer = api.batch(call, self.request_ids, self._shuffle)
            self.core_plus_calls += to_json(answer.body).count('"QueryResponse"')
            return answer

    def _strike(self, request: Request) -> Injection | None:
        for injection in self._injections:
            if injection.strikes(request.method, request.path):
                if injection.spent:
                    self._injections.remove(injection)
                return injection
        return None

    def _spoil(
        self, request: Request, injection: Injection | None, *, committed: bool
    ) -> Answer | None:
        """The answer of an injected fault, before or after the work is done."""
        if not injection or injection.committed != committed:
            return None
        if injection.kind in {"reset", "timeout"}:
            time.sleep(injection.seconds)
            hang_up(request.environ)
        if injection.kind == "unauthorized":
            realm_id = (*request.path.split("/"), "", "", "")[3]
            with self._lock:
                self._tokens.expire_access(realm_id, self._clock())
        return answers.injected(injection, self._clock())

    def _response(self, request: Request, answer: Answer, *, half: bool) -> Response:
        body, kind = answer.body, answer.kind
        if isinstance(body, dict):
            wants_json = "application/json" in request.headers.get("Accept", "")
            as_xml = request.path.startswith("/v3/") and not wants_json
            kind = "application/xml" if as_xml else kind
            body = answers.to_xml(body) if as_xml else to_json(body)
        data = body.encode()
        with self._lock:
            self._served += 1
            tid = f"1-{int(self._clock().timestamp()):08x}-{self._served:024x}"
        headers = {"intuit_tid": tid, "QBO-Version": "sandbox"}
        return Response(
            data[: len(data) // 2] if half else data,
            status=answer.status,
            headers={**headers, **answer.headers},
            content_type=f"{kind};charset=UTF-8",
        )

    def _control(self, request: Request) -> Response:
        """What tests in other processes see and set."""
        body = request.get_json(silent=True, force=True)
        try:
            match request.path.split("/")[2:]:
                case ["state"]:
                    return Response(to_json(self.state()), content_type="application/json")
                case ["reset"] if request.method == "POST":
                    self.reset()
                case ["config"] if request.method == "POST" and isinstance(body, dict):
                    self.configure(**body)
                case ["faults"] if request.method == "POST" and body:
                    for details in body if isinstance(body, list) else [body]:
                        self.inject(**details)
                case ["files", realm_id, key]:
                    data = self.realms[realm_id].files[key]
                    return Response(data, content_type="application/octet-stream")
                case _:
                    return Response("Nothing here does that.", status=404)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Response(str(error), status=400)
        return Response(status=204)


def _operation(request: Request) -> str:
    """The name a request is counted under."""
    if top := _TOP.get(request.path.rstrip("/")):
        return top
    name = (*request.path.strip("/").split("/"), "", "", "", "")[3]
    writes = name in api.WRITES and request.method == "POST"
    return name if writes or name in _NAMED else "read"


def _shown(realm: Realm) -> Json:
    hidden = {"files", "deleted", "moved", "merged", "last_id"}
    names = [f.name for f in fields(realm) if f.name not in hidden]
    closed = realm.book_close_date
    shown = {name: getattr(realm, name) for name in names}
    return {**shown, "book_close_date": str(closed) if closed else None}
