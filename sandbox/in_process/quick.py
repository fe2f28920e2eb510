"""Everything that makes moto quick enough for thousands of tests, in one call."""

from __future__ import annotations

import gc
from typing import Final

from sandbox.in_process.fast_dynamodb import without_the_wire
from sandbox.in_process.fast_moto import (
    attributes_as_they_are,
    clients_made_once,
    items_measured_once,
    models_read_once,
    only_aws_is_mocked,
    partitions_queried_alone,
)

# Garbage in cycles is looked for after so many new objects, of which a test makes a million: by
# default (700) that is up to a third of what it computes.
_OBJECTS: Final = 50_000


def make_quick() -> None:
    """Once in a process; a process that a test starts asks for it anew."""
    gc.set_threshold(_OBJECTS, 10, 10)
    attributes_as_they_are()
    items_measured_once()
    partitions_queried_alone()
    models_read_once()
    clients_made_once()
    only_aws_is_mocked()
    without_the_wire()
