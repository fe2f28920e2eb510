"""The org that a mirror of Salesforce must be equal to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odoo_qb.salesforce.client import SalesforceClient
from odoo_qb.salesforce.mapping import parse_mapping
from odoo_qb.salesforce.source import SalesforceSource
from odoo_qb.store.source_numbers import SourceNumbers
from sandbox.salesforce.mapping import MAPPING
from sandbox.salesforce.server import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odoo_qb.sources import Kind
    from odoo_qb.store.sorted_table import SortedTable
    from sandbox.salesforce.server import Salesforce


def org_source(url: str, table: SortedTable, connection: str) -> SalesforceSource:
    """A reader of the org past the mirror, with the numbers that the mirror gave its records."""
    client = SalesforceClient(url=url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    numbers = SourceNumbers(table, connection)
    return SalesforceSource(client, parse_mapping(MAPPING), numbers)


def org_ids(
    org: Salesforce, table: SortedTable, connection: str
) -> Callable[[Kind], Iterable[int]]:
    """The numbers of an org's records, straight from what it holds."""
    mapped = parse_mapping(MAPPING)

    def ids(kind: Kind) -> Iterable[int]:
        if kind not in mapped:
            return []
        held = [row["Id"] for row in org.held(mapped[kind].object)]
        return SourceNumbers(table, connection).numbers(kind, held).values()

    return ids
