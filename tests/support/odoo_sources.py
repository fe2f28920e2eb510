"""The books of two companies, served by the Odoo simulator and read as a mirror reads them."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.odoo.source import OdooSource
from sandbox.odoo.server import Odoo as Simulator
from tests.support.odoo_clients import a_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind, Reading, Source
    from sandbox.odoo.view import User

MODELS: Final[dict[Kind, str]] = {
    "contact": "res.partner",
    "move": "account.move",
    "payment": "account.payment",
    "order": "sale.order",
    "account": "account.account",
    "transaction": "account.move.line",
}
# One way of each version, and each way once, for what does not depend on both.
SOME_DOORS: Final = ((16, "session"), (17, "json-rpc"), (18, "session"), (19, "json-2"))


def ledger(version: int = 18, **given: Any) -> Simulator:
    return Simulator(version=version, dataset="ledger-18", **given)


@contextmanager
def a_source(
    simulator: Simulator, way: str = "json-rpc", companies: tuple[int | str, ...] = ()
) -> Iterator[OdooSource]:
    with a_client(simulator, way) as odoo:
        yield OdooSource(odoo, companies)


def user(simulator: Simulator) -> User:
    return next(iter(simulator.users.values()))


def ids_of(source: Source, kind: Kind) -> list[int]:
    return [number for page in source.ids(kind) for number in page]


def whole(source: Source, kind: Kind) -> Reading:
    return source.read(kind, ids_of(source, kind))


@cache
def records_of(version: int, way: str, kind: Kind) -> dict[int, Json]:
    """All of a kind's records as they were recorded; not to be changed."""
    with a_source(ledger(version), way) as source:
        reading = whole(source, kind)
    assert reading.faults == {}
    return reading.records
