"""A mirror that is loaded once a module, each test of which finds it as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.in_process.mirror import MirrorDesk


@pytest.fixture(scope="module")  # moto forgets all only when nobody uses it any more
def loaded() -> Iterator[tuple[MirrorDesk, Callable[[], None]]]:
    """Some of the ledger of Odoo 18, loaded an hour ago; and what brings that back."""
    with a_small_mirror() as made:
        made.sync()
        made.sleep(3600)
        made.sync()
        yield made, made.remember()


@pytest.fixture
def desk(loaded: tuple[MirrorDesk, Callable[[], None]]) -> MirrorDesk:
    """Some of the ledger of Odoo 18, and a mirror that was loaded an hour ago."""
    made, restore = loaded
    restore()
    return made
