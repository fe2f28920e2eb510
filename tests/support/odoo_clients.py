"""Clients of a served Odoo simulator, by each way in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.odoo.client import OdooClient
from sandbox.http_server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

VERSIONS: Final = (16, 17, 18, 19)
WAYS: Final = ("json-2", "json-rpc", "session")
# Each version by each way that it has.
DOORS: Final = tuple((v, way) for v in VERSIONS for way in WAYS if v >= 19 or way != "json-2")
LOGIN: Final = "ap-bot@example.com"
KEY: Final = "sandbox-odoo-key"
PASSWORD: Final = "sandbox-odoo-password"


@dataclass
class Kept:
    """A session's cookie as a secret store keeps it, and how often it was written."""

    cookie: str = ""
    saved: list[str] = field(default_factory=list)

    def load(self) -> str:
        return self.cookie

    def save(self, cookie: str) -> None:
        self.cookie = cookie
        self.saved.append(cookie)


def client(url: str, way: str = "json-rpc", **changed: Any) -> OdooClient:
    given: dict[str, Any] = {"url": url, "database": "odoo", "username": LOGIN, "api_key": KEY}
    if way == "session":
        given |= {"auth": "session", "password": PASSWORD, "api_key": ""}
    odoo = OdooClient(**given | {"sleep": lambda _seconds: None} | changed)
    if way != "session":
        odoo.protocol = "json-2" if way == "json-2" else "json-rpc"
    return odoo


@contextmanager
def a_client(
    simulator: WSGIApplication, way: str = "json-rpc", **changed: Any
) -> Iterator[OdooClient]:
    with serve(simulator) as server:
        odoo = client(server.url, way, **changed)
        yield odoo
        odoo._session.close()
