"""How often Slack lets an app call each of its methods.

https://docs.slack.dev/apis/web-api/rate-limits and each method's tier, at its lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many calls in any window of so many seconds."""

    calls: int
    seconds: float


REAL_LIMITS = {
    "chat.postMessage": Limit(calls=1, seconds=1),  # for each channel
    "chat.update": Limit(calls=50, seconds=60),
    "chat.delete": Limit(calls=50, seconds=60),
    "chat.postEphemeral": Limit(calls=100, seconds=60),
    "views.open": Limit(calls=100, seconds=60),
    "views.update": Limit(calls=100, seconds=60),
    "bots.info": Limit(calls=50, seconds=60),
    "users.info": Limit(calls=100, seconds=60),
    "users.lookupByEmail": Limit(calls=50, seconds=60),
    "usergroups.users.list": Limit(calls=20, seconds=60),
    "conversations.info": Limit(calls=50, seconds=60),
    "conversations.members": Limit(calls=100, seconds=60),
    "conversations.history": Limit(calls=50, seconds=60),
}
