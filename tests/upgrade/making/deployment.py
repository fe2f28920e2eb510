"""A deployment of 1.0 with the two companies: its real code, moto and the simulators, one clock.

Nothing in it depends on chance or on the time of day: two runs leave the same behind.
"""

from __future__ import annotations

import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from clock import Clock
from life import Life
from morning import _at_once, _made_once
from moto.moto_api._internal import mock_random
from wire import Wire
from world import Context, a_world

import poster
from upgrade.making.companies import (
    FIRMS,
    company_settings,
    open_odoo,
)
from upgrade.making.realms import open_quickbooks, seed_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED: Final = 10  # of what AWS makes up: ids of messages, versions of objects


@contextmanager
def a_deployment() -> Iterator[Life]:
    """Begin on a morning on which Odoo has no bills yet and QuickBooks was read."""
    clock, wire = Clock(), Wire()
    mock_random.seed(_SEED)
    logging.disable(logging.CRITICAL)
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            wire.lay(monkeypatch)
            clock.rule(monkeypatch)
            monkeypatch.setattr(ThreadPoolExecutor, "submit", _at_once)
            client = _made_once(boto3.session.Session.client)
            monkeypatch.setattr(boto3.session.Session, "client", client)
            monkeypatch.setattr(uuid, "uuid4", mock_random.uuid4)
            monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "upgrade")
            for world in a_world(monkeypatch, listen=wire.serve, clock=clock):
                for name in ("QB_CALLS_PER_MINUTE", "SLACK_MESSAGES_PER_SECOND"):
                    monkeypatch.setenv(name, "inf")  # a pause would depend on the machine
                life = Life(world=world, clock=clock)
                open_odoo(world.odoo, clock.now)
                open_quickbooks(world.quickbooks, clock.now)
                _configure(life)
                world.aws.performs = life.perform
                wire.pass_by = life.call
                poster.lambda_handler({"action": "sync_reference"}, Context())
                life.settle()
                yield life
    finally:
        logging.disable(logging.NOTSET)


def _configure(life: Life) -> None:
    """What `terraform apply` does for the two companies."""
    world = life.world
    world.table.write_note("settings", {"companies": json.dumps(company_settings())})
    for firm in FIRMS.values():
        world.clients["secretsmanager"].create_secret(Name=f"token/{firm.key}")
        life.reseed(firm.key, seed_token(firm))


def nothing_lost(_step: str, work: Any) -> Any:
    """The fate of a step on a good day."""
    return work()
