"""What is in front of the Accounting API: Intuit's identity service and the gateway."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks import oauth
from sandbox.quickbooks import responses as answers
from sandbox.quickbooks.faults import Window
from sandbox.quickbooks.responses import Answer
from sandbox.quickbooks.store import PACIFIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from werkzeug.wrappers import Request

    from sandbox.quickbooks.faults import Injection
    from sandbox.quickbooks.modes import Limits, Modes

_METERED: Final = frozenset({"query", "read", "companyinfo", "preferences", "cdc"})


class Gateway:
    """Decides who may call and how often; a client's mistakes go to `violations`."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        clock: Callable[[], datetime],
        modes: Modes,
        limits: Limits,
    ) -> None:
        self._client = (client_id, client_secret)
        self._clock = clock
        self._initial = (modes, limits)
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        """Start with the first modes and limits, no connections and no counts."""
        self.modes, self.limits = self._initial
        self.violations: list[str] = []
        self.core_plus_calls = 0
        self._month = ""
        self._tokens = oauth.Tokens()
        self._windows: dict[tuple[str, str], Window] = {}

    def connect(self, realm_id: str, refresh_token: str) -> None:
        """A person connects the company again: earlier tokens end, this one begins."""
        with self._lock:
            self._tokens.connect(realm_id, refresh_token, self._clock())

    def _identity(self, request: Request, operation: str, injection: Injection | None) -> Answer:
        """What Intuit's identity service answers."""
        if operation == "discovery":
            return Answer(200, oauth.discovery(request.host_url.rstrip("/")))
        oauth.check_client(request.headers.get("Authorization", ""), *self._client)
        if operation == "token":
            return self._token(request, injection)
        body = request.get_json(silent=True) or request.form
        with self._lock:
            self._tokens.revoke(str(body.get("token", "")))
        return Answer(200, "", kind="text/plain")

    def _token(self, request: Request, injection: Injection | None) -> Answer:
        token = request.form.get("refresh_token", "")
        hard = request.headers.get("x-include-refresh-token-hard-expires-in", "") == "true"
        with self._lock:
            if self._meter_is_full():
                return self._throttled()
            if request.form.get("grant_type") != "refresh_token":
                raise oauth.OAuthError("unsupported_grant_type")
            family = self._tokens.family(token)
            if token != family.refresh_token:
                self.violations.append(f"realm {family.realm_id}: a stale refresh token was used")
            family.in_flight += 1
            clashes = family.in_flight > 1
            if clashes:
                self.violations.append(f"realm {family.realm_id}: two refreshes were under way")
            if clashes and self.modes.concurrent_refresh == "revokes_family":
                family.revoked = True
            if injection and injection.kind == "revoke_family":
                family.revoked = True
        if injection and injection.kind == "slow":
            time.sleep(injection.seconds)
        with self._lock:
            family.in_flight -= 1
            return Answer(200, self._tokens.refresh(token, self._clock(), self.modes, hard=hard))

    def _refuse_caller(self, request: Request, operation: str, realm_id: str) -> Answer | None:
        """The gateway's refusal, if it does not pass the request on."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        with self._lock:
            now = self._clock()
            family = self._tokens.owner(token, now) if kind.lower() == "bearer" else None
            if not family:
                return answers.unauthorized(now)
            if family.realm_id != realm_id:
                return answers.forbidden(now)
            if token != family.newest_access:
                self.violations.append(
                    f"realm {realm_id}: an access token was used after a newer one was issued"
                )
            metered = operation in _METERED
            if metered and self._meter_is_full():
                return self._throttled()
            if self.limits.enforced and not self._within_rate(realm_id, operation, now):
                self.violations.append(f"realm {realm_id}: the rate limit was exceeded")
                return self._throttled()
            self.core_plus_calls += metered
            return None

    def _meter_is_full(self) -> bool:
        month = self._clock().astimezone(PACIFIC).strftime("%Y-%m")
        if month != self._month:
            self._month, self.core_plus_calls = month, 0
        return self.core_plus_calls >= self.limits.core_plus_per_month

    def _within_rate(self, realm_id: str, operation: str, now: datetime) -> bool:
        limits, minute = self.limits, 60.0
        sizes = [
            (realm_id, "second", limits.per_second, 1.0),
            (realm_id, "minute", limits.per_minute, minute),
        ]
        if operation == "batch":
            sizes.append((realm_id, "app's batches", limits.app_batches_per_minute, minute))
            sizes.append((realm_id, "all batches", limits.realm_batches_per_minute, minute))
        taken = [
            self._windows.setdefault((realm, name), Window(size, seconds)).take(now)
            for realm, name, size, seconds in sizes
        ]
        return all(taken)

    def _throttled(self) -> Answer:
        modes = self.modes
        return answers.throttled(self._clock(), modes.throttle_body, modes.retry_after_seconds)
