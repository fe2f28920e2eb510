"""Where a connection may lead: public addresses, and the private networks somebody named."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from odoo_qb.errors import Misconfigured, Refused
from odoo_qb.public_http import PublicSession, is_allowed, networks
from sandbox.http_server import serve

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",  # noqa: S104
        "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_no_private_address_is_allowed(address: str) -> None:
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, ())


def test_a_named_network_is_allowed_and_no_other() -> None:
    named = networks("10.0.0.0/8, fd00::/8")
    assert is_allowed("10.1.2.3", named)
    assert is_allowed("::ffff:10.1.2.3", named)
    assert is_allowed("fd00::1", named)
    assert not is_allowed("192.168.0.1", named)


def test_what_is_no_network_is_said() -> None:
    with pytest.raises(Misconfigured, match="allowed_private_networks"):
        networks("10.0.0.0/8,nonsense")


class Asked:
    """An application that remembers what reached it."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.paths.append(str(environ["PATH_INFO"]))
        start_response("200 OK", [])
        return [b"here"]


def test_nothing_is_sent_to_an_address_that_is_not_allowed() -> None:
    asked = Asked()
    with serve(asked) as server:
        with pytest.raises(Refused, match=r"leads to 127\.0\.0\.1, which is no public address"):
            PublicSession().get(f"{server.url}/secret", timeout=5)
        assert asked.paths == []
        allowed = PublicSession(networks("127.0.0.0/8"))
        assert allowed.get(f"{server.url}/open", timeout=5).content == b"here"
    assert asked.paths == ["/open"]


def test_a_name_is_judged_by_the_address_it_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    with serve(asked) as server:
        port = int(server.url.rpartition(":")[2])
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        with pytest.raises(Refused, match=r"erp.example.com leads to 127\.0\.0\.1"):
            PublicSession().get(f"http://erp.example.com:{port}/", timeout=5)
    assert asked.paths == []
