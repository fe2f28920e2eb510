"""Copies of this process, in which happens what must not happen here.

A fork is the cheapest way back to a moment: everything is as it was, moto, simulators and the
functions' own memory. It takes only the thread it is in, so there may be no other.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def split() -> tuple[int, Any]:
    """Fork. In the copy: the pipe to `tell` by; in the original 0, and what the copy told."""
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
    """The end of a copy, which must not come back into the test that forked it."""
    with os.fdopen(pipe, "w") as telling:
        json.dump(content, telling)
    os._exit(0)


def in_a_copy(work: Callable[[], object]) -> Any:
    """What the work answers, as JSON has it; nothing of it remains. None if it broke off."""
    pipe, said = split()
    if pipe:
        tell(pipe, work())
    return said
