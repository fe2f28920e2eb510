"""A sender with a queue and an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.webhook.sender_desk import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.webhook.sender_desk import SenderDesk


@pytest.fixture
def desk() -> Iterator[SenderDesk]:
    with a_desk() as made:
        yield made
