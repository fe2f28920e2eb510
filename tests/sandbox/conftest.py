"""A QuickBooks simulator for the tests of it, on a port of its own, emptied before each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.http_server import serve
from sandbox.quickbooks.server import Limits, QuickBooks
from tests.support.quickbooks_client import CA, GB, US, Client, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def application(clock: Clock) -> QuickBooks:
    app = QuickBooks(clock=clock, limits=Limits(enforced=False))
    app.add_realm(US, "Acme Inc", refresh_token=f"seed-{US}")
    app.add_realm(GB, "Acme Ltd", refresh_token=f"seed-{GB}", country="GB")
    app.add_realm(CA, "Acme Canada", refresh_token=f"seed-{CA}", country="CA")
    return app


@pytest.fixture(scope="module")
def url(application: QuickBooks) -> Iterator[str]:
    with serve(application) as server:
        yield server.url


@pytest.fixture
def client(application: QuickBooks, url: str, clock: Clock) -> Iterator[Client]:
    clock.now = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    application.reset()
    with requests.Session() as session:
        yield Client(application, url, session)


@pytest.fixture
def british(client: Client) -> Client:
    client.realm_id = GB
    return client


@pytest.fixture
def canadian(client: Client) -> Client:
    client.realm_id = CA
    return client
