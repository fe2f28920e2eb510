"""One applied chain for all of these tests: the first to need it builds what the others find.

Terraform's apply takes more than a minute, a start on what stands some seconds. A start forgets
the data of the one before, so each module begins with empty books.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import Demo, Standing, demo, standing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the applied chain is kept; one runs on it at a time.

    SANDBOX_RUN_DIR names one that stands already, for whoever runs these tests again and again.
    """
    kept = os.environ.get("SANDBOX_RUN_DIR")
    return Path(kept) if kept else tmp_path_factory.mktemp("run")


@pytest.fixture(scope="session")
def first(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The plain demo, once; the chain of `stand` must not be up when it is first asked for."""
    return demo(run_dir, tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def stand(run_dir: Path) -> Iterator[Standing]:
    """The chain, started for this module and stopped after it, with nothing extracted yet.

    The mirror is off, as in a demo: turning it on and off again changes what stands.
    """
    with standing(run_dir, "--no-mirror") as started:
        yield started
