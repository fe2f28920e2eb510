"""Clients and sources of a served Salesforce simulator."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from odoo_qb.salesforce.client import SalesforceClient
from odoo_qb.salesforce.mapping import parse_mapping
from odoo_qb.salesforce.source import SalesforceSource
from sandbox.http_server import serve
from sandbox.salesforce.mapping import MAPPING
from sandbox.salesforce.server import CLIENT_ID, CLIENT_SECRET, Salesforce

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind


class Counted:
    """Numbers in the order in which ids are first seen."""

    def __init__(self) -> None:
        self.given: dict[Kind, dict[str, int]] = {}

    def numbers(self, kind: Kind, ids: Collection[str]) -> dict[str, int]:
        known = self.given.setdefault(kind, {})
        for name in ids:
            known.setdefault(name, len(known) + 1)
        return {name: known[name] for name in ids}

    def ids(self, kind: Kind, numbers: Collection[int]) -> dict[int, str]:
        known = self.given.get(kind, {})
        return {number: name for name, number in known.items() if number in numbers}


def client(**changed: Any) -> SalesforceClient:
    given: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "sleep": lambda _seconds: None,
    }
    return SalesforceClient(**given | changed)


@contextmanager
def a_client(org: Salesforce, **changed: Any) -> Iterator[SalesforceClient]:
    with serve(org) as server:
        made = client(**{"url": server.url} | changed)
        yield made
        made._session.close()


@contextmanager
def a_source(
    org: Salesforce, mapping: Json | None = MAPPING, numbering: Counted | None = None
) -> Iterator[SalesforceSource]:
    with a_client(org) as made:
        yield SalesforceSource(made, parse_mapping(mapping), numbering or Counted())


def ids_of(source: SalesforceSource, kind: Kind) -> list[int]:
    return [number for page in source.ids(kind) for number in page]


def records_of(source: SalesforceSource, kind: Kind) -> dict[int, Json]:
    reading = source.read(kind, ids_of(source, kind))
    assert reading.faults == {}
    return reading.records
