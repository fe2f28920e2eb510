"""Copies of this process, for what must not happen in the original.

A fork is the cheapest way back to a moment: moto, simulators and the functions' memory are as they
were. It copies only its own thread, so there may be no other.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def split() -> tuple[int, Any]:
    """Fork; returns the pipe for `tell` in the copy, and 0 and what it told in the original."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        return writing, None
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return 0, json.loads(said) if said else None


def tell(pipe: int, content: object) -> NoReturn:
    """Send a result and end the copy, which must not return into the test that forked it."""
    with os.fdopen(pipe, "w") as telling:
        json.dump(content, telling)
    os._exit(0)


def in_a_copy(work: Callable[[], object]) -> Any:
    """The result of the work as JSON, without its side effects; None if the copy crashed."""
    pipe, said = split()
    if pipe:
        tell(pipe, work())
    return said
