"""Where the sender may go, and how long an endpoint can hold it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from odoo_qb.errors import Misconfigured
from odoo_qb.public_http import networks
from odoo_qb.webhook.bounded_session import BoundedSession
from odoo_qb.webhook.endpoint import Endpoint, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOOPBACK = networks("127.0.0.0/8,::1/128")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listener:
    """A socket that answers each connection as `answer` says; `got` is what was sent to it."""

    def __init__(
        self, answer: Callable[[socket.socket], None], *, host: str, tls: ssl.SSLContext | None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.bind((host, 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.got = b""
        self.connections = 0
        self._answer, self._tls = answer, tls
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while chunk := connection.recv(65_536):
                self.got += chunk
                if b"\r\n\r\n" in self.got:
                    self._answer(connection)
        except OSError:
            pass
        finally:
            connection.close()


@contextmanager
def listening(
    answer: Callable[[socket.socket], None] = lambda c: c.sendall(OK),
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> Iterator[Listener]:
    listener = Listener(answer, host=host, tls=tls)
    try:
        yield listener
    finally:
        listener.socket.shutdown(socket.SHUT_RDWR)  # which also ends its wait
        listener.socket.close()


def endpoint(url: str, allowed: Any = LOOPBACK, seconds: float = 5.0) -> Endpoint:
    return Endpoint(url, allowed, lambda: datetime.now(UTC), seconds)


def sends(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)

    return answer


def drips(start: bytes, part: bytes) -> Callable[[socket.socket], None]:
    """Something every tenth of a second, for a minute."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(600):
            time.sleep(0.1)
            connection.sendall(part)

    return answer


# -- where -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://hook:password@example.com/", "holds credentials"),
        ("https://hook@example.com/", "holds credentials"),
        ("https://example.com@127.0.0.1/", "holds credentials"),
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("https:///hooks", "must begin with https://"),
        ("//example.com/", "must begin with https://"),
        ("https://example.com:25/", "port 25, which is another service's"),
        ("https://example.com:80/", "port 80, which is another service's"),
        ("https://example.com:0/", "port 0, which is another service's"),
        ("https://example.com:99999/", "is no address"),
        ("https://[::1/", "is no address"),
    ],
)
def test_an_address_that_is_none_to_send_to_is_refused(url: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as refusal:
        checked(url)
    assert "password" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://example.com/hooks?from=odoo",
            "https://example.com:443/",
            "https://example.com:8443",
        ),
        *(
            "https://[2606:4700::1111]:8443/",
            "http://127.0.0.1:8701/odoo",
            "http://localhost:8701/",
        ),
    ],
)
def test_an_address_to_send_to_is_taken(url: str) -> None:
    assert checked(url) == url


@pytest.mark.parametrize(
    ("address", "family"),
    [
        ("127.0.0.1", socket.AF_INET),
        ("::1", socket.AF_INET6),
        ("::ffff:127.0.0.1", socket.AF_INET6),
    ],
)
def test_nothing_is_sent_to_where_a_name_leads_inside(
    address: str, family: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public name in DNS, and behind it this machine: as a mapped address, too."""
    with listening(host="::" if ":" in address else address) as listener:
        there: Any = (address, listener.port, 0, 0)[: 4 if family == socket.AF_INET6 else 2]
        found = [(family, socket.SOCK_STREAM, 6, "", there)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        answer = endpoint(f"https://hooks.example.com:{listener.port}/", ()).post(b"{}", {})
        time.sleep(0.05)

        assert (answer.verdict, answer.status) == ("later", 0)
        assert answer.text.startswith("hooks.example.com leads to ")
        assert "Nothing was sent" in answer.text
        assert listener.got == b""


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "169.254.169.254", "192.168.1.1", "fe80::1", "::ffff:10.0.0.1"),
        *("fec0::1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "::a00:1"),
    ],
)
def test_nothing_is_sent_to_other_private_addresses(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection says where it leads: what a name said before does not count."""
    with listening() as listener:
        monkeypatch.setattr(socket.socket, "getpeername", lambda _: (address, 443), raising=False)
        answer = endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {})
        time.sleep(0.05)
        assert f"leads to {address}" in answer.text
        assert listener.got == b""


def test_a_name_that_leads_elsewhere_at_the_time_of_connecting_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: public when somebody looks, private when it is connected to."""
    with listening() as listener:
        public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", listener.port))]
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", listener.port))]
        answers = iter([public])
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(answers, here))
        socket.getaddrinfo(
            "hooks.example.com", listener.port
        )  # who looks first sees the public one
        answer = endpoint(f"https://hooks.example.com:{listener.port}/", ()).post(b"{}", {})
        assert "leads to 127.0.0.1" in answer.text
        assert listener.got == b""


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with listening() as listener:
        assert endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {}).status == 200


def test_a_redirect_is_followed_nowhere() -> None:
    with listening() as elsewhere:
        to = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\n\r\n".encode()
        with listening(sends(to)) as listener:
            answer = endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {})
        assert (answer.verdict, answer.status) == ("refused", 307)
        assert elsewhere.connections == 0


def test_a_cookie_is_not_sent_back() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    with listening(lambda c: c.sendall(cookie)) as listener:
        sender = endpoint(f"http://127.0.0.1:{listener.port}/")
        assert [sender.post(b"{}", {}).status for _ in range(2)] == [200, 200]
        assert b"Cookie" not in listener.got
        assert listener.connections == 1  # kept for the second


def test_a_connection_is_not_used_after_the_seconds_for_which_servers_keep_one() -> None:
    """Frozen between two runs, the function doesn't see that it was closed: a try would be lost."""
    now = datetime.now(UTC)
    with listening() as listener:
        sender = Endpoint(f"http://127.0.0.1:{listener.port}/", LOOPBACK, lambda: now)
        for seconds, connections in ((0, 1), (3, 1), (5, 2)):
            now += timedelta(seconds=seconds)
            sender.begin()
            sender.post(b"", {})
            assert listener.connections == connections


