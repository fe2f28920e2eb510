"""What several test modules need: a clean environment and a world to run the chain in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from sandbox.in_process.chain import World, a_world
from sandbox.in_process.quick import make_quick
from sandbox.terraform import GOGC

if TYPE_CHECKING:
    from collections.abc import Iterator

CHAIN: Final = "chain"
# What takes ten seconds of the processor or more, the longest first: the last to begin would be
# waited for by the other workers.
LONGEST: Final = (
    "test_crashes.py", "test_terraform.py", "test_random_faults.py", "test_random_runs.py",
    "test_aws.py", "test_packages.py", "test_garbage.py", "test_upgrade_races.py",
    "test_upgrade.py", "test_run.py",
    "test_weather.py", "test_upgrade_infrastructure.py", "test_page.py", "test_bounds.py",
    "test_quickbooks_errors.py", "test_source_changes.py", "test_source_faults.py",
    "test_duplicates.py", "test_approval_handler.py", "test_poster.py", "test_odoo_changes.py",
    "test_ministack.py",
)  # fmt: skip

# Nothing a test does may reach a real account or go through a proxy.
for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
    "GOGC": GOGC,  # of the Terraform that tests start
}
make_quick()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The chain with the dataset's records in Odoo, nothing extracted yet."""
    yield from a_world(monkeypatch)


@pytest.hookimpl(optionalhook=True)  # where tests run without xdist there is no such question
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the applied chain mostly waits."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Share out by file, as each sets up much for its tests; what takes longest begins first.

    What runs the whole chain is one group, the longest: its tests share a folder.
    """
    if not config.pluginmanager.has_plugin("xdist"):
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    last = len(LONGEST)
    items.sort(key=lambda i: (_group(i.path) != CHAIN, ranks.get(i.path.name, last)))


def _group(path: Path) -> str:
    """The tests of the applied chain, or those of a file."""
    if "e2e" in path.parts or path.name == "test_demo.py":
        return CHAIN
    return str(path.relative_to(Path(__file__).parent))
