"""What somebody wants sent again: {"replay": {"from": …, "to": …, "kinds": […]}}. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from odoo_qb.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind

MONTHS: Final = 120
_KNOWN: Final = ("from", "to", "kinds", "connection", "dry_run", "replay_id", "after")
_REPLAY_ID: Final = re.compile(r"[a-z0-9]{1,16}")
_AFTER: Final = re.compile(
    r"[a-z0-9_-]{1,31}/[a-z]+/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d#\d{10}", re.ASCII
)


class Span(NamedTuple):
    """Records of a kind that were written in a month: a partition of the index by month."""

    connection: str
    kind: Kind
    month: str  # "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Records of these connections and kinds, written from `start` to `end`, both included.

    Both are UTC, as the mirror keeps them. `after` is where an earlier call stopped, as
    "connection/kind/written", "" for the beginning; all calls of a replay have its `replay_id`.
    """

    start: str
    end: str
    kinds: tuple[Kind, ...]
    connections: tuple[str, ...]
    replay_id: str
    after: str = ""
    dry_run: bool = False

    def spans(self) -> Iterator[Span]:
        """What is to be read, in its order."""
        for connection in self.connections:
            for kind in self.kinds:
                for month in _months(self.start, self.end):
                    yield Span(connection, kind, month)


def replay_request(
    wanted: object, kinds: Sequence[Kind], connections: Sequence[str], replay_id: str
) -> ReplayRequest:
    """The replay that an event wants; Refused where it makes no sense.

    `kinds` are those that the webhook sends, `connections` all there are. `replay_id` is the new
    replay's.
    """
    if not isinstance(wanted, dict):
        raise Refused(
            'A replay is given as {"replay": {"from": "2026-01-01", "to": "2026-01-31"}}.'
        )
    if unknown := sorted(str(name) for name in wanted.keys() - {*_KNOWN}):
        raise Refused(
            f"Unknown in the replay: {', '.join(unknown)}. It may have {', '.join(_KNOWN)}."
        )
    start, end = _instant(wanted, "from"), _instant(wanted, "to")
    if start > end:
        raise Refused("The replay's from is after its to. Exchange them.")
    if _month(end) - _month(start) >= MONTHS:
        raise Refused(f"A replay spans up to {MONTHS} months. Divide it.")
    return ReplayRequest(
        start=start,
        end=end,
        kinds=_kinds(wanted.get("kinds"), kinds),
        connections=_connections(wanted.get("connection"), connections),
        replay_id=_matching(wanted, "replay_id", _REPLAY_ID) or replay_id,
        after=_matching(wanted, "after", _AFTER),
        dry_run=_flag(wanted.get("dry_run", False)),
    )


def _instant(wanted: Json, name: str) -> str:
    """A day or an instant as the mirror writes it; a day that ends a span is meant whole."""
    try:
        given = str(wanted[name])
        if len(given) <= len("2026-01-31"):
            day = date.fromisoformat(given)
            return f"{day} {'00:00:00' if name == 'from' else '23:59:59'}"
        instant = datetime.fromisoformat(given)
        if instant.tzinfo:
            instant = instant.astimezone(UTC).replace(tzinfo=None)
    except (LookupError, ValueError, OverflowError):
        raise Refused(
            f"A replay needs {name}: a day as 2026-01-31, or a time as 2026-01-31T08:00:00Z."
        ) from None
    return instant.isoformat(sep=" ", timespec="seconds")


def _months(start: str, end: str) -> Iterator[str]:
    for number in range(_month(start), _month(end) + 1):
        yield f"{number // 12:04d}-{number % 12 + 1:02d}"


def _month(text: str) -> int:
    """How many months since the year 0."""
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def _kinds(given: object, sent: Sequence[Kind]) -> tuple[Kind, ...]:
    if given is None:
        return tuple(sent)
    if not isinstance(given, list) or not given or not {*map(str, given)} <= {*sent}:
        raise Refused(
            f"The replay's kinds must be a list of some of these: {', '.join(sent)}. Others are"
            " not sent at all: webhook_kinds says which are."
        )
    return tuple(kind for kind in sent if kind in given)


def _connections(given: object, known: Collection[str]) -> tuple[str, ...]:
    if given is None:
        return tuple(known)
    if not isinstance(given, str) or given not in known:
        raise Refused(f"There is no such connection. Connections: {', '.join(sorted(known))}.")
    return (given,)


def _matching(wanted: Json, name: str, pattern: re.Pattern[str]) -> str:
    given = wanted.get(name, "")
    if given and not (isinstance(given, str) and pattern.fullmatch(given)):
        raise Refused(
            f"The replay's {name} is not one that an earlier call answered. Leave it out."
        )
    return given or ""


def _flag(given: object) -> bool:
    if not isinstance(given, bool):
        raise Refused("The replay's dry_run must be true or false.")
    return given
