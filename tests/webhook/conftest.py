"""A mirror that is loaded once a module, and the feed of what changes in it from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.in_process.webhook_feed import a_feed
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.in_process.webhook_feed import FeedDesk


@pytest.fixture(scope="module")
def loaded() -> Iterator[tuple[FeedDesk, Callable[[], None]]]:
    """Some of the ledger of Odoo 18, loaded an hour ago; and what brings that back."""
    with a_small_mirror() as mirror, a_feed(mirror) as feed:
        mirror.sync()
        mirror.sleep(3600)
        mirror.sync()
        yield feed, mirror.remember()


@pytest.fixture
def desk(loaded: tuple[FeedDesk, Callable[[], None]]) -> FeedDesk:
    """The feed of all kinds that tests change; its queue is empty."""
    feed, restore = loaded
    restore()
    feed.begin_anew()
    return feed
