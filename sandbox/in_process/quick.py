"""Everything that makes moto quick enough for thousands of tests, in one call."""

from __future__ import annotations

from sandbox.in_process.fast_dynamodb import without_the_wire
from sandbox.in_process.fast_moto import (
    attributes_as_they_are,
    clients_made_once,
    models_read_once,
    only_aws_is_mocked,
)


def make_quick() -> None:
    """Once in a process; a process that a test starts asks for it anew."""
    attributes_as_they_are()
    models_read_once()
    clients_made_once()
    only_aws_is_mocked()
    without_the_wire()
