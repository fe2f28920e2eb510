"""A mirror that is loaded once a module, and the feed of what changes in it from then on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.in_process.webhook_feed import a_feed
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.in_process.webhook_feed import FeedDesk

    Again = Callable[[], FeedDesk]


@contextmanager
def a_loaded_feed() -> Iterator[Again]:
    """Some of the ledger of Odoo 18, loaded an hour ago; what is yielded makes it so again.

    The feed takes all kinds that tests change, and its queues are empty.
    """
    with a_small_mirror() as mirror, a_feed(mirror) as feed:
        mirror.sync()
        mirror.sleep(3600)
        mirror.sync()
        restore = mirror.remember()

        def again() -> FeedDesk:
            restore()
            feed.begin_anew()
            return feed

        yield again