def test_an_interim_answer_is_not_the_answer_nor_its_own_the_next_requests() -> None:
    """Or a change would count as delivered by the answer to the one before it."""
    statuses = iter([b"200 OK", b"500 Down"])

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        time.sleep(0.1)
        connection.sendall(b"HTTP/1.1 " + next(statuses) + b"\r\nContent-Length: 0\r\n\r\n")

    with listening(answer) as listener:
        sender = endpoint(f"http://127.0.0.1:{listener.port}/")
        assert [sender.post(b"", {}).status for _ in range(2)] == [200, 500]
        assert listener.connections == 1


def test_content_after_no_content_is_not_the_answer_to_the_next_request() -> None:
    """As receivers written by hand send it: 204, and a body all the same."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.2)
        connection.sendall(b"ok")

    with listening(answer) as listener:
        sender = endpoint(f"http://127.0.0.1:{listener.port}/")
        assert [sender.post(b"", {}).verdict for _ in range(2)] == ["delivered", "delivered"]


# -- how long --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: time.sleep(5),
        drips(b"", b"H"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drips(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["silent", "a byte at a time", "not yet, not yet", "working, working"],
)
def test_an_endpoint_holds_a_request_no_longer_than_its_time(answer: Any) -> None:
    with listening(answer) as listener:
        began = time.monotonic()
        got = endpoint(f"http://127.0.0.1:{listener.port}/", seconds=0.5).post(b"{}", {})
        assert 0.4 < time.monotonic() - began < 3
        assert (got.verdict, got.status) == ("later", 0)


@pytest.mark.parametrize(
    "endless",
    [
        drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
    ],
    ids=["a body without end", "a long body", "headers without end"],
)
def test_an_answer_without_end_is_taken_by_its_status(endless: Any) -> None:
    with listening(endless) as listener:
        began = time.monotonic()
        answer = endpoint(f"http://127.0.0.1:{listener.port}/", seconds=1.5).post(b"{}", {})
        assert time.monotonic() - began < 10
        assert answer.verdict == "delivered"


def test_of_a_long_answer_only_the_beginning_is_read_and_kept() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 422 No\r\n\r\n" + b"no " * 2000)
        while True:
            connection.sendall(b"x" * 65_536)

    with listening(flood) as listener:
        answer = endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {})
    assert answer.verdict == "refused"
    assert len(answer.text) == 300


def test_a_request_over_tls_is_limited_too(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with listening(drips(b"", b"H"), tls=tls) as listener:
        url = f"https://127.0.0.1:{listener.port}/"
        untrusted = endpoint(url).post(b"{}", {})
        assert (untrusted.verdict, untrusted.text) == (
            "later", "Its certificate is not valid, or TLS failed.",
        )  # fmt: skip
        assert listener.got == b""

        bounded = BoundedSession(LOOPBACK)
        bounded.session.verify = str(certificate)
        began = time.monotonic()
        with bounded.within(0.5) as deadline, pytest.raises(requests.RequestException):
            bounded.session.post(url, b"{}", timeout=5)
        assert deadline.passed
        assert time.monotonic() - began < 3


# -- what is no answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "refused"),
        (b"<html>\r\n\r\n", "refused"),
        (b"HTTP/1.1 abc\r\n\r\n", "refused"),
        (b"HTTP/1.1 2", "later"),  # the connection ended before it said more
        (b"HTT", "later"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 No\r\n\r\n", "later"),
        (b"HTTP/1.1 102 Processing\r\n\r\n", "later"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "refused"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n", "refused"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "refused"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "delivered"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "delivered"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
            "delivered",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "delivered"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "refused"),
        (b"HTTP/1.1 425 Too Early\r\n\r\n", "later"),
        (b"HTTP/1.1 599 Odd\r\n\r\n", "later"),
        (b"HTTP/1.1 999 Odd\r\n\r\n", "refused"),
        (b"", "later"),
    ],
)
def test_whatever_comes_back_is_an_answer(said: bytes, verdict: str) -> None:
    with listening(sends(said)) as listener:
        answer = endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {})
    assert answer.verdict == verdict


def test_a_port_where_nobody_listens_is_tried_later() -> None:
    with listening() as listener:
        port = listener.port
    answer = endpoint(f"http://127.0.0.1:{port}/").post(b"{}", {})
    assert (answer.verdict, answer.text) == ("later", "The connection failed.")


def test_an_answer_brings_no_secret_and_no_line_break_into_a_mail() -> None:
    said = "expected whsec_c2VjcmV0\nbut got v1,c2lnbmF0dXJl=\u202e".encode()
    length = f"Content-Length: {len(said)}\r\n\r\n".encode()
    with listening(sends(b"HTTP/1.1 401 No\r\n" + length + said)) as listener:
        answer = endpoint(f"http://127.0.0.1:{listener.port}/").post(b"{}", {})
    assert answer.text == "expected … but got …"
