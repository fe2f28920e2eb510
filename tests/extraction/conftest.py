"""Fixtures for tests of the extraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet."""
    world.forget_old_bills()
    return world
