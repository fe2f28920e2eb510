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

# Which status may follow which. A status follows itself if the bill's content may change in it.
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
    # A bill delayed for an hour can be closed, like one that QuickBooks refused.
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
    # A bill of zero had nothing to post until it was amended.
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
# These may still change: a rejected bill may be amended.
OPEN: Final[frozenset[Status]] = frozenset(TRANSITIONS) - FINAL - {"WITHDRAWN"}
