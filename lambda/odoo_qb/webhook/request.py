"""What somebody wants of the sender: the event of an invocation or a schedule. No I/O."""

from __future__ import annotations

from typing import Final, Literal

from odoo_qb.errors import Refused

Request = Literal["send", "digest", "resume", "retry_refused"]

_KNOWN: Final = (
    'This function takes the queue\'s messages, {"task": "digest"}, {"resume": true} or'
    ' {"retry_refused": true}.'
)


def request_of(event: object) -> Request:
    """What an event asks for; Refused where it asks for nothing that there is."""
    match event:
        case {"Records": list()}:
            return "send"
        case {"task": "digest", **more} if not more:
            return "digest"
        case {"resume": True, **more} if not more:
            return "resume"
        case {"retry_refused": True, **more} if not more:
            return "retry_refused"
    raise Refused(_KNOWN)
