"""What Lambda answers for a Python function that raised: the exception's class and its stack."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

UNNAMED: Final = "Runtime.HandlerError"  # what MiniStack 1.5.33 calls every exception

_HEADER: Final = "Traceback (most recent call last):\n"
_CLASS: Final = re.compile(r"(\w+)\Z")  # without its module, as Lambda names it
_FRAME: Final = re.compile(r'^(?=  File ")', re.MULTILINE)


def as_raised(body: Mapping[str, Any], log: str) -> dict[str, Any]:
    """A failed call's answer with the errorType and stackTrace of the traceback that ends `log`.

    What did not come from the handler, such as a timeout, keeps its type. Retry and Catch of
    Step Functions name the class.
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    answer = dict(body)
    if answer.get("errorType") != UNNAMED or _HEADER not in log:
        return answer
    # The message may have several lines, and hold another server's traceback.
    traceback, _, _ = log.rpartition(f": {answer['errorMessage']}")
    if not answer["errorMessage"]:
        traceback = log.rstrip()
    elif not traceback:  # a SyntaxError tells its place on lines of their own
        traceback = log.rstrip().rpartition(": ")[0]
    if found := _CLASS.search(traceback):
        frames = _FRAME.split(traceback[: traceback.rfind("\n") + 1].rpartition(_HEADER)[2])
        answer |= {"errorType": found[1], "stackTrace": frames[2:]}  # the first is MiniStack's own
    return answer
