"""The endpoint that changes are sent to: one address, one POST at a time, bounded in every way."""

from __future__ import annotations

import hashlib
import http.client
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from odoo_qb.errors import Misconfigured, Refused
from odoo_qb.webhook.answers import Answer, shown, verdict_of
from odoo_qb.webhook.bounded_session import BoundedSession
from odoo_qb.webhook.waits import asked_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from odoo_qb.public_http import Network

SECONDS: Final = 30.0  # for everything: connecting, sending and the answer
_CONNECT_SECONDS: Final = 5.0  # to one address; a name may have several
_ANSWER: Final = 4_096  # bytes of an answer that are read
# After which a kept connection may be closed without our knowing: Node.js keeps it for five.
_IDLE_SECONDS: Final = 4.0
_OTHER_SERVICES: Final = 1024  # ports below belong to other services, such as mail
_HTTPS: Final = 443
_HERE: Final = frozenset({"127.0.0.1", "localhost"})


def checked(url: str) -> str:
    """The address, if it is one to send to; Misconfigured otherwise. Terraform checks the same."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Misconfigured("webhook_url is no address. Correct it and apply.") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Misconfigured("webhook_url holds credentials. Remove them and apply.")
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE)):
        raise Misconfigured("webhook_url must begin with https://. Correct it and apply.")
    if port is not None and port != _HTTPS and port < _OTHER_SERVICES:
        raise Misconfigured(
            f"webhook_url has port {port}, which is another service's. Use 443, or one from 1024"
            " on, and apply."
        )
    return url


class Endpoint:
    """Where changes are sent. Connections are kept between requests; several threads may send.

    `clock` is the time in UTC. `seconds` limits a request as a whole.
    """

    def __init__(
        self,
        url: str,
        allowed: Collection[Network],
        clock: Callable[[], datetime],
        seconds: float = SECONDS,
    ) -> None:
        self.url = checked(url)
        self.host = urlsplit(url).hostname or ""
        self.url_hash = hashlib.sha256(url.encode()).hexdigest()[:16]
        self._allowed = tuple(allowed)
        self._clock = clock
        self._seconds = seconds
        self._http = BoundedSession(self._allowed)
        self._used_at = clock()

    def begin(self) -> None:
        """Before some requests: let go of connections that were idle for long.

        The function may have been frozen meanwhile, and a connection that the other side has
        forgotten looks open until a request has waited for its whole time.
        """
        now = self._clock()
        if abs((now - self._used_at).total_seconds()) > _IDLE_SECONDS:
            self._http.session.close()
            self._http = BoundedSession(self._allowed)
        self._used_at = now

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a request once. Whatever goes wrong is an answer too."""
        with self._http.within(self._seconds) as deadline:
            try:
                response = self._http.session.post(
                    self.url,
                    data=body,
                    headers=dict(headers),
                    timeout=(min(_CONNECT_SECONDS, self._seconds), self._seconds),
                    stream=True,
                )
            except Refused as refusal:  # the address is none to connect to; it may be corrected
                return Answer(verdict="later", text=str(refusal))
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if deadline.passed:
                    within = f"{self._seconds:.0f} seconds"
                    return Answer(verdict="later", text=f"It did not answer within {within}.")
                return _failed(error)
            return self._answer(response)

    def _answer(self, response: requests.Response) -> Answer:
        verdict = verdict_of(response.status_code)
        text = _beginning(response)
        if verdict == "refused" and response.headers.get("Location"):
            text = "It redirects to another address, and nothing is sent there."
        return Answer(
            verdict=verdict,
            status=response.status_code,
            text=text,
            asked=asked_seconds(response.headers.get("Retry-After"), self._clock()),
        )


def _beginning(response: requests.Response) -> str:
    """The beginning of an answer. One that was read to its end leaves the connection usable."""
    try:
        start = response.raw.read(_ANSWER, decode_content=False)
        if response.raw.read(1, decode_content=False):
            response.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        response.close()
        return ""
    return shown(start.decode("utf-8", "replace"))


def _failed(error: Exception) -> Answer:
    """What is not HTTP is refused, for a next try would not understand it either."""
    for cause in _causes(error):
        lost = http.client.RemoteDisconnected | http.client.IncompleteRead
        if isinstance(cause, lost) or _is_cut_off(cause):
            continue
        if isinstance(cause, http.client.HTTPException):
            return Answer(verdict="refused", text="What it answered is not HTTP.")
    if isinstance(error, requests.exceptions.InvalidHeader):
        return Answer(verdict="refused", text="What it answered is not HTTP.")
    if isinstance(error, requests.exceptions.SSLError):
        return Answer(verdict="later", text="Its certificate is not valid, or TLS failed.")
    if isinstance(error, requests.Timeout):
        return Answer(verdict="later", text="It did not answer in time.")
    return Answer(verdict="later", text="The connection failed.")


def _is_cut_off(error: BaseException) -> bool:
    """Whether the connection ended within the first line of an answer: it says nothing yet."""
    if not isinstance(error, http.client.BadStatusLine):
        return False
    line = str(error)
    return not line.endswith("\n") and line[:5] == "HTTP/"[: len(line)]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is inside it: requests and urllib3 put one error into another."""
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop()
        yield one
        inner = [*one.args, getattr(one, "reason", None)]
        waiting += [each for each in inner if isinstance(each, BaseException)]
