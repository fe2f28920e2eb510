"""HTTP to public addresses only, and to the private networks that an operator has named.

The address is looked at on the connection itself, before a byte is sent: a name that leads
elsewhere by the time of connecting (DNS rebinding) is found out, and so is a mapped IPv6 address.
"""

from __future__ import annotations

import http.client
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from odoo_qb.errors import Misconfigured, Refused
from odoo_qb.http_session import HttpSession

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection
    from ipaddress import IPv4Address

_NAT64: Final = IPv6Network("64:ff9b::/96")

Network = IPv4Network | IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Terraform's allowed_private_networks, separated by commas."""
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise Misconfigured(
            "allowed_private_networks has something that is no network, such as 10.0.0.0/8."
            " Correct it and apply."
        ) from None


def is_allowed(address: str, allowed: Collection[Network]) -> bool:
    """Whether we may send something there."""
    ip = _meant(ip_address(address.partition("%")[0]))
    public = ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
    if isinstance(ip, IPv6Address) and ip.is_site_local:  # old private networks: fec0::/10
        public = False
    return public or any(ip in network for network in allowed)


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, or itself."""
    if not isinstance(ip, IPv6Address):
        return ip
    if ip in _NAT64:
        return ip_address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1]) or ip


class PublicSession(HttpSession):
    """requests' session that raises Refused, before it sends anything, where it may not go.

    `on_use` is given each connection before a request is sent on it, and before its answer is read.
    """

    def __init__(
        self,
        allowed: Collection[Network] = (),
        on_use: Callable[[HTTPConnection], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.trust_env = False  # a proxy of the environment would be connected to in its place
        for scheme in ("https://", "http://"):
            self.mount(scheme, _PublicAdapter(tuple(allowed), on_use))


class _PublicAdapter(HTTPAdapter):
    def __init__(
        self, allowed: tuple[Network, ...], on_use: Callable[[HTTPConnection], None]
    ) -> None:
        self._allowed = allowed
        self._on_use = on_use
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as requests
        """As requests, with connections that look where they lead."""
        super().init_poolmanager(*args, **kwargs)
        allowed, use = self._allowed, self._on_use

        class Plain(_Looking, HTTPConnection):
            networks = allowed
            on_use = staticmethod(use)

        class Tls(_Looking, HTTPSConnection):
            networks = allowed
            on_use = staticmethod(use)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}


class _FinalResponse(http.client.HTTPResponse):
    """The final answer to a request, without the interim ones before it, such as 103 Early Hints.

    http.client passes over 100 only. It takes any other for the answer and keeps the connection, on
    which the next request would then get the answer to this one:
    https://www.rfc-editor.org/rfc/rfc9110#name-informational-1xx
    """

    def begin(self) -> None:
        """As http.client, up to the first answer that is not an interim one."""
        super().begin()
        while self.status < HTTPStatus.OK and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # which says: not begun
            super().begin()
        has_none = self.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        announces_body = self.headers.get("Content-Length", "0") != "0"
        # What follows is not HTTP, or content where there must be none.
        if self.status < HTTPStatus.OK or (has_none and announces_body):
            self.will_close = True


class _Looking:
    """A connection that closes at once where it leads to what is not allowed."""

    response_class: type[http.client.HTTPResponse] = _FinalResponse
    networks: tuple[Network, ...] = ()
    on_use: Callable[[HTTPConnection], None]

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as urllib3
        """As urllib3, once whoever is interested knows of it."""
        self.on_use(self)  # type: ignore[arg-type]  # mixed into one
        super().request(*args, **kwargs)  # type: ignore[misc]  # urllib3's

    def getresponse(self) -> Any:  # noqa: ANN401 - as urllib3
        """As urllib3, once whoever is interested knows of it."""
        self.on_use(self)  # type: ignore[arg-type]  # mixed into one
        return super().getresponse()  # type: ignore[misc]  # urllib3's

    def _new_conn(self) -> socket.socket:
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]  # urllib3's
        address = str(connected.getpeername()[0])
        if not is_allowed(address, self.networks):
            connected.close()
            raise Refused(
                f"{getattr(self, 'host', 'The address')} leads to {address}, which is no public"
                " address. Nothing was sent. If it is meant, name its network in"
                " allowed_private_networks and apply."
            )
        return connected
