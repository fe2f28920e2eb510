"""The Slack simulator, and slack_sdk as a client of it, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.http_server import serve
from sandbox.slack.server import Slack
from tests.support.slack_client import (
    Clock,
    a_client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slack_sdk import WebClient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[Slack]:
    slack = Slack(clock=clock)
    with serve(slack) as server:
        slack.public_url = server.url
        yield slack


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return a_client(slack)
