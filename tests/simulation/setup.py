"""Set up a simulation: one process, no network, no threads, and its own clock."""

from __future__ import annotations

import json
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import poster
from sandbox.in_process.chain import Context, a_world
from sandbox.in_process.in_memory_network import InMemoryNetwork
from sandbox.in_process.quick import make_quick
from tests.simulation.clock import Clock
from tests.simulation.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from sandbox.in_process.chain import World

Json = dict[str, Any]


@contextmanager
def a_simulation(
    monkeypatch: pytest.MonkeyPatch, british: Mapping[str, Json] | None = None, **company: Any
) -> Iterator[Simulation]:
    """A simulation that starts when Odoo has no bills yet and QuickBooks was read.

    `company` are settings for every company, `british` those of British companies by name.
    """
    make_quick()
    british = british or {}
    clock, network = Clock(), InMemoryNetwork()
    network.install(monkeypatch)
    clock.install(monkeypatch)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", _at_once)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "test")
    logging.disable(logging.CRITICAL)
    elsewhere = ExitStack()
    try:
        for world in a_world(
            monkeypatch, listen=network.serve, clock=clock, sleep=clock.sleep, british=british
        ):
            world.forget_old_bills()
            settle(world, {name: company | british.get(name, {}) for name in companies(world)})
            simulation = Simulation(world=world, clock=clock)
            simulation.elsewhere.url = elsewhere.enter_context(
                network.serve(simulation.elsewhere)
            ).url
            world.aws.performs = simulation.perform
            network.on_request = simulation.call
            poster.lambda_handler({"action": "sync_reference"}, Context())
            simulation.settle()
            simulation.steps.clear()
            yield simulation
    finally:
        elsewhere.close()
        logging.disable(logging.NOTSET)


def companies(world: World) -> Json:
    """The settings of each company, by its name."""
    known: Json = json.loads(str(world.table.read_note("settings")["companies"]))
    return known


def settle(world: World, settings: Json) -> None:
    """An operator gives companies other settings; those that are not named stay."""
    now = {name: known | settings.get(name, {}) for name, known in companies(world).items()}
    world.table.write_note("settings", {"companies": json.dumps(now)})
    world.restart()


def _at_once(_pool: ThreadPoolExecutor, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Run submitted work at once: steps can be counted only if they have an order."""
    future: Future[Any] = Future()
    try:
        future.set_result(work(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - the pool gives it to whoever asks for the result
        future.set_exception(error)
    return future
