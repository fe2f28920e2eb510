"""The intake's functions, with Slack and mail to customers on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.intake.desk import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.intake.desk import Desk


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with a_desk(monkeypatch) as made:
        yield made
