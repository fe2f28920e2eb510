"""What several test modules need: a clean environment and a world to run the chain in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox.in_process.chain import World, a_world
from sandbox.in_process.quick import make_quick

if TYPE_CHECKING:
    from collections.abc import Iterator

# Nothing a test does may reach a real account or go through a proxy.
for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
}
make_quick()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The chain with the dataset's records in Odoo, nothing extracted yet."""
    yield from a_world(monkeypatch)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What builds packages or runs the whole chain shares one worker: they share its folders."""
    for item in items:
        if "e2e" in item.path.parts or item.path.name in {"test_packages.py", "test_demo.py"}:
            item.add_marker(pytest.mark.xdist_group("chain"))
