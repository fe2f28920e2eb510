"""A mirror of some of the ledger that is loaded once a module, and the API over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.in_process.api import ApiDesk, an_api
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[ApiDesk, Callable[[], None]]]:
    """The API over a mirror that was loaded an hour ago; and what brings that back."""
    with pytest.MonkeyPatch.context() as patch, a_small_mirror() as mirror:
        mirror.sync()
        mirror.sleep(3600)
        mirror.sync()
        with an_api(mirror, patch.setenv) as made:
            yield made, mirror.remember()


@pytest.fixture
def api(loaded: tuple[ApiDesk, Callable[[], None]]) -> ApiDesk:
    """The API over a mirror that was loaded an hour ago."""
    made, restore = loaded
    restore()
    made.reset()
    return made


@pytest.fixture
def changed(api: ApiDesk) -> Iterator[Callable[[str, str], None]]:
    """What starts the API anew with another value of a variable, for one test."""
    with pytest.MonkeyPatch.context() as patch:

        def change(name: str, value: str) -> None:
            patch.setenv(name, value)
            api.restart()

        yield change
    api.restart()
