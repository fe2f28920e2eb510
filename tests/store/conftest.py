"""The store is tested on moto's own way, which judges every expression as AWS does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.in_process.fast_dynamodb import on_the_wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _wire() -> Iterator[None]:
    with on_the_wire():
        yield
