"""A bill's statuses, and which may follow which."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal[
    "VALIDATION_FAILED",
    "READY_FOR_APPROVAL",
    "APPROVED",
    "POSTING",
    "POSTED",
    "ALREADY_IN_QB",
    "POST_FAILED",
    "ACKNOWLEDGED",
    "REJECTED",
    "WITHDRAWN",
]

# Which status may follow which. A status names itself where the content changes under it.
TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    "VALIDATION_FAILED": frozenset({"VALIDATION_FAILED", "READY_FOR_APPROVAL", "WITHDRAWN"}),
    "READY_FOR_APPROVAL": frozenset(
        {
            "READY_FOR_APPROVAL",
            "VALIDATION_FAILED",
            "APPROVED",
            "REJECTED",
            "ACKNOWLEDGED",
            "WITHDRAWN",
        }
    ),
    # What does not get to QuickBooks for an hour can be closed, as what was refused can.
    "APPROVED": frozenset(
        {"POSTING", "READY_FOR_APPROVAL", "VALIDATION_FAILED", "ACKNOWLEDGED", "WITHDRAWN"}
    ),
    "POSTING": frozenset(
        {
            "POSTING",
            "POSTED",
            "POST_FAILED",
            "ALREADY_IN_QB",
            "APPROVED",
            "READY_FOR_APPROVAL",
            "ACKNOWLEDGED",
        }
    ),
    "POSTED": frozenset({"POSTED"}),
    "ALREADY_IN_QB": frozenset({"ALREADY_IN_QB"}),
    # Of a bill of zero there was nothing to post, until it was amended.
    "ACKNOWLEDGED": frozenset({"ACKNOWLEDGED", "READY_FOR_APPROVAL", "VALIDATION_FAILED"}),
    "POST_FAILED": frozenset(
        {
            "APPROVED",
            "READY_FOR_APPROVAL",
            "VALIDATION_FAILED",
            "ALREADY_IN_QB",
            "ACKNOWLEDGED",
            "WITHDRAWN",
        }
    ),
    "REJECTED": frozenset({"READY_FOR_APPROVAL", "VALIDATION_FAILED", "WITHDRAWN"}),
    "WITHDRAWN": frozenset({"READY_FOR_APPROVAL", "VALIDATION_FAILED"}),
}
IN_QUICKBOOKS: Final[frozenset[Status]] = frozenset({"POSTED", "ALREADY_IN_QB"})
FINAL: Final[frozenset[Status]] = IN_QUICKBOOKS | {"ACKNOWLEDGED"}
# Something may still become of these: a rejected bill may be amended.
OPEN: Final[frozenset[Status]] = frozenset(TRANSITIONS) - FINAL - {"WITHDRAWN"}
